package logview

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/clean"
	"dray/tui/loglevel"
	"dray/tui/logstore"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// missedAfter is when output is missed, so that what comes fast does not flash
// a sentence before it.
const missedAfter = 300 * time.Millisecond

// firstPiece is how long a head on the network may take to send the first piece
// of a log that has been opened: before that, nobody knows that it is empty.
const firstPiece = 2 * time.Second

// The widths from which the place line has the command too, and the node that
// it runs on.
const (
	entrypointFrom = 110
	nodeFrom       = 130
)

// The columns before the text: the sign, the number of the line, and the time
// of its arrival.
const (
	gutter      = 2
	numberWidth = 8
	timeWidth   = 9
)

// numbersFrom is the width from which lines are numbered without being asked.
const numbersFrom = 130

func (m Model) numbered() bool {
	return !m.zoom && (m.numbers || m.size.W >= numbersFrom && !m.bare)
}

func (m Model) timed() bool { return m.times && !m.zoom }

func (m Model) textWidth() int {
	w := m.size.W - gutter
	if m.bare || m.zoom {
		w = m.size.W
	}
	if m.numbered() {
		w -= numberWidth
	}
	if m.timed() {
		w -= timeWidth
	}
	return max(0, w)
}

// bodyHeight leaves out the place line, the state line, the map, and the line
// of a warning if there is one.
func (m Model) bodyHeight() int {
	if m.bare {
		return m.size.H
	}
	h := m.size.H - 1 - m.above()
	if m.warning() != "" {
		h--
	}
	if m.hasMap() {
		h--
	}
	return max(0, h)
}

// above is how many lines stand above the log.
func (m Model) above() int {
	if m.zoom {
		return 0
	}
	return 1
}

// View draws the page.
func (m Model) View() string {
	if m.size.W <= 0 || m.size.H <= 0 {
		return ""
	}
	if m.bare {
		return m.tail()
	}
	lines := make([]string, 0, m.size.H)
	if !m.zoom {
		lines = append(lines, m.placeLine())
	}
	body := m.bodyHeight()
	if m.news.Size == 0 {
		lines = append(lines, cell.Lines(m.emptyBody(), body)...)
	} else {
		lines = append(lines, cell.Lines(m.rows(), body)...)
	}
	if w := m.warning(); w != "" {
		lines = append(lines, m.env.Styles.Warn.Render(cell.Cut(" ! "+w, m.size.W, m.env.Styles.Glyphs.Ellipsis)))
	}
	if m.hasMap() {
		lines = append(lines, m.mapLine())
	}
	lines = append(lines, m.bottomLine())
	return strings.Join(cell.Lines(lines, m.size.H), "\n")
}

// placeLine says which log this is and how its job is.
func (m Model) placeLine() string {
	st := m.env.Styles
	g := &st.Glyphs
	kind := jobtext.KindOf(&m.job)
	state := kind.Glyph(g) + " " + kind.Word()
	if m.gone {
		state = g.Unknown + " DELETED"
	} else if !m.stop.IsZero() && kind.Active() {
		state = kind.Glyph(g) + " STOPPING " + jobtext.Duration(m.now.Sub(m.stop))
	}
	took := ""
	if d, ok := jobtext.Took(&m.job, m.now); ok && !m.gone {
		took = "  " + jobtext.Duration(d)
	}
	right := kind.Style(st).Render(state) + st.Text.Render(took) + " "
	if d := m.job.DriverInfo; m.size.W >= nodeFrom && d != nil && d.NodeIPAddress != "" {
		right += st.Muted.Render(" node " + clean.Text(d.NodeIPAddress) + " ")
	}
	room := m.size.W - cell.Width(right) - cell.Width(" Jobs > ")
	crumb := st.Muted.Render(" " + g.Crumb + " ")
	id := cell.Middle(jobtext.ID(&m.job), max(8, room-cell.Width(" > logs ")-1), g.Ellipsis)
	left := " " + st.Strong.Render("Jobs") + crumb + st.Strong.Render(id) + crumb + st.Text.Render("logs")
	if m.size.W >= entrypointFrom {
		left += "    " + st.Muted.Render(jobtext.Entrypoint(&m.job, m.size.W))
	}
	return cell.Spread(left, right, m.size.W, g.Ellipsis)
}

// rows draws the window. One that was laid out for another size is cut.
func (m Model) rows() []string {
	out := make([]string, 0, len(m.win.rows))
	var b strings.Builder
	st := m.env.Styles
	ink := inks{cell.InkOf(st.Muted), cell.InkOf(st.Warn), cell.InkOf(st.Error)}
	for i := range m.win.rows {
		b.Reset()
		m.row(&b, &m.win.rows[i], &ink)
		line := b.String()
		if m.win.width > m.textWidth() {
			line = cell.Cut(line, m.size.W, "")
		}
		out = append(out, line)
	}
	return out
}

