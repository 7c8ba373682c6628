package form

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"dray/theme"
)

const (
	labelWidth = 17 // cells between the cursor column and the values
	signWidth  = 4  // cells of the sign at the right
	noteLines  = 3  // a longer note is cut
	tight      = 14 // lines of height under which only the focused field has its Info notes
)

// View returns exactly as many lines as the form is high. The line of the
// cursor is always among them.
func (m Model) View() []string {
	lines, cursor, end, _ := m.layout()
	top := m.window(len(lines), cursor, end)
	out := make([]string, m.h)
	copy(out, lines[min(top, len(lines)):])
	if m.h < 2 {
		return out
	}
	if top > 0 {
		out[0] = m.withArrow(out[0], m.st.Glyphs.Up)
	}
	if top+m.h < len(lines) {
		out[m.h-1] = m.withArrow(out[m.h-1], m.st.Glyphs.Down)
	}
	return out
}

// Height returns the number of lines that the whole form would take.
func (m Model) Height() int {
	lines, _, _, _ := m.layout()
	return len(lines)
}

func (m Model) withArrow(line, arrow string) string {
	w := m.w - ansi.StringWidth(arrow)
	return pad(ansi.Truncate(line, max(0, w), ""), w) + m.st.Muted.Render(arrow)
}

// scrolled remembers where the window is, so that it moves only when it must.
func (m Model) scrolled() Model {
	if m.h == 0 {
		return m
	}
	lines, cursor, end, _ := m.layout()
	m.top = m.window(len(lines), cursor, end)
	return m
}

// window returns the first line to draw: the focused field is inside, with its
// notes if they fit, its cursor in any case.
func (m Model) window(lines, cursor, end int) int {
	top := m.top
	if end > top+m.h {
		top = end - m.h
	}
	return max(0, min(top, cursor, lines-m.h))
}

// layout returns all lines, the line of the cursor, the line after the focused
// row and its notes, and the field that each line belongs to, -1 for none. Rows
// stand apart where there is room.
func (m Model) layout() (lines []string, cursor, end int, owners []int) {
	rows := m.rows()
	total := 0
	blocks := make([][]string, len(rows))
	cursors := make([]int, len(rows))
	for i, r := range rows {
		blocks[i], cursors[i] = m.drawRow(r)
		total += len(blocks[i])
	}
	apart := total+len(rows)-1 <= m.h
	for i, b := range blocks {
		if slices.Contains(rows[i], m.focus) {
			cursor, end = len(lines)+cursors[i], len(lines)+len(b)
		}
		lines = append(lines, b...)
		for range b {
			owners = append(owners, rows[i][0])
		}
		if apart && i < len(blocks)-1 {
			lines, owners = append(lines, ""), append(owners, -1)
		}
	}
	return lines, cursor, end, owners
}

// rows returns the indexes of the fields of each row that is shown.
func (m Model) rows() [][]int {
	var rows [][]int
	for i, f := range m.fields {
		switch {
		case !m.visible(i):
		case f.Inline && len(rows) > 0:
			rows[len(rows)-1] = append(rows[len(rows)-1], i)
		default:
			rows = append(rows, []int{i})
		}
	}
	return rows
}

func (m Model) drawRow(row []int) ([]string, int) {
	if len(row) > 1 {
		return m.drawInline(row), 0
	}
	f := m.fields[row[0]]
	focused := row[0] == m.focus
	labels := labelWidth
	if f.Wide {
		labels = 0
	}
	body, cursor := f.ctl.draw(m.st, m.w-1-labels-signWidth, focused)
	sign, style := m.sign(f)
	lines := make([]string, 0, len(body)+1)
	for i, b := range body {
		head := strings.Repeat(" ", 1+labels)
		switch {
		case f.Wide:
			head = m.gutter(focused && i == cursor)
		case i == 0:
			head = m.gutter(focused) + m.label(f.Label, labels, focused)
		case focused && i == cursor:
			head = m.gutter(true) + strings.Repeat(" ", labels)
		}
		line := head + b
		if i == 0 && sign != "" {
			line = pad(line, m.w-signWidth+1) + style(sign)
		}
		lines = append(lines, ansi.Truncate(line, m.w, ""))
	}
	return append(lines, m.notes(f, "", focused)...), cursor
}

