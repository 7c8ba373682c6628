package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
)

// blank is a page that shows its title.
type blank struct {
	title  string
	typing bool
	size   screen.Size
	keys   string
}

func (b blank) Init() tea.Cmd { return nil }
func (b blank) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	if k, ok := msg.(tea.KeyMsg); ok {
		if k.Type == tea.KeyEsc {
			return b, screen.Pop
		}
		b.keys += k.String()
	}
	return b, nil
}

func (b blank) View() string {
	return " " + b.title + " " + b.keys + strings.Repeat("\n", max(0, b.size.H-1))
}
func (b blank) Resize(s screen.Size) screen.Screen { b.size = s; return b }
func (b blank) Scope() string                      { return b.title }
func (b blank) Bindings() []screen.Binding         { return nil }
func (b blank) Typing() bool                       { return b.typing }
func (b blank) Close()                             {}
