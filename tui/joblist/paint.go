package joblist

import (
	"strings"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// painter holds everything that drawing a row needs and that never changes.
type painter struct {
	styles                        *theme.Styles
	kinds                         [jobtext.Kinds]cell.Ink
	muted, selected, accent, bad  cell.Ink
	stale, header, border, strong cell.Ink
}

func newPainter(s *theme.Styles) *painter {
	p := &painter{
		styles: s,
		muted:  cell.InkOf(s.Muted), selected: cell.InkOf(s.Selected), accent: cell.InkOf(s.Accent),
		bad: cell.InkOf(s.Failed), stale: cell.InkOf(s.Stale), header: cell.InkOf(s.Header),
		border: cell.InkOf(s.Border), strong: cell.InkOf(s.Strong),
	}
	for k := range jobtext.Kinds {
		p.kinds[k] = cell.InkOf(k.Style(s))
	}
	return p
}

const (
	gutter    = 3  // cursor, mark, blank
	wordW     = 9  // "SUCCEEDED"
	stopWordW = 13 // "STOPPING 1m02"
	startW    = 6  // "START↓"
	durW      = 6  // "38m50", "12d04h"
	exitW     = 4  // "EXIT", "USR1"
	errW      = 13 // "unschedulable"
	nodeW     = 15 // an IPv4 address

	minID, typicalID, maxID = 13, 20, 40
	// fullID and roomyEntry must have their room before the error and the node
	// get columns.
	fullID, roomyEntry = 26, 40
)

// columns are the widths that depend on the window and on what is in it.
type columns struct {
	total      int
	ids        int // the widest id so far
	word       int // 0: the narrow form, without words and times of day
	id, entry  int
	errs, node bool
}

// layOut divides total cells; ids and word are the widest of what is visible.
// Columns that give way do so in a fixed order: exit, start, id, entrypoint.
func layOut(total, ids, word int) columns {
	c := columns{total: total, word: word}
	if total < 80 {
		c.word = 0
		c.id = min(max(ids, minID), (total-14)/2)
		c.entry = total - 14 - c.id
		return c
	}
	rest := total - gutter - 2 - word - 1 - (1 + startW + 1 + durW + 1 + exitW) - 1
	if c.errs = rest-errW-2 >= fullID+roomyEntry; c.errs {
		rest -= errW + 2
	}
	if c.node = c.errs && rest-nodeW-1 >= fullID+roomyEntry; c.node {
		rest -= nodeW + 1
	}
	most := min(maxID, typicalID+max(0, rest-46)/2)
	c.id = min(max(ids, minID), most)
	c.entry = max(0, rest-c.id)
	return c
}

// header is the line of column heads, with the arrow at the sorted one.
func (m Model) header() string {
	c, g := m.cols, m.env.Styles.Glyphs
	arrow := g.Down
	if m.reverse {
		arrow = g.Up
	}
	head := func(name string, by ...order) string {
		for _, o := range by {
			if o == m.by {
				return name + arrow
			}
		}
		return name
	}
	var b strings.Builder
	if c.word == 0 {
		b.WriteString("    " + cell.Pad(head("SUBMISSION ID", byID), c.id) + " " + cell.Right(head("DUR", byDuration), durW) + "  " + cell.Pad("ENTRYPOINT", c.entry))
		return m.paint.header.Text(b.String())
	}
	b.WriteString(cell.Blank(gutter+2) + cell.Pad(head("STATUS", byStatus), c.word) + " " + cell.Pad(head("SUBMISSION ID", byID), c.id) + " " + cell.Pad("ENTRYPOINT", c.entry))
	b.WriteString(" " + cell.Right(head("START", byLive, byStart), startW) + " " + cell.Right(head("DUR", byDuration), durW) + " " + cell.Right("EXIT", exitW))
	if c.errs {
		b.WriteString("  " + cell.Pad("ERROR", errW))
	}
	if c.node {
		b.WriteString(" " + cell.Pad("NODE", nodeW))
	}
	return m.paint.header.Text(b.String())
}

// texts are a row's cells before they are coloured.
type texts struct {
	glyph, word, id, entry   string
	start, dur, exit, errors string
	node                     string
}

// textsOf puts row i into words.
func (m Model) textsOf(r *row) texts {
	s := m.env.Styles
	tail := s.Glyphs.Ellipsis
	t := texts{
		glyph: r.kind.Glyph(&s.Glyphs), word: r.kind.Word(),
		id:    cell.Middle(clean.Text(r.id), m.cols.id, tail),
		entry: cell.Cut(jobtext.Entrypoint(r.job, 4*m.cols.entry+8), m.cols.entry, tail),
		start: jobtext.Clock(r.job.Started(), m.list.Now),
		exit:  jobtext.ExitShort(r.job),
	}
	if took, known := jobtext.Took(r.job, m.list.Now); known {
		t.dur = jobtext.Duration(took)
	}
	if m.cols.errs {
		t.errors = jobtext.ErrorShort(r.job)
	}
	if m.cols.node && r.job.DriverInfo != nil {
		t.node = cell.Cut(clean.Text(r.job.DriverInfo.NodeIPAddress), nodeW, tail)
	}
	if r.kind.Active() && m.list.Link.Down() {
		t.glyph = s.Glyphs.Unknown
	}
	if d, ok := m.stoppingFor(r.id); ok && r.kind.Active() {
		t.word = "STOPPING " + jobtext.Duration(d)
		if m.cols.word == 0 {
			t.entry = cell.Cut(t.word+"  "+t.entry, m.cols.entry, tail)
		}
	}
	return t
}

// drawRow appends the line of row i. The selected one is drawn in one piece:
// colours inside reverse video are hard to read.
func (m Model) drawRow(b *strings.Builder, i int) {
	r := m.shown.row(i)
	t := m.textsOf(r)
	p := m.paint
	stale := m.list.Link.Down() && r.kind.Active()
	switch {
	case i == m.table.Cursor():
		p.accent.Write(b, m.env.Styles.Glyphs.Cursor)
		b.WriteString(p.selected.On)
		m.drawCells(b, t, cell.Ink{}, cell.Ink{}, cell.Ink{})
		b.WriteString(p.selected.Off)
	case stale:
		b.WriteString(" " + p.stale.On)
		m.drawCells(b, t, cell.Ink{}, cell.Ink{}, cell.Ink{})
		b.WriteString(p.stale.Off)
	default:
		exit := cell.Ink{}
		if r.kind == jobtext.Failed {
			exit = p.bad
		}
		b.WriteByte(' ')
		m.drawCells(b, t, p.kinds[r.kind], p.muted, exit)
	}
}

// drawCells appends everything after the cursor's column.
func (m Model) drawCells(b *strings.Builder, t texts, status, quiet, exit cell.Ink) {
	c := m.cols
	if c.word == 0 {
		b.WriteByte(' ')
		status.Write(b, t.glyph)
		b.WriteString(" " + cell.Pad(t.id, c.id) + " " + cell.Right(t.dur, durW) + "  " + cell.Pad(t.entry, c.entry))
		return
	}
	b.WriteString("  ")
	status.Write(b, t.glyph+" "+cell.Pad(t.word, c.word))
	b.WriteString(" " + cell.Pad(t.id, c.id) + " " + cell.Pad(t.entry, c.entry) + " ")
	quiet.Write(b, cell.Right(t.start, startW))
	b.WriteString(" " + cell.Right(t.dur, durW) + " ")
	exit.Write(b, cell.Right(t.exit, exitW))
	if c.errs {
		b.WriteString("  " + cell.Pad(t.errors, errW))
	}
	if c.node {
		b.WriteByte(' ')
		quiet.Write(b, cell.Pad(t.node, nodeW))
	}
}
