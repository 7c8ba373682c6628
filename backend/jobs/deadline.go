//go:build linux

package jobs

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// asks are what a job's end is judged by, besides the slot.
type asks struct {
	stop     int64         // ms, when somebody asked to stop it; 0: nobody did
	deadline time.Duration // 0: none
	passed   bool          // this process saw it pass, and stopped the job
}

// overdue tells a stop for the deadline's sake from one that somebody asked
// for. After a restart the times in the slot tell.
func (a asks) overdue(s jobdir.Slot) bool {
	if a.deadline == 0 || !s.StopSeen || s.StartedAt == 0 {
		return false
	}
	due := s.StartedAt + a.deadline.Milliseconds()
	switch {
	case a.passed:
		return true
	case s.Exit != nil && s.Exit.At < due:
		return false
	}
	return a.stop == 0 || a.stop >= due
}

// deadlineEnding is the end of a job that was stopped because it ran too long.
func deadlineEnding(s jobdir.Slot, deadline time.Duration) *ending {
	e := &ending{
		phase: store.Failed, errorType: rayapi.ErrEntrypointCommand, started: true, noted: true, final: true,
		message: fmt.Sprintf("Job was stopped because it ran longer than its deadline of %s (metadata %s).", deadline, MetaDeadline),
	}
	if s.Exit != nil {
		code := s.Exit.Code
		e.exit, e.at = &code, s.Exit.At
	}
	return e
}

// leaderTick is the unit of a process's start time in /proc.
const leaderTick = time.Second / 100

// ranFor is how long the entrypoint has run. The kernel's own clock is asked
// where it can be: the wall clock may have been set meanwhile.
func (m *Manager) ranFor(s jobdir.Slot) time.Duration {
	var now unix.Timespec
	if s.Leader.StartTicks > 0 && unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) == nil {
		return max(0, time.Duration(now.Nano())-time.Duration(s.Leader.StartTicks)*leaderTick)
	}
	return max(0, m.cfg.Now().Sub(time.UnixMilli(s.StartedAt)))
}

// dueTimer returns when the deadline of a job that runs passes; nil when it has
// none.
func (m *Manager) dueTimer(j *job, s jobdir.Slot) <-chan time.Time {
	if j.wishes.deadline == 0 || s.Leader == nil || s.Exit != nil {
		return nil
	}
	return time.After(j.wishes.deadline - m.ranFor(s))
}

// pass notes that the deadline has passed, unless somebody was faster to stop
// the job.
func (m *Manager) pass(j *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j.stopAsked == 0 {
		j.passed = true
		m.cfg.Log.Info("a job has run longer than its deadline; it is stopped", "job", j.id, "deadline", j.wishes.deadline)
	}
}
