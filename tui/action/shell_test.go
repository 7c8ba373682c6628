package action_test

import (
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// A question shows the verb that does the same, with what is picked in it.
func TestAsk_saysTheVerb(t *testing.T) {
	t.Parallel()
	a := tuitest.Job("train-a", rayapi.StatusRunning, "true", time.Minute, 0)
	b := tuitest.Job("it's b", rayapi.StatusRunning, "true", time.Minute, 0)
	odd := tuitest.Job("c\x1b", rayapi.StatusRunning, "true", time.Minute, 0)
	old := tuitest.Job("old", rayapi.StatusSucceeded, "true", time.Minute, time.Second)
	here := screen.Target{Name: "embedded", Embedded: true}
	there := screen.Target{Name: "head", Address: "http://head:8265"}
	named := screen.Target{Name: "prod", Address: "http://head:8265", Cluster: "prod"}
	stop := func(jobs ...rayapi.Job) func(*screen.Env) tea.Cmd {
		return func(env *screen.Env) tea.Cmd { return action.AskStopAll(env, jobs) }
	}
	drop := func(jobs ...rayapi.Job) func(*screen.Env) tea.Cmd {
		return func(env *screen.Env) tea.Cmd { return action.AskDeleteAll(env, jobs) }
	}
	for _, c := range []struct {
		want   string
		target screen.Target
		ask    func(*screen.Env) tea.Cmd
		picked []int
	}{
		{"dray stop train-a", here, stop(a), []int{0, 0}},
		{"dray stop train-a --signal SIGINT --grace 10", here, stop(a), []int{2, 2}},
		{"dray stop train-a --grace 0", here, stop(a), []int{0, 1}},
		{"dray --address http://head:8265 stop train-a", there, stop(a), nil},
		{`dray --cluster prod stop train-a 'it'"'"'s b'`, named, stop(a, b, old), nil},
		{"dray delete old", here, drop(old), nil},
		{"", here, stop(odd), []int{0, 0}},
	} {
		env := tuitest.Env(t, nil)
		env.Target = c.target
		q, ok := c.ask(env)().(screen.AskMsg)
		if !ok || q.Shell == nil {
			t.Fatalf("%q: no question with a line", c.want)
		}
		if got := q.Shell(c.picked); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
