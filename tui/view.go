package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// chrome is how many lines the root draws around the page: status, message and
// hint.
const chrome = 3

// pageSize is the part of the window for the page at a height of the stack.
func (m model) pageSize(depth int) screen.Size {
	h := max(m.h, minHeight) - chrome
	if depth == 1 && m.poll.link.Down() {
		h -= m.boxHeight()
	}
	return screen.Size{W: max(m.w, minWidth), H: h}
}

func (m model) tooSmall() bool { return m.w < minWidth || m.h < minHeight }

// View draws the window.
func (m model) View() string {
	switch {
	case m.w == 0 || m.h == 0:
		return ""
	case m.tooSmall():
		text := fmt.Sprintf("dray needs %dx%d, this window is %dx%d; q quits", minWidth, minHeight, m.w, m.h)
		return strings.Join(cell.Lines(cell.Wrap(text, m.w), m.h), "\n")
	}
	var b strings.Builder
	b.WriteString(m.statusLine())
	b.WriteByte('\n')
	b.WriteString(m.body())
	b.WriteByte('\n')
	b.WriteString(m.messageLine())
	b.WriteByte('\n')
	b.WriteString(m.hintLine())
	return b.String()
}

// body is the page with what lies over it.
func (m model) body() string {
	size := m.pageSize(len(m.pages))
	if over, ok := m.top().screen.(screen.Over); ok && len(m.pages) > 1 {
		return m.overlaid(over, size)
	}
	view := m.top().screen.View()
	exact := strings.Count(view, "\n") == size.H-1
	if exact && !m.boxed() && !m.covered() {
		return view
	}
	lines := cell.Lines(strings.Split(view, "\n"), size.H)
	if m.boxed() {
		lines = append(lines, m.offlineBox()...)
	}
	return m.covering(lines)
}

// overlaid is a page that is drawn over the one below it.
func (m model) overlaid(over screen.Over, size screen.Size) string {
	below := m.pages[len(m.pages)-2].screen.View()
	return m.covering(over.Over(cell.Lines(strings.Split(below, "\n"), size.H)))
}

// covering draws what of the root's own lies over the page.
func (m model) covering(lines []string) string {
	switch {
	case m.question != nil:
		lines = m.question.view(m.env.Styles, lines, m.w)
	case m.help != nil:
		lines = m.help.View(lines)
	case m.palette != nil:
		lines = m.palette.View(lines, m.w)
	case m.picker != nil:
		lines = m.pickerView(lines)
	}
	return strings.Join(lines, "\n")
}

// statusLine says which tool, which server and why; how it answers; and how
// many jobs there are of each kind.
func (m model) statusLine() string {
	right := m.linkWord() + "   " + m.counts() + " "
	if bars := m.gaugeLine(); bars != "" {
		bars += "   " + right
		if left, fits := m.fullestWhere(m.w - cell.Width(bars) - 2); fits {
			return cell.Spread(left, bars, m.w, m.env.Styles.Glyphs.Ellipsis)
		}
	}
	left, _ := m.fullestWhere(m.w - cell.Width(right) - 2)
	return cell.Spread(left, right, m.w, m.env.Styles.Glyphs.Ellipsis)
}

// fullestWhere says as much of the server as fits into room, and whether that
// is more than its name.
func (m model) fullestWhere(room int) (left string, fits bool) {
	for _, parts := range m.whereParts() {
		left = m.where(parts)
		if cell.Width(left) <= room {
			return left, len(parts) > 0
		}
	}
	return left, false
}

// whereParts lists what can be said of the server, from the fullest to the
// shortest.
func (m model) whereParts() [][]string {
	t := m.env.Target
	address, short := clean.Text(t.Address), clean.Text(shortAddress(t.Address))
	why := clean.Text(t.Why)
	for _, source := range []string{"--", "RAY_", "DRAY_", "dray "} {
		if strings.HasPrefix(why, source) {
			why = "via " + why
			break
		}
	}
	ray := ""
	if m.ray != "" && m.ray != unknownRay {
		ray = "Ray " + m.ray
	}
	if t.Embedded {
		return [][]string{{address, why}, {why}, {}}
	}
	return [][]string{{address, ray, why}, {short, ray, why}, {short, why}, {short}, {}}
}

// nameStyle is that of the server's name: red where care is asked for, else
// the colour that it was given.
func (m model) nameStyle() lipgloss.Style {
	if m.env.Target.Protected {
		return m.env.Styles.Error
	}
	return m.env.Styles.ContextIn(m.env.Target.Colour)
}

func shortAddress(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		return url
	}
	return rest
}

