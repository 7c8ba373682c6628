package logview

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/loglevel"
	"dray/tui/logstore"
	"dray/tui/widget/cell"
)

// warning is a sentence above the state line, about a log that is shown.
func (m Model) warning() string {
	switch {
	case m.winErr != nil:
		return clean.Text(m.winErr.Error())
	case m.news.Size == 0:
		return ""
	case m.gone:
		return "the job was deleted: what is shown goes when you leave"
	case m.news.Link == logstore.Broken:
		return "no more will come: " + m.errText() + "; R fetches it again"
	case m.news.Link == logstore.Unconfirmed:
		return "the job has ended; whether this is all of its log could not be found out; R fetches it again"
	case m.news.Link == logstore.Retry || m.conn.Phase == client.Reconnecting:
		return m.errText()
	case m.news.Gaps > 0:
		return m.gapWords()
	}
	return ""
}

// bottomLine is the prompt while a text is typed, else the state.
func (m Model) bottomLine() string {
	st := m.env.Styles
	if m.input != inputNone {
		return m.inputLine()
	}
	var words []string
	if m.news.Size > 0 {
		words = append(words, m.followWords(), wrapWords(m.wrap, m.pan))
	}
	words = append(words, m.viewWords()...)
	if m.find.active() {
		words = append(words, m.findWords())
	}
	if n := len(m.marks); n == 1 {
		words = append(words, "1 mark")
	} else if n > 1 {
		words = append(words, fmt.Sprintf("%d marks", n))
	}
	if m.job1.running() {
		words = append(words, st.Accent.Render(m.job1.words()))
	}
	words = append(words, m.linkWords())
	left := " " + strings.Join(words, "  ")
	if m.news.Size == 0 {
		return cell.Cut(left, m.size.W, st.Glyphs.Ellipsis)
	}
	return cell.Spread(left, m.extentWords(), m.size.W, st.Glyphs.Ellipsis)
}

// inputLine is the text being typed, with what it finds.
func (m Model) inputLine() string {
	st := m.env.Styles
	before, under, after := m.prompt.Split()
	sign := map[input]string{inputFind: "/", inputOnly: "&", inputSave: "save to: ", inputPipe: "| "}[m.input]
	left := " " + st.Key.Render(sign) + before + st.Selected.Render(under) + after
	if !m.input.finds() {
		what := "all of the log"
		if m.sel.on {
			what = m.selectWords()
		}
		return cell.Spread(left, st.Muted.Render(what)+" ", m.size.W, st.Glyphs.Ellipsis)
	}
	right := st.Muted.Render(m.hitWords()) + " "
	if m.find.err != nil {
		right = st.Warn.Render("no such expression yet") + " "
	}
	switch {
	case m.size.W >= promptFrom:
		right = st.Muted.Render(m.howWords()) + "  " + right
	case m.find.regex:
		right = "regex  " + right
	}
	return cell.Spread(left, right, m.size.W, st.Glyphs.Ellipsis)
}

// promptFrom is the width from which the prompt says how a text is looked for.
const promptFrom = 100

// howWords say how a text is looked for.
func (m Model) howWords() string {
	regex, letters := "off", "smart"
	if m.find.regex {
		regex = "on"
	}
	if m.find.query.Cased() {
		letters = "exact"
	}
	return "regex:" + regex + "  case:" + letters
}

// viewWords are the ways of looking that are not the usual ones.
func (m Model) viewWords() []string {
	var words []string
	if m.sel.on {
		words = append(words, m.env.Styles.Accent.Render(m.selectWords()))
	}
	if !m.fold {
		words = append(words, "bars open")
	}
	if m.pretty {
		words = append(words, "json")
	}
	if m.times {
		words = append(words, "time:arrival")
	}
	return words
}

// selectWords says how much is selected.
func (m Model) selectWords() string {
	sel := m.sel.bytes()
	if sel.from < m.win.from || sel.to > m.win.to {
		return byteCount(sel.to-sel.from) + " selected"
	}
	n := 0
	for i := range m.win.rows {
		if r := &m.win.rows[i]; r.first && m.sel.has(r) {
			n++
		}
	}
	if n == 1 {
		return "1 line selected"
	}
	return fmt.Sprintf("%d lines selected", n)
}

func (m Model) findWords() string {
	sign := "/"
	if m.find.only {
		sign = "&"
	}
	words := sign + clean.Text(m.find.text) + "  " + m.hitWords()
	if m.find.level > loglevel.None {
		words = levelWords(m.find.level) + "  " + m.hitWords()
	}
	if m.find.only && m.find.context > 0 {
		words += fmt.Sprintf(" ±%d", m.find.context)
	}
	return words
}

// followWords says where the screen is: at the end, or how far behind.
func (m Model) followWords() string {
	st := m.env.Styles
	behind := m.news.Lines - m.seen
	switch {
	case m.news.Link.Final() && m.win.end:
		return st.Strong.Render("END")
	case m.follow:
		return st.OK.Render(st.Glyphs.Follow + " FOLLOW")
	case behind > 0 && m.news.Exact():
		return st.Warn.Render(st.Glyphs.Behind + " " + thousands(behind) + " new")
	case m.news.Link.Final() && m.win.number > 0:
		return st.Text.Render("line " + thousands(m.win.number))
	case m.news.Link.Final():
		return st.Text.Render("at " + byteCount(m.win.from))
	}
	return st.Strong.Render(st.Glyphs.Paused + " HELD")
}

