package submit

import (
	"github.com/charmbracelet/bubbles/key"

	"dray/theme"
	"dray/tui/screen"
)

// keyMap is what the form makes of keys beside typing. Readline's own chords
// (ctrl-a b d e f h k n p u w) belong to the fields.
type keyMap struct {
	submit, done, next, prev, enter, change, cancel, back key.Binding
	nextStep, prevStep, editor, history, templates, files key.Binding
	recent                                                key.Binding
	view, preview, copyLine, reveal, sweep, down, up      key.Binding
}

func newKeyMap(g theme.Glyphs) keyMap {
	bind := func(show, help string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, help))
	}
	ctrl := g.Ctrl
	return keyMap{
		submit:    bind(ctrl+"s", "submit", "ctrl+s"),
		done:      bind(ctrl+"s", "done", "ctrl+s"),
		next:      bind("tab", "next field", "tab"),
		prev:      bind("shift+tab", "field before", "shift+tab"),
		enter:     bind("enter", "next field; new line in a list; press a button", "enter"),
		change:    bind("space", "change a choice", " ", "left", "right"),
		cancel:    bind("esc", "cancel, draft kept", "esc"),
		back:      bind("esc", "back", "esc"),
		nextStep:  bind("pgdn", "next step", "pgdown"),
		prevStep:  bind("pgup", "step before", "pgup"),
		editor:    bind(ctrl+"o", "editor", "ctrl+o"),
		history:   bind(ctrl+"r", "history", "ctrl+r"),
		recent:    bind(ctrl+"r", "recent environments", "ctrl+r"),
		templates: bind(ctrl+"t", "templates", "ctrl+t"),
		files:     bind(ctrl+"l", "files, load", "ctrl+l"),
		view:      bind(ctrl+"x", "form, yaml, json", "ctrl+x"),
		preview:   bind(ctrl+"g", "preview", "ctrl+g"),
		copyLine:  bind(ctrl+"y", "copy command", "ctrl+y"),
		reveal:    bind("F4", "reveal secrets for 60 s", "f4"),
		sweep:     bind(ctrl+"q", "variants of this field", "ctrl+q"),
		down:      bind("j", "scroll down", "j", "ctrl+d"),
		up:        bind("k", "scroll up", "k", "ctrl+u"),
	}
}

// bindings lists what works in the present step.
func (m Model) bindings() []screen.Binding {
	k := m.keys
	list := []screen.Binding{
		{Binding: k.submit, ID: "form.submit", Group: "FORM", Rank: 1},
		{Binding: k.next, ID: "form.next", Group: "FORM", Rank: 4},
		{Binding: k.prev, ID: "form.prev", Group: "FORM"},
		{Binding: k.enter, ID: "form.enter", Group: "FORM"},
		{Binding: k.change, ID: "form.change", Group: "FORM"},
		{Binding: k.nextStep, ID: "form.step.next", Group: "FORM", Rank: 2},
		{Binding: k.prevStep, ID: "form.step.prev", Group: "FORM"},
		{Binding: k.editor, ID: "form.editor", Group: "FORM", Rank: 8},
		{Binding: k.history, ID: "form.history", Group: "FORM", Rank: 9},
		{Binding: k.templates, ID: "form.templates", Group: "FORM", Rank: 6},
		{Binding: k.files, ID: "form.files", Group: "FORM", Rank: 7},
		{Binding: k.view, ID: "form.view", Group: "FORM"},
		{Binding: k.preview, ID: "form.preview", Group: "FORM", Rank: 10},
		{Binding: k.copyLine, ID: "form.copy", Group: "FORM", Rank: 5},
		{Binding: k.reveal, ID: "form.reveal", Group: "FORM"},
		{Binding: k.sweep, ID: "form.sweep", Group: "FORM"},
		{Binding: k.cancel, ID: "form.cancel", Group: "FORM", Rank: 3, Leads: true},
	}
	switch {
	case m.over != nil:
		return m.over.bindings()
	case m.at() == stepEnv:
		list[0].Binding, list[len(list)-1].Binding = k.done, k.back
		list[len(list)-1].Leads = false
		list[8].Binding = k.recent
		list[11].Rank = 4
	case m.step == stepReview || m.peek:
		list = append(list, screen.Binding{Binding: k.down, ID: "form.down", Group: "FORM"}, screen.Binding{Binding: k.up, ID: "form.up", Group: "FORM"})
	}
	if m.step != stepBasics {
		list[16].Binding, list[16].Leads = k.back, false
	}
	return list
}
