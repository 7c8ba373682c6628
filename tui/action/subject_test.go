package action

import (
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// A protected server wants the id of one job typed, and the number of several.
func TestAsk_saysWhatIsToBeTyped(t *testing.T) {
	t.Parallel()
	env := tuitest.Env(t, nil)
	a := tuitest.Job("train-a", rayapi.StatusRunning, "true", time.Minute, 0)
	b := tuitest.Job("train-b", rayapi.StatusRunning, "true", time.Minute, 0)
	ended := tuitest.Job("old", rayapi.StatusSucceeded, "true", time.Minute, time.Second)
	for want, cmd := range map[string]tea.Cmd{
		"train-a": AskStop(env, a),
		"old":     AskDelete(env, ended),
		"2 jobs":  AskStopAll(env, []rayapi.Job{a, b, ended}),
		"train-b": AskStopAll(env, []rayapi.Job{b, ended}),
	} {
		if q, ok := cmd().(screen.AskMsg); !ok || q.Subject != want || q.Local {
			t.Errorf("%+v, want %q", q, want)
		}
	}
}