// inks are the colours that rows are drawn in.
type inks struct{ muted, warn, bad cell.Ink }

// row draws one row with its columns.
func (m Model) row(b *strings.Builder, r *row, ink *inks) {
	if m.bare || m.zoom {
		m.text(b, r, ink)
		return
	}
	if m.numbered() {
		n := ""
		if r.number > 0 {
			n = strconv.FormatInt(r.number, 10)
		}
		ink.muted.Write(b, cell.Right(n, numberWidth-1))
		b.WriteByte(' ')
	}
	b.WriteString(m.sign(r))
	if m.timed() {
		ink.muted.Write(b, cell.Pad(r.time, timeWidth))
	}
	m.text(b, r, ink)
}

// text draws a row without its columns. A line that has no colours of its own
// gets that of its level.
func (m Model) text(b *strings.Builder, r *row, ink *inks) {
	st := m.env.Styles
	switch {
	case r.rule && r.bad:
		b.WriteString(st.Warn.Render(r.text))
	case r.rule:
		ink.muted.Write(b, r.text)
	case m.sel.has(r):
		b.WriteString(st.Selected.Render(ansi.Strip(r.text)))
	case r.level == loglevel.None || strings.IndexByte(r.text, esc) >= 0:
		b.WriteString(r.text)
	case r.level == loglevel.Warn:
		ink.warn.Write(b, r.text)
	default:
		ink.bad.Write(b, r.text)
	}
}

// sign is what stands before a row: what was found comes before what is
// known.
func (m Model) sign(r *row) string {
	st := m.env.Styles
	g := &st.Glyphs
	switch {
	case m.sel.has(r) && !r.rule:
		return st.Accent.Render(g.Cursor) + " "
	case !r.first || r.rule:
		return "  "
	case r.off == m.find.at || r.folded && m.find.at >= r.from && m.find.at < r.to:
		return st.Accent.Render(g.Crumb) + " "
	case r.hit:
		return st.Match.Render(g.Masked) + " "
	case r.level >= loglevel.Error:
		return st.Error.Render("!") + " "
	}
	return "  "
}

// againSign stands before the number of a bar's states.
func againSign(g *theme.Glyphs) string {
	if g.Ellipsis == "~" {
		return "x"
	}
	return "⟳ ×"
}

// emptyBody says why there is nothing to see.
func (m Model) emptyBody() []string {
	st := m.env.Styles
	style := st.Muted
	var text string
	status := m.job.Status
	switch {
	case m.news.Link == logstore.Broken:
		text, style = "Log not reachable: "+m.errText(), st.Error
	case m.news.Link == logstore.Retry || m.conn.Phase == client.Reconnecting:
		text, style = "Log not reachable: "+m.errText(), st.Warn
	case !m.news.Link.Final() && m.now.Sub(m.opened) < missedAfter:
		return nil
	case m.news.Link == logstore.Opening || !m.news.Link.Final() && !m.env.Target.Embedded && m.now.Sub(m.opened) < firstPiece:
		text = "Asking " + clean.Text(m.env.Target.Name) + " for the log."
	case status == rayapi.StatusPending:
		text = "No output yet: the job is PENDING."
	case !status.IsTerminal():
		text = "No output yet: the job is " + clean.Text(string(status)) + "."
	case m.news.Link.Final():
		text = "The job ended without any output."
	default:
		text = "No output yet: the job has ended, what it printed is being fetched."
	}
	w := m.size.W - 2*gutter
	lines := []string{""}
	for _, l := range cell.Wrap(text, w) {
		lines = append(lines, "  "+style.Render(l))
	}
	if message := jobtext.Message(&m.job); len(message) > 0 && (status == rayapi.StatusPending || status == rayapi.StatusFailed) {
		lines = append(lines, "")
		for _, l := range message {
			for _, part := range cell.Wrap(l, w) {
				lines = append(lines, "  "+st.Text.Render(part))
			}
		}
	}
	return lines
}

func (m Model) errText() string {
	err := m.news.Err
	if m.conn.Err != nil {
		err = m.conn.Err
	}
	if err == nil {
		return "the connection was lost"
	}
	return strings.Join(clean.Block(err.Error()), " ")
}

// tail is the end of the log without anything around it.
func (m Model) tail() string {
	if m.news.Size == 0 {
		return strings.Join(cell.Lines(m.emptyBody(), m.size.H), "\n")
	}
	return strings.Join(cell.Lines(m.rows(), m.size.H), "\n")
}
