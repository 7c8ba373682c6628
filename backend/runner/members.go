//go:build linux

package runner

import (
	"os"

	"dray/backend/jobdir"
	"dray/backend/supervise/proctree"
)

// tree finds the processes of a job that has no supervisor. Orphans of it went
// to other parents, so that they are known only by the session of the
// entrypoint and the mark in their environment; a daemon that left both cannot
// be found.
type tree struct {
	mark   string
	leader *jobdir.Process // nil: unknown
	held   bool            // the leader was seen alive by us, so its session is the job's
	known  map[int]uint64  // start ticks by pid
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
	found := proctree.Descendants(all, func(p proctree.Stat) bool {
		switch {
		case p.PID == self:
			return false
		case t.known[p.PID] == p.StartTicks && p.StartTicks != 0:
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
