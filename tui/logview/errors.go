package logview

import (
	"context"
	"errors"
	"io"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/loglevel"
	"dray/tui/logstore"
)

func (m Model) nextError() (Model, tea.Cmd) {
	return m.jump(hitNext, m.hitFrom(hitNext), m.errors())
}

func (m Model) prevError() (Model, tea.Cmd) {
	return m.jump(hitPrev, m.hitFrom(hitPrev), m.errors())
}

// maxTrace is how many lines a traceback may have to be taken for one error.
const maxTrace = 500

// errorOf is hitOf for errors: a traceback, from its first line to the
// exception, is one.
func errorOf(ctx context.Context, s *logstore.Store, f *logstore.Finder, w way, from, size int64) (off int64, ok, round bool, err error) {
	r := s.Reader()
	if w == hitNext && from >= 0 {
		if from, err = traceEnd(r, from); err != nil {
			return 0, false, false, err
		}
	}
	if off, ok, round, err = hitOf(ctx, f, w, from, size); ok && err == nil && w == hitPrev {
		off, err = traceStart(r, off)
	}
	return off, ok, round, err
}

// traceEnd returns the last line of the traceback that begins at off, or off.
func traceEnd(r *logstore.Reader, off int64) (int64, error) {
	l, ok, err := r.At(off)
	if !ok || err != nil || loglevel.Of(l.Text) != loglevel.Trace {
		return off, err
	}
	for range maxTrace {
		last := l.Off
		if l, ok, err = r.Next(l); !ok || err != nil {
			return last, err
		}
		if !loglevel.Inside(l.Text) {
			if loglevel.Of(l.Text) == loglevel.Error {
				last = l.Off
			}
			return last, nil
		}
	}
	return off, nil
}

// traceStart returns the first line of the traceback that ends at off, or off.
func traceStart(r *logstore.Reader, off int64) (int64, error) {
	l, ok, err := r.At(off)
	if !ok || err != nil || loglevel.Of(l.Text) == loglevel.Trace {
		return off, err
	}
	for range maxTrace {
		if l, ok, err = r.Prev(l); !ok || err != nil || !loglevel.Inside(l.Text) {
			break
		}
	}
	if ok && err == nil && loglevel.Of(l.Text) == loglevel.Trace {
		return l.Off, nil
	}
	return off, err
}

// tailBytes is how much of the end of a log is looked through for the traceback
// that tells best why the job failed.
const tailBytes = 512 << 10

// toTraceback goes to that traceback, or else to the last line of an error.
func (m Model) toTraceback() (Model, tea.Cmd) {
	m.toError = false
	m.job1.cancel()
	ctx, cancel := context.WithCancel(m.s.Context())
	m.job1 = job1{id: m.job1.id + 1, what: "searching", stop: cancel}
	s, id, size, f := m.s, m.job1.id, m.news.Size, m.errors()
	return m, func() tea.Msg {
		defer cancel()
		from := max(0, size-tailBytes)
		tail := make([]byte, size-from)
		n, err := s.Store().ReadAt(tail, from)
		if card, ok := loglevel.Best(tail[:n]); ok && (err == nil || errors.Is(err, io.EOF)) {
			return jumpedMsg{s: s, id: id, off: from + card.Offset, ok: true}
		}
		off, ok, round, err := errorOf(ctx, s.Store(), f, hitPrev, size, size)
		return jumpedMsg{s: s, id: id, off: off, ok: ok, round: round, err: err}
	}
}

func (m Model) errors() *logstore.Finder {
	return logstore.NewFinder(m.s.Store(), logstore.Levels(loglevel.Error), 0)
}
