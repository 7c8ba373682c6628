package filepicker

import (
	"fmt"
	"strconv"

	"dray/tui/clean"
	"dray/tui/widget/cell"
)

// View draws the folder in lines of at most w cells.
func (m Model) View(w int) []string {
	g := m.st.Glyphs
	lines := make([]string, 0, m.h)
	state := fmt.Sprintf("%d of %d", len(m.shown), len(m.entries))
	if m.loading {
		state += ", reading" + g.Ellipsis
	}
	head := " " + m.st.Accent.Render(m.want.Title) + "  " + cell.Middle(clean.Text(m.dir), max(10, w-cell.Width(m.want.Title)-cell.Width(state)-6), g.Ellipsis)
	lines = append(lines, cell.Spread(head, m.st.Muted.Render(state)+" ", w, g.Ellipsis))
	before, under, after := m.filter.Split()
	lines = append(lines, " "+m.st.Muted.Render("name: ")+m.st.Field.Render(clean.Text(before))+m.st.Accent.Render(g.Caret)+m.st.Field.Render(clean.Text(trimmed(under)+after)))
	total := len(m.shown) + m.rows0()
	for i := m.top; i < total && len(lines) < m.h; i++ {
		lines = append(lines, m.row(i, w))
	}
	if total == 0 || m.wrong != "" {
		lines = append(lines, "   "+m.st.Warn.Render(cell.Cut(m.empty(), max(0, w-4), g.Ellipsis)))
	}
	return cell.Lines(lines, m.h)
}

func trimmed(s string) string {
	if s == " " {
		return ""
	}
	return s
}

func (m Model) empty() string {
	switch {
	case m.wrong != "":
		return m.wrong
	case m.loading:
		return "reading" + m.st.Glyphs.Ellipsis
	case len(m.entries) > 0:
		return "nothing matches; ^t shows hidden files"
	}
	return "this folder is empty"
}

func (m Model) row(i, w int) string {
	st := m.st
	mark := " "
	if i == m.at {
		mark = st.Focus.Render(st.Glyphs.Cursor)
	}
	if i < m.rows0() {
		text := "./  use this folder"
		if i == m.at {
			text = st.Selected.Render(text)
		}
		return mark + " " + text
	}
	e := m.entries[m.shown[i-m.rows0()]]
	name, right := clean.Text(e.name), ""
	switch {
	case e.wrong != "":
		right = e.wrong
	case e.folder:
		name += "/"
	default:
		right = bytes(e.size)
	}
	if e.link {
		name += " @"
	}
	name = cell.Middle(name, max(8, w-cell.Width(right)-6), st.Glyphs.Ellipsis)
	gap := cell.Blank(max(1, w-3-cell.Width(name)-cell.Width(right)))
	switch {
	case i == m.at:
		name = st.Selected.Render(name)
	case e.folder && e.wrong == "":
		name = st.Accent.Render(name)
	case !m.fits(e):
		name = st.Muted.Render(name)
	}
	return mark + " " + name + gap + st.Muted.Render(right)
}

// bytes is a size for reading.
func bytes(n int64) string {
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && v >= 1024 {
		v, units = v/1024, units[1:]
	}
	if units[0] == "B" {
		return strconv.FormatInt(n, 10) + " B"
	}
	return fmt.Sprintf("%.1f %s", v, units[0])
}
