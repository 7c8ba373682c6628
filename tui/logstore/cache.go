package logstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

const (
	// maxCached bounds the kept logs together; the oldest go first.
	maxCached = 4 << 30
	// cacheSuffix marks our files in the folder.
	cacheSuffix = ".log"
)

// cachePath names the file that keeps a log.
func cachePath(dir, server, id string) string {
	sum := sha256.Sum256([]byte(server + "\x00" + id))
	return filepath.Join(dir, hex.EncodeToString(sum[:12])+cacheSuffix)
}

// openCache puts the file that keeps this log under the store. Without one, or
// when another process holds it, the store keeps nothing beyond its end.
func (s *Session) openCache() {
	if s.CacheDir == "" {
		return
	}
	if err := os.MkdirAll(s.CacheDir, 0o700); err != nil {
		return
	}
	path := cachePath(s.CacheDir, s.Server, s.ID)
	prune(s.CacheDir, path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return
	}
	size, err := s.store.adopt(f, path)
	if err != nil {
		f.Close()
		return
	}
	s.kept = size
	s.tell(func(n *News) { n.Checking = size > 0 })
	if size > 0 {
		_ = s.store.Count(s.ctx, s.Poke) // it ends with the session, or by an error that reading shows too
	}
}

// adopt makes f, which may hold bytes already, the file of an empty store.
func (s *Store) adopt(f *os.File, path string) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file, s.path = f, path
	s.size, s.spilled = info.Size(), info.Size()
	return s.size, nil
}

// cutTo drops all bytes from off on; the log is another one from there.
func (s *Store) cutTo(off int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if off > s.spilled {
		s.tail = s.tail[:min(off-s.spilled, int64(len(s.tail)))]
	} else {
		s.tail = s.tail[:0]
		if s.file != nil {
			if err := s.file.Truncate(off); err != nil {
				return fmt.Errorf("cut the kept log: %w", err)
			}
		}
		s.spilled = min(s.spilled, off)
	}
	s.size = s.spilled + int64(len(s.tail))
	s.index, s.stamps = index{}, stamps{}
	s.epoch++
	return s.recount()
}

// recount counts all lines anew.
func (s *Store) recount() error {
	buf := make([]byte, countSpan)
	for s.index.size < s.spilled {
		p := buf[:min(countSpan, s.spilled-s.index.size)]
		if _, err := s.file.ReadAt(p, s.index.size); err != nil {
			return fmt.Errorf("read the kept log: %w", err)
		}
		s.index.add(p)
	}
	s.index.add(s.tail)
	return nil
}

// endsLine reports whether the next byte begins a line.
func (s *Store) endsLine() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ended()
}

// prune removes the kept logs that were not used for longest until the rest is
// small enough. A log that another process shows stays readable for it.
func prune(dir, keep string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	var sum int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || filepath.Ext(e.Name()) != cacheSuffix {
			continue
		}
		files = append(files, info)
		sum += info.Size()
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	for _, info := range files {
		path := filepath.Join(dir, info.Name())
		if sum <= maxCached {
			return
		}
		if path != keep && os.Remove(path) == nil {
			sum -= info.Size()
		}
	}
}
