package form

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
)

// maxRows bounds a list; a paste of more lines is cut.
const maxRows = 1000

// List is a field of any number of lines. Enter opens a new line and, on an
// empty one, goes to the next field; a paste of several lines makes several.
// mask returns the rune from which on a line is drawn as dots, -1 for none; it
// may be nil.
func List(id, label, value, placeholder string, mask func(line string) int) Field {
	l := list{placeholder: placeholder, mask: func([]string, int) int { return -1 }}
	if mask != nil {
		l.mask = func(lines []string, i int) int { return mask(lines[i]) }
	}
	return Field{ID: id, Label: label, ctl: l.set(value)}
}

// Area is a field of free text: blank lines count, and enter opens a line that
// is indented as the one before it.
func Area(id, label, value, placeholder string) Field {
	l := list{placeholder: placeholder, free: true, mask: func([]string, int) int { return -1 }}
	return Field{ID: id, Label: label, ctl: l.set(value)}
}

// list keeps its lines as text; only the one under the cursor is an editor.
type list struct {
	rows        []string // never empty
	at          int
	line        line // edits rows[at]
	mask        func(lines []string, i int) int
	placeholder string
	free        bool // an Area
}

func (l list) set(value string) control {
	l.rows = strings.Split(value, "\n")
	return l.goTo(len(l.rows) - 1)
}

func (l list) goTo(row int) list {
	l.at = row
	l.line = newLine(l.rows[row])
	return l
}

// value leaves blank lines out: they are only where one will type next.
func (l list) value() string {
	if l.free {
		return strings.Join(l.rows, "\n")
	}
	kept := make([]string, 0, len(l.rows))
	for _, r := range l.rows {
		if strings.TrimSpace(r) != "" {
			kept = append(kept, r)
		}
	}
	return strings.Join(kept, "\n")
}

func (l list) typing() bool { return true }

func (l list) focus(fromBelow bool) control {
	l.rows = strings.Split(l.value(), "\n")
	if fromBelow {
		return l.goTo(len(l.rows) - 1)
	}
	return l.goTo(0)
}

func (l list) update(k tea.KeyMsg) (control, step) {
	if k.Paste {
		return l.paste(pasted(string(k.Runes)))
	}
	switch k.Type {
	case tea.KeyEnter:
		return l.enter()
	case tea.KeyUp:
		if l.at > 0 {
			return l.goTo(l.at - 1), stay
		}
		return l, prev
	case tea.KeyDown:
		if l.at < len(l.rows)-1 {
			return l.goTo(l.at + 1), stay
		}
		return l, next
	case tea.KeyBackspace:
		if l.at > 0 && l.line.in.Position() == 0 {
			return l.joinAbove(), edited
		}
	default:
	}
	line, changed := l.line.update(k)
	l.line = line
	if !changed {
		return l, stay
	}
	return l.store(), edited
}

func (l list) store() list {
	l.rows = slices.Clone(l.rows)
	l.rows[l.at] = l.line.value()
	return l
}

func (l list) enter() (control, step) {
	if l.free {
		return l.indented()
	}
	if strings.TrimSpace(l.rows[l.at]) == "" || len(l.rows) >= maxRows {
		return l, next
	}
	before, after := l.line.split()
	l.rows = slices.Insert(slices.Clone(l.rows), l.at+1, after)
	l.rows[l.at] = before
	l = l.goTo(l.at + 1)
	l.line = l.line.at(0)
	if after == "" {
		return l, stay
	}
	return l, edited
}

// indented opens a line in an Area under the one of the cursor, one level in
// where a key of YAML or a bracket was opened.
func (l list) indented() (control, step) {
	if len(l.rows) >= maxRows {
		return l, stay
	}
	before, after := l.line.split()
	indent := before[:len(before)-len(strings.TrimLeft(before, " "))]
	if t := strings.TrimSpace(before); strings.HasSuffix(t, ":") || strings.HasSuffix(t, "{") || strings.HasSuffix(t, "[") {
		indent += "  "
	}
	l.rows = slices.Insert(slices.Clone(l.rows), l.at+1, indent+after)
	l.rows[l.at] = before
	l = l.goTo(l.at + 1)
	l.line = l.line.at(len([]rune(indent)))
	return l, edited
}

func (l list) joinAbove() list {
	above, rest := l.rows[l.at-1], l.rows[l.at]
	l.rows = slices.Delete(slices.Clone(l.rows), l.at, l.at+1)
	l.rows[l.at-1] = above + rest
	l = l.goTo(l.at - 1)
	l.line = l.line.at(len([]rune(above)))
	return l
}

func (l list) paste(lines []string) (control, step) {
	if len(lines) == 1 {
		var changed bool
		if l.line, changed = l.line.insert(lines[0]); !changed {
			return l, stay
		}
		return l.store(), edited
	}
	before, after := l.line.split()
	lines = slices.Clone(lines[:min(len(lines), max(1, maxRows-len(l.rows)))])
	lines[0] = before + lines[0]
	lines[len(lines)-1] += after
	for i, s := range lines {
		lines[i] = newLine(s).value() // cleaned as typed text is
	}
	l.rows = slices.Replace(slices.Clone(l.rows), l.at, l.at+1, lines...)
	return l.goTo(l.at + len(lines) - 1), edited
}

func (l list) draw(st *theme.Styles, w int, focused bool) ([]string, int) {
	if l.value() == "" && (!focused || len(l.rows) == 1) {
		t := text{line: l.line, placeholder: l.placeholder}
		return t.draw(st, w, focused)
	}
	lines := make([]string, 0, len(l.rows))
	for i, r := range l.rows {
		if i == l.at && focused {
			lines = append(lines, l.line.draw(st, w, l.mask(l.rows, i)))
			continue
		}
		if !focused && !l.free && strings.TrimSpace(r) == "" {
			continue
		}
		lines = append(lines, still(st, r, w, l.mask(l.rows, i)))
	}
	return lines, l.at
}
