package joblist

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/settings"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

const (
	headLines = 2 // place line and column heads

	sideAt   = 130 // columns from which the preview stands beside the table
	sideW    = 58  // of the preview and its border
	extraAt  = 160 // from here on the table gets more columns first
	extraW   = 66
	belowAt  = 45 // lines from which it lies below
	belowH   = 13 // with its rule
	pickWait = 300 * time.Millisecond
)

type viewSetting = settings.View

// pane says where the preview is.
func (m Model) pane() (side, below bool) {
	if m.noPane || m.wide || m.zoom || len(m.shown.places) == 0 {
		return false, false
	}
	side = m.size.W >= sideAt
	return side, !side && m.size.H >= belowAt-3
}

// zoomed reports that the preview has the whole page.
func (m Model) zoomed() bool { return m.zoom && len(m.shown.places) > 0 }

func (m Model) tableWidth() int {
	side, _ := m.pane()
	switch {
	case !side:
		return m.size.W
	case m.size.W >= extraAt:
		return m.size.W - extraW
	}
	return max(narrowAt, m.size.W-sideW)
}

func (m Model) tableHeight() int {
	h := m.size.H - headLines
	if _, below := m.pane(); below {
		h -= belowH
	}
	return h
}

// paneSize is the room of the preview, and whether there is any.
func (m Model) paneSize() (w, h int, ok bool) {
	side, below := m.pane()
	switch {
	case m.zoomed():
		return m.size.W - 2, m.size.H - 1, true
	case side:
		return m.size.W - m.cols.total - 3, m.size.H - 1, true
	case below:
		return m.size.W - 2, belowH - 1, true
	}
	return 0, 0, false
}

// laidOut computes what View only reads: the window, the widths, the preview.
func (m Model) laidOut() Model {
	if m.size.H == 0 {
		return m
	}
	m.table = m.table.Resize(m.tableHeight())
	m.cols = m.layOut(m.tableWidth())
	m.preview = m.preview.laidOut(m)
	m.reading = m.reading.laidOut(m)
	return m
}

// View draws the page.
func (m Model) View() string {
	var b strings.Builder
	b.Grow(m.size.W * m.size.H * 2)
	b.WriteString(m.place())
	b.WriteByte('\n')
	switch {
	case len(m.shown.places) == 0:
		b.WriteString(strings.Join(m.empty(), "\n"))
		return b.String()
	case m.zoomed():
		for i, l := range cell.Lines(m.preview.text(m), m.size.H-1) {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(" " + l)
		}
		return b.String()
	}
	side, below := m.pane()
	var beside []string
	if side {
		beside = m.preview.text(m)
	}
	if line := m.filterHelp(); line != "" {
		b.WriteString(line)
	} else {
		b.WriteString(m.header())
	}
	m.writeBeside(&b, side, beside, 0)
	from, to := m.table.Window()
	for line := range m.tableHeight() {
		b.WriteByte('\n')
		if i := from + line; i < to {
			m.drawRow(&b, i)
		} else if side {
			b.WriteString(cell.Blank(m.cols.total))
		}
		m.writeBeside(&b, side, beside, line+1)
	}
	if below {
		g := m.env.Styles.Glyphs
		b.WriteString("\n" + m.paint.border.Text(strings.Repeat(g.Rule, m.size.W)))
		for _, l := range cell.Lines(m.preview.text(m), belowH-1) {
			b.WriteString("\n " + l)
		}
	}
	return b.String()
}

// writeBeside appends line i of the preview.
func (m Model) writeBeside(b *strings.Builder, side bool, lines []string, i int) {
	if !side {
		return
	}
	m.paint.border.Write(b, m.env.Styles.Glyphs.Bar)
	if i < len(lines) && lines[i] != "" {
		b.WriteByte(' ')
		b.WriteString(lines[i])
	}
}

// place is the line that says what is shown of how many, and in what order.
func (m Model) place() string {
	s := m.env.Styles
	left := " " + m.paint.strong.Text("Jobs") + " " + m.total()
	if m.list.Link.Down() && !m.list.AsOf.IsZero() {
		at := m.list.AsOf.In(m.list.Now.Location()).Format("15:04:05")
		left += "  " + m.paint.warn.Text("data from "+at+" ("+jobtext.Duration(m.list.Now.Sub(m.list.AsOf))+" old)")
	}
	left += "  " + m.filterText()
	right := m.placeRight(m.size.W - cell.Width(left) - 1)
	if views := m.viewTabs(); views != "" && cell.Width(left)+cell.Width(right)+cell.Width(views) < m.size.W-4 {
		left += "   " + views
	}
	return cell.Spread(left, right, m.size.W, s.Glyphs.Ellipsis)
}

// placeRight is the right end of the place line. What has no room in w cells
// goes: first the hints, then the order, then the place in the list.
func (m Model) placeRight(w int) string {
	var parts [4]string // as they stand
	switch {
	case m.reading.on:
		parts[0] = m.paint.accent.Text(m.reading.place(m))
	case m.cols.more && (m.wide || m.pan > 0):
		parts[0] = m.paint.accent.Text("more columns: right")
	case m.pan > 0:
		parts[0] = m.paint.muted.Text("columns: left")
	}
	if text, warn := m.markText(); warn {
		parts[1] = m.paint.warn.Text(text)
	} else if text != "" {
		parts[1] = m.paint.accent.Text(text)
	}
	if n := len(m.shown.places); n > 0 {
		from, to := m.table.Window()
		parts[2] = m.paint.muted.Text("sort:" + m.by.Title() + m.arrow())
		parts[3] = m.paint.muted.Text(fmt.Sprintf("%d-%d/%d", from+1, to, n))
	}
	left := w
	for _, i := range [4]int{1, 3, 2, 0} {
		if need := cell.Width(parts[i]) + 2; need > left && i != 1 {
			parts[i] = ""
		} else if parts[i] != "" {
			left -= need
		}
	}
	return strings.Join(slices.DeleteFunc(parts[:], func(p string) bool { return p == "" }), "  ") + " "
}