func wrapWords(wrap bool, pan int) string {
	switch {
	case wrap:
		return "wrap:on"
	case pan > 0:
		return "wrap:off col " + thousands(int64(pan)+1)
	}
	return "wrap:off"
}

// linkWords says how the log is joined to the server.
func (m Model) linkWords() string {
	st := m.env.Styles
	ended := m.job.Status.IsTerminal()
	switch {
	case m.news.Link == logstore.Complete:
		return st.OK.Render("complete")
	case m.news.Link == logstore.Unconfirmed:
		return st.Warn.Render("tail unconfirmed")
	case m.news.Link == logstore.Broken && errors.Is(m.news.Err, logstore.ErrNoRoom):
		return st.Error.Render("no room for the rest")
	case m.news.Link == logstore.Broken:
		return st.Error.Render("log not reachable")
	case m.conn.Phase == client.Reconnecting:
		return st.Warn.Render(m.conn.Words(m.now))
	case m.news.Link == logstore.Opening:
		return st.Muted.Render("opening")
	case m.conn.Phase == client.Confirming:
		return m.conn.Words(m.now)
	case ended && !m.realRay:
		return "job ended, reading the rest"
	case ended:
		return "job ended, server lags"
	case m.job.Status == rayapi.StatusPending:
		return "waiting for output, job PENDING"
	case m.news.Size == 0:
		return "waiting for output"
	case !m.realRay:
		return st.OK.Render("live")
	}
	return st.OK.Render("live") + ", server lags 1-2 s"
}

// littleLeft is how much log may wait to be looked at without a word: it is done
// before one could read that.
const littleLeft = 1 << 20

// hitWords counts what was found.
func (m Model) hitWords() string {
	f := m.find
	if !f.active() || f.finder == nil {
		return ""
	}
	p := f.finder.Progress()
	n := thousands(p.Hits)
	switch {
	case !p.Done && p.Size-p.Looked > littleLeft:
		n += fmt.Sprintf(" (%d%%)", 100*p.Looked/max(1, p.Size))
	case p.Hits == 0 && p.Done:
		return "not found"
	}
	if f.rank > 0 && f.at >= 0 {
		return thousands(f.rank) + " of " + n
	}
	return n
}

// gapWords says what is missing.
func (m Model) gapWords() string {
	g := m.news.Gap
	where := ""
	if g.Line >= 0 {
		where = " before line " + thousands(g.Line+1)
	}
	switch {
	case g.Anew && m.env.LogFile != nil:
		return "the log file was truncated or replaced at " + byteCount(g.At) + where
	case g.Anew:
		return "the log was truncated or replaced by the server at " + byteCount(g.At) + where
	}
	return "the server has lost a part of this log" + where
}

// extentWords says how long the log is and how far down the screen.
func (m Model) extentWords() string {
	s := thousands(m.news.Lines) + " lines"
	if m.news.Lines == 1 {
		s = "1 line"
	}
	if !m.news.Exact() {
		s = "counting lines"
	}
	if m.size.W >= 80 {
		s += "  " + byteCount(m.news.Size)
	}
	percent := int64(100)
	switch {
	case m.follow || m.news.Size == 0:
	case m.news.Exact() && m.win.upto >= 0:
		percent = 100 * min(m.win.upto, m.news.Lines) / max(1, m.news.Lines)
	default:
		percent = 100 * min(m.win.to, m.news.Size) / m.news.Size
	}
	return s + fmt.Sprintf(" %3d%% ", percent)
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// rules are the lines of ours across the log: marks, where the connection was
// lost, and where a part of it is missing.
func (m Model) rules() []rule {
	all := append(slices.Clone(m.marks), m.cuts...)
	if m.news.Gaps == 0 || m.news.Gap.Anew {
		return all
	}
	g := m.news.Gap
	return append(all, rule{off: g.Off, text: "a part of the log is missing here", bad: true})
}

// mapLine is the map of the levels with the place of the screen in it.
func (m Model) mapLine() string {
	st := m.env.Styles
	signs := []rune("▁▂▃▄▅▆▇")
	if st.Glyphs.Ellipsis == "~" {
		signs = []rune("_.:-=+#")
	}
	most := 1
	for i := range buckets {
		most = max(most, m.levels.bad[i]+m.levels.warn[i])
	}
	var b strings.Builder
	b.WriteString("  levels  ")
	muted, warn, bad := cell.InkOf(st.Muted), cell.InkOf(st.Warn), cell.InkOf(st.Error)
	for i := range buckets {
		n := m.levels.bad[i] + m.levels.warn[i]
		at := 0
		if n > 0 {
			at = 1 + (len(signs)-2)*n/most
		}
		ink := muted
		switch {
		case m.levels.bad[i] > 0:
			ink = bad
		case n > 0:
			ink = warn
		}
		ink.Write(&b, string(signs[at]))
	}
	about := ""
	if m.levels.sampled {
		about = "at least "
	}
	words := fmt.Sprintf("%serrors %s  warnings %s ", about, thousands(int64(m.levels.errors)), thousands(int64(m.levels.warnings)))
	return cell.Spread(b.String(), st.Muted.Render(words), m.size.W, st.Glyphs.Ellipsis)
}
