package logview

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// missedAfter is when output is missed, so that what comes fast does not flash
// a sentence before it.
const missedAfter = 300 * time.Millisecond

// firstPiece is how long a head on the network may take to send the first piece
// of a log that has been opened: before that, nobody knows that it is empty.
const firstPiece = 2 * time.Second

// entrypointFrom is the width from which the place line has the command too.
const entrypointFrom = 110

func (m Model) textWidth() int { return max(0, m.size.W-gutter) }

// bodyHeight leaves out the place line, the state line, and the line of a
// warning if there is one.
func (m Model) bodyHeight() int {
	h := m.size.H - 2
	if m.warning() != "" {
		h--
	}
	return max(0, h)
}

// View draws the page.
func (m Model) View() string {
	if m.size.W <= 0 || m.size.H <= 0 {
		return ""
	}
	lines := make([]string, 0, m.size.H)
	lines = append(lines, m.placeLine())
	body := m.bodyHeight()
	if m.news.lines == 0 {
		lines = append(lines, cell.Lines(m.emptyBody(), body)...)
	} else {
		lines = append(lines, cell.Lines(m.rows(), body)...)
	}
	if w := m.warning(); w != "" {
		lines = append(lines, m.env.Styles.Warn.Render(cell.Cut(" ! "+w, m.size.W, m.env.Styles.Glyphs.Ellipsis)))
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
	g := &m.env.Styles.Glyphs
	out := make([]string, 0, len(m.win.rows))
	for _, r := range m.win.rows {
		text := r.text
		if m.win.width > m.textWidth() {
			text = cell.Cut(text, m.textWidth(), "")
		}
		switch {
		case m.news.gaps > 0 && r.line == m.news.gapLine:
			text = m.env.Styles.Warn.Render("!") + " " + text
		case r.hit && r.line == m.find.at:
			text = m.env.Styles.Accent.Render(g.Cursor) + " " + text
		case r.hit:
			text = m.env.Styles.Muted.Render(g.Dot) + " " + text
		default:
			text = "  " + text
		}
		out = append(out, text)
	}
	return out
}

// emptyBody says why there is nothing to see.
func (m Model) emptyBody() []string {
	st := m.env.Styles
	style := st.Muted
	var text string
	status := m.job.Status
	switch {
	case m.news.link == linkBroken:
		text, style = "Log not reachable: "+m.errText(), st.Error
	case m.news.link == linkRetry || m.conn.Phase == client.Reconnecting:
		text, style = "Log not reachable: "+m.errText(), st.Warn
	case !m.news.link.final() && m.now.Sub(m.opened) < missedAfter:
		return nil
	case m.news.link == linkOpening || !m.news.link.final() && !m.env.Target.Embedded && m.now.Sub(m.opened) < firstPiece:
		text = "Asking " + clean.Text(m.env.Target.Name) + " for the log."
	case status == rayapi.StatusPending:
		text = "No output yet: the job is PENDING."
	case !status.IsTerminal():
		text = "No output yet: the job is " + clean.Text(string(status)) + "."
	case m.news.link.final():
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
	err := m.news.err
	if m.conn.Err != nil {
		err = m.conn.Err
	}
	if err == nil {
		return "the connection was lost"
	}
	return strings.Join(clean.Block(err.Error()), " ")
}

// warning is a sentence above the state line, about a log that is shown.
func (m Model) warning() string {
	switch {
	case m.winErr != nil:
		return clean.Text(m.winErr.Error())
	case m.news.lines == 0:
		return ""
	case m.gone:
		return "the job was deleted: what is shown goes when you leave"
	case m.news.link == linkBroken:
		return "no more will come: " + m.errText()
	case m.news.link == linkUnconfirmed:
		return "the job has ended; whether this is all of its log could not be found out"
	case m.news.link == linkRetry || m.conn.Phase == client.Reconnecting:
		return m.errText()
	case m.news.gaps > 0:
		return "the server has lost a part of this log before line " + count(m.news.gapLine+1)
	}
	return ""
}

// bottomLine is the prompt while a text is typed, else the state.
func (m Model) bottomLine() string {
	st := m.env.Styles
	if m.typing {
		before, under, after := m.prompt.Split()
		left := " " + st.Key.Render("/") + before + st.Selected.Render(under) + after
		return cell.Spread(left, st.Muted.Render(m.hitWords())+" ", m.size.W, st.Glyphs.Ellipsis)
	}
	var words []string
	if m.news.lines > 0 {
		words = append(words, m.followWords(), wrapWords(m.wrap, m.pan))
	}
	if m.find.active() {
		words = append(words, "/"+clean.Text(string(m.find.query.text))+"  "+m.hitWords())
	}
	words = append(words, m.linkWords())
	left := " " + strings.Join(words, "  ")
	if m.news.lines == 0 {
		return cell.Cut(left, m.size.W, st.Glyphs.Ellipsis)
	}
	return cell.Spread(left, m.extentWords(), m.size.W, st.Glyphs.Ellipsis)
}

// followWords says where the screen is: at the end, or how far behind.
func (m Model) followWords() string {
	st := m.env.Styles
	behind := m.news.lines - m.seen
	switch {
	case m.news.link.final() && m.win.end:
		return st.Strong.Render("END")
	case m.follow:
		return st.OK.Render(st.Glyphs.Follow + " FOLLOW")
	case behind > 0:
		return st.Warn.Render(st.Glyphs.Behind + " " + count(behind) + " new")
	case m.news.link.final():
		return st.Text.Render("line " + count(m.win.top.line+1))
	}
	return st.Strong.Render(st.Glyphs.Paused + " HELD")
}

func wrapWords(wrap bool, pan int) string {
	switch {
	case wrap:
		return "wrap:on"
	case pan > 0:
		return "wrap:off col " + count(int64(pan)+1)
	}
	return "wrap:off"
}

// linkWords says how the log is joined to the server.
func (m Model) linkWords() string {
	st := m.env.Styles
	ended := m.job.Status.IsTerminal()
	switch {
	case m.news.link == linkComplete:
		return st.OK.Render("complete")
	case m.news.link == linkUnconfirmed:
		return st.Warn.Render("tail unconfirmed")
	case m.news.link == linkBroken:
		return st.Error.Render("log not reachable")
	case m.conn.Phase == client.Reconnecting:
		return st.Warn.Render(m.conn.Words(m.now))
	case m.news.link == linkOpening:
		return st.Muted.Render("opening")
	case m.conn.Phase == client.Confirming:
		return m.conn.Words(m.now)
	case ended && !m.realRay:
		return "job ended, reading the rest"
	case ended:
		return "job ended, server lags"
	case m.job.Status == rayapi.StatusPending:
		return "waiting for output, job PENDING"
	case m.news.lines == 0:
		return "waiting for output"
	case !m.realRay:
		return st.OK.Render("live")
	}
	return st.OK.Render("live") + ", server lags 1-2 s"
}

// hitWords counts what was found.
func (m Model) hitWords() string {
	f := m.find
	if !f.active() {
		return ""
	}
	n := count(int64(len(f.hits)))
	if f.full() {
		n += "+"
	}
	switch {
	case !m.searched() && f.next < m.searchable():
		n += fmt.Sprintf(" (%d%%)", 100*f.next/max(1, m.searchable()))
	case len(f.hits) == 0:
		return "not found"
	}
	if rank := f.rank(f.at); rank > 0 {
		return count(int64(rank)) + " of " + n
	}
	return n
}

// extentWords says how long the log is and how far down the screen.
func (m Model) extentWords() string {
	s := count(m.news.lines) + " lines"
	if m.news.lines == 1 {
		s = "1 line"
	}
	if m.size.W >= 80 {
		s += "  " + byteCount(m.news.size)
	}
	percent := int64(100)
	if !m.follow {
		percent = 100 * min(m.win.last+1, m.news.lines) / m.news.lines
	}
	return s + fmt.Sprintf(" %3d%% ", percent)
}

// count writes n with commas.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
