//go:build linux

package runner

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// Supervisors are killed at random while the backend lives: each job runs
// once, no byte is lost, no exit code is wrong; one that is not known is said
// to be unknown.
func TestFault03_killSupervisors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	rounds, unknown, killed := 40, 0, 0
	if testing.Short() {
		rounds = 8
	}
	const n = 2000
	for i := range rounds {
		code := i % 7
		id := fmt.Sprintf("job-%d", i)
		d := newJob(t, dir, id, fmt.Sprintf("echo x >>%s.count; seq -f '%%015.0f' 1 %d; sleep 0.1; seq -f '%%015.0f' %d %d; exit %d",
			id, n/2, n/2+1, n, code))
		p := start(t, r, d)
		shim := p.shim.ID().PID
		time.Sleep(rand.N(150 * time.Millisecond)) // the place of the kill is the input
		if unix.Kill(shim, unix.SIGKILL) == nil {
			killed++
		}
		s := waitOver(t, p)
		for s.Over == OverNeverRan {
			p.Release()
			p = start(t, r, d)
			s = waitOver(t, p)
		}
		switch {
		case s.Over == OverSealed && s.Slot.Exit.Code == code:
		case s.Over == OverLost && s.Slot.Exit == nil:
			unknown++
		default:
			t.Errorf("round %d: state %+v%s", i, s, dump(p))
		}
		if s.LogIncomplete != "" {
			t.Errorf("round %d: log incomplete: %s", i, s.LogIncomplete)
		}
		checkSequence(t, output(t, d), n)
		if got, _ := os.ReadFile(filepath.Join(dir, id+".count")); string(got) != "x\n" {
			t.Errorf("round %d: the entrypoint ran %d times", i, len(got)/2)
		}
		p.Release()
	}
	t.Logf("%d supervisors killed, %d exit codes unknown", killed, unknown)
	if unknown > 1+rounds/20 {
		t.Errorf("%d of %d exit codes unknown", unknown, rounds)
	}
}

// A supervisor that dies before the gate leaves nothing that ran.
func TestKill_beforeGate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "gate", "echo ran >>count")
	p := start(t, r, d)
	if err := p.shim.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s := waitOver(t, p)
	if s.Over != OverNeverRan {
		t.Fatalf("over %q%s", s.Over, dump(p))
	}
	p.Release()
	if _, err := os.Stat(filepath.Join(dir, "count")); err == nil {
		t.Error("it ran")
	}
	if s := waitOver(t, start(t, r, d)); s.Over != OverSealed || s.Slot.Exit.Code != 0 {
		t.Errorf("second start: %+v", s)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "count")); string(got) != "ran\n" {
		t.Errorf("it left %q", got)
	}
	output(t, d) // the line of the first attempt must be gone
}

// A child that is at the gate when its supervisor dies never runs.
func TestKill_childAtGate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	never := 0
	for i := range 10 {
		d := newJob(t, dir, fmt.Sprintf("gate-%d", i), "echo ran; exec sleep 0.3")
		p := start(t, r, d)
		p.mu.Lock() // the backend cannot confirm: the gate stays closed for a while
		eventually(t, "a child", func() bool {
			s, err := d.ReadSlot()
			return err == nil && s.Leader != nil
		})
		killShim(t, d)
		p.mu.Unlock()
		s := waitOver(t, p)
		ran, err := d.HasStarted()
		if err != nil {
			t.Fatal(err)
		}
		if ran != (s.Over == OverSealed) || ran == (s.Over == OverNeverRan) {
			t.Errorf("round %d: ran %t, over %q%s", i, ran, s.Over, dump(p))
		}
		if !ran {
			never++
		}
	}
	if never == 0 {
		t.Error("no child was at the gate") // a busy machine lets some through
	}
}