func (m model) where(parts []string) string {
	s := m.env.Styles
	g := s.Glyphs
	left := " " + s.Title.Render("dray") + "  " + m.nameStyle().Render(g.NameLeft+clean.Text(m.env.Target.Name)+g.NameRight)
	if m.env.Target.ReadOnly {
		left += " " + s.Warn.Render("RO")
	}
	if m.env.Target.SkipVerify {
		left += " " + s.Error.Render("TLS UNVERIFIED")
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" })
	if len(parts) == 0 {
		return left
	}
	return left + " " + s.Muted.Render(strings.Join(parts, " "+g.Dot+" "))
}

// staleAfter is the age from which on it is said of a remote list. Our own
// backend is asked all the time.
const staleAfter = 5 * time.Second

// linkWord says how the server answers, and for how long it has not.
func (m model) linkWord() string {
	s := m.env.Styles
	p := m.poll
	if p.paused && !p.link.Down() {
		return s.Warn.Render(s.Glyphs.Paused + " paused " + clock(p.now.Sub(p.asOf)))
	}
	switch shared := p.shared(); shared.Link {
	case screen.Live:
		if age := p.now.Sub(p.asOf); age >= staleAfter && !m.env.Target.Embedded {
			return s.OK.Render(s.Glyphs.Live) + " live " + jobtext.Duration(age.Truncate(time.Second))
		}
		return s.OK.Render(s.Glyphs.Live) + " live"
	case screen.Slow:
		late := max(p.took, p.waiting())
		return s.Warn.Render(s.Glyphs.Slow + " slow " + jobtext.Duration(late.Truncate(time.Second)))
	case screen.Offline:
		return s.Error.Render(s.Glyphs.Offline + " OFFLINE " + clock(p.now.Sub(p.downSince)))
	case screen.Refused:
		return s.Error.Render(s.Glyphs.Offline + " " + m.refusedWord() + " " + clock(p.now.Sub(p.downSince)))
	default:
		return s.Muted.Render(s.Glyphs.Slow + " connecting")
	}
}

// clock prints d as a clock that counts up.
func clock(d time.Duration) string {
	sec := max(0, int(d/time.Second))
	if sec >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
	}
	return fmt.Sprintf("%02d:%02d", sec/60, sec%60)
}

// letter stands for a kind of jobs in the status line.
type letter struct {
	letter string
	kind   jobtext.Kind
}

func letters() []letter {
	return []letter{{"R", jobtext.Running}, {"P", jobtext.Pending}, {"F", jobtext.Failed}, {"X", jobtext.Stopped}, {"D", jobtext.Succeeded}}
}

// counts are the numbers of jobs by kind; of a server that is down they are
// not known.
func (m model) counts() string {
	s := m.env.Styles
	if m.poll.link.Down() || m.poll.asOf.IsZero() {
		return s.Muted.Render("R? P? F?")
	}
	parts := make([]string, 0, 5)
	for _, c := range letters() {
		text := fmt.Sprintf("%s%d", c.letter, m.poll.counts[c.kind])
		style := s.Muted
		if m.poll.counts[c.kind] > 0 {
			style = c.kind.Style(s)
		}
		parts = append(parts, style.Render(text))
	}
	return strings.Join(parts, " ")
}

// signs tell what the letters of the status line and the signs of the list
// mean.
func (m model) signs() []string {
	s := m.env.Styles
	out := make([]string, 0, 7)
	for _, c := range letters() {
		word := c.kind.Style(s).Render(c.letter+" "+c.kind.Glyph(&s.Glyphs)) + " " + strings.ToLower(c.kind.Word())
		out = append(out, word)
	}
	for _, k := range []jobtext.Kind{jobtext.Ended, jobtext.Ghost} {
		out = append(out, k.Style(s).Render(k.Glyph(&s.Glyphs))+" "+strings.ToLower(k.Word()))
	}
	return out
}

// stopHintAfter is when a stop takes so long that it deserves a word.
const stopHintAfter = 10 * time.Second

// messageLine is the newest notice, or what else deserves a word.
func (m model) messageLine() string {
	s := m.env.Styles
	if m.palette != nil {
		return m.palette.Line(m.w)
	}
	text, style := m.notice.text, s.Text
	switch {
	case len(m.held) > 0 && m.notice.level != screen.Bad:
		text, style = m.heldLine(), s.Warn
	case text == "":
		text, style = m.standing(), s.Warn
	case m.notice.level == screen.Good:
		style = s.OK
	case m.notice.level == screen.Warn:
		style = s.Warn
	case m.notice.level == screen.Bad:
		style = s.Error
	}
	right := m.unreadWord()
	if text == "" && right == "" {
		return ""
	}
	room := m.w - 2
	if right != "" {
		room -= cell.Width(right) + 2
	}
	line := " " + style.Render(cell.Cut(text, room, s.Glyphs.Ellipsis))
	if right == "" {
		return line
	}
	return cell.Spread(line, s.Muted.Render(right)+" ", m.w, "")
}

// standing is what remains true until it ends.
func (m model) standing() string {
	p := m.poll
	if p.link.Down() && !m.boxed() {
		return fmt.Sprintf("%s, %s", m.downTitle(), m.nextTry())
	}
	oldest := ""
	for id, since := range p.stopping {
		if p.now.Sub(since) >= stopHintAfter && (oldest == "" || cmp.Compare(id, oldest) < 0) {
			oldest = id
		}
	}
	if oldest == "" {
		return ""
	}
	return fmt.Sprintf("%s has not ended %s after the stop: it may be cleaning up, or its node may be gone",
		clean.Text(oldest), jobtext.Duration(p.now.Sub(p.stopping[oldest])))
}