// drawInline draws fields that share a line, each with an equal part of it.
func (m Model) drawInline(row []int) []string {
	labels := 0
	for _, i := range row[1:] {
		labels += ansi.StringWidth(m.fields[i].Label) + 1
	}
	cell := max(4, min(14, (m.w-1-labelWidth-signWidth-labels)/len(row)))
	line := ""
	var notes []string
	var sign string
	var style func(...string) string
	for at, i := range row {
		f, focused := m.fields[i], i == m.focus
		body, _ := f.ctl.draw(m.st, cell-2, focused)
		if at == 0 {
			line = m.gutter(focused) + m.label(f.Label, labelWidth, focused)
		} else {
			line += m.label(f.Label, ansi.StringWidth(f.Label)+1, focused)
		}
		if focused {
			line = m.gutter(true) + ansi.TruncateLeft(line, 1, "")
		}
		line += pad(body[0], cell)
		notes = append(notes, m.notes(f, strings.TrimSpace(f.Label)+": ", focused)...)
		if s, st := m.sign(f); sign != m.st.Glyphs.Failed {
			sign, style = s, st
		}
	}
	if sign != "" {
		line = pad(line, m.w-signWidth+1) + style(sign)
	}
	return append([]string{ansi.Truncate(line, m.w, "")}, notes...)
}

func (m Model) gutter(focused bool) string {
	if focused {
		return m.st.Focus.Render(m.st.Glyphs.Cursor)
	}
	return " "
}

func (m Model) label(s string, w int, focused bool) string {
	style := m.st.Text
	if focused {
		style = m.st.Focus
	}
	return pad(style.Render(ansi.Truncate(s, w-1, m.st.Glyphs.Ellipsis)), w)
}

// sign returns the mark at the right of a field.
func (m Model) sign(f Field) (string, func(...string) string) {
	worst := Hint
	for _, n := range f.notes {
		worst = max(worst, n.Level)
	}
	switch worst {
	case OK:
		return "ok", m.st.OK.Render
	case Warn:
		return "!", m.st.Warn.Render
	case Bad:
		return m.st.Glyphs.Failed, m.st.Error.Render
	case Hint, Info:
	}
	return "", m.st.Text.Render
}

// notes draws what is said under a field. prefix names the field where several
// share a line.
func (m Model) notes(f Field, prefix string, focused bool) []string {
	indent := 1 + labelWidth
	if f.Wide {
		indent = 1
	}
	var out []string
	for _, n := range f.notes {
		if !focused && (n.Level == Hint || n.Level == Info && m.h < tight) || n.Level == OK {
			continue
		}
		style, sign := noteStyle(m.st, n.Level)
		wrapped := strings.Split(ansi.Wrap(sign+prefix+n.Text, max(10, m.w-indent-1), ""), "\n")
		for _, l := range wrapped[:min(len(wrapped), noteLines)] {
			out = append(out, strings.Repeat(" ", indent)+style(ansi.Truncate(strings.TrimSpace(l), max(0, m.w-indent), m.st.Glyphs.Ellipsis)))
		}
	}
	return out
}

func noteStyle(st *theme.Styles, l Level) (render func(...string) string, sign string) {
	switch l {
	case Bad:
		return st.Error.Render, st.Glyphs.Failed + " "
	case Warn:
		return st.Warn.Render, "! "
	case Hint, Info, OK:
	}
	return st.Muted.Render, ""
}

// pad fills s with blanks up to w cells.
func pad(s string, w int) string {
	return s + strings.Repeat(" ", max(0, w-ansi.StringWidth(s)))
}
