package prompt_test

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/tuitest"
	"dray/tui/widget/prompt"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	key := func(k tea.KeyType) tea.KeyMsg { return tea.KeyMsg{Type: k} }
	text := tuitest.Key
	tests := []struct {
		name string
		keys []tea.KeyMsg
		want string // with | at the cursor
	}{
		{"typed", []tea.KeyMsg{text("ab"), text("space"), text("ü")}, "ab ü|"},
		{"pasted lines", []tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune("a\nb\x1b[31m"), Paste: true}}, "a b[31m|"},
		{"insert inside", []tea.KeyMsg{text("ac"), key(tea.KeyLeft), text("b")}, "ab|c"},
		{"backspace", []tea.KeyMsg{text("abc"), key(tea.KeyBackspace)}, "ab|"},
		{"backspace at the start", []tea.KeyMsg{text("a"), key(tea.KeyHome), key(tea.KeyBackspace)}, "|a"},
		{"delete", []tea.KeyMsg{text("abc"), key(tea.KeyHome), key(tea.KeyDelete)}, "|bc"},
		{"word", []tea.KeyMsg{text("ab"), text("space"), text("cd"), text("space"), key(tea.KeyCtrlW)}, "ab |"},
		{"line", []tea.KeyMsg{text("abc"), key(tea.KeyLeft), key(tea.KeyCtrlU)}, "|c"},
		{"rest", []tea.KeyMsg{text("abc"), key(tea.KeyLeft), key(tea.KeyCtrlK)}, "ab|"},
		{"too long", []tea.KeyMsg{text(strings.Repeat("x", 500))}, strings.Repeat("x", 200) + "|"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var m prompt.Model
			for _, k := range tt.keys {
				next, ours := m.Update(k)
				if !ours {
					t.Fatalf("%s is not taken", k)
				}
				m = next
			}
			before, under, after := m.Split()
			if got := before + "|" + strings.TrimSuffix(under+after, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestUpdate_leavesOtherKeys(t *testing.T) {
	t.Parallel()
	for _, k := range []tea.KeyMsg{{Type: tea.KeyEnter}, {Type: tea.KeyEsc}, {Type: tea.KeyUp}, {Type: tea.KeyRunes, Runes: []rune("x"), Alt: true}} {
		if _, ours := prompt.New("a").Update(k); ours {
			t.Errorf("%s is taken", k)
		}
	}
}
