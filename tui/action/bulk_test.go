package action_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// A mixed batch ends with the exact outcome of each job.
func TestAskStopAll(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	env := tuitest.Env(t, &tuitest.Jobs{StopFn: func(_ context.Context, id string) (bool, error) {
		mu.Lock()
		asked = append(asked, id)
		mu.Unlock()
		if id == "broken" {
			return false, errors.New("no agent")
		}
		return id != "late", nil
	}})
	jobs := []rayapi.Job{
		tuitest.Job("one", rayapi.StatusRunning, "true", time.Minute, 0),
		tuitest.Job("late", rayapi.StatusRunning, "true", time.Minute, 0),
		tuitest.Job("over", rayapi.StatusFailed, "true", time.Minute, time.Second),
		tuitest.Job("broken", rayapi.StatusPending, "true", time.Minute, 0),
		tuitest.Driver("02", rayapi.StatusRunning, time.Hour, 0),
	}
	q, ok := action.AskStopAll(env, jobs)().(screen.AskMsg)
	text := strings.Join(q.Lines, "\n")
	if !ok || q.Title != "Stop 3 jobs?" || !strings.Contains(text, "2 of the 5 marked") || strings.Contains(text, "over") || len(asked) > 0 {
		t.Fatalf("question %+v, asked %v", q, asked)
	}
	var notice screen.NoticeMsg
	stopping := map[string]bool{}
	looks := 0
	for _, msg := range all(q.Do) {
		switch msg := msg.(type) {
		case screen.NoticeMsg:
			notice = msg
		case screen.StoppingMsg:
			stopping[msg.ID] = !msg.Since.IsZero()
		case screen.JobMsg:
			looks++
		}
	}
	slices.Sort(asked)
	want := []string{
		"one: stopped", "late: had already ended", "broken: no agent",
		"over: left alone, has already ended (FAILED): there is nothing to stop",
		"02: left alone, is a driver that was started without a submit: stop its process where it runs",
	}
	if diff := cmp.Diff(want, notice.Detail); diff != "" || notice.Text != "stopped 1, left alone 3, failed 1: ! for details" {
		t.Errorf("%q, details differ: %s", notice.Text, diff)
	}
	if diff := cmp.Diff(map[string]bool{"one": true, "late": false, "broken": false}, stopping); diff != "" || looks != 1 {
		t.Errorf("shown as stopping: %s; %d looks", diff, looks)
	}
	if !slices.Equal(asked, []string{"broken", "late", "one"}) {
		t.Errorf("asked to stop %v", asked)
	}
}

func TestAskDeleteAll(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	n := 0
	env := tuitest.Env(t, &tuitest.Jobs{DeleteFn: func(context.Context, string) error {
		mu.Lock()
		defer mu.Unlock()
		n++
		return nil
	}})
	var jobs []rayapi.Job
	for i := range 40 {
		jobs = append(jobs, tuitest.Job(fmt.Sprint("job-", i), rayapi.StatusSucceeded, "true", time.Hour, time.Minute))
	}
	q := action.AskDeleteAll(env, jobs)().(screen.AskMsg)
	if len(q.Lines) > 13 || !strings.Contains(strings.Join(q.Lines, "\n"), "and 34 more") || q.Hold != "delete 40 jobs" {
		t.Fatalf("the question does not fit a small screen, or hides how many: %+v", q)
	}
	all(q.Do)
	if n != 40 {
		t.Errorf("deleted %d of 40", n)
	}
	running := []rayapi.Job{tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0), tuitest.Job("b", rayapi.StatusPending, "true", time.Minute, 0)}
	if got, ok := action.AskDeleteAll(env, running)().(screen.NoticeMsg); !ok || len(got.Detail) != 2 {
		t.Errorf("jobs that cannot be deleted: %+v", got)
	}
	mixed := action.AskDeleteAll(env, append(running[:1:1], jobs[0]))().(screen.AskMsg)
	if mixed.Yes != "Delete" || !strings.Contains(strings.Join(mixed.Lines, "\n"), "1 of the 2 marked cannot be deleted and is left alone.") {
		t.Errorf("one of two: %+v", mixed)
	}
	if q, ok := action.AskDeleteAll(env, jobs[:1])().(screen.AskMsg); !ok || q.Title != "Delete job?" {
		t.Errorf("one job: %+v", q)
	}
}
