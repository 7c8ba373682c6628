package action_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// all runs a command and what follows from it, and returns the messages.
func all(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	msg := cmd()
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice {
		return []tea.Msg{msg}
	}
	var msgs []tea.Msg
	for i := range v.Len() {
		if sub, ok := v.Index(i).Interface().(tea.Cmd); ok {
			msgs = append(msgs, all(sub)...)
		}
	}
	return msgs
}

func TestAskStop(t *testing.T) {
	t.Parallel()
	running := tuitest.Job("a", rayapi.StatusRunning, "sleep 9", time.Minute, 0)
	tests := []struct {
		name    string
		stopped bool
		err     error
		want    string // in the notice; "": none
		left    bool   // still shown as stopping
	}{
		{"ok", true, nil, "", true},
		{"ended meanwhile", false, nil, "a had already ended", false},
		{"refused", false, errors.New("no agent"), "stop a: no agent", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := ""
			env := tuitest.Env(t, &tuitest.Jobs{StopFn: func(_ context.Context, id string) (bool, error) {
				asked = id
				return tt.stopped, tt.err
			}})
			q, ok := action.AskStop(env, running)().(screen.AskMsg)
			text := strings.Join(q.Lines, "\n")
			if !ok || asked != "" || !strings.Contains(text, "job     a") || !strings.Contains(text, "embedded") {
				t.Fatalf("question %+v, asked %q", q, asked)
			}
			said, stopping := "", false
			for _, msg := range all(q.DoWith([]int{0, 0})) {
				switch msg := msg.(type) {
				case screen.NoticeMsg:
					said = msg.Text
				case screen.StoppingMsg:
					stopping = !msg.Since.IsZero()
				}
			}
			if asked != "a" || said != tt.want || stopping != tt.left {
				t.Errorf("stopped %q, said %q, stopping %t; want %q, %t", asked, said, stopping, tt.want, tt.left)
			}
		})
	}
}

// What is picked in the dialog is what the server is asked for.
func TestAskStop_how(t *testing.T) {
	t.Parallel()
	var how rayapi.StopOptions
	jobs := &tuitest.Jobs{
		StopWithFn: func(_ context.Context, _ string, o rayapi.StopOptions) (bool, error) {
			how = o
			return true, nil
		},
	}
	env := tuitest.Env(t, jobs)
	running := tuitest.Job("a", rayapi.StatusRunning, "sleep 9", time.Minute, 0)
	q := action.AskStop(env, running)().(screen.AskMsg)
	if q.Hold != "stop a" {
		t.Errorf("held as %q", q.Hold)
	}
	for i, signal := range q.Choices[0].Options {
		for j, grace := range q.Choices[1].Options {
			all(q.DoWith([]int{i, j}))
			want := ""
			if i > 0 {
				want = signal
			}
			if how.Signal != want || (how.Grace == nil) != (j == 0) {
				t.Errorf("%s, %s: asked for %+v", signal, grace, how)
			}
		}
	}
	env.Target.Embedded = false
	if q := action.AskStop(env, running)().(screen.AskMsg); len(q.Choices) != 0 || q.Do == nil {
		t.Errorf("a Ray head is offered a choice that it does not know: %+v", q)
	}
}

func TestAsk_explainsWhatCannotBe(t *testing.T) {
	t.Parallel()
	env := tuitest.Env(t, &tuitest.Jobs{T: t}) // a call would panic
	running, ended := tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0), tuitest.Job("a", rayapi.StatusFailed, "true", time.Minute, time.Second)
	tests := []struct {
		name string
		cmd  tea.Cmd
		want string
	}{
		{"stop ended", action.AskStop(env, ended), "has already ended (FAILED)"},
		{"stop driver", action.AskStop(env, tuitest.Driver("02000000", rayapi.StatusRunning, time.Hour, 0)), "driver"},
		{"delete running", action.AskDelete(env, running), "stop it first"},
		{"delete driver", action.AskDelete(env, tuitest.Driver("02000000", rayapi.StatusSucceeded, time.Hour, time.Minute)), "driver"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if n, ok := tt.cmd().(screen.NoticeMsg); !ok || !strings.Contains(n.Text, tt.want) {
				t.Errorf("got %+v, want a notice with %q", n, tt.want)
			}
		})
	}
}

func TestAskDelete(t *testing.T) {
	t.Parallel()
	deleted := ""
	env := tuitest.Env(t, &tuitest.Jobs{DeleteFn: func(_ context.Context, id string) error {
		deleted = id
		return nil
	}})
	q, ok := action.AskDelete(env, tuitest.Job("a", rayapi.StatusFailed, "true", time.Minute, time.Second))().(screen.AskMsg)
	if !ok || !strings.Contains(strings.Join(q.Lines, "\n"), "Its record and its log go") {
		t.Fatalf("the question does not say what goes: %+v", q)
	}
	msgs := all(q.Do)
	if deleted != "a" || len(msgs) != 2 {
		t.Errorf("deleted %q, said %+v", deleted, msgs)
	}
}

// On a cluster a delete right after the end does not last.
func TestAskDelete_waitsForTheClusterToSettle(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that a wait ends at once, with an error
	for name, tt := range map[string]struct {
		embedded bool
		ended    time.Duration // ago
		waits    bool
	}{
		"just ended":            {false, time.Second, true},
		"ended by a fast clock": {false, -time.Hour, true},
		"settled":               {false, 4 * time.Second, false},
		"embedded":              {true, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deleted := false
			env := tuitest.Env(t, &tuitest.Jobs{DeleteFn: func(context.Context, string) error {
				deleted = true
				return nil
			}})
			env.Ctx, env.Target.Embedded = ctx, tt.embedded
			job := tuitest.Job("a", rayapi.StatusFailed, "true", tt.ended+time.Minute, time.Minute)
			q, _ := action.AskDelete(env, job)().(screen.AskMsg)
			all(q.Do)
			if deleted == tt.waits {
				t.Errorf("deleted at once: %t", deleted)
			}
		})
	}
}
