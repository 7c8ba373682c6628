package logstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// spillAt is how much of the newest log stays in memory. A log below it never
// touches the disk unless it is kept.
const spillAt = 256 << 10

var (
	// ErrClosed says that the log view was left.
	ErrClosed = errors.New("the log view is closed")
	// ErrCut says that bytes which were there are gone: the log was truncated or
	// replaced. The next Reader sees what is left.
	ErrCut = errors.New("the log was truncated while it was read")
)

// Store holds the bytes of one log. NewSpill makes one that takes bytes which
// come from a server, OpenFile one that reads a file which another process
// writes.
//
// One goroutine may append or grow it while others read.
type Store struct {
	mu     sync.RWMutex
	index  index
	size   int64
	epoch  int // counts the times when the log began anew
	file   *os.File
	path   string // of a file that others may open too, or ""
	closed bool
	stamps stamps

	scanners sync.Pool // of *scanner, for searches

	grows   bool   // the file is written by another process
	tail    []byte // bytes from spilled on
	spilled int64
}

// NewSpill returns an empty store. Its newest bytes are in memory, all before
// them in a private file that has no name and goes with the process.
func NewSpill() *Store { return &Store{} }

// Append adds p. An error means that the disk did not take the log; the bytes
// are then kept in memory and the store must not grow further.
func (s *Store) Append(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.index.size == s.size {
		s.index.add(p)
	}
	s.size += int64(len(p))
	s.tail = append(s.tail, p...)
	if len(s.tail) < spillAt {
		return nil
	}
	return s.spill()
}

// spill writes the bytes that are only in memory to the file.
func (s *Store) spill() error {
	if s.file == nil {
		f, err := newSpillFile()
		if err != nil {
			return err
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(s.tail, s.spilled); err != nil {
		var of *fs.PathError // its file has no name, or none that tells the user anything
		if errors.As(err, &of) {
			err = of.Err
		}
		return fmt.Errorf("keep the log on disk: %w", err)
	}
	s.spilled += int64(len(s.tail))
	if cap(s.tail) > 4*spillAt { // one giant message shall not stay
		s.tail = nil
	}
	s.tail = s.tail[:0]
	return nil
}

// Flush puts all bytes into the file, so that another program can read it.
func (s *Store) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if len(s.tail) == 0 {
		return nil
	}
	return s.spill()
}

// Extent is how much of a log there is.
type Extent struct {
	Size    int64 // in bytes
	Lines   int64 // that were counted so far
	Counted int64 // bytes that were counted
	Epoch   int   // changes when the log begins anew
	Open    bool  // the last line has no line feed yet
}

// Exact reports that Lines is the number of all lines.
func (e Extent) Exact() bool { return e.Counted >= e.Size }

// Extent returns the size and the number of lines. Bytes after the last line
// feed are a line too.
func (s *Store) Extent() Extent {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := Extent{Size: s.size, Lines: s.index.feeds, Counted: s.index.size, Epoch: s.epoch, Open: !s.ended()}
	if e.Exact() && e.Open {
		e.Lines++
	}
	return e
}

// ended reports whether the next byte begins a line.
func (s *Store) ended() bool {
	if s.size == 0 {
		return true
	}
	if n := len(s.tail); n > 0 {
		return s.tail[n-1] == '\n'
	}
	var last [1]byte
	_, err := s.file.ReadAt(last[:], s.size-1)
	return err == nil && last[0] == '\n'
}

// Path is the file that holds the log, for other programs to read, or "" when
// there is none. Flush first.
func (s *Store) Path() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.path
}

// ReadAt fills p with the bytes from off on; it returns fewer, and io.EOF, only
// at the end. The disk is read without the lock, so that a slow one holds up
// nobody else.
func (s *Store) ReadAt(p []byte, off int64) (int, error) {
	s.mu.RLock()
	closed, file, spilled, size := s.closed, s.file, s.spilled, s.size
	whole := len(p)
	if !closed && off < size {
		p = p[:min(int64(len(p)), size-off)]
		if at := max(off, spilled); at < off+int64(len(p)) {
			copy(p[at-off:], s.tail[at-spilled:])
		}
	}
	s.mu.RUnlock()
	switch {
	case closed:
		return 0, ErrClosed
	case off >= size:
		return 0, io.EOF
	}
	if off < spilled {
		onDisk := p[:min(int64(len(p)), spilled-off)]
		got, err := file.ReadAt(onDisk, off)
		if got < len(onDisk) {
			return got, s.readError(err)
		}
	}
	if len(p) < whole {
		return len(p), io.EOF
	}
	return len(p), nil
}

// readError says what it means that bytes could not be read which were there.
func (s *Store) readError(err error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return ErrClosed
	case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed):
		return ErrCut
	}
	return fmt.Errorf("read the kept log: %w", err)
}

// copyChunk is how much Copy moves between two looks at its context.
const copyChunk = 1 << 20

// Copy writes the bytes from ≤ k < to, and tells after each piece how many are
// done. It ends with ctx.
func (s *Store) Copy(ctx context.Context, w io.Writer, from, to int64, progress func(done int64)) error {
	buf := make([]byte, copyChunk)
	for at := from; at < to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.ReadAt(buf[:min(copyChunk, to-at)], at)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return ErrCut
			}
			return err
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		at += int64(n)
		if progress != nil {
			progress(at - from)
		}
	}
	return nil
}

// Close frees the file. Reads fail from then on.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	defer func() { s.tail = nil }()
	if s.file == nil {
		return nil
	}
	if s.path != "" && !s.grows && len(s.tail) > 0 {
		if err := s.spill(); err != nil {
			s.file.Close()
			return err
		}
	}
	return s.file.Close()
}
