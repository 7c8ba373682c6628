package clusters

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"dray/backend/client"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/prompt"
)

// The box around the list, in cells.
const (
	maxInner = 128
	sides    = 4 // of the box
	margin   = 4 // left of the page beside it
	around   = 6 // lines of the box that are no rows: two edges, filter, heads, two about the cursor's
)

// From so many cells on there is room for more columns.
const narrow, withRay, withSource = 60, 80, 104

// addressHead is the head of the column that takes what is left.
const addressHead = "ADDRESS"

func (m Model) inner() int { return max(20, min(m.size.W-sides-margin, maxInner)) }

// rows is how many clusters are drawn.
func (m Model) rows() int {
	return max(1, min(max(1, len(m.shown())), m.size.H-around))
}

// boxTop is the line of the page in which the box begins.
func (m Model) boxTop() int { return max(0, min(3, (m.size.H-around-m.rows())/2)) }

// firstRow is the line of the page with the first cluster.
func (m Model) firstRow() int { return m.boxTop() + 3 }

// View draws the page without one below it.
func (m Model) View() string {
	return strings.Join(m.Over(cell.Lines(nil, m.size.H)), "\n")
}

// Over draws the box over the page below.
func (m Model) Over(under []string) []string {
	return cell.Overlay(under, m.box(), max(0, (m.size.W-m.inner()-sides)/2), m.boxTop())
}

// column is one of the list.
type column struct {
	name  string
	width int
	text  func(c screen.Cluster) (string, lipgloss.Style)
}

// columns are those that have room, with the address as wide as is left.
func (m Model) columns() []column {
	s := m.env.Styles
	w := m.inner() - 2 // the cursor
	plain := func(f func(c screen.Cluster) string) func(screen.Cluster) (string, lipgloss.Style) {
		return func(c screen.Cluster) (string, lipgloss.Style) { return f(c), s.Text }
	}
	muted := func(f func(c screen.Cluster) string) func(screen.Cluster) (string, lipgloss.Style) {
		return func(c screen.Cluster) (string, lipgloss.Style) { return f(c), s.Muted }
	}
	name := column{"NAME", 12, func(c screen.Cluster) (string, lipgloss.Style) {
		if c.Protected {
			return clean.Text(c.Name), s.Error
		}
		return clean.Text(c.Name), s.ContextIn(c.Colour)
	}}
	address := column{addressHead, 0, plain(func(c screen.Cluster) string { return clean.Text(c.Address) })}
	state := column{"STATE", 11, m.state}
	mode := column{"MODE", 4, m.mode}
	used := column{"", 3, muted(func(c screen.Cluster) string {
		if m.inUse(c) {
			return "now"
		}
		return ""
	})}
	source := column{"SOURCE", 14, muted(func(c screen.Cluster) string { return clean.Text(c.Source) })}
	ray := column{"RAY", 8, muted(m.ray)}
	list := []column{name, address, state, mode, used}
	switch {
	case w >= withSource:
		name.width, used = 18, column{"LAST USED", 9, muted(m.lastUsed)}
		list = []column{name, address, source, state, ray, mode, used}
	case w >= withRay:
		name.width, used = 16, column{"LAST USED", 9, muted(m.lastUsed)}
		list = []column{name, address, state, ray, mode, used}
	case w < narrow:
		name.width = 10
		list[0] = name
	}
	left := w - 2*(len(list)-1)
	for _, c := range list {
		left -= c.width
	}
	for i := range list {
		if list[i].name == addressHead {
			list[i].width = max(8, left)
		}
	}
	return list
}

func (m Model) ray(c screen.Cluster) string {
	if l := m.looks[c.Name]; l.answer.Ray != "" {
		return clean.Text(l.answer.Ray)
	}
	return "-"
}

func (m Model) lastUsed(c screen.Cluster) string {
	switch {
	case m.inUse(c):
		return "now"
	case c.LastUsed.IsZero():
		return "-"
	}
	return age(m.now.Sub(c.LastUsed)) + " ago"
}

// age says how long ago something was, in the largest unit.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", max(0, d/time.Minute))
}

func (m Model) mode(c screen.Cluster) (string, lipgloss.Style) {
	s := m.env.Styles
	text, style := "rw", s.Text
	if c.ReadOnly {
		text, style = "ro", s.Warn
	}
	if c.Protected {
		text += " !"
	}
	return text, style
}

// state is how the cluster has answered, as a sign and a word.
func (m Model) state(c screen.Cluster) (string, lipgloss.Style) {
	s := m.env.Styles
	g := s.Glyphs
	l, asked := m.looks[c.Name]
	switch {
	case c.Embedded && m.inUse(c):
		return g.Live + " in use", s.OK
	case c.Embedded:
		return g.Dot + " built in", s.Muted
	case !asked:
		return "", s.Muted
	case l.asking:
		return g.Slow + " asking", s.Muted
	case l.err != nil && client.Brief(l.err) == "no access":
		return g.Pending + " no access", s.Warn
	case l.err != nil:
		return g.Failed + " " + client.Brief(l.err), s.Error
	}
	return g.Live + " " + latency(l.answer.Took), s.OK
}

