//go:build linux

package runner

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/cgroup"
	"dray/backend/jobdir"
	"dray/backend/supervise"
	"dray/backend/supervise/proctree"
	"dray/backend/supervise/pump"
)

// successor looks after a job whose supervisor is gone. It moves the output
// and learns the exit code as far as a process can that is not the parent.
type successor struct {
	p       *Process
	launch  jobdir.Launch
	slot    jobdir.Slot
	writer  *jobdir.SlotWriter
	tree    tree
	leader  *proctree.Handle // nil: gone
	pump    *pump.Pump
	cancel  func()           // ends the pump; what it has not moved stays in the pipe
	pumped  chan pump.Result // one result
	events  chan func()
	result  *pump.Result
	atFirst bool // the leader was gone when we took over

	over     bool // the leader has ended
	lostTill time.Time
	stopping bool
	stopRule jobdir.StopRule
	heeded   int // how many stops were acted on
	killing  bool
	killFrom time.Time
	killAt   time.Time
	finished bool
	dropAt   time.Time // when output that the disk does not take is given up; zero: never
}

// succeed takes the place of a dead supervisor while the lock is held. It
// returns when the job is over or the Process ends.
func (p *Process) succeed(lock *os.File) {
	// The supervisor may have written between our read and its end.
	if slot, err := p.dir.ReadSlot(); err == nil && p.takeSlot(slot) {
		return
	}
	p.holdLeader()
	ran, err := p.passedGate()
	switch {
	case errors.Is(err, context.Canceled):
		return
	case err != nil:
		p.finish(OverLost, func(s *State) { s.Detail = err.Error() })
		return
	case !ran:
		// The next supervisor must find the lock free.
		_ = lock.Close()
		p.finish(OverNeverRan, func(s *State) { s.Detail = "the supervisor ended before the entrypoint was started" })
		return
	}
	p.publish(func(s *State) { s.Detail = "the supervisor is gone; the backend looks after the job" })
	p.settle()
	s, err := p.newSuccessor()
	if err != nil {
		p.finish(OverLost, func(st *State) { st.Detail = err.Error() })
		return
	}
	s.run()
}

// passedGate reports whether the entrypoint was started. A child that is still
// between the gate and the mark is awaited: it does one or the other at once.
func (p *Process) passedGate() (bool, error) {
	tick := time.NewTicker(soon)
	defer tick.Stop()
	for {
		p.mu.Lock()
		child := p.leader
		p.mu.Unlock()
		gone := child == nil || child.Ended() // asked first: then the mark is final
		ran, err := p.dir.HasStarted()
		if err != nil || ran || gone {
			return ran, err
		}
		select {
		case <-p.ctx.Done():
			return false, p.ctx.Err()
		case <-tick.C:
		}
	}
}

func (p *Process) newSuccessor() (*successor, error) {
	launch, err := p.dir.Launch()
	if err != nil {
		return nil, err
	}
	mark, err := proctree.Mark(p.dir)
	if err != nil {
		return nil, err
	}
	writer, err := p.dir.OpenSlot()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &successor{
		p: p, launch: launch, slot: p.state.Slot, writer: writer, leader: p.leader,
		pumped: make(chan pump.Result, 1), events: make(chan func(), 16),
	}
	s.tree = tree{
		mark: mark, leader: s.slot.Leader, held: p.leader != nil, known: make(map[int]uint64),
		group: cgroup.Open(s.slot.Cgroup),
	}
	s.atFirst = p.adopted && (p.leader == nil || p.leader.Ended())
	return s, nil
}

// run serves the job until it is over or the Process ends.
func (s *successor) run() {
	defer s.writer.Close()
	// First of all: the job may be asleep because its pipe is full.
	stopPump := s.startPump()
	defer stopPump()
	if s.leader != nil {
		unwatch, err := s.leader.Watch(func() { poke(s.p.wake) })
		if err == nil {
			defer unwatch()
		}
	}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		wait, over := s.advance(time.Now())
		if over {
			return
		}
		tick.Reset(wait)
		select {
		case <-s.p.ctx.Done():
			return
		case <-s.p.wake:
		case f := <-s.events:
			f()
		case r := <-s.pumped:
			s.result = &r
		case <-tick.C:
		}
	}
}

// advance does what is due, and says when to come again at the latest.
func (s *successor) advance(now time.Time) (wait time.Duration, over bool) {
	if !s.over {
		s.learnExit(now)
	}
	s.heedStop(now)
	wait = safetyPoll
	if s.lostTill.After(now) && !s.over {
		wait = soon
	}
	members, err := s.tree.members()
	if err != nil {
		s.p.r.cfg.Log.Error("look for processes", "job", s.p.dir.Path(), "err", err)
	}
	if s.over && s.killAt.IsZero() && !s.killing {
		s.killAt = now.Add(s.launch.Linger)
	}
	s.endTree(members, now)
	if !s.killAt.IsZero() {
		wait = min(wait, max(s.killAt.Sub(now), killPause))
	}
	if s.dropBlocked(len(members) == 0, now); !s.dropAt.IsZero() {
		wait = min(wait, max(s.dropAt.Sub(now), killPause))
	}
	if s.over && s.result != nil && (s.finished || len(members) == 0) {
		s.seal()
		return 0, true
	}
	return wait, false
}

