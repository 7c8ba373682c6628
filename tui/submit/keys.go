package submit

import (
	"github.com/charmbracelet/bubbles/key"

	"dray/tui/screen"
)

// keyMap is what the form makes of keys beside typing. Readline's own chords
// (ctrl-a b d e f h k n p u w) belong to the fields.
type keyMap struct {
	submit, next, prev, enter, change, cancel key.Binding
}

func newKeyMap() keyMap {
	return keyMap{
		submit: key.NewBinding(key.WithKeys("ctrl+s"), key.WithHelp("^s", "submit")),
		next:   key.NewBinding(key.WithKeys("tab"), key.WithHelp("tab", "next field")),
		prev:   key.NewBinding(key.WithKeys("shift+tab"), key.WithHelp("shift+tab", "field before")),
		enter:  key.NewBinding(key.WithKeys("enter"), key.WithHelp("enter", "next field; new line in a list; press a button")),
		change: key.NewBinding(key.WithKeys(" ", "left", "right"), key.WithHelp("space", "change a choice")),
		cancel: key.NewBinding(key.WithKeys("esc"), key.WithHelp("esc", "cancel, draft kept")),
	}
}

func (k keyMap) bindings() []screen.Binding {
	return []screen.Binding{
		{Binding: k.submit, ID: "form.submit", Group: "FORM", Rank: 1},
		{Binding: k.next, ID: "form.next", Group: "FORM", Rank: 2},
		{Binding: k.prev, ID: "form.prev", Group: "FORM"},
		{Binding: k.enter, ID: "form.enter", Group: "FORM"},
		{Binding: k.change, ID: "form.change", Group: "FORM"},
		{Binding: k.cancel, ID: "form.cancel", Group: "FORM", Rank: 3, Leads: true},
	}
}