func latency(d time.Duration) string {
	if d < time.Millisecond {
		return "<1 ms"
	}
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func (m Model) box() []string {
	s := m.env.Styles
	inner := m.inner()
	columns := m.columns()
	body := []string{m.filterLine(), m.heads(columns)}
	shown := m.shown()
	for i := m.top; i < min(len(shown), m.top+m.rows()); i++ {
		body = append(body, m.row(columns, shown[i], i == m.index()))
	}
	if len(shown) == 0 {
		body = append(body, s.Muted.Render(m.nobody()))
	}
	body = append(body, m.below(inner)...)
	title := "Clusters"
	if len(shown) > m.rows() {
		title = fmt.Sprintf("Clusters %d-%d/%d", m.top+1, min(len(shown), m.top+m.rows()), len(shown))
	}
	return framed(m, title, body, inner)
}

func (m Model) nobody() string {
	switch {
	case !m.loaded:
		return "  reading the config file" + m.env.Styles.Glyphs.Ellipsis
	case m.err != nil:
		return "  the config file cannot be read"
	case len(m.list) == 0:
		return "  none yet: a adds one"
	}
	return "  none matches; esc clears the filter"
}

func (m Model) filterLine() string {
	s := m.env.Styles
	switch {
	case m.editing == filtering:
		return field(m, "/ ", m.filter, m.inner())
	case m.filter.Text() != "":
		return s.Accent.Render("/ " + clean.Text(m.filter.Text()))
	}
	return s.Muted.Render("/ filters")
}

func (m Model) heads(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = cell.Pad(c.name, c.width)
	}
	return "  " + m.env.Styles.Header.Render(strings.Join(parts, "  "))
}

func (m Model) row(columns []column, c screen.Cluster, selected bool) string {
	s := m.env.Styles
	parts := make([]string, len(columns))
	for i, col := range columns {
		text, style := col.text(c)
		if col.name == addressHead && cell.Width(text) > col.width {
			if _, rest, ok := strings.Cut(text, "://"); ok {
				text = rest
			}
			text = cell.Middle(text, col.width, s.Glyphs.Ellipsis)
		}
		text = cell.Pad(cell.Cut(text, col.width, s.Glyphs.Ellipsis), col.width)
		if !selected {
			text = style.Render(text)
		}
		parts[i] = text
	}
	if selected {
		return s.Accent.Render(s.Glyphs.Cursor) + " " + s.Selected.Render(strings.Join(parts, "  "))
	}
	return "  " + strings.Join(parts, "  ")
}

// below are two lines: what is being typed, or what else is known of the
// cluster under the cursor.
func (m Model) below(w int) []string {
	s := m.env.Styles
	switch m.editing {
	case naming:
		return []string{field(m, "name     ", m.name, w), s.Muted.Render("address  " + clean.Text(m.address.Text()))}
	case addressing:
		return []string{s.Muted.Render("name     " + clean.Text(m.name.Text())), field(m, "address  ", m.address, w)}
	default:
	}
	if m.err != nil {
		return m.wrapped(m.err.Error(), w, s.Error)
	}
	c, ok := m.current()
	if !ok {
		return []string{"", ""}
	}
	if err := m.looks[c.Name].err; err != nil {
		return m.wrapped(err.Error(), w, s.Error)
	}
	var parts []string
	for _, p := range []string{c.Login, c.TLS} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if c.ReadOnly {
		parts = append(parts, "nothing can be changed")
	}
	if c.Protected {
		parts = append(parts, "questions want the job's id typed")
	}
	text := c.Source
	if len(parts) > 0 {
		text = strings.Join(parts, ", ") + "; " + text
	}
	style := s.Muted
	if c.SkipVerify {
		style = s.Error
	}
	return m.wrapped(c.Name+": "+text, w, style)
}

// wrapped is text on exactly two lines.
func (m Model) wrapped(text string, w int, style lipgloss.Style) []string {
	lines := cell.Wrap(clean.Text(text), w)
	if len(lines) > 2 {
		lines = []string{lines[0], cell.Cut(strings.Join(lines[1:], " "), w, m.env.Styles.Glyphs.Ellipsis)}
	}
	for i := range lines {
		lines[i] = style.Render(lines[i])
	}
	return cell.Lines(lines, 2)
}

// field is a label with the text that is being typed behind it.
func field(m Model, label string, p prompt.Model, w int) string {
	s := m.env.Styles
	before, under, after := p.Split()
	text := clean.Text(before) + s.Glyphs.Caret + clean.Text(strings.TrimSuffix(under+after, " "))
	return s.Focus.Render(label) + s.Field.Render(cell.Pad(text, max(1, w-cell.Width(label))))
}

// framed draws a box around lines of w cells.
func framed(m Model, title string, lines []string, w int) []string {
	s := m.env.Styles
	g := s.Glyphs
	rule := func(n int) string { return strings.Repeat(g.Rule, max(0, n)) }
	out := []string{s.Border.Render(g.TopLeft+g.Rule) + " " + s.Strong.Render(title) + " " + s.Border.Render(rule(w-cell.Width(title)-1)+g.TopRight)}
	bar := s.Border.Render(g.Bar)
	for _, l := range lines {
		out = append(out, bar+" "+cell.Pad(l, w)+" "+bar)
	}
	return append(out, s.Border.Render(g.BottomLeft+rule(w+2)+g.BottomRight))
}