// endTree decides about the processes that are left.
func (s *successor) endTree(members []proctree.Stat, now time.Time) {
	due := !s.killAt.IsZero() && !now.Before(s.killAt)
	switch {
	case s.over && len(members) == 0 && (due || s.killing || s.result != nil):
		s.finish()
	case s.over && s.launch.KeepBackground && !s.stopping && (due || s.result != nil):
		s.slot.Leftovers = len(members)
		s.finish()
	case due && len(members) > 0:
		s.kill(members, now)
	}
}

// kill is one pass of the kill loop.
func (s *successor) kill(members []proctree.Stat, now time.Time) {
	if !s.killing {
		s.killing, s.killFrom = true, now
		if s.over && !s.stopping {
			s.slot.Leftovers = len(members)
		}
	}
	if s.tree.group.Exists() {
		_ = s.tree.group.Kill() // what it leaves is killed one by one
	}
	proctree.Kill(members)
	s.killAt = now.Add(killPause)
	if now.Sub(s.killFrom) < killBound {
		return
	}
	s.killAt = now.Add(safetyPoll)
	pids := make([]int, len(members))
	for i, m := range members {
		pids[i] = m.PID
	}
	if !slices.Equal(s.slot.Unkillable, pids) {
		s.slot.Unkillable = pids
		s.save()
	}
}

// finish makes the pump end when the pipe is empty.
func (s *successor) finish() {
	if !s.finished {
		s.finished = true
		if s.pump != nil {
			s.pump.Finish()
		}
	}
}

// heedStop begins to stop the job when that was asked for.
func (s *successor) heedStop(now time.Time) {
	s.p.mu.Lock()
	wanted, asked := s.p.stopReq, s.p.stops
	s.p.mu.Unlock()
	if s.stopping && asked == s.heeded || (!wanted && !s.slot.StopSeen) {
		return
	}
	rule := s.p.dir.StopRule(s.launch)
	if s.heeded = asked; s.stopping && rule == s.stopRule {
		return
	}
	s.stopping, s.slot.StopSeen, s.stopRule = true, true, rule
	if members, err := s.tree.members(); err == nil {
		proctree.Signal(members, unix.Signal(rule.Signal), unix.SIGCONT)
	}
	if at := now.Add(rule.Grace); s.killAt.IsZero() || at.Before(s.killAt) {
		s.killAt = at
	}
	s.save()
}

// learnExit finds out whether and how the entrypoint ended. What the kernel
// does not tell in time stays unknown.
func (s *successor) learnExit(now time.Time) {
	if s.slot.Exit != nil || s.leader == nil {
		s.over = true
		return
	}
	if !s.leader.Ended() {
		return
	}
	if s.lostTill.IsZero() {
		s.lostTill = now.Add(exitWait)
	}
	status, usage, known := reap(s.leader.ID().PID)
	if !known {
		status, known = s.leader.ExitStatus()
	}
	switch {
	case known:
		exit := supervise.ExitOf(status)
		exit.UserMS, exit.SystemMS = unix.TimevalToNsec(usage.Utime)/1e6, unix.TimevalToNsec(usage.Stime)/1e6
		exit.MaxRSSKiB = usage.Maxrss
		s.slot.Exit, s.slot.Phase, s.over = &exit, jobdir.PhaseExited, true
		s.noteOOM()
		s.save()
	case !now.Before(s.lostTill):
		s.over = true
	}
}

// save writes the slot and publishes it. One that cannot be written is kept
// in memory: the record of the job is made from there.
func (s *successor) save() {
	detail := ""
	if err := s.writer.Write(s.slot); err != nil {
		detail = err.Error()
		s.p.r.cfg.Log.Error("save state", "job", s.p.dir.Path(), "err", err)
	}
	s.p.publish(func(st *State) {
		st.Slot = s.slot
		if detail != "" {
			st.Detail = detail
		}
	})
}

// seal ends the job.
func (s *successor) seal() {
	s.slot.Phase, s.slot.LogBytes = jobdir.PhaseSealed, s.result.Size
	s.slot.LogBlocked, s.slot.Unkillable = "", nil
	switch {
	case s.slot.LogIncomplete != "":
	case s.result.Error != nil:
		s.slot.LogIncomplete = s.result.Error.Error()
	case s.atFirst && s.result.Late:
		s.slot.LogIncomplete = "the supervisor and the backend were both gone when the job ended: up to 64 KiB of its output may be missing"
	case !s.result.EOF && !s.launch.KeepBackground:
		s.slot.LogIncomplete = "a process that could not be found any more still holds the job's output"
	}
	s.noteOOM()
	s.save()
	if s.slot.Exit != nil {
		s.p.finish(OverSealed, nil)
		return
	}
	s.p.finish(OverLost, func(st *State) {
		st.Detail = "exit code unknown: the supervisor was lost and the kernel does not tell how the entrypoint ended"
	})
}

// noteOOM notes that the kernel killed a process of the job for want of
// memory.
func (s *successor) noteOOM() {
	if n, err := s.tree.group.OOMKills(); err == nil && n > 0 {
		s.slot.OOMKilled = true
	}
}
