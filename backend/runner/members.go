//go:build linux

package runner

import (
	"os"
	"path/filepath"

	"dray/backend/cgroup"
	"dray/backend/jobdir"
	"dray/backend/supervise"
	"dray/backend/supervise/proctree"
)

// tree finds the processes of a job that has no supervisor. Orphans of it went
// to other parents, so that they are known only by the session of the
// entrypoint, the mark in their environment and their control group; a daemon
// that left the first two cannot be found where there is no third.
type tree struct {
	mark   string
	leader *jobdir.Process // nil: unknown
	held   bool            // the leader was seen alive by us, so its session is the job's
	known  map[int]uint64  // start ticks by pid
	group  cgroup.Group    // without a path: the job has none
}

// members returns the living processes of the job, and reaps those dead ones
// that became our children. The leader is left to its own waiter.
func (t *tree) members() ([]proctree.Stat, error) {
	all, err := proctree.Snapshot()
	if err != nil {
		return nil, err
	}
	session := t.held && !t.sessionLost(all)
	self := os.Getpid()
	inside := t.inGroup()
	found := proctree.Descendants(all, func(p proctree.Stat) bool {
		switch {
		case p.PID == self:
			return false
		case inside[p.PID], t.known[p.PID] == p.StartTicks && p.StartTicks != 0:
			return true
		case session && p.Session == t.leader.PID:
			return true
		}
		return !p.Dead() && proctree.Carries(p.PID, t.mark)
	})
	clear(t.known)
	for _, p := range found {
		if p.Dead() {
			if p.PPID == self && (t.leader == nil || p.PID != t.leader.PID) {
				reap(p.PID)
			}
			continue
		}
		t.known[p.PID] = p.StartTicks
	}
	return proctree.Alive(found), nil
}

// clearGroup removes the control group of a job that is over, if a killed
// supervisor left one. One in which background processes live on stays.
func (p *Process) clearGroup() {
	st := p.State()
	if st.Over == OverNot {
		return // it was released
	}
	path := st.Slot.Cgroup
	if path == "" { // it may have died before it could say
		place, err := cgroup.Find()
		if err != nil {
			return
		}
		path = filepath.Join(place.Dir(), supervise.GroupName(p.dir))
	}
	group := cgroup.Open(path)
	if pids, err := group.PIDs(); err != nil || len(pids) > 0 || !group.Exists() {
		return
	}
	if err := group.Remove(); err != nil {
		p.r.cfg.Log.Warn("the control group stays", "job", p.dir.Path(), "err", err)
	}
}

// inGroup returns the processes in the job's control group.
func (t *tree) inGroup() map[int]bool {
	if t.group.Path() == "" {
		return nil
	}
	pids, err := t.group.PIDs()
	if err != nil {
		return nil
	}
	inside := make(map[int]bool, len(pids))
	for _, pid := range pids {
		inside[pid] = true
	}
	return inside
}

// sessionLost reports whether the leader's pid is another process's by now:
// then no member of its session lives, and the session of that number is a
// stranger's.
func (t *tree) sessionLost(all []proctree.Stat) bool {
	for _, p := range all {
		if p.PID == t.leader.PID {
			return p.StartTicks != t.leader.StartTicks
		}
	}
	return false
}
