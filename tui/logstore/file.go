package logstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

const (
	// countNow is how much growth is counted at once instead of in the
	// background.
	countNow = 1 << 20
	// countSpan is what one goroutine counts at a time, and countWorkers how many
	// do.
	countSpan    = 1 << 20
	countWorkers = 2
)

// OpenFile returns a store that reads the file at path by ranges, never all of
// it. The file may be missing as long as nothing was written. Grow looks for
// new bytes, Count counts them.
func OpenFile(path string) *Store { return &Store{path: path, grows: true} }

// Grown says what Grow found.
type Grown struct {
	New int64 // bytes that came
	Cut int64 // when the file has become shorter or another one: where it ends now
	Was int64 // and where it ended before
	// Anew: what was there is gone, and the epoch is another.
	Anew bool
}

// Grow looks at the file's size and takes in what was appended. A file that is
// shorter than before, or another file, is read anew.
func (s *Store) Grow() (Grown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Grown{}, ErrClosed
	}
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		if s.file == nil {
			return Grown{}, nil // not written yet
		}
		info, err = s.file.Stat() // removed, and perhaps still written by who has it open
	}
	if err != nil {
		return Grown{}, fmt.Errorf("look at the log file: %w", err)
	}
	g := Grown{}
	if s.file != nil {
		mine, err := s.file.Stat()
		if err != nil {
			return g, fmt.Errorf("look at the log file: %w", err)
		}
		if !os.SameFile(info, mine) || info.Size() < s.size {
			g = Grown{Cut: info.Size(), Was: s.size, Anew: s.size > 0}
			s.beginAnew(!os.SameFile(info, mine))
		}
	}
	if s.file == nil {
		if s.file, err = os.Open(s.path); err != nil {
			s.file = nil
			return g, fmt.Errorf("open the log file: %w", err)
		}
	}
	g.New = info.Size() - s.size
	s.size, s.spilled = info.Size(), info.Size()
	return g, s.countSmall()
}

// beginAnew forgets the file's content, and the file itself if it is another
// one now.
func (s *Store) beginAnew(another bool) {
	if another {
		_ = s.file.Close() // it was only read
		s.file = nil
	}
	s.index, s.size, s.spilled, s.stamps = index{}, 0, 0, stamps{}
	s.epoch++
}

// countSmall counts what came if that is quick, so that following a job needs
// no other goroutine.
func (s *Store) countSmall() error {
	n := s.size - s.index.size
	if n <= 0 || n > countNow {
		return nil
	}
	buf := make([]byte, min(n, blockSize))
	for s.index.size < s.size {
		p := buf[:min(int64(len(buf)), s.size-s.index.size)]
		if _, err := s.file.ReadAt(p, s.index.size); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // shorter again: the next Grow sees it
			}
			return fmt.Errorf("read the log file: %w", err)
		}
		s.index.add(p)
	}
	return nil
}

// Count counts the lines that were not counted yet and calls progress after each
// step and when all are counted. It ends then, or with ctx.
func (s *Store) Count(ctx context.Context, progress func()) error {
	bufs := make([][]byte, countWorkers)
	for i := range bufs {
		bufs[i] = make([]byte, countSpan)
	}
	for ctx.Err() == nil {
		more, err := s.countStep(bufs)
		if err != nil {
			return err
		}
		progress()
		if !more {
			return nil
		}
	}
	return ctx.Err()
}

// countStep counts a few spans side by side.
func (s *Store) countStep(bufs [][]byte) (more bool, err error) {
	s.mu.RLock()
	from, size, epoch := s.index.size, s.size, s.epoch
	s.mu.RUnlock()
	if from >= size {
		return false, nil
	}
	counts := make([][]int, len(bufs))
	sizes := make([]int, len(bufs))
	errs := make([]error, len(bufs))
	var wg sync.WaitGroup
	for i := range bufs {
		// All but the first begin on a block.
		off := from
		if i > 0 {
			off = from - from%blockSize + int64(i)*countSpan
		}
		end := min(size, from-from%blockSize+int64(i+1)*countSpan)
		if off >= end {
			break
		}
		wg.Go(func() {
			p := bufs[i][:end-off]
			if _, errs[i] = s.ReadAt(p, off); errs[i] == nil || errors.Is(errs[i], io.EOF) {
				sizes[i], counts[i] = len(p), countBlocks(p, off)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch || s.index.size != from {
		return true, nil
	}
	for i, c := range counts {
		left := sizes[i]
		for _, feeds := range c {
			n := min(left, blockSize-int(s.index.size%blockSize))
			s.index.addCount(n, feeds)
			left -= n
		}
	}
	return s.index.size < s.size, nil
}

// countBlocks counts the line feeds of each block that p, which begins at off,
// has a part in.
func countBlocks(p []byte, off int64) []int {
	counts := make([]int, 0, len(p)/blockSize+2)
	for n := blockSize - int(off%blockSize); len(p) > 0; n = blockSize {
		n = min(n, len(p))
		counts = append(counts, bytes.Count(p[:n], []byte{'\n'}))
		p = p[n:]
	}
	return counts
}
