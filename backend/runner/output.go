//go:build linux

package runner

import (
	"context"
	"errors"
	"os"
	"time"

	"dray/backend/jobdir"
	"dray/backend/supervise"
	"dray/backend/supervise/pump"
)

// startPump begins to move output; the function that is returned ends it, and
// leaves in the pipe what is not moved yet.
func (s *successor) startPump() (stop func()) {
	p := s.p
	p.mu.Lock()
	fd := p.fifo
	p.fifo = -1
	p.mu.Unlock()
	if fd < 0 {
		s.slot.LogIncomplete = "the job's output pipe is gone"
		s.result = &pump.Result{Size: logSize(p.dir)}
		return func() {}
	}
	mover, err := pump.New(pump.Config{
		FIFO: fd, Log: p.dir.Log(),
		Grew: func(int64) { p.changed() },
		Blocked: func(reason string) {
			select {
			case s.events <- func() { s.slot.LogBlocked = reason; s.save() }:
			case <-p.ctx.Done():
			}
		},
	})
	if err != nil {
		s.slot.LogIncomplete = err.Error()
		s.result = &pump.Result{}
		return func() {}
	}
	s.pump = mover
	ctx, cancel := context.WithCancel(p.ctx)
	s.cancel = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err := mover.Run(ctx)
		if err != nil {
			r.Error = errors.Join(r.Error, err)
		}
		s.pumped <- r
	}()
	return func() {
		cancel()
		<-done
	}
}

func logSize(d jobdir.Dir) int64 {
	info, err := os.Stat(d.Log())
	if err != nil {
		return 0
	}
	return info.Size()
}

// dropBlocked gives up what a stopped job has printed and the disk does not
// take, as its supervisor would have.
func (s *successor) dropBlocked(gone bool, now time.Time) {
	switch {
	case !s.stopping || !s.over || !gone || s.result != nil || s.slot.LogBlocked == "":
		s.dropAt = time.Time{}
	case s.dropAt.IsZero():
		s.dropAt = now.Add(dropPatience)
	case !now.Before(s.dropAt) && s.slot.LogIncomplete == "":
		s.slot.LogIncomplete = supervise.DroppedText(s.p.dir, s.slot.LogBlocked)
		s.cancel()
	}
}
