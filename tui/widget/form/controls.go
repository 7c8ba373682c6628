package form

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/theme"
)

// Text is a field of one line. A paste of several lines is joined; enter goes
// to the next field. The placeholder is drawn while the field is empty.
func Text(id, label, value, placeholder string) Field {
	return Field{ID: id, Label: label, ctl: text{line: newLine(value), placeholder: placeholder}}
}

// Script is a field of one line whose text may have line breaks, which a paste
// brings: they are drawn as signs and edited like letters.
func Script(id, label, value, placeholder string) Field {
	return Field{ID: id, Label: label, ctl: text{line: newLine(value), placeholder: placeholder, script: true}}
}

type text struct {
	line        line
	placeholder string
	script      bool // keeps line breaks
}

func (t text) update(k tea.KeyMsg) (control, step) {
	var changed bool
	switch {
	case k.Paste && t.script:
		t.line, changed = t.line.insert(strings.Join(pasted(string(k.Runes)), "\n"))
	case k.Paste:
		t.line, changed = t.line.insert(joined(string(k.Runes)))
	case k.Type == tea.KeyEnter, k.Type == tea.KeyDown:
		return t, next
	case k.Type == tea.KeyUp:
		return t, prev
	default:
		t.line, changed = t.line.update(k)
	}
	if changed {
		return t, edited
	}
	return t, stay
}

func (t text) focus(bool) control { return t }

func (t text) set(value string) control {
	t.line = newLine(value)
	return t
}

func (t text) value() string { return t.line.value() }
func (t text) typing() bool  { return true }

func (t text) draw(st *theme.Styles, w int, focused bool) ([]string, int) {
	switch empty := t.line.value() == ""; {
	case empty && focused:
		return []string{st.Accent.Render(st.Glyphs.Caret) + st.Muted.Render(ansi.Truncate(t.placeholder, max(0, w-1), st.Glyphs.Ellipsis))}, 0
	case empty:
		return []string{st.Muted.Render(ansi.Truncate(t.placeholder, max(0, w), st.Glyphs.Ellipsis))}, 0
	case focused:
		return []string{t.line.draw(st, w, -1)}, 0
	}
	return []string{still(st, t.line.value(), w, -1)}, 0
}

// Choice is a field with one of a few options; space and the arrow keys change
// it. Its value is the option's text.
func Choice(id, label string, options ...string) Field {
	return Field{ID: id, Label: label, ctl: choice{options: options}}
}

type choice struct {
	options []string
	at      int
}

func (c choice) update(k tea.KeyMsg) (control, step) {
	n := len(c.options)
	switch k.Type {
	case tea.KeyEnter, tea.KeyDown:
		return c, next
	case tea.KeyUp:
		return c, prev
	case tea.KeySpace, tea.KeyRight:
		c.at = (c.at + 1) % n
		return c, edited
	case tea.KeyLeft:
		c.at = (c.at + n - 1) % n
		return c, edited
	default:
		return c, stay
	}
}

func (c choice) focus(bool) control { return c }

func (c choice) set(value string) control {
	for i, o := range c.options {
		if o == value {
			c.at = i
		}
	}
	return c
}

func (c choice) value() string { return c.options[c.at] }
func (c choice) typing() bool  { return false }

func (c choice) draw(st *theme.Styles, w int, focused bool) ([]string, int) {
	parts := make([]string, len(c.options))
	for i, o := range c.options {
		sign := " "
		if i == c.at {
			sign = st.Glyphs.Running
		}
		parts[i] = "(" + sign + ") " + o
		if i == c.at && focused {
			parts[i] = st.Selected.Render(parts[i])
		}
	}
	return []string{ansi.Truncate(strings.Join(parts, "  "), max(0, w), st.Glyphs.Ellipsis)}, 0
}

// Buttons is a row of buttons; enter and space press the selected one.
func Buttons(id string, labels ...string) Field {
	return Field{ID: id, ctl: buttons{labels: labels}}
}

type buttons struct {
	labels []string
	at     int
}

func (b buttons) update(k tea.KeyMsg) (control, step) {
	n := len(b.labels)
	switch k.Type {
	case tea.KeyEnter, tea.KeySpace:
		return b, press
	case tea.KeyDown:
		return b, next
	case tea.KeyUp:
		return b, prev
	case tea.KeyRight:
		b.at = min(b.at+1, n-1)
	case tea.KeyLeft:
		b.at = max(b.at-1, 0)
	default:
	}
	return b, stay
}

// focus selects the first button: where enter leads must not depend on an
// earlier visit.
func (b buttons) focus(bool) control {
	b.at = 0
	return b
}

func (b buttons) set(string) control { return b }
func (b buttons) value() string      { return "" }
func (b buttons) typing() bool       { return false }

func (b buttons) draw(st *theme.Styles, w int, focused bool) ([]string, int) {
	parts := make([]string, len(b.labels))
	for i, l := range b.labels {
		if i == b.at && focused {
			parts[i] = "[" + st.Selected.Render(st.Glyphs.Crumb+l+" ") + "]"
			continue
		}
		parts[i] = "[ " + l + " ]"
	}
	return []string{ansi.Truncate(strings.Join(parts, "  "), max(0, w), st.Glyphs.Ellipsis)}, 0
}

// Link is a line of text that leads elsewhere: enter and space press it. Its
// value is drawn as it stands.
func Link(id, label, value, hint string) Field {
	return Field{ID: id, Label: label, ctl: link{text: value, hint: hint}}
}

type link struct{ text, hint string }

func (l link) update(k tea.KeyMsg) (control, step) {
	switch k.Type {
	case tea.KeyEnter, tea.KeySpace:
		return l, press
	case tea.KeyDown:
		return l, next
	case tea.KeyUp:
		return l, prev
	default:
		return l, stay
	}
}

func (l link) focus(bool) control { return l }

func (l link) set(value string) control {
	l.text = value
	return l
}

func (l link) value() string { return l.text }
func (l link) typing() bool  { return false }

func (l link) draw(st *theme.Styles, w int, focused bool) ([]string, int) {
	hint := "[" + st.Glyphs.Enter + " " + l.hint + "]"
	room := max(0, w-ansi.StringWidth(hint)-2)
	text := pad(ansi.Truncate(l.text, room, st.Glyphs.Ellipsis), min(room, max(24, ansi.StringWidth(l.text))))
	if focused {
		hint = st.Glyphs.Caret + st.Selected.Render(hint)
	} else {
		hint = " " + st.Muted.Render(hint)
	}
	return []string{ansi.Truncate(text+hint, max(0, w), "")}, 0
}
