package tui

import (
	"slices"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/screen"
)

// scopeApp is the scope of the keys that work on every page.
const scopeApp = "App"

// rebound returns b with the user's keys. A page knows its own keys only: what
// is typed is translated before it gets there.
func rebound(keys map[string][]string, g theme.Glyphs, scope string, b screen.Binding) screen.Binding {
	own, ok := keys[scope+"/"+b.ID]
	if !ok {
		own, ok = keys[b.ID]
	}
	if !ok {
		return b
	}
	shown := make([]string, len(own))
	for i, k := range own {
		shown[i] = showKey(g, k)
	}
	b.SetKeys(own...)
	b.SetHelp(strings.Join(shown, " "), b.Help().Desc)
	if len(own) == 0 {
		b.SetEnabled(false)
	}
	return b
}

func (m model) rebound(scope string, b screen.Binding) screen.Binding {
	return rebound(m.env.Settings.Keys, m.env.Styles.Glyphs, scope, b)
}

// showKey writes a key as hints and help do.
func showKey(g theme.Glyphs, k string) string {
	switch k {
	case "enter":
		return g.Enter
	case "up":
		return g.KeyUp
	case "down":
		return g.KeyDown
	case " ":
		return "space"
	}
	if rest, ok := strings.CutPrefix(k, "ctrl+"); ok {
		return g.Ctrl + rest
	}
	return k
}

// translate turns a key into the one by which the page on top knows the action
// that the user has put on it. It reports false for a key that the user has
// taken away.
func (m model) translate(k tea.KeyMsg) (tea.KeyMsg, bool) {
	page := m.top().screen
	if len(m.env.Settings.Keys) == 0 || k.Paste || page.Typing() && isText(k) {
		return k, true
	}
	name, taken := k.String(), false
	for _, b := range page.Bindings() {
		now := m.rebound(page.Scope(), b)
		switch {
		case slices.Contains(now.Keys(), name) && slices.Contains(b.Keys(), name):
			return k, true
		case slices.Contains(now.Keys(), name) && now.Enabled() && len(b.Keys()) > 0:
			return KeyNamed(b.Keys()[0])
		case slices.Contains(b.Keys(), name):
			taken = true
		}
	}
	return k, !taken
}

func isText(k tea.KeyMsg) bool {
	return (k.Type == tea.KeyRunes || k.Type == tea.KeySpace) && !k.Alt
}

// KeyNamed returns the message of a key by its name, as Bubble Tea writes it:
// "x", "ctrl+s", "alt+enter", "f4", "space".
func KeyNamed(name string) (tea.KeyMsg, bool) {
	rest, alt := strings.CutPrefix(name, "alt+")
	if rest == "" {
		return tea.KeyMsg{}, false
	}
	if rest == " " || rest == "space" {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}, Alt: alt}, true
	}
	if r, n := utf8.DecodeRuneInString(rest); n == len(rest) && r >= ' ' {
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: alt}, true
	}
	const first, last = -200, 127
	for t := tea.KeyType(last); t >= first; t-- {
		if t != tea.KeyRunes && t.String() == rest {
			return tea.KeyMsg{Type: t, Alt: alt}, true
		}
	}
	return tea.KeyMsg{}, false
}
