package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

// quietAfter is how long a stream must have paused, after its first bytes, for
// what follows to count as just printed.
const quietAfter = 300 * time.Millisecond

// runStream reads the log from the server, again and again until it ends.
func (s *Session) runStream() {
	s.openCache()
	pause := firstRetry
	for s.ctx.Err() == nil {
		before := s.offset
		err := s.read()
		if s.offset > before {
			pause = firstRetry
		}
		end := ended(err)
		if s.ctx.Err() != nil {
			break
		}
		if end == Complete {
			s.settle()
		}
		s.tell(func(n *News) { n.Link, n.Err, n.Pause = end, err, pause })
		if end.Final() {
			<-s.ctx.Done()
			break
		}
		s.sleep(pause)
		pause = min(2*pause, longestRetry)
	}
}

// ended says what the end of a stream means.
func ended(err error) Link {
	var refused *client.Error
	switch {
	case errors.Is(err, io.EOF):
		return Complete
	case errors.Is(err, client.ErrTailUnconfirmed):
		return Unconfirmed
	case errors.Is(err, rayapi.ErrNotFound), errors.Is(err, client.ErrUnauthorized), errors.Is(err, client.ErrNotRay), errors.Is(err, ErrNoRoom):
		return Broken
	case errors.As(err, &refused) && refused.Code >= 400 && refused.Code < 500:
		return Broken
	}
	return Retry
}

// read follows the log once, from where the last attempt ended.
func (s *Session) read() error {
	stream, err := s.Jobs.Follow(s.ctx, s.ID, s.offset)
	if err != nil {
		return err
	}
	s.setStream(stream)
	defer func() {
		s.setStream(nil)
		_ = stream.Close() // it has ended or is given up; its end is known
	}()
	s.tell(func(n *News) { n.Link, n.Err = Live, nil })
	for first := true; ; first = false {
		asked := time.Now() //nolint:forbidigo // a duration is measured, which a fixed clock would stop
		chunk, err := stream.Next(s.ctx)
		if err != nil {
			return err
		}
		if !first && time.Since(asked) >= quietAfter {
			s.quiet = true
		}
		if err := s.take(chunk); err != nil {
			return err
		}
	}
}

func (s *Session) setStream(stream screen.LogStream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = stream
}

// take keeps a chunk, tells of it, and waits if too much is untold.
func (s *Session) take(c client.Chunk) error {
	data := []byte(c.Data)
	if c.Gap {
		if err := s.gap(c); err != nil {
			return err
		}
	} else if s.kept > 0 {
		var err error
		if data, err = s.compare(data, c.Offset); err != nil {
			return err
		}
	}
	if s.quiet {
		s.store.stampAt(s.store.Extent().Size, s.Now())
	}
	if err := s.store.Append(data); err != nil {
		return fmt.Errorf("%w: %w; free some and open the log again", ErrNoRoom, err)
	}
	s.offset = c.Offset + int64(len(c.Data))
	s.tell(func(n *News) { n.Link, n.Checking = Live, s.kept > 0 })
	for s.ahead() > maxAhead {
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-s.taken:
		}
	}
	return nil
}

// gap ends the line before a place where bytes are missing, and notes it.
func (s *Session) gap(c client.Chunk) error {
	if s.kept > 0 { // what was kept is of another log
		s.kept = 0
		if err := s.store.cutTo(s.offset); err != nil {
			return fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
	}
	if !s.store.endsLine() {
		if err := s.store.Append([]byte{'\n'}); err != nil {
			return fmt.Errorf("%w: %w; free some and open the log again", ErrNoRoom, err)
		}
	}
	e := s.store.Extent()
	g := Gap{Off: e.Size, Line: -1, Anew: c.Offset < s.offset || c.Data == "", At: c.Offset}
	if e.Exact() {
		g.Line = e.Lines
	}
	s.tell(func(n *News) { n.Gaps, n.Gap = n.Gaps+1, g })
	return nil
}

// compare checks p, which is at off in the server's log, against what was kept
// from an earlier time, and returns the part that is new. Where they differ the
// kept part ends.
func (s *Session) compare(p []byte, off int64) ([]byte, error) {
	known := min(int64(len(p)), s.kept-off)
	if known < 0 {
		return p, nil
	}
	mine := make([]byte, known)
	if n, err := s.store.ReadAt(mine, off); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrNoRoom, err)
	} else if n < len(mine) {
		mine = mine[:n]
	}
	if !bytes.Equal(mine, p[:known]) {
		s.kept = 0
		if err := s.store.cutTo(off); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
		return p, nil
	}
	if off+known >= s.kept {
		s.kept = 0
	}
	return p[known:], nil
}

// settle drops what was kept beyond the end of a log that is complete.
func (s *Session) settle() {
	if s.kept == 0 {
		return
	}
	s.kept = 0
	err := s.store.cutTo(s.offset)
	s.tell(func(n *News) { n.Checking, n.Err = false, err })
}

func (s *Session) ahead() int64 {
	size := s.store.Extent().Size
	s.mu.Lock()
	defer s.mu.Unlock()
	return size - s.told
}
