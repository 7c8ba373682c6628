//go:build linux

package runner

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// A stop can come with a signal and a grace of its own, and a second one can
// cut the first short; it is the same without a supervisor.
func TestStop_rule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	const script = `trap 'echo term' TERM; trap 'echo int' INT; echo ready; while :; do sleep 0.05; done`
	for _, name := range []string{"supervised", "degraded"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newJob(t, dir, "rule-"+name, script, func(l *jobdir.Launch, _ *[]string) { l.StopGrace = time.Hour })
			p := start(t, r, d)
			waitOutput(t, p, "ready")
			if name == "degraded" {
				killShim(t, d)
				waitFor(t, p, "the backend to take over", func(s State) bool { return s.Detail != "" })
			}
			stop := func(rule jobdir.StopRule) {
				t.Helper()
				if err := d.SetStopRule(rule); err != nil {
					t.Fatal(err)
				}
				if err := p.Stop(); err != nil {
					t.Fatal(err)
				}
			}
			stop(jobdir.StopRule{Signal: int(unix.SIGINT), Grace: time.Hour})
			waitOutput(t, p, "int")
			stop(jobdir.StopRule{Signal: int(unix.SIGTERM), Grace: 200 * time.Millisecond})
			s := waitOver(t, p)
			if out := output(t, d); !strings.Contains(out, "term\n") || strings.Index(out, "int") > strings.Index(out, "term") {
				t.Errorf("output %q", out)
			}
			if name == "supervised" && (s.Slot.Exit == nil || s.Slot.Exit.Code != -9) {
				t.Errorf("exit %+v, want a kill", s.Slot.Exit)
			}
		})
	}
}
