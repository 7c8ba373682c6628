package tui

import (
	"slices"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/tuitest"
)

// everyKey are all keys that a terminal can send, more or less.
func everyKey() []tea.KeyMsg {
	var keys []tea.KeyMsg
	for r := rune(' '); r <= '~'; r++ {
		if k, ok := KeyNamed(string(r)); ok {
			keys = append(keys, k)
		}
	}
	for t := tea.KeyType(-100); t <= 31; t++ {
		if t.String() != "" && t != tea.KeyRunes && t != tea.KeyCtrlZ {
			keys = append(keys, tea.KeyMsg{Type: t})
		}
	}
	return keys
}

// No single key, and no two keys of which the second is not a yes, changes
// anything on the server, on any page and over anything that lies on it.
func TestEveryKey_changesNothingUnasked(t *testing.T) {
	t.Parallel()
	for _, scene := range [][]string{nil, {"d"}, {"y"}, {"l"}, {"!"}, {"?"}, {":"}, {"T"}, {"/"}, {"space", "j", "space"}} {
		t.Run(fmtKeys(scene), func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.press(scene...)
			before := a.m
			for _, k := range everyKey() {
				a.m, a.quit = before, false
				if k.String() == "R" || k.String() == "f4" {
					continue // shows secrets for a minute, which the commands of this test would wait for
				}
				a.send(k)
				if a.m.question != nil && a.m.question.yes {
					t.Errorf("%q opens a question whose default is yes", k)
				}
				if a.m.question == nil {
					continue
				}
				for _, then := range []string{"enter", "esc", "n", "q"} {
					at := a.m
					a.press(then)
					if len(a.m.held) > 0 {
						t.Errorf("%q, %q confirms", k, then)
					}
					a.m = at
				}
			}
			a.wait(10 * time.Second)
			if got := a.srv.written(); len(got) > 0 {
				t.Errorf("wrote %q", got)
			}
		})
	}
}

func fmtKeys(keys []string) string {
	if len(keys) == 0 {
		return "list"
	}
	return keys[0]
}

// A press of a rebound key is as good as one of the built-in key.
func TestKeyNamed_knowsEveryKey(t *testing.T) {
	t.Parallel()
	var wrong []string
	for _, k := range everyKey() {
		got, ok := KeyNamed(k.String())
		if !ok || got.String() != k.String() {
			wrong = append(wrong, k.String())
		}
	}
	if slices.Sort(wrong); len(wrong) > 0 {
		t.Errorf("unknown: %q", wrong)
	}
}
