package tui

import (
	"slices"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
	"dray/tui/tuitest"
)

// pressLate sends keys one after the other before any command that they start
// has run, as a fast typist does on a busy machine.
func (a *app) pressLate(keys ...tea.KeyMsg) {
	var cmds []tea.Cmd
	for _, k := range keys {
		var cmd tea.Cmd
		a.m, cmd = a.m.update(k)
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		a.do(cmd)
	}
}

func burst(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)} }

func singles(s string) []tea.KeyMsg {
	var keys []tea.KeyMsg
	for _, r := range s {
		keys = append(keys, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	return keys
}

// field is a page that notes what is typed into it.
type field struct {
	blank
	text *string
}

func (f field) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	if k, ok := msg.(tea.KeyMsg); ok {
		*f.text += string(k.Runes)
	}
	return f, nil
}

func (f field) Resize(s screen.Size) screen.Screen { f.size = s; return f }

func TestHold_keysWaitForWhatTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	const running = "raysubmit_tt0Lq8mWz2Rb55Ke" // under the cursor at the start
	tests := []struct {
		name   string
		keys   []tea.KeyMsg
		text   string
		writes []string
	}{
		{"a burst goes into the form", []tea.KeyMsg{burst("n"), burst("echo xD")}, "echo xD", nil},
		{"in one read", []tea.KeyMsg{burst("necho xD")}, "echo xD", nil},
		{"key by key", singles("necho xD"), "echo xD", nil},
		{"a paste", []tea.KeyMsg{burst("n"), {Type: tea.KeyRunes, Runes: []rune("echo\nx"), Paste: true}}, "echo\nx", nil},
		{"the answer confirms the question", append(singles("xy"), tuitest.Key("enter")), "", []string{"stop " + running}},
		{"in one read too", []tea.KeyMsg{burst("xy"), tuitest.Key("enter")}, "", []string{"stop " + running}},
		{"the cursor does not move under the question", append(singles("xjy"), tuitest.Key("enter")), "", []string{"stop " + running}},
		{"what was refused takes the rest with it", singles("lxy"), "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			var text string
			a.m.env.Pages.Submit = func() screen.Screen { return field{blank: blank{typing: true}, text: &text} }
			a.pressLate(tt.keys...)
			if text != tt.text {
				t.Errorf("the form got %q, want %q", text, tt.text)
			}
			if got := a.srv.written(); !slices.Equal(got, tt.writes) {
				t.Errorf("wrote %q, want %q", got, tt.writes)
			}
			if a.m.hold.on {
				t.Error("keys are still held")
			}
		})
	}
}

func TestHold_quittingDoesNotWait(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.m, _ = a.m.update(burst("n")) // whose command never answers
	a.press("ctrl+c")
	if !a.quit {
		t.Error("ctrl-c waited for the page")
	}
}
