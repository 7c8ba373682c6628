package jobview

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

const (
	labelW = 15  // cells of a field's label
	twoAt  = 130 // columns from which the summary has two
)

// bodySize is the page under the place line and the tabs.
func (m Model) bodySize() screen.Size {
	return screen.Size{W: m.size.W, H: max(0, m.size.H-2)}
}

// laidOut computes the body's lines, which View only cuts to the window.
func (m Model) laidOut() Model {
	w := m.size.W - 2
	if m.size.W == 0 {
		return m
	}
	if size := m.tailSize(); m.tail != nil && size != m.tailAt {
		m.tail, m.tailAt = m.tail.Resize(size), size
	}
	switch m.tab {
	case tabLog:
		m.lines = m.noLog(w)
	case tabEnv:
		m.lines = m.surroundings(w)
	case tabRaw:
		m.lines = wrapAll(m.record(), w)
	case tabHistory:
		m.lines, m.runs = m.history(w)
	default:
		m.lines = m.summary(w)
	}
	m.lines, m.find.hits = m.marked(m.lines)
	return m.scroll(m.top)
}

// summary has two columns where there is room.
func (m Model) summary(w int) []string {
	if m.size.W < twoAt {
		return m.story(w)
	}
	left := w * 3 / 5
	right := append(m.surroundings(w-left-3), m.changes(w-left-3)...)
	if h := m.tailRoom(len(right)); h > 0 && m.tail != nil {
		right = append(right, "", m.heading("Log tail", w-left-3))
		right = append(right, cell.Lines(strings.Split(m.tail.View(), "\n"), h)...)
	}
	return beside(m.story(left), right, left, m.env.Styles.Border.Render(m.env.Styles.Glyphs.Bar), m.bodySize().H)
}

// minTail is the fewest lines in which the end of a log says anything.
const minTail = 3

// tailRoom is how many lines there are for the log under so many others.
func (m Model) tailRoom(above int) int {
	h := m.bodySize().H - above - 2
	if h < minTail {
		return 0
	}
	return h
}

// tailSize is the room of the log: the whole part, or in the summary what is
// left of the right column.
func (m Model) tailSize() screen.Size {
	if m.tab == tabLog || m.size.W < twoAt {
		return m.bodySize()
	}
	w := m.size.W - 2
	w -= w*3/5 + 3
	return screen.Size{W: w, H: max(minTail, m.tailRoom(len(m.surroundings(w))+len(m.changes(w))))}
}

// record is the raw record.
func (m Model) record() []string {
	switch {
	case m.yaml && !m.revealed.IsZero():
		return jobtext.YAMLRevealed(&m.job)
	case m.yaml:
		return jobtext.YAML(&m.job)
	case !m.revealed.IsZero():
		return jobtext.JSONRevealed(&m.job)
	}
	return jobtext.JSON(&m.job)
}

// noLog stands where the log will be.
func (m Model) noLog(w int) []string {
	if m.tail != nil {
		return nil
	}
	return inked(m.env.Styles.Muted, "l opens the log", w)
}

// surroundings are metadata and runtime environment.
func (m Model) surroundings(w int) []string {
	lines := []string{m.heading("Metadata", w)}
	env := jobtext.RuntimeEnv(&m.job)
	if !m.revealed.IsZero() {
		env = jobtext.RuntimeEnvRevealed(&m.job)
	}
	lines = append(lines, m.orNone(wrapAll(m.metadata(), w))...)
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

// metadata are its pairs, with secrets masked unless the user asked for them.
func (m Model) metadata() []string {
	if !m.revealed.IsZero() {
		return jobtext.MetadataRevealed(&m.job)
	}
	return jobtext.Metadata(&m.job)
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

// dot stands between the parts of a line.
func (m Model) dot() string { return " " + m.env.Styles.Glyphs.Dot + " " }

// field wraps a text beside its label.
func (m Model) field(label, text string, w int) []string {
	var lines []string
	label = m.env.Styles.Muted.Render(cell.Pad(label, labelW))
	for _, text := range cell.Wrap(text, w-labelW) {
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

// inked wraps a text and colours each line, so that no colour reaches into
// what stands beside it.
func inked(style lipgloss.Style, text string, w int) []string {
	lines := cell.Wrap(text, w)
	for i := range lines {
		lines[i] = style.Render(lines[i])
	}
	return lines
}

// flowed puts pieces, which may hold colours, into lines of at most w cells.
// None is broken.
func flowed(pieces []string, between string, w int) []string {
	var lines []string
	for i, p := range pieces {
		if last := len(lines) - 1; i > 0 && cell.Width(lines[last]+between+p) <= w {
			lines[last] += between + p
			continue
		}
		lines = append(lines, p)
	}
	return lines
}

func joined(lines []string) string { return strings.Join(lines, "\n") }

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
	lines := []string{m.place(), m.tabBar()}
	if m.tab == tabLog && m.tail != nil {
		lines = append(lines, strings.Split(m.tail.View(), "\n")...)
		return joined(cell.Lines(lines, m.size.H))
	}
	for i := min(m.top, len(m.lines)); i < len(m.lines) && len(lines) < m.size.H; i++ {
		mark := " "
		if m.find.on(i) || m.onRun(i) {
			mark = m.env.Styles.Accent.Render(m.env.Styles.Glyphs.Cursor)
		}
		lines = append(lines, mark+m.lines[i])
	}
	return joined(cell.Lines(lines, m.size.H))
}

// place is the line with the crumbs and the job's state.
func (m Model) place() string {
	s := m.env.Styles
	state := m.state()
	if hidden := len(m.lines) - m.bodySize().H; hidden > 0 {
		last := min(len(m.lines), m.top+m.bodySize().H)
		state += s.Muted.Render(fmt.Sprintf("   %d-%d/%d", m.top+1, last, len(m.lines)))
	}
	head := " " + s.Strong.Render("Jobs") + s.Muted.Render(" "+s.Glyphs.Crumb+" ")
	room := m.size.W - cell.Width(head) - cell.Width(state) - 3
	id := cell.Middle(jobtext.ID(&m.job), room, s.Glyphs.Ellipsis)
	return cell.Spread(head+s.Strong.Render(id), state+" ", m.size.W, s.Glyphs.Ellipsis)
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
	if m.list.Watched[m.job.ID()] {
		text += "  " + s.Accent.Render("watched")
	}
	switch {
	case m.gone:
		text = s.Warn.Render("gone from the server") + "  " + text
	case m.err != nil && !m.list.Link.Down():
		text = s.Warn.Render(cell.Cut("stale: "+clean.Text(m.err.Error()), max(10, m.size.W/3), s.Glyphs.Ellipsis)) + "  " + text
	}
	return text
}
