// Package form is the dashboard's form: labelled fields one below the other,
// one of them in focus, each with a note under it that says what is wrong or
// what will happen.
//
// It edits text and draws; it knows no meaning. What a value means, whether it
// is right and what is done with it is its page's business. A form works with
// tab, enter and the arrow keys alone; every other chord is the page's.
package form

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
)

// Event says what a key did.
type Event int

// The events of a form.
const (
	None    Event = iota // nothing, or the cursor moved within a field
	Edited               // the value of the focused field changed
	Moved                // another field has the focus
	Pressed              // a button was pressed: see Model.Button
)

// Level grades a note.
type Level int

// The levels of a note. A Hint is drawn when the field has the focus, an Info
// also when there is much room; OK is a sign at the field without its text;
// the others are always drawn.
const (
	Hint Level = iota
	Info
	OK
	Warn
	Bad
)

// Note is the text under a field.
type Note struct {
	Level Level
	Text  string
}

// Field is one labelled control.
type Field struct {
	ID     string
	Label  string
	Inline bool // on the line of the field before it
	// Steps are the steps of the form that show the field, one bit each; 0 is
	// all of them.
	Steps  uint
	Hidden bool // shown in no step for now; its value counts
	Wide   bool // it has the whole width, and no label
	ctl    control
	notes  []Note
}

// control is the part of a field that takes keys. It is a value: update and
// focus return the next one.
type control interface {
	update(k tea.KeyMsg) (control, step)
	focus(fromBelow bool) control
	set(value string) control
	value() string
	typing() bool
	// draw returns lines of at most w cells and the index of the line that the
	// cursor is on.
	draw(st *theme.Styles, w int, focused bool) (lines []string, cursor int)
}

// step is what a control made of a key.
type step int

const (
	stay step = iota
	edited
	next
	prev
	press
)

// Model is a form. It is a value; each method that changes it returns the next
// one.
type Model struct {
	st     *theme.Styles
	fields []Field
	focus  int
	step   int
	w, h   int
	top    int // first line drawn
}

// New returns a form with the focus on its first field.
func New(st *theme.Styles, fields ...Field) Model {
	return Model{st: st, fields: fields}
}

// Resize sets the space that View fills.
func (m Model) Resize(w, h int) Model {
	m.w, m.h = max(0, w), max(0, h)
	return m.scrolled()
}

// Value returns the text of field id, lines separated by "\n" in a list, or ""
// when there is no such field.
func (m Model) Value(id string) string {
	if i := m.index(id); i >= 0 {
		return m.fields[i].ctl.value()
	}
	return ""
}

// SetValue replaces the text of field id and puts its cursor at the end.
func (m Model) SetValue(id, value string) Model {
	i := m.index(id)
	if i < 0 {
		return m
	}
	m.fields = slices.Clone(m.fields)
	m.fields[i].ctl = m.fields[i].ctl.set(value)
	return m
}

// SetNotes replaces the notes of field id. Empty texts are left out.
func (m Model) SetNotes(id string, notes ...Note) Model {
	i := m.index(id)
	if i < 0 {
		return m
	}
	kept := make([]Note, 0, len(notes))
	for _, n := range notes {
		if n.Text != "" {
			kept = append(kept, n)
		}
	}
	m.fields = slices.Clone(m.fields)
	m.fields[i].notes = kept
	return m
}

// Focused returns the id of the field that has the focus.
func (m Model) Focused() string { return m.fields[m.focus].ID }

// Focus gives the focus to field id.
func (m Model) Focus(id string) Model {
	if i := m.index(id); i >= 0 {
		return m.focusAt(i, false)
	}
	return m
}

// Label returns the label of field id, without the sign that marks it as
// required.
func (m Model) Label(id string) string {
	if i := m.index(id); i >= 0 {
		return strings.TrimSuffix(m.fields[i].Label, " *")
	}
	return ""
}

// Typing reports that printable keys are text for the focused field.
func (m Model) Typing() bool { return m.fields[m.focus].ctl.typing() }

// Button returns the selected label when the focus is on a row of buttons.
func (m Model) Button() string {
	if b, ok := m.fields[m.focus].ctl.(buttons); ok {
		return b.labels[b.at]
	}
	return ""
}

