package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"
)

const (
	// A follower that waits holds smallBuffer; one that has to catch up reads
	// largeBuffer at a time.
	smallBuffer = 32 << 10
	largeBuffer = 256 << 10

	// pollEvery bounds the delay if a wake-up is lost.
	pollEvery = time.Second
)

// Follow hands the bytes of src's log from offset from on to emit, in order,
// and waits for more until the log is final and all of it was emitted: then it
// returns nil. What is emitted ends with a whole line as long as more is there
// to read; p is valid during the call only.
//
// It returns ErrGone when the job's record is deleted meanwhile, ctx's error
// when ctx ends, an error that wraps io.ErrUnexpectedEOF when the final log is
// shorter than it should be, and emit's error as it is.
func Follow(ctx context.Context, src Source, from int64, emit func(p []byte) error) error {
	wake, stop := src.Wake()
	defer stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	r := reader{path: src.Path(), off: from, buf: make([]byte, smallBuffer)}
	defer r.close()
	for {
		// The state is read before the file: what a log that was final then
		// held, the read that follows must see.
		st, err := src.State(ctx)
		if err != nil {
			return fmt.Errorf("look up the state of log %s: %w", r.path, err)
		}
		if st.Gone {
			return ErrGone
		}
		end := int64(math.MaxInt64)
		if st.Final {
			end = st.Size
		}
		if err := r.drain(ctx, end, emit); err != nil {
			return err
		}
		if st.Final {
			return r.checkEnd(end)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-poll.C:
		}
	}
}

// reader is a position in a log file that may not exist yet.
type reader struct {
	path string
	file *os.File // nil until it could be opened
	off  int64
	buf  []byte
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
	}
}

// drain emits what is in the file now, up to offset end.
func (r *reader) drain(ctx context.Context, end int64, emit func([]byte) error) error {
	if ok, err := r.open(); !ok {
		return err
	}
	for r.off < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		room := min(int64(len(r.buf)), end-r.off)
		n, err := r.file.ReadAt(r.buf[:room], r.off)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read log: %w", err)
		}
		if n == 0 {
			return nil
		}
		p := r.buf[:n]
		if n == len(r.buf) { // more is likely there: the last line goes with it
			if nl := bytes.LastIndexByte(p, '\n'); nl >= 0 {
				p = p[:nl+1]
			}
		}
		if err := emit(p); err != nil {
			return err
		}
		r.off += int64(len(p))
		if n == len(r.buf) && n < largeBuffer {
			r.buf = make([]byte, largeBuffer)
		}
	}
	return nil
}

// open reports whether the file can be read; a missing one is no error.
func (r *reader) open() (bool, error) {
	if r.file != nil {
		return true, nil
	}
	f, err := os.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open log: %w", err)
	}
	r.file = f
	return true, nil
}

func (r *reader) checkEnd(size int64) error {
	if r.off >= size {
		return nil
	}
	return fmt.Errorf("log %s ends at byte %d although %d were written: %w", r.path, r.off, size, io.ErrUnexpectedEOF)
}
