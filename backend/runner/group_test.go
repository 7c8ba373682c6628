//go:build linux

package runner

import (
	"testing"

	"dray/backend/cgroup"
)

// A daemon that left session and environment behind, and whose supervisor was
// killed, is still known by the job's control group.
func TestKill_degradedDaemon(t *testing.T) {
	t.Parallel()
	if _, err := cgroup.Find(); err != nil {
		t.Skipf("NOT TESTED: control groups. %v", err)
	}
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "daemon", trees["cleared environment"])
	p := start(t, r, d)
	waitOutput(t, p, "ready")
	slot := p.State().Slot
	group := cgroup.Open(slot.Cgroup)
	if !group.Exists() {
		t.Skipf("NOT TESTED: control groups. The job has %q", slot.Cgroup)
	}
	before := treeOf(t, slot.Shim.PID)
	killShim(t, d)
	waitFor(t, p, "the backend to take over", func(s State) bool { return s.Detail != "" })
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if s := waitOver(t, p); s.Slot.Exit == nil || s.Slot.Exit.Code != -15 {
		t.Errorf("over %+v", s)
	}
	eventually(t, "no survivor", func() bool { return len(stillAlive(before)) == 0 })
	eventually(t, "the group is removed", func() bool { return !group.Exists() })
}
