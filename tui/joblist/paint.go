package joblist

import (
	"strings"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/jobquery"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// painter holds everything that drawing a row needs.
type painter struct {
	kinds                         [jobtext.Kinds]cell.Ink
	muted, selected, accent, bad  cell.Ink
	stale, header, border, strong cell.Ink
	match, warn                   cell.Ink
	rule                          string // as long as most windows need it
}

// ruleCells is how long the rule is that is made in advance.
const ruleCells = 200

func newPainter(s *theme.Styles) *painter {
	p := &painter{
		muted: cell.InkOf(s.Muted), selected: cell.InkOf(s.Selected), accent: cell.InkOf(s.Accent),
		bad: cell.InkOf(s.Failed), stale: cell.InkOf(s.Stale), header: cell.InkOf(s.Header),
		border: cell.InkOf(s.Border), strong: cell.InkOf(s.Strong),
		match: cell.InkOf(s.Match), warn: cell.InkOf(s.Warn),
		rule: strings.Repeat(s.Glyphs.Rule, ruleCells),
	}
	for k := range jobtext.Kinds {
		p.kinds[k] = cell.InkOf(k.Style(s))
	}
	return p
}

// header is the line of column heads, with the arrow at the sorted one.
func (m Model) header() string {
	c := m.cols
	sorted := m.by.Column()
	if sorted == jobquery.Live {
		sorted = colStart
	}
	var b strings.Builder
	b.WriteString(cell.Blank(c.gutter()))
	for _, col := range c.list {
		title := col.Title
		if col.Name == sorted {
			title = cell.Cut(title, col.w-1, "") + m.arrow()
		}
		b.WriteString(cell.Blank(col.gap))
		if col.Right {
			b.WriteString(cell.Right(title, col.w))
		} else {
			b.WriteString(cell.Pad(title, col.w))
		}
	}
	return m.paint.header.Text(cell.Pad(b.String(), c.total))
}

func (m Model) arrow() string {
	if m.by.Down() {
		return m.env.Styles.Glyphs.Down
	}
	return m.env.Styles.Glyphs.Up
}

// What draws rows takes the page by its address: to copy it for each cell
// costs more than the cell.

// drawRow appends the line of row i. The selected one is drawn in one piece:
// colours inside reverse video are hard to read.
func (m *Model) drawRow(b *strings.Builder, i int) {
	r := m.shown.row(i)
	p := m.paint
	switch {
	case i == m.table.Cursor():
		p.accent.Write(b, m.env.Styles.Glyphs.Cursor)
		b.WriteString(p.selected.On)
		m.drawCells(b, i, r, false)
		b.WriteString(p.selected.Off)
	case m.list.Link.Down() && r.Kind.Active():
		b.WriteString(" " + p.stale.On)
		m.drawCells(b, i, r, false)
		b.WriteString(p.stale.Off)
	default:
		b.WriteByte(' ')
		m.drawCells(b, i, r, true)
	}
}

// drawCells appends everything after the cursor's column.
func (m *Model) drawCells(b *strings.Builder, i int, r *jobquery.Row, coloured bool) {
	c, p, g := m.cols, m.paint, &m.env.Styles.Glyphs
	write := func(ink cell.Ink, s string) {
		if coloured && s != " " && s != "" {
			ink.Write(b, s)
			return
		}
		b.WriteString(s)
	}
	mark, news := " ", m.news(r.ID)
	if m.marked(i) {
		mark = g.Mark
	}
	if c.narrow && mark == " " {
		mark = news
	}
	write(p.accent, mark)
	if !c.narrow {
		write(p.accent, news)
	}
	glyph, status := r.Kind.Glyph(g), p.kinds[r.Kind]
	if r.Kind.Active() && m.list.Link.Down() {
		glyph = g.Unknown
	}
	if m.fresh.lit[r.ID] {
		status = p.match
	}
	list := c.list
	if len(list) > 0 && list[0].Name == colStatus {
		// Sign and word are one piece: fewer bytes for the terminal.
		glyph += " " + cell.Pad(m.cellText(&list[0], r), list[0].w)
		write(status, glyph)
		list = list[1:]
	} else {
		write(status, glyph)
		b.WriteByte(' ')
	}
	for at := range list {
		col := &list[at]
		b.WriteString(cell.Blank(col.gap))
		text := m.cellText(col, r)
		ink := p.ink(col.Name, r)
		if col.Name == colStatus {
			ink = status
		}
		switch {
		case coloured && len(m.words) > 0 && !m.look.invert && searched(col.Name):
			m.highlight(b, ink, text)
			b.WriteString(cell.Blank(col.w - cell.Width(text)))
		case col.Right:
			b.WriteString(cell.Blank(col.w - cell.Width(text)))
			write(ink, text)
		default:
			write(ink, text)
			b.WriteString(cell.Blank(col.w - cell.Width(text)))
		}
	}
	b.WriteString(cell.Blank(c.total - c.used()))
}

// news is the sign of a row that changed and was not seen, or is watched.
func (m *Model) news(id string) string {
	switch {
	case m.fresh.unseen[id]:
		return m.env.Styles.Glyphs.Masked
	case m.list.Watched[id]:
		return "w"
	}
	return " "
}

// searched reports a column in which words of the filter can be found.
func searched(name string) bool {
	switch name {
	case colID, colEntry, "user", "name":
		return true
	}
	return strings.HasPrefix(name, "meta.")
}

// cellText is what a row says in a column, no wider than it.
func (m *Model) cellText(col *column, r *jobquery.Row) string {
	tail := m.env.Styles.Glyphs.Ellipsis
	switch col.Name {
	case colStatus:
		if word := m.stoppingWord(r); word != "" {
			return word
		}
		return r.Kind.Word()
	case colID:
		return cell.Middle(clean.Text(r.ID), col.w, tail)
	case colEntry:
		text := jobtext.Entrypoint(r.Job, 4*col.w+8)
		if m.cols.narrow {
			if word := m.stoppingWord(r); word != "" {
				text = word + "  " + text
			}
		}
		return cell.Cut(text, col.w, tail)
	}
	return cell.Cut(col.Text(r, m.list.Now), col.w, tail)
}

// stoppingWord says for how long a job has been stopping; "" if it is not.
func (m *Model) stoppingWord(r *jobquery.Row) string {
	if since, ok := m.list.Stopping[r.ID]; ok && r.Kind.Active() {
		return "STOPPING " + jobtext.Duration(m.list.Now.Sub(since))
	}
	return ""
}

// highlight appends text with the words of the filter set off.
func (m *Model) highlight(b *strings.Builder, ink cell.Ink, text string) {
	at := 0
	for _, h := range jobquery.Hits(text, m.words, m.loosely) {
		if h.From > at {
			ink.Write(b, text[at:h.From])
		}
		m.paint.match.Write(b, text[h.From:h.To])
		at = h.To
	}
	if at < len(text) {
		ink.Write(b, text[at:])
	}
}
