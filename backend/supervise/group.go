//go:build linux

package supervise

import (
	"crypto/sha256"
	"encoding/hex"
	"syscall"

	"dray/backend/cgroup"
	"dray/backend/jobdir"
)

// GroupName is the name of the control group of the job in d. It is the job's
// own: what an attempt left that never ran the entrypoint is used again.
func GroupName(d jobdir.Dir) string {
	sum := sha256.Sum256([]byte(d.Path()))
	return "dray-" + hex.EncodeToString(sum[:8])
}

// makeGroup makes the job's control group. Without one the job runs all the
// same: its tree is found by its parents, and its limits are not enforced.
func (s *supervisor) makeGroup() {
	want := cgroup.Limits{MemoryMax: s.launch.MemoryMax, CPUs: s.launch.CPUMax}
	place, err := cgroup.Find()
	if err != nil {
		s.log.Info("the job gets no control group", "reason", err, "limits", want)
		return
	}
	group, inForce, err := place.Make(GroupName(s.dir), want)
	if err != nil {
		s.log.Warn("set up the control group", "err", err, "wanted", want, "in force", inForce)
	}
	s.group = group
}

// forkInside starts the child in the control group, or outside of it where the
// kernel does not let us.
func (s *supervisor) forkInside(argv []string, attr *syscall.ProcAttr) (int, error) {
	if s.group.Path() == "" {
		return forkExec(argv, attr)
	}
	if dir, err := s.group.Folder(); err == nil {
		defer dir.Close()
		inside, sys := *attr, *attr.Sys
		sys.UseCgroupFD, sys.CgroupFD = true, int(dir.Fd())
		inside.Sys = &sys
		pid, err := forkExec(argv, &inside)
		if err == nil {
			s.slot.Cgroup = s.group.Path()
			return pid, nil
		}
		s.log.Warn("start inside the control group", "err", err)
	}
	s.dropGroup()
	return forkExec(argv, attr)
}

// killGroup kills what is in the control group at once; what left it is found
// by its parents.
func (s *supervisor) killGroup() {
	if s.group.Path() == "" {
		return
	}
	if err := s.group.Kill(); err != nil {
		s.log.Info("kill the control group", "err", err)
	}
}

// noteOOM notes that the kernel killed a process of the job for want of
// memory.
func (s *supervisor) noteOOM() {
	if s.group.Path() == "" {
		return
	}
	if n, err := s.group.OOMKills(); err == nil && n > 0 {
		s.slot.OOMKilled = true
	}
}

// dropGroup removes the control group when no process is left in it.
func (s *supervisor) dropGroup() {
	if s.group.Path() == "" {
		return
	}
	if err := s.group.Remove(); err != nil {
		s.log.Warn("the control group stays", "err", err)
	}
	s.group = cgroup.Group{}
}
