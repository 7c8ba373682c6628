//go:build linux

package envcache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrInUse is wrapped when an environment cannot be removed because a job uses
// it, and ErrNotFound when there is none of that name.
var (
	ErrInUse    = errors.New("the environment is in use")
	ErrNotFound = errors.New("no such environment")
)

// Info describes one environment on disk.
type Info struct {
	Name     string    `json:"name"` // kind and key, as Remove takes it
	Kind     string    `json:"kind"`
	Title    string    `json:"title"`
	Dir      string    `json:"dir"`
	Bytes    int64     `json:"bytes"`
	Built    time.Time `json:"built"`
	LastUsed time.Time `json:"last_used"`
	Users    int       `json:"users"` // jobs that use it now
}

// List returns the complete environments, the one used last first.
func (c *Cache) List(ctx context.Context) ([]Info, error) {
	users, err := c.users()
	if err != nil {
		return nil, err
	}
	marks, err := filepath.Glob(filepath.Join(quote(c.root), "*"+completeExt))
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	var list []Info
	for _, path := range marks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(path), completeExt)
		m, err := c.readMark(name)
		if err != nil {
			continue // removed meanwhile, or cut short: the next use builds it anew
		}
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		kind, _, _ := strings.Cut(name, "-")
		list = append(list, Info{
			Name: name, Kind: kind, Title: m.Title, Dir: filepath.Join(c.root, name), Bytes: m.Bytes,
			Built: m.Built, LastUsed: info.ModTime(), Users: users[name],
		})
	}
	slices.SortFunc(list, func(a, b Info) int { return b.LastUsed.Compare(a.LastUsed) })
	return list, nil
}

// users counts who uses what.
func (c *Cache) users() (map[string]int, error) {
	files, err := filepath.Glob(filepath.Join(quote(c.root), refsDir, "*", "*-*"))
	if err != nil {
		return nil, fmt.Errorf("read the uses of environments: %w", err)
	}
	users := make(map[string]int)
	for _, f := range files {
		users[filepath.Base(f)]++
	}
	return users, nil
}

// quote keeps Glob from reading anything into a folder's name.
func quote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// Remove removes one environment. The error is ErrNotFound, or ErrInUse while
// a job uses or builds it.
func (c *Cache) Remove(ctx context.Context, name string) error {
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(i Info) bool { return i.Name == name }) {
		return fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	return c.remove(name)
}

// remove takes the lock, so that nobody can begin to use the environment, and
// only then looks whether somebody does. The lock's file goes while it is held.
func (c *Cache) remove(name string) error {
	lock, err := c.tryLock(name)
	if errors.Is(err, errBusy) {
		return fmt.Errorf("%w: %s", ErrInUse, name)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	users, err := c.users()
	if err != nil {
		return err
	}
	if users[name] > 0 {
		return fmt.Errorf("%w by %d jobs: %s", ErrInUse, users[name], name)
	}
	if err := c.discard(name); err != nil {
		return err
	}
	return os.Remove(lock.Name())
}

// GC removes what is left of cut-off builds and, of each kind, the
// environments that were used longest ago until the rest fits. What a job uses
// stays. It returns what it removed.
func (c *Cache) GC(ctx context.Context) ([]Info, error) { return c.Shrink(ctx, c.max) }

// Shrink is GC that keeps less, for when the disk is nearly full: at most keep
// bytes of each kind besides what is in use.
func (c *Cache) Shrink(ctx context.Context, keep int64) ([]Info, error) {
	var removed []Info
	errs := []error{c.emptyTrash(), c.dropLeftovers()}
	list, err := c.List(ctx)
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	total := make(map[string]int64)
	for _, e := range list {
		total[e.Kind] += e.Bytes
	}
	for _, e := range slices.Backward(list) {
		if total[e.Kind] <= keep || e.Users > 0 {
			continue
		}
		if err := c.remove(e.Name); err != nil {
			if !errors.Is(err, ErrInUse) {
				errs = append(errs, err)
			}
			continue
		}
		total[e.Kind] -= e.Bytes
		removed = append(removed, e)
	}
	return removed, errors.Join(errs...)
}

// dropLeftovers removes environments without a mark that nobody builds.
func (c *Cache) dropLeftovers() error {
	locks, err := filepath.Glob(filepath.Join(quote(c.root), "*"+lockExt))
	if err != nil {
		return fmt.Errorf("collect environments: %w", err)
	}
	var errs []error
	for _, path := range locks {
		name := strings.TrimSuffix(filepath.Base(path), lockExt)
		if c.isComplete(name) {
			continue
		}
		if err := c.remove(name); err != nil && !errors.Is(err, ErrInUse) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// emptyTrash removes what a killed process was removing. What is young may be
// somebody's removal that is under way.
func (c *Cache) emptyTrash() error {
	entries, err := os.ReadDir(filepath.Join(c.root, trashDir))
	if err != nil {
		return fmt.Errorf("empty the trash of environments: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Minute {
			errs = append(errs, os.RemoveAll(filepath.Join(c.root, trashDir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
