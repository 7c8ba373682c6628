//go:build linux && ray

package conformance_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/terminal" //nolint:depguard // the dashboard is one of the clients under test
)

const patience = 60 * time.Second

// waitAfterEnd gives a real head's monitor the time after which it does not
// resurrect a deleted record.
func waitAfterEnd(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(4 * time.Second):
	case <-t.Context().Done():
	}
}

// quickStartByForm drives the dashboard in a pseudo-terminal: n, entrypoint,
// submission id, working dir, submit.
func quickStartByForm(t *testing.T, s *target, bin string) {
	id := rayapi.NewID()
	cmd := exec.CommandContext(t.Context(), bin, "--address", s.base)
	cmd.Dir = quickStartDir(t)
	cmd.Env = append(rayEnv(t), "TERM=xterm-256color", "DRAY_STATE_DIR="+t.TempDir())
	if s.token != "" {
		cmd.Env = append(cmd.Env, "RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN="+s.token)
	}
	term, err := terminal.Start(cmd, 140, 40)
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	steps := []struct{ await, keys string }{
		{"live", "n"},
		{"Entrypoint", "python script.py\t" + id + "\t\t./"}, // past the job name
		{id, "\x13"}, // ctrl-s
	}
	for _, st := range steps {
		if err := term.AwaitText(t.Context(), patience, st.await); err != nil {
			t.Fatal(err)
		}
		if err := term.Send(st.keys); err != nil {
			t.Fatal(err)
		}
	}
	err = term.Await(t.Context(), patience, "SUCCEEDED in the row of the job", func(screen string) bool {
		for line := range strings.Lines(screen) {
			if strings.Contains(line, "SUCCEEDED") && strings.Contains(line, id[:12]) {
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
	wantQuickStart(t, "log of the form's job", s.logs(t, id))
}