// viewTabs names the saved views and their keys, in a wide window.
func (m Model) viewTabs() string {
	views := m.env.Settings.Views
	if m.size.W < sideAt || len(views) == 0 || m.typing {
		return ""
	}
	tabs := []string{m.paint.muted.Text("views:")}
	for i, v := range views[:min(len(views), maxViews)] {
		tab := fmt.Sprintf("%d %s", i+1, clean.Text(v.Name))
		if m.view(i) == m.look {
			tabs = append(tabs, m.paint.accent.Text("["+tab+"]"))
		} else {
			tabs = append(tabs, m.paint.muted.Text(tab))
		}
	}
	return strings.Join(tabs, " ")
}

func (m Model) total() string {
	if !m.query.Empty() {
		return fmt.Sprintf("%d of %d", len(m.shown.places), len(m.rows))
	}
	if m.list.AsOf.IsZero() {
		return ""
	}
	return fmt.Sprint(len(m.rows))
}

// filterText is the filter, or the prompt while it is typed.
func (m Model) filterText() string {
	s := m.env.Styles
	switch {
	case m.menu:
		return s.Warn.Render("copy what?")
	case m.typing:
		// Where there are no colours, reverse video is gone too: the cursor is
		// a sign.
		before, under, after := m.prompt.Split()
		text := s.Key.Render("/") + clean.Text(before) + s.Accent.Render(s.Glyphs.Caret)
		if rest := m.offers.rest(); rest != "" && under+after == " " {
			return text + s.Muted.Render(clean.Text(rest)) + m.similar()
		}
		return text + clean.Text(under+after) + m.similar()
	case m.list.AsOf.IsZero():
		return ""
	case m.look.filter != "":
		label := "filter:"
		if m.look.invert {
			label = "all but:"
		}
		return s.Muted.Render(label) + s.Match.Render(clean.Text(m.look.filter)) + m.similar()
	}
	return m.paint.muted.Text("filter:none")
}

// filterHelp stands in the place of the column heads while a filter is typed:
// what is wrong with it, or how its last word can go on.
func (m Model) filterHelp() string {
	s := m.env.Styles
	tail := s.Glyphs.Ellipsis
	var line string
	switch {
	case !m.typing:
		return ""
	case m.wrong != nil:
		line = " " + s.Warn.Render(cell.Cut(clean.Text(m.wrong.Error()), m.cols.total-1, tail))
	case m.prompt.Text() == "":
		line = " " + s.Muted.Render(cell.Cut("words  status:failed  age<2d  dur>1h  cmd~regexp  meta.KEY:x  mine  !not  a | b", m.cols.total-1, tail))
	case len(m.offers.list) > 1:
		line = " " + s.Key.Render("tab") + s.Muted.Render(cell.Cut("  "+clean.Text(strings.Join(m.offers.list, "  ")), m.cols.total-4, tail))
	default:
		return ""
	}
	return line + cell.Blank(m.cols.total-cell.Width(line))
}

// similar says that what is shown only comes near to what was asked for.
func (m Model) similar() string {
	if !m.loosely {
		return ""
	}
	return m.env.Styles.Warn.Render("  (none; similar)")
}

// empty says why there are no rows.
func (m Model) empty() []string {
	s := m.env.Styles
	var lines []string
	name := clean.Text(m.env.Target.Name)
	switch {
	case m.list.AsOf.IsZero() && m.list.Link.Down():
		text := "No answer from " + name + " yet."
		if m.list.Link == screen.Refused {
			text = "No job list from " + name + " yet."
		}
		lines = []string{s.Muted.Render(text)}
	case m.list.AsOf.IsZero() && m.list.Waiting < pickWait:
	case m.list.AsOf.IsZero():
		lines = []string{s.Muted.Render(fmt.Sprintf("Asking %s for its jobs%s %s", name, s.Glyphs.Ellipsis, jobtext.Duration(m.list.Waiting.Truncate(time.Second))))}
	case !m.query.Empty():
		verb := "matches"
		if m.look.invert {
			verb = "is left by all but"
		}
		lines = []string{
			fmt.Sprintf("None of the %d jobs %s %q.", len(m.rows), verb, m.look.filter),
			s.Key.Render("esc") + s.Muted.Render(" clears the filter"),
		}
		if n := m.marks.present; n > 0 {
			lines = append(lines, s.Warn.Render(fmt.Sprintf("%d marked jobs are hidden", n)))
		}
	default:
		lines = []string{
			"No jobs yet on " + name + ".",
			"",
			s.Key.Render("n") + s.Muted.Render("  fills in a form and submits the first one"),
			s.Key.Render("?") + s.Muted.Render("  lists all keys"),
		}
	}
	out := make([]string, 0, m.size.H)
	out = append(out, "")
	for _, l := range lines {
		out = append(out, "  "+cell.Cut(l, m.size.W-3, s.Glyphs.Ellipsis))
	}
	return cell.Lines(out, m.size.H-1)
}
