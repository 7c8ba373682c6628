package submit

import (
	"strings"
	"testing"

	"dray/tui/screen"
)

// One key copies the job as a command, and pressed again in the other forms,
// none of which holds a secret.
func TestModel_CopiesInTurn(t *testing.T) {
	t.Parallel()
	for far, starts := range map[bool][]string{
		true:  {"ray job submit --address http", "dray --address http", "{\n", "ray job submit"},
		false: {"dray submit", "{\n", "dray submit"},
	} {
		env := embedded(t, newServer(t))
		if far {
			env = remote(t, newServer(t))
		}
		m := started(t, New(env), 140, 37)
		m, _ = typed(m, "python x.py", "at:env_vars", "HF_TOKEN=hf_abcdefgh")
		for i, start := range starts {
			next, cmd := typed(m, "ctrl+y")
			m = next
			msg, ok := cmd().(screen.CopyMsg)
			if !ok || !strings.HasPrefix(msg.Text, start) || strings.Contains(msg.Text, "hf_abcdefgh") || !strings.Contains(msg.What, "(again: ") {
				t.Errorf("far %v, press %d: %+v, want %q", far, i+1, msg, start)
			}
		}
		_, cmd := typed(m, "at:entrypoint", "2", "ctrl+y")
		if msg := cmd().(screen.CopyMsg); !strings.HasPrefix(msg.Text, starts[0]) {
			t.Errorf("after an edit: %+v", msg)
		}
	}
}
