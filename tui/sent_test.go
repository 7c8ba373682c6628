package tui

import (
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// Who submits a job is told its end, with the reason of a failure, even if it
// ends before the list has shown it, and once.
func TestSent_endIsTold(t *testing.T) {
	t.Parallel()
	failed := tuitest.Job("new", rayapi.StatusFailed, "python x.py", time.Minute, time.Second)
	failed.DriverExitCode = new(1)
	failed.Message = new("Job entrypoint command failed with exit code 1, last available logs:\nTraceback\nValueError: no\x1b[2Jdata\n")
	good := tuitest.Job("new", rayapi.StatusSucceeded, "true", time.Minute, 7*time.Second)
	stopped := tuitest.Job("new", rayapi.StatusStopped, "true", time.Minute, 7*time.Second)
	for _, tt := range []struct {
		name string
		job  rayapi.Job
		want string
	}{
		{"failed", failed, `new failed: exit 1, ValueError: no\x1b[2Jdata`},
		{"succeeded", good, "new succeeded after 7s"},
		{"stopped", stopped, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, nil, nil)
			a.srv.set([]rayapi.Job{tt.job}, nil)
			a.send(pageMsg{a.m.top().id, screen.JobMsg{ID: "new"}})
			if tt.want != "" && !a.shows(tt.want) || tt.want == "" && a.shows("new s") {
				t.Errorf("want %q told:\n%s", tt.want, a.m.View())
			}
			n := len(a.m.events)
			a.wait(5 * time.Second)
			if len(a.m.events) != n || len(a.m.poll.sent) != 0 {
				t.Errorf("told again: %v, %v", a.m.events, a.m.poll.sent)
			}
		})
	}
}

// A job that was there before is no submit: to delete it says nothing of its
// end.
func TestSent_deleteTellsNoEnd(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.send(pageMsg{a.m.top().id, screen.JobMsg{ID: "sweep-lr-0.03"}})
	if a.shows("failed") || len(a.m.poll.sent) != 0 {
		t.Errorf("an old failure is news:\n%s", a.m.View())
	}
}
