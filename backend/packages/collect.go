package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// CollectOptions say which packages stay. One that is referenced, or was used
// less than MinAge ago, always does.
type CollectOptions struct {
	// Referenced reports whether a job may need the package still. It is asked
	// immediately before a package goes, and must not call the Store.
	Referenced func(name string) bool
	MaxBytes   int64         // of all packages; those used longest ago go first
	MaxAge     time.Duration // since the last use; 0: no bound
	MinAge     time.Duration
}

// DefaultCollect keeps 10 GiB, nothing that was not used for 30 days, and
// everything for a day: a client that was told that a package is there does
// not send it again.
func DefaultCollect() CollectOptions {
	return CollectOptions{MaxBytes: 10 << 30, MaxAge: 30 * 24 * time.Hour, MinAge: 24 * time.Hour}
}

// Collected is a package that was removed.
type Collected struct {
	Name     string    `json:"name"`
	Bytes    int64     `json:"bytes"` // of its content, 0 when another name still has it
	LastUsed time.Time `json:"last_used"`
}

// Stored is how much a store holds.
type Stored struct {
	Packages int
	Bytes    int64
}

// stored is one name, with its blob.
type stored struct {
	name  string
	sum   string // "" for a damaged name
	used  time.Time
	bytes int64
}

// Collect removes packages that nobody refers to: those beyond MaxAge, and of
// the rest those used longest ago until MaxBytes is kept. It also removes what
// a collection that was cut off has left. With an error, what went before it
// is returned too.
func (s *Store) Collect(ctx context.Context, o CollectOptions) ([]Collected, error) {
	if o.Referenced == nil {
		o.Referenced = func(string) bool { return false }
	}
	if err := s.dropOrphans(ctx); err != nil {
		return nil, err
	}
	entries, err := s.entries(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b stored) int { return a.used.Compare(b.used) })
	users := make(map[string]int, len(entries))
	var total int64
	for _, e := range entries {
		if users[e.sum]++; users[e.sum] == 1 {
			total += e.bytes
		}
	}
	var gone []Collected
	for _, e := range entries {
		tooOld := o.MaxAge > 0 && time.Since(e.used) > o.MaxAge
		if e.sum != "" && !tooOld && total <= o.MaxBytes {
			continue
		}
		if err := ctx.Err(); err != nil {
			return gone, err
		}
		removed, err := s.collectOne(e, o, users[e.sum] == 1)
		if err != nil {
			return gone, fmt.Errorf("collect package %s: %w", e.name, err)
		}
		if !removed {
			continue
		}
		c := Collected{Name: e.name, LastUsed: e.used}
		if users[e.sum]--; users[e.sum] == 0 {
			c.Bytes = e.bytes
			total -= e.bytes
		}
		gone = append(gone, c)
	}
	return gone, nil
}

// collectOne removes a name and then, when it is the last one, its blob: what a
// crash between the two leaves is a blob that no name refers to.
func (s *Store) collectOne(e stored, o CollectOptions, last bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.namePath(e.name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if time.Since(info.ModTime()) < o.MinAge || o.Referenced(e.name) {
		return false, nil
	}
	if err := os.Remove(s.namePath(e.name)); err != nil {
		return false, err
	}
	if !last || e.sum == "" {
		return true, nil
	}
	if others, err := s.hasName(e.sum); err != nil || others {
		return true, err // an upload came since the names were listed
	}
	if err := os.Remove(s.blobPath(e.sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, err
	}
	return true, nil
}

// hasName reports whether a name refers to the blob of sum. The lock is held.
func (s *Store) hasName(sum string) (bool, error) {
	names, err := os.ReadDir(filepath.Join(s.dir, namesDir))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(names, func(d fs.DirEntry) bool {
		known, err := s.sumOf(d.Name())
		return err == nil && known == sum
	}), nil
}

// entries lists the names with their blobs.
func (s *Store) entries(ctx context.Context) ([]stored, error) {
	names, err := os.ReadDir(filepath.Join(s.dir, namesDir))
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var all []stored
	for _, d := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if strings.HasPrefix(d.Name(), ".") {
			continue // being written
		}
		info, err := d.Info()
		if err != nil {
			continue // gone meanwhile
		}
		e := stored{name: d.Name(), used: info.ModTime()}
		if sum, err := s.sumOf(d.Name()); err == nil {
			e.sum = sum
			if blob, err := os.Stat(s.blobPath(sum)); err == nil {
				e.bytes = blob.Size()
			}
		}
		all = append(all, e)
	}
	return all, nil
}

// dropOrphans removes the blobs that no name refers to. Put makes a blob and
// its name under the same lock, so none is of an upload that goes on.
func (s *Store) dropOrphans(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.entries(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(entries))
	for _, e := range entries {
		known[e.sum] = true
	}
	return filepath.WalkDir(filepath.Join(s.dir, blobsDir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || known[d.Name()] {
			return err
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove what no package refers to: %w", err)
		}
		return nil
	})
}

// SizeOf counts what the store in dir holds, which another process may have
// open; content with several names counts once. A store that is not there
// holds nothing.
func SizeOf(ctx context.Context, dir string) (Stored, error) {
	s := &Store{dir: dir}
	entries, err := s.entries(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return Stored{}, nil
	}
	size := Stored{Packages: len(entries)}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if !seen[e.sum] {
			seen[e.sum] = true
			size.Bytes += e.bytes
		}
	}
	return size, err
}
