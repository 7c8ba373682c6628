package jobview

import (
	"fmt"
	"strings"

	"dray/tui/clean"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

const (
	labelW = 15  // cells of a field's label
	twoAt  = 130 // columns from which the runtime environment stands beside
)

// bodyHeight is the number of lines under the place line.
func (m Model) bodyHeight() int { return max(0, m.size.H-1) }

// laidOut computes the body's lines, which View only cuts to the window.
func (m Model) laidOut() Model {
	w := m.size.W - 2
	switch {
	case m.size.W == 0:
		return m
	case m.raw:
		m.lines = wrapAll(jobtext.JSON(&m.job), w)
	case m.size.W >= twoAt:
		left := w * 3 / 5
		about, env := m.about(left), m.surroundings(w-left-3)
		m.lines = beside(about, env, left, m.env.Styles.Border.Render(m.env.Styles.Glyphs.Bar), m.bodyHeight())
	default:
		m.lines = append(m.about(w), m.surroundings(w)...)
	}
	return m.scroll(m.top)
}

// about is what happened to the job. Its message comes before what was asked
// for: with a failure, that is what is looked for.
func (m Model) about(w int) []string {
	var lines []string
	for _, f := range jobtext.Fields(&m.job, m.list.Now) {
		lines = append(lines, m.field(f, w)...)
	}
	if text := jobtext.Message(&m.job); len(text) > 0 {
		lines = append(lines, "", m.heading("Status message", w))
		lines = append(lines, wrapAll(text, w)...)
	}
	return append(lines, "")
}

// surroundings are metadata and runtime environment.
func (m Model) surroundings(w int) []string {
	lines := []string{m.heading("Metadata", w)}
	lines = append(lines, m.orNone(wrapAll(jobtext.Metadata(&m.job), w))...)
	env := jobtext.RuntimeEnv(&m.job)
	title := "Runtime environment"
	for _, l := range env {
		if strings.Contains(l, jobtext.Mask) {
			title += ", values masked"
			break
		}
	}
	lines = append(lines, "", m.heading(title, w))
	return append(lines, m.orNone(wrapAll(env, w))...)
}

func (m Model) orNone(lines []string) []string {
	if len(lines) == 0 {
		return []string{m.env.Styles.Muted.Render("none")}
	}
	return lines
}

func (m Model) heading(title string, w int) string {
	s := m.env.Styles
	return s.Accent.Render(title) + " " + s.Border.Render(strings.Repeat(s.Glyphs.Rule, max(0, w-cell.Width(title)-1)))
}

// field wraps a text beside its label.
func (m Model) field(f jobtext.Field, w int) []string {
	var lines []string
	label := m.env.Styles.Muted.Render(cell.Pad(f.Label, labelW))
	for _, text := range cell.Wrap(f.Text, w-labelW) {
		lines = append(lines, label+text)
		label = cell.Blank(labelW)
	}
	return lines
}

func wrapAll(lines []string, w int) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		out = append(out, cell.Wrap(l, w)...)
	}
	return out
}

// beside puts two columns next to each other, the left one w cells wide.
func beside(left, right []string, w int, bar string, h int) []string {
	n := max(len(left), len(right), h)
	left, right = cell.Lines(left, n), cell.Lines(right, n)
	out := make([]string, n)
	for i := range out {
		out[i] = cell.Pad(left[i], w) + " " + bar + " " + right[i]
	}
	return out
}

// View draws the page.
func (m Model) View() string {
	lines := []string{m.place()}
	for _, l := range m.lines[min(m.top, len(m.lines)):] {
		if len(lines) == m.size.H {
			break
		}
		lines = append(lines, " "+l)
	}
	return strings.Join(cell.Lines(lines, m.size.H), "\n")
}

// place is the line with the crumbs and the job's state.
func (m Model) place() string {
	s := m.env.Styles
	crumb := " " + s.Glyphs.Crumb + " "
	tail := ""
	if m.raw {
		tail = s.Muted.Render(crumb) + "raw"
	}
	state := m.state()
	if hidden := len(m.lines) - m.bodyHeight(); hidden > 0 {
		last := min(len(m.lines), m.top+m.bodyHeight())
		state += s.Muted.Render(fmt.Sprintf("   %d-%d/%d", m.top+1, last, len(m.lines)))
	}
	head := " " + s.Strong.Render("Jobs") + s.Muted.Render(crumb)
	room := m.size.W - cell.Width(head) - cell.Width(tail) - cell.Width(state) - 3
	id := cell.Middle(jobtext.ID(&m.job), room, s.Glyphs.Ellipsis)
	return cell.Spread(head+s.Strong.Render(id)+tail, state+" ", m.size.W, s.Glyphs.Ellipsis)
}

// state is the job's kind in colour, with what belongs to it.
func (m Model) state() string {
	s := m.env.Styles
	kind := jobtext.KindOf(&m.job)
	word, glyph := kind.Word(), kind.Glyph(&s.Glyphs)
	if kind.Active() && m.list.Link.Down() {
		glyph = s.Glyphs.Unknown
	}
	if since, ok := m.list.Stopping[m.job.ID()]; ok && kind.Active() {
		word = "STOPPING " + jobtext.Duration(m.list.Now.Sub(since))
	}
	text := kind.Style(s).Render(glyph + " " + word)
	if code := jobtext.ExitShort(&m.job); code != "" {
		text += "  exit " + code
	}
	if took, known := jobtext.Took(&m.job, m.list.Now); known {
		text += "  " + jobtext.Duration(took)
	}
	switch {
	case m.gone:
		text = s.Warn.Render("gone from the server") + "  " + text
	case m.err != nil && !m.list.Link.Down():
		text = s.Warn.Render(cell.Cut("stale: "+clean.Text(m.err.Error()), max(10, m.size.W/3), s.Glyphs.Ellipsis)) + "  " + text
	}
	return text
}
