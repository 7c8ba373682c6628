//go:build linux

package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// backendRole makes the test binary a backend that starts the jobs below a
// folder and then waits to be killed.
const backendRole = "__test_backend"

func backendMain(dir string) int {
	r, err := New(Config{NotifySocket: filepath.Join(dir, "notify")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	names, err := filepath.Glob(filepath.Join(dir, "*", "launch.json"))
	if err != nil {
		return 1
	}
	for _, name := range names {
		if _, err := r.Start(context.Background(), jobdir.Open(filepath.Dir(name))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	select {}
}

// startBackend runs a backend of its own for the jobs in dir, and returns how
// to kill it.
func startBackend(t *testing.T, dir string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, backendRole, dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	return kill
}

func slotIs(d jobdir.Dir, phase jobdir.Phase) func() bool {
	return func() bool {
		s, err := d.ReadSlot()
		return err == nil && s.Phase == phase
	}
}

func killShim(t testing.TB, d jobdir.Dir) {
	t.Helper()
	s, err := d.ReadSlot()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(s.Shim.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// A backend is killed and another adopts the job, in each of its phases.
func TestAdopt_afterKilledBackend(t *testing.T) {
	t.Parallel()
	const n = 20000
	slow := fmt.Sprintf("for i in 1 2 3 4; do seq -f '%%015.0f' $((i*%d-%d+1)) $((i*%d)); sleep 0.2; done; exit 6", n/4, n/4, n/4)
	for _, tc := range []struct {
		name       string
		entrypoint string
		at         func(jobdir.Dir) bool // when the backend is killed
		killShim   bool                  // the supervisor too
		over       Over
		code       int
		incomplete bool
	}{
		{name: "at once", entrypoint: slow, at: func(jobdir.Dir) bool { return true }, over: OverSealed, code: 6},
		{name: "running", entrypoint: slow, at: func(d jobdir.Dir) bool { return slotIs(d, jobdir.PhaseRunning)() }, over: OverSealed, code: 6},
		{name: "sealed", entrypoint: slow, at: func(d jobdir.Dir) bool { return slotIs(d, jobdir.PhaseSealed)() }, over: OverSealed, code: 6},
		{name: "exited", entrypoint: slow[:len(slow)-6] + "(sleep 300)& exit 6", at: func(d jobdir.Dir) bool { return slotIs(d, jobdir.PhaseExited)() }, over: OverSealed, code: 6},
		{name: "exited, supervisor killed", entrypoint: slow[:len(slow)-6] + "(sleep 300)& exit 6", killShim: true, at: func(d jobdir.Dir) bool { return slotIs(d, jobdir.PhaseExited)() }, over: OverSealed, code: 6},
		{name: "running, supervisor killed", entrypoint: slow, killShim: true, at: func(d jobdir.Dir) bool { return slotIs(d, jobdir.PhaseRunning)() && logSize(d) > 1000 }, over: OverSealed, code: 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			d := newJob(t, dir, "job", tc.entrypoint, func(l *jobdir.Launch, _ *[]string) { l.Linger = 2 * time.Second })
			kill := startBackend(t, dir)
			eventually(t, "a supervisor exists", func() bool { _, err := d.ReadSlot(); return err == nil || tc.name == "at once" })
			eventually(t, tc.name, func() bool { return tc.at(d) })
			kill()
			if tc.killShim {
				killShim(t, d)
			}
			r := newRunner(t, dir)
			p := adopt(t, r, d)
			s := waitOver(t, p)
			if s.Over == OverNeverRan && tc.name == "at once" {
				p.Release()
				p = start(t, r, d)
				s = waitOver(t, p)
			}
			if s.Over != tc.over || s.Slot.Exit == nil || s.Slot.Exit.Code != tc.code || s.LogIncomplete != "" {
				t.Fatalf("state %+v%s", s, dump(p))
			}
			checkSequence(t, output(t, d), n)
		})
	}
}

// The job ended while neither backend nor supervisor lived: its exit code is
// unknown, and that is said.
func TestAdopt_everythingWasGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newJob(t, dir, "job", "echo ready; while [ ! -e go ]; do sleep 0.02; done; exit 5")
	kill := startBackend(t, dir)
	eventually(t, "running", slotIs(d, jobdir.PhaseRunning))
	slot, err := d.ReadSlot()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "output", func() bool {
		data, err := os.ReadFile(d.Log())
		return err == nil && strings.HasSuffix(string(data), "\nready\n")
	})
	kill()
	killShim(t, d)
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job is gone", func() bool { // its zombie is ours: nobody else is to tell
		_, _, ok := reap(slot.Leader.PID)
		return ok
	})
	s := waitOver(t, adopt(t, newRunner(t, dir), d))
	if s.Over != OverLost || s.Slot.Exit != nil || s.LogIncomplete == "" || s.Detail == "" {
		t.Errorf("state %+v", s)
	}
	// It stays so for the next backend.
	s = waitOver(t, adopt(t, newRunner(t, t.TempDir()), d))
	if s.Over != OverLost || s.Slot.Exit != nil || s.LogIncomplete == "" {
		t.Errorf("adopted again: %+v", s)
	}
}

func TestFault15_20_21_slots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	here := jobdir.Process{PID: os.Getpid(), StartTicks: 1, BootID: r.bootID} // alive, but not this one
	other := jobdir.Process{PID: os.Getpid(), StartTicks: 1, BootID: "another"}
	exit := &jobdir.Exit{Code: 4}
	for _, tc := range []struct {
		name string
		slot *jobdir.Slot
		ran  bool
		over Over
		exit bool
	}{
		{name: "empty", over: OverNeverRan},
		{name: "starting", slot: &jobdir.Slot{Phase: jobdir.PhaseStarting, Shim: here}, over: OverNeverRan},
		{name: "gated child gone", slot: &jobdir.Slot{Phase: jobdir.PhaseRunning, Shim: here, Leader: &here}, over: OverNeverRan},
		{name: "pid of a stranger", slot: &jobdir.Slot{Phase: jobdir.PhaseRunning, Shim: here, Leader: &here}, ran: true, over: OverLost},
		{name: "exited", slot: &jobdir.Slot{Phase: jobdir.PhaseExited, Shim: here, Leader: &here, Exit: exit}, ran: true, over: OverSealed, exit: true},
		{name: "sealed", slot: &jobdir.Slot{Phase: jobdir.PhaseSealed, Shim: here, Exit: exit}, ran: true, over: OverSealed, exit: true},
		{name: "sealed before a reboot", slot: &jobdir.Slot{Phase: jobdir.PhaseSealed, Shim: other, Exit: exit}, ran: true, over: OverSealed, exit: true},
		{name: "failed", slot: &jobdir.Slot{Phase: jobdir.PhaseFailed, Shim: other, StartError: "x"}, over: OverFailed},
		{name: "reboot while running", slot: &jobdir.Slot{Phase: jobdir.PhaseRunning, Shim: other, Leader: &other}, ran: true, over: OverReboot},
		{name: "reboot after the exit", slot: &jobdir.Slot{Phase: jobdir.PhaseExited, Shim: other, Leader: &other, Exit: exit}, ran: true, over: OverReboot, exit: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newJob(t, t.TempDir(), "job", "true")
			if tc.slot != nil {
				w, err := d.OpenSlot()
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Write(*tc.slot); err != nil {
					t.Fatal(err)
				}
				_ = w.Close()
			}
			if tc.ran {
				if err := os.WriteFile(d.Started(), []byte("1"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := waitOver(t, adopt(t, r, d))
			if s.Over != tc.over || (s.Slot.Exit != nil) != tc.exit {
				t.Errorf("state %+v, want over %q", s, tc.over)
			}
		})
	}
}

// The folder of a running job is removed: an error for this job only.
func TestFault16_folderRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "job", "echo ready; exec sleep 300")
	p := start(t, r, d)
	waitOutput(t, p, "ready")
	if err := os.RemoveAll(d.Path()); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if s := waitOver(t, p); s.Over != OverLost || s.Detail == "" {
		t.Errorf("state %+v", s)
	}
}
