//go:build linux

package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"dray/backend/logfile"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// wakePace is the least time between two wakes of a log's followers.
const wakePace = 10 * time.Millisecond

// hub tells the followers of one log that there may be something new.
type hub struct {
	mu   sync.Mutex
	subs map[chan struct{}]bool
	last time.Time // of the last paced wake; the live goroutine's alone
}

func (h *hub) subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = make(map[chan struct{}]bool)
	}
	h.subs[ch] = true
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, ch)
	}
}

func (h *hub) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// wakePaced is wake, but waits until wakePace has gone by since the last time:
// a hundred followers that wake for each line of a flood would be slower than
// ones that look now and then.
func (h *hub) wakePaced(ctx context.Context) {
	if rest := wakePace - time.Since(h.last); rest > 0 {
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return
		}
	}
	h.last = time.Now()
	h.wake()
}

// source is the log of one job, for its followers.
type source struct {
	m    *Manager
	id   string
	seq  int64 // tells the job from a later one with the same id
	path string
}

// Log returns a job's log. The error wraps rayapi.ErrNotFound.
func (m *Manager) Log(ctx context.Context, id string) (logfile.Source, error) {
	seq, _, err := m.phaseOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return &source{m: m, id: id, seq: seq, path: m.dirOf(id).Log()}, nil
}

func (m *Manager) phaseOf(ctx context.Context, id string) (int64, store.Phase, error) {
	m.mu.Lock()
	j := m.jobs[id]
	if j != nil && j.durable {
		defer m.mu.Unlock()
		return j.seq, j.phase, nil
	}
	m.mu.Unlock()
	row, err := m.cfg.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNoRow) {
		return 0, "", rayapi.NotFoundError(id)
	}
	return row.Seq, row.Phase, err
}

func (s *source) Path() string { return s.path }

// State is final when the record is terminal, so that a client that asks for
// the status after the log's end finds it.
func (s *source) State(ctx context.Context) (logfile.State, error) {
	seq, phase, err := s.m.phaseOf(ctx, s.id)
	switch {
	case errors.Is(err, rayapi.ErrNotFound) || err == nil && seq != s.seq:
		return logfile.State{Gone: true}, nil
	case err != nil:
		return logfile.State{}, err
	case !phase.Terminal():
		return logfile.State{}, nil
	}
	info, err := os.Stat(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return logfile.State{Final: true}, nil
	}
	if err != nil {
		return logfile.State{}, fmt.Errorf("read the log of %s: %w", s.id, err)
	}
	return logfile.State{Final: true, Size: info.Size()}, nil
}

// Wake subscribes to a job that lives; of one that is over nothing is to come.
func (s *source) Wake() (<-chan struct{}, func()) {
	s.m.mu.Lock()
	j := s.m.jobs[s.id]
	s.m.mu.Unlock()
	if j == nil || j.seq != s.seq {
		return make(chan struct{}), func() {}
	}
	return j.wakers.subscribe()
}