// A child that is killed before it became the entrypoint, at the gate or just
// behind it, never ran: the job can be started again.
func TestFault04_childKilledBeforeEntrypoint(t *testing.T) {
	t.Parallel()
	for name, opened := range map[string]bool{"at the gate": false, "behind the gate": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := newRunner(t, dir)
			d := newJob(t, dir, "gate", "echo ran >>count")
			p := start(t, r, d)
			p.mu.Lock() // the backend does not confirm, so that the gate stays closed for a while
			eventually(t, "a child", func() bool {
				s, err := d.ReadSlot()
				return err == nil && s.Leader != nil
			})
			child := leaderOf(t, d)
			if err := unix.Kill(child, unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			if opened {
				gate, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/3", child))
				if err != nil {
					t.Fatal(err)
				}
				shim := p.shim.ID().PID
				eventually(t, "an open gate", func() bool { return !holds(shim, gate) })
			}
			if err := unix.Kill(child, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p.mu.Unlock()
			if s := waitOver(t, p); s.Over != OverNeverRan {
				t.Fatalf("over %q%s", s.Over, dump(p))
			}
			p.Release()
			if s := waitOver(t, start(t, r, d)); s.Over != OverSealed || s.Slot.Exit.Code != 0 {
				t.Errorf("second start: %+v", s)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "count")); string(got) != "ran\n" {
				t.Errorf("it left %q", got)
			}
			output(t, d) // the line of the first attempt must be gone
		})
	}
}

func leaderOf(t testing.TB, d jobdir.Dir) int {
	t.Helper()
	s, err := d.ReadSlot()
	if err != nil || s.Leader == nil {
		t.Fatalf("slot %+v, %v", s, err)
	}
	return s.Leader.PID
}

// holds reports whether a process has a file open, as /proc names it.
func holds(pid int, file string) bool {
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == file {
			return true
		}
	}
	return false
}

// After the supervisor is killed the backend itself moves output, stops trees
// and finds the exit code.
func TestKill_degraded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, entrypoint string
		stop             bool
		code             int
		leftovers        int
	}{
		{name: "exit", entrypoint: "echo ready; while [ ! -e go ]; do sleep 0.02; done; seq 1 100000; exit 9", code: 9},
		{name: "stop", entrypoint: "setsid sleep 300 & sleep 300 & echo ready; exec sleep 300", stop: true, code: -15},
		{name: "stop of a stubborn tree", entrypoint: "trap '' TERM; setsid sh -c 'while :; do sleep 1; done' & echo ready; while :; do sleep 1; done", stop: true, code: -9},
		{name: "leftovers", entrypoint: "setsid sleep 300 & sleep 300 & echo ready; while [ ! -e go ]; do sleep 0.02; done", leftovers: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := newRunner(t, dir)
			d := newJob(t, dir, "job", tc.entrypoint)
			p := start(t, r, d)
			waitOutput(t, p, "ready")
			waitFor(t, p, "the slot is read", func(s State) bool { return s.Slot.Leader != nil })
			tree := treeOf(t, p.State().Slot.Shim.PID)
			killShim(t, d)
			waitFor(t, p, "the backend takes over", func(s State) bool { return s.Detail != "" })
			if tc.stop {
				if err := p.Stop(); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			s := waitOver(t, p)
			if s.Over != OverSealed || s.Slot.Exit.Code != tc.code || s.Slot.Leftovers != tc.leftovers || s.LogIncomplete != "" {
				t.Errorf("state %+v, exit %+v, want code %d%s", s, s.Slot.Exit, tc.code, dump(p))
			}
			if alive := stillAlive(tree); len(alive) > 0 {
				t.Errorf("survivors: %v", alive)
			}
			if tc.name == "exit" && strings.Count(output(t, d), "\n") != 100001 {
				t.Errorf("output has %d lines", strings.Count(output(t, d), "\n"))
			}
		})
	}
}

// A job that is asleep because its pipe is full goes on when a backend comes.
func TestAdopt_jobBlockedOnPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const n = 64 << 10
	d := newJob(t, dir, "job", fmt.Sprintf("while [ ! -e go ]; do sleep 0.02; done; seq -f '%%015.0f' 1 %d; exit 2", n))
	kill := startBackend(t, dir)
	eventually(t, "running", slotIs(d, jobdir.PhaseRunning))
	eventually(t, "started", func() bool { ran, err := d.HasStarted(); return err == nil && ran })
	kill()
	killShim(t, d)
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := waitOver(t, adopt(t, newRunner(t, dir), d))
	if s.Over != OverSealed || s.Slot.Exit.Code != 2 || s.LogIncomplete != "" {
		t.Errorf("state %+v", s)
	}
	checkSequence(t, output(t, d), n)
}
