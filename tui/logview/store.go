package logview

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// spillAt is how much of the newest log stays in memory. A log below it never
// touches the disk.
const spillAt = 256 << 10

var errClosed = errors.New("the log view is closed")

// store holds the bytes of one log: the newest in memory, all before them in a
// private file that has no name. Memory is bounded by spillAt and the index.
//
// One goroutine may append while others read. The zero value is empty and
// ready; close frees the file.
type store struct {
	mu      sync.RWMutex
	index   index
	tail    []byte // bytes from spilled on
	spilled int64
	file    *os.File
	closed  bool
}

// append adds p. An error means that the disk did not take the log; the bytes
// are then kept in memory and the store must not grow further.
func (s *store) append(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.index.add(p)
	s.tail = append(s.tail, p...)
	if len(s.tail) < spillAt {
		return nil
	}
	return s.spill()
}

func (s *store) spill() error {
	if s.file == nil {
		f, err := newSpillFile()
		if err != nil {
			return err
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(s.tail, s.spilled); err != nil {
		return fmt.Errorf("keep the log on disk: %w", err)
	}
	s.spilled += int64(len(s.tail))
	if cap(s.tail) > 4*spillAt { // one giant message shall not stay
		s.tail = nil
	}
	s.tail = s.tail[:0]
	return nil
}

// newSpillFile opens a file in the user's cache folder, or else in the folder
// for temporary files, which may be in memory. It has no name any more, so it
// goes with the process however that ends.
func newSpillFile() (*os.File, error) {
	f, err := createIn(os.UserCacheDir())
	if err != nil {
		f, err = os.CreateTemp("", "dray-log-*")
	}
	if err != nil {
		return nil, fmt.Errorf("keep the log on disk: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("keep the log on disk: %w", err)
	}
	return f, nil
}

func createIn(cache string, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "dray")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, "log-*")
}

// extent returns the number of lines and bytes.
func (s *store) extent() (lines, size int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.lines(), s.index.size
}

// endsLine reports whether the next byte begins a line.
func (s *store) endsLine() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.size == 0 || s.index.ended
}

// readAt fills p with the bytes from off on; it returns fewer only at the end.
func (s *store) readAt(p []byte, off int64) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, errClosed
	}
	n := 0
	if off < s.spilled {
		onDisk := p[:min(int64(len(p)), s.spilled-off)]
		got, err := s.file.ReadAt(onDisk, off)
		if got < len(onDisk) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return got, fmt.Errorf("read the kept log: %w", err)
		}
		n = got
	}
	if at := off + int64(n) - s.spilled; n < len(p) && at < int64(len(s.tail)) {
		n += copy(p[n:], s.tail[at:])
	}
	return n, nil
}

// find is index.find.
func (s *store) find(feed int64) (offset, skip int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.find(feed)
}

// close frees the file. Reads fail from then on.
func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.tail = nil
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
