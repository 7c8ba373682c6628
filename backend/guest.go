//go:build linux

package backend

import (
	"context"
	"time"
)

// watch waits for the backend to go and then takes over. It ends with ctx, or
// when this process has become the backend.
func (h *Host) watch(ctx context.Context) {
	var changed <-chan struct{}
	w, err := watchLock(h.paths.lock)
	if err == nil {
		defer w.close()
		changed = w.changed
	} else {
		h.cfg.Log.Warn("no event will tell that the backend has gone", "err", err)
	}
	look := looking{events: w != nil}
	told := ""
	for {
		took, err := h.takeOver(ctx)
		if took {
			h.cfg.Log.Info("took over as the backend", "state", h.cfg.StateDir)
			return
		}
		events := changed
		if err != nil {
			events = nil             // it comes from our own attempt
			if told != err.Error() { // each cause is told once
				told = err.Error()
				h.cfg.Log.Error("take over the backend", "err", err)
			}
		}
		timer := time.NewTimer(look.pause(time.Now(), err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-events:
			look.changed(time.Now())
		case <-timer.C:
		}
		timer.Stop()
		if w != nil && w.renew() != nil {
			look.changed(time.Now()) // the file is gone: the next look makes it again
		}
	}
}

// looking is when a guest looks at the lock again.
type looking struct {
	events bool      // there are events
	until  time.Time // when the last event is over
	last   time.Duration
}

// changed notes an event: the lock is free, or will be in a moment.
func (l *looking) changed(now time.Time) { l.until, l.last = now.Add(lookAfter), 0 }

// pause is the time until the next look; err is what the last one found wrong.
func (l *looking) pause(now time.Time, err error) time.Duration {
	switch {
	case err != nil:
		l.last = min(max(2*l.last, lookSoon), lookFailed)
	case now.Before(l.until):
		l.last = min(max(2*l.last, lookFirst), lookSoon)
	case l.events:
		l.last = lookEvery
	default:
		l.last = lookSoon
	}
	return l.last
}
