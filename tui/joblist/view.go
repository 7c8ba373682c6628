package joblist

import (
	"fmt"
	"strings"
	"time"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/screen"
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

// pane says where the preview is.
func (m Model) pane() (side, below bool) {
	if m.noPane || len(m.shown.places) == 0 {
		return false, false
	}
	side = m.size.W >= sideAt
	return side, !side && m.size.H >= belowAt-3
}

func (m Model) tableWidth() int {
	side, _ := m.pane()
	switch {
	case !side:
		return m.size.W
	case m.size.W >= extraAt:
		return m.size.W - extraW
	}
	return max(80, m.size.W-sideW)
}

func (m Model) tableHeight() int {
	h := m.size.H - headLines
	if _, below := m.pane(); below {
		h -= belowH
	}
	return h
}

// laidOut computes what View only reads: the window, the widths, the preview.
func (m Model) laidOut() Model {
	if m.size.H == 0 {
		return m
	}
	m.table = m.table.Resize(m.tableHeight())
	ids, word := 0, wordW
	from, to := m.table.Window()
	for i := from; i < to; i++ {
		r := m.shown.row(i)
		ids = max(ids, min(maxID, cell.Width(r.id)))
		if _, ok := m.list.Stopping[r.id]; ok && r.kind.Active() {
			word = stopWordW
		}
	}
	// Widths grow at once but do not shrink, so that columns stand still while
	// rows come and go; Resize starts afresh.
	next := layOut(m.tableWidth(), max(ids, m.cols.ids), word)
	next.ids = max(ids, m.cols.ids)
	m.cols = next
	m.preview = m.previewLines()
	return m
}

// View draws the page.
func (m Model) View() string {
	var b strings.Builder
	b.Grow(m.size.W * m.size.H * 2)
	b.WriteString(m.place())
	b.WriteByte('\n')
	if len(m.shown.places) == 0 {
		for _, l := range m.empty() {
			b.WriteString(l + "\n")
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	side, below := m.pane()
	b.WriteString(m.header())
	m.writeBeside(&b, side, 0)
	from, to := m.table.Window()
	for line := range m.tableHeight() {
		b.WriteByte('\n')
		if i := from + line; i < to {
			m.drawRow(&b, i)
		} else if side {
			b.WriteString(cell.Blank(m.cols.total))
		}
		m.writeBeside(&b, side, line+1)
	}
	if below {
		g := m.env.Styles.Glyphs
		b.WriteString("\n" + m.paint.border.Text(strings.Repeat(g.Rule, m.size.W)))
		for _, l := range cell.Lines(m.preview, belowH-1) {
			b.WriteString("\n " + l)
		}
	}
	return b.String()
}

// writeBeside appends line i of the preview.
func (m Model) writeBeside(b *strings.Builder, side bool, i int) {
	if !side {
		return
	}
	m.paint.border.Write(b, m.env.Styles.Glyphs.Bar)
	if i < len(m.preview) && m.preview[i] != "" {
		b.WriteByte(' ')
		b.WriteString(m.preview[i])
	}
}

// place is the line that says what is shown of how many, and in what order.
func (m Model) place() string {
	s := m.env.Styles
	left := " " + s.Strong.Render("Jobs") + " " + m.total()
	if m.list.Link.Down() && !m.list.AsOf.IsZero() {
		at := m.list.AsOf.In(m.list.Now.Location()).Format("15:04:05")
		left += "  " + s.Warn.Render("data from "+at+" ("+jobtext.Duration(m.list.Now.Sub(m.list.AsOf))+" old)")
	}
	left += "  " + m.filterText()
	right := ""
	if n := len(m.shown.places); n > 0 {
		arrow := s.Glyphs.Down
		if m.reverse {
			arrow = s.Glyphs.Up
		}
		from, to := m.table.Window()
		right = fmt.Sprintf("sort:%s%s  %d-%d/%d ", m.by.name(), arrow, from+1, to, n)
	}
	return cell.Spread(left, s.Muted.Render(right), m.size.W, s.Glyphs.Ellipsis)
}

func (m Model) total() string {
	if m.filter != "" {
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
	case m.typing:
		// Where there are no colours, reverse video is gone too: the cursor is
		// a sign.
		before, under, after := m.prompt.Split()
		return s.Key.Render("/") + clean.Text(before) + s.Accent.Render(s.Glyphs.Caret) + clean.Text(under+after)
	case m.list.AsOf.IsZero():
		return ""
	case m.filter != "":
		return s.Muted.Render("filter:") + s.Match.Render(clean.Text(m.filter))
	}
	return s.Muted.Render("filter:none")
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
	case m.filter != "":
		lines = []string{
			fmt.Sprintf("None of the %d jobs matches %q.", len(m.rows), m.filter),
			s.Key.Render("esc") + s.Muted.Render(" clears the filter"),
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

// previewLines describes the job under the cursor.
func (m Model) previewLines() []string {
	side, below := m.pane()
	job, ok := m.selected()
	if !ok || !side && !below {
		return nil
	}
	w, h := m.size.W-m.cols.total-3, m.size.H-1
	if below {
		w, h = m.size.W-2, belowH-1
	}
	s := m.env.Styles
	kind := jobtext.KindOf(&job)
	lines := []string{m.previewTitle(&job, kind, w), ""}
	for _, f := range jobtext.Brief(&job, m.list.Now) {
		lines = append(lines, labelled(s.Muted.Render, f, w, s.Glyphs.Ellipsis)...)
	}
	if text := jobtext.Message(&job); len(text) > 0 {
		lines = append(lines, "", s.Muted.Render("status message "+strings.Repeat(s.Glyphs.Rule, max(0, w-15))))
		lines = append(lines, ends(text, w, h-len(lines), s.Glyphs.Ellipsis)...)
	}
	return cell.Lines(lines, h)
}

// ends wraps text into at most h lines. Where it is longer, the first line and
// the last ones are left: the reason of a failure is at the end.
func ends(text []string, w, h int, gap string) []string {
	var lines []string
	for _, l := range text {
		lines = append(lines, cell.Wrap(l, w)...)
	}
	if h < 3 || len(lines) <= h {
		return lines
	}
	return append([]string{lines[0], gap}, lines[len(lines)-h+2:]...)
}

func (m Model) previewTitle(job *rayapi.Job, kind jobtext.Kind, w int) string {
	s := m.env.Styles
	right := m.paint.kinds[kind].Text(kind.Glyph(&s.Glyphs) + " " + kind.Word())
	if code := jobtext.ExitShort(job); code != "" {
		right += "  exit " + code
	}
	id := cell.Middle(jobtext.ID(job), w-cell.Width(right)-2, s.Glyphs.Ellipsis)
	return m.paint.strong.Text(id) + "  " + right
}

// maxPreviewLines bounds one field of the preview.
const maxPreviewLines = 3

// labelled lays a field out as label and text, wrapped beside the label.
func labelled(label func(...string) string, f jobtext.Field, w int, tail string) []string {
	const labelW = 13
	text := cell.Wrap(f.Text, w-labelW)
	if len(text) > maxPreviewLines {
		text[maxPreviewLines-1] = cell.Cut(strings.Join(text[maxPreviewLines-1:], " "), w-labelW, tail)
		text = text[:maxPreviewLines]
	}
	lines := make([]string, 0, len(text))
	for i, t := range text {
		name := cell.Blank(labelW)
		if i == 0 {
			name = label(cell.Pad(f.Label, labelW))
		}
		lines = append(lines, name+t)
	}
	return lines
}
