//go:build linux

package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/supervise/proctree"
	"dray/backend/supervise/pump"
)

// stop asks all processes of the job to end; those that remain after the
// grace period are killed. A second stop changes nothing unless it comes with
// another signal or grace; it can only shorten the time that is left.
func (s *supervisor) stop() {
	rule := s.dir.StopRule(s.launch)
	if s.stopping && rule == s.stopRule {
		return
	}
	s.stopping, s.stopRule = true, rule
	if !s.over {
		s.slot.StopSeen = true
		s.save()
	}
	// A process that was stopped by somebody must run to see the signal.
	refused := proctree.Signal(s.members(), unix.Signal(rule.Signal), unix.SIGCONT)
	if len(refused) > 0 {
		s.log.Warn("processes refuse signals", "pids", refused)
	}
	s.due(time.Now().Add(rule.Grace))
}

// due sets when the rest of the tree is killed; an earlier time stands.
func (s *supervisor) due(at time.Time) {
	if s.killAt.IsZero() || at.Before(s.killAt) {
		s.killAt = at
	}
}

// fail gives up the start. Nothing of the job has run.
func (s *supervisor) fail(reason string) {
	s.failure = reason
	s.log.Error("start the job", "err", reason)
	s.due(time.Now())
	if s.slot.LogBlocked != "" {
		s.stopPump()
	}
}

// windUp goes on after the entrypoint has ended: descendants get some time to
// print what they have, then they are killed or left alone.
func (s *supervisor) windUp(now time.Time) {
	switch {
	case s.over:
		return
	case s.childless, s.failure != "":
		s.finish()
	case s.stopping:
	case s.killAt.IsZero() && !s.finished:
		s.killAt = now.Add(s.launch.Linger)
	}
	if s.launch.KeepBackground && !s.stopping && s.failure == "" && (s.pumped != nil || !now.Before(s.killAt)) {
		s.killAt = time.Time{}
		s.leave()
	}
	s.dropBlocked(now)
}

// dropBlocked gives up what a stopped job has printed and the disk does not
// take: somebody waits for its end, and space may never come. A job that ended
// by itself keeps its output, however long that takes.
func (s *supervisor) dropBlocked(now time.Time) {
	switch {
	case !s.stopping || !s.childless || s.pumped != nil || s.slot.LogBlocked == "":
		s.dropAt = time.Time{}
	case s.dropAt.IsZero():
		s.dropAt = now.Add(logPatience)
	case !now.Before(s.dropAt) && s.slot.LogIncomplete == "":
		s.slot.LogIncomplete = DroppedText(s.dir, s.slot.LogBlocked)
		s.stopPump()
	}
}

// DroppedText says what is missing in the log of a job that was stopped while
// its output waited, and why it did.
func DroppedText(d jobdir.Dir, reason string) string {
	text := "the job was stopped while its output waited, because " + reason
	fd, err := pump.OpenFIFO(d)
	if err != nil {
		return text
	}
	defer unix.Close(fd)
	if n, err := unix.IoctlGetInt(fd, unix.TIOCINQ); err == nil && n > 0 {
		text += fmt.Sprintf("; its last %d bytes are missing", n)
	}
	return text
}

// leave ends the log while descendants live on. What they print from now on
// is read and dropped, so that they do not hang on a full pipe.
func (s *supervisor) leave() {
	if s.finished || s.childless {
		return
	}
	s.slot.Leftovers = len(proctree.Alive(s.members()))
	if fd, err := pump.OpenFIFO(s.dir); err != nil {
		s.log.Warn("output of background processes will block them", "err", err)
	} else {
		rest := os.NewFile(uintptr(fd), "fifo")
		go func() { // ends with the last writer, or this process
			<-s.pumpDone
			_, _ = io.Copy(io.Discard, rest)
		}()
	}
	s.finish()
}

// finish makes the pump end when the pipe is empty.
func (s *supervisor) finish() {
	if !s.finished && s.pump != nil {
		s.finished = true
		s.pump.Finish()
	}
}

// kill is one pass of the kill loop: freeze all, kill all. New processes that
// slipped through are found by the next pass; there is one until no child is
// left.
func (s *supervisor) kill(now time.Time) {
	if s.killFrom.IsZero() {
		s.killFrom = now
		if s.slot.Exit != nil && !s.stopping {
			s.slot.Leftovers = len(proctree.Alive(s.members()))
			s.log.Info("kill what the entrypoint left behind", "processes", s.slot.Leftovers)
		}
	}
	const passes = 3
	var alive []proctree.Stat
	for range passes {
		s.killGroup()
		alive = proctree.Alive(s.members())
		proctree.Kill(alive)
		if s.reap(); s.childless {
			break
		}
	}
	s.killAt = now.Add(killSoon)
	if now.Sub(s.killFrom) >= killPatience {
		s.killAt = now.Add(killLater)
		s.setUnkillable(alive)
	}
}

// setUnkillable shows which processes do not die, in a kernel wait mostly.
func (s *supervisor) setUnkillable(alive []proctree.Stat) {
	if s.over || s.childless {
		return
	}
	pids := make([]int, len(alive))
	for i, p := range alive {
		pids[i] = p.PID
	}
	if !slices.Equal(s.slot.Unkillable, pids) {
		s.slot.Unkillable = pids
		s.save()
	}
}

// seal records that the log is complete, or that there was no start.
func (s *supervisor) seal() {
	if s.over || (s.pumped == nil && s.pump != nil) {
		return
	}
	switch {
	case s.failure != "":
		if !s.childless {
			return
		}
		s.slot.Phase, s.slot.StartError = jobdir.PhaseFailed, s.failure
	case s.slot.Exit != nil && (s.childless || s.finished):
		s.slot.Phase = jobdir.PhaseSealed
	default:
		return
	}
	if s.pumped != nil {
		s.slot.LogBytes = s.pumped.Size
		if s.pumped.Error != nil && s.slot.LogIncomplete == "" {
			s.slot.LogIncomplete = s.pumped.Error.Error()
		}
	}
	s.noteOOM()
	s.slot.LogBlocked, s.slot.Unkillable = "", nil
	s.over = true
	s.save()
}

// blocked notes in the slot that the log cannot be written, or can again.
func (s *supervisor) blocked(reason string) {
	if s.over {
		return
	}
	if reason != "" && s.failure != "" {
		s.stopPump() // nothing ran: only our own line is missing
		return
	}
	s.slot.LogBlocked = reason
	s.log.Warn("log blocked", "reason", reason)
	s.save()
}

// pumpEnded takes the pump's result.
func (s *supervisor) pumpEnded(r pump.Result, err error) {
	if err != nil && s.failure == "" && s.slot.LogIncomplete == "" {
		s.log.Error("pump", "err", err)
		r.Error = errors.Join(r.Error, err)
	}
	s.pumped = &r
	// An end of file tells of the child's death, which reap is about to judge.
	if err != nil && s.gate != nil && !s.stopping && !s.abandoned {
		s.fail("the job's output cannot be read: " + err.Error())
	}
}