// Update gives a key to the focused field, or moves the focus.
func (m Model) Update(k tea.KeyMsg) (Model, Event) {
	switch k.Type {
	case tea.KeyTab:
		return m.move(1), Moved
	case tea.KeyShiftTab:
		return m.move(-1), Moved
	default:
		return m.control(k)
	}
}

func (m Model) control(k tea.KeyMsg) (Model, Event) {
	ctl, s := m.fields[m.focus].ctl.update(k)
	m.fields = slices.Clone(m.fields)
	m.fields[m.focus].ctl = ctl
	switch s {
	case edited:
		return m.scrolled(), Edited
	case press:
		return m, Pressed
	case next:
		return m.move(1), Moved
	case prev:
		return m.move(-1), Moved
	case stay:
	}
	return m.scrolled(), None
}

func (m Model) move(by int) Model {
	n := len(m.fields)
	at := m.focus
	for range n {
		if at = (at + by + n) % n; m.visible(at) {
			return m.focusAt(at, by < 0)
		}
	}
	return m
}

// Show draws the fields of a step, counted from 0. The focus stays on a field
// that the step has too, and goes to its first one otherwise.
func (m Model) Show(step int) Model {
	m.step, m.top = step, 0
	return m.settled()
}

// settled moves the focus off a field that is not shown.
func (m Model) settled() Model {
	if m.visible(m.focus) {
		return m.scrolled()
	}
	for i := range m.fields {
		if m.visible(i) {
			return m.focusAt(i, false)
		}
	}
	return m
}

// Shows reports whether a step has field id.
func (m Model) Shows(step int, id string) bool {
	i := m.index(id)
	return i >= 0 && !m.fields[i].Hidden && (m.fields[i].Steps == 0 || m.fields[i].Steps&(1<<step) != 0)
}

func (m Model) visible(i int) bool {
	f := m.fields[i]
	return !f.Hidden && (f.Steps == 0 || f.Steps&(1<<m.step) != 0)
}

// Hide takes field id away from all steps, or brings it back.
func (m Model) Hide(id string, hidden bool) Model {
	i := m.index(id)
	if i < 0 || m.fields[i].Hidden == hidden {
		return m
	}
	m.fields = slices.Clone(m.fields)
	m.fields[i].Hidden = hidden
	return m.settled()
}

// SetMask replaces what is drawn as dots in a List or an Area: mask gets all
// lines and the index of one, and returns the rune from which on it is hidden,
// -1 for none.
func (m Model) SetMask(id string, mask func(lines []string, i int) int) Model {
	i := m.index(id)
	if i < 0 {
		return m
	}
	if l, ok := m.fields[i].ctl.(list); ok {
		m.fields = slices.Clone(m.fields)
		l.mask = mask
		m.fields[i].ctl = l
	}
	return m
}

// GoTo puts the cursor of a List or an Area on a line, counted from 0.
func (m Model) GoTo(id string, line int) Model {
	i := m.index(id)
	if i < 0 {
		return m
	}
	if l, ok := m.fields[i].ctl.(list); ok {
		m.fields = slices.Clone(m.fields)
		m.fields[i].ctl = l.goTo(max(0, min(line, len(l.rows)-1)))
	}
	return m.scrolled()
}

// Click gives the focus to the field that is drawn on line y of View, and
// reports whether it had it already; ok is false where there is none.
func (m Model) Click(y int) (next Model, again, ok bool) {
	_, _, _, owners := m.layout()
	if y += m.top; y < 0 || y >= len(owners) || owners[y] < 0 {
		return m, false, false
	}
	if owners[y] == m.focus {
		return m, true, true
	}
	return m.focusAt(owners[y], false), false, true
}

func (m Model) focusAt(i int, fromBelow bool) Model {
	m.fields = slices.Clone(m.fields)
	m.focus = i
	m.fields[i].ctl = m.fields[i].ctl.focus(fromBelow)
	return m.scrolled()
}

func (m Model) index(id string) int {
	return slices.IndexFunc(m.fields, func(f Field) bool { return f.ID == id })
}
