//go:build linux

package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// The trees that outlive a kill of a process group, a session or a snapshot.
// Each prints "ready" when it stands.
var trees = map[string]string{
	"plain children":      `sleep 300 & sleep 300 & echo ready; wait`,
	"grandchild setsid":   `setsid sh -c 'sleep 300 & sleep 300' & sleep 0.2; echo ready; wait`,
	"double fork daemon":  `(setsid sh -c 'sleep 300 & exec sleep 300' &) ; sleep 0.2; echo ready; exec sleep 300`,
	"ignores term":        `trap '' TERM; setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & sh -c 'while :; do sleep 1; done' & sleep 0.2; echo ready; while :; do sleep 1; done`,
	"cleared environment": `(setsid env -i /bin/sh -c 'sleep 300 & exec /bin/sleep 300' >/dev/null 2>&1 &); sleep 0.2; echo ready; exec sleep 300`,
	"forks sessions":      `(i=0; while :; do setsid sleep 300 & i=$((i+1)); [ $i -gt 40 ] && sleep 0.2; done) & sleep 0.5; echo ready; wait`,
	"respawns itself": `cat >respawn.sh <<'E'
trap 'setsid sh respawn.sh &' TERM EXIT
trap '' HUP
sleep 0.3 &
wait
E
sh respawn.sh & sh respawn.sh & sleep 0.2; echo ready; trap '' TERM; while :; do sleep 1; done`,
}

func TestStop_trees(t *testing.T) {
	t.Parallel()
	for name, script := range trees {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := newRunner(t, dir)
			d := newJob(t, dir, "tree", script)
			p := start(t, r, d)
			waitOutput(t, p, "ready")
			// The supervisor is the reaper of the tree: its descendants are
			// all of it, as long as it lives.
			shim := p.State().Slot.Shim.PID
			stopAndCheck(t, p, shim)
		})
	}
}

func stopAndCheck(t *testing.T, p *Process, shim int) {
	t.Helper()
	before := treeOf(t, shim)
	if len(before) < 2 {
		t.Fatalf("the tree has only %d processes", len(before))
	}
	asked := time.Now()
	for range 2 { // the second changes nothing
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	s := waitOver(t, p)
	took := time.Since(asked)
	if s.Over != OverSealed || s.Slot.Exit == nil || !s.Slot.StopSeen {
		t.Errorf("over %q, slot %+v%s", s.Over, s.Slot, dump(p))
	}
	if alive := stillAlive(before); len(alive) > 0 {
		t.Errorf("survivors of the tree: %v", alive)
	}
	if took > 20*time.Second {
		t.Errorf("the stop took %v", took)
	}
	t.Logf("%d processes gone in %v", len(before), took)
}

func TestStop_graceIsGiven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	for _, tc := range []struct {
		name, entrypoint string
		signal           unix.Signal
		code             int
		out              string
	}{
		{"handler", `trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done`, unix.SIGTERM, 7, "bye\n"},
		{"interrupt", `trap 'echo int; exit 0' INT; echo ready; while :; do sleep 0.05; done`, unix.SIGINT, 0, "int\n"},
		{"stopped job", `echo ready; kill -STOP $$`, unix.SIGTERM, -15, "ready\n"},
		{"ignored", `trap '' TERM; echo ready; while :; do sleep 0.05; done`, unix.SIGTERM, -9, "ready\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newJob(t, dir, "grace-"+strings.ReplaceAll(tc.name, " ", "-"), tc.entrypoint,
				func(l *jobdir.Launch, _ *[]string) { l.StopSignal = int(tc.signal) })
			p := start(t, r, d)
			waitOutput(t, p, "ready")
			if err := p.Stop(); err != nil {
				t.Fatal(err)
			}
			s := waitOver(t, p)
			if s.Slot.Exit == nil || s.Slot.Exit.Code != tc.code {
				t.Errorf("exit %+v, want %d", s.Slot.Exit, tc.code)
			}
			if got := output(t, d); !strings.Contains(got, tc.out) {
				t.Errorf("output %q, want %q", got, tc.out)
			}
		})
	}
}

// A stop at any time of the start ends the job: before it ran, or while.
func TestStop_whileStarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	for i := range 20 {
		d := newJob(t, dir, "early-"+string(rune('a'+i)), "echo ran; exec sleep 300")
		p := start(t, r, d)
		time.Sleep(time.Duration(i) * 3 * time.Millisecond) // spread over the start
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		s := waitOver(t, p)
		if s.Over != OverSealed || s.Slot.Exit == nil || s.Slot.Exit.Code != -15 {
			t.Errorf("round %d: over %q, exit %+v%s", i, s.Over, s.Slot.Exit, dump(p))
		}
	}
}

// SIGTERM to the supervisor stops a job when there is no backend.
func TestStop_withoutBackend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "alone", "echo ready; exec sleep 300")
	p := start(t, r, d)
	waitOutput(t, p, "ready")
	shim := p.State().Slot.Shim.PID
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(shim, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the slot is sealed", func() bool {
		s, err := d.ReadSlot()
		return err == nil && s.Phase == jobdir.PhaseSealed && s.StopSeen && s.Exit.Signal == 15
	})
}

// Signals that a terminal or a closing session sends do not reach the job.
func TestSupervisor_otherSignals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "hup", "echo ready; while [ ! -e go ]; do sleep 0.02; done; echo end")
	p := start(t, r, d)
	waitOutput(t, p, "ready")
	for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGUSR1, unix.SIGTSTP, unix.SIGTTOU} {
		if err := unix.Kill(p.State().Slot.Shim.PID, sig); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := waitOver(t, p); s.Over != OverSealed || s.Slot.Exit.Code != 0 || output(t, d) != "ready\nend\n" {
		t.Errorf("state %+v", s)
	}
}
