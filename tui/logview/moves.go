package logview

import (
	"sort"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/logstore"
	"dray/tui/screen"
)

// maxPan is how far the text can be moved aside: a line holds no more.
const maxPan = logstore.MaxLine

// maxMove bounds the rows that one window is away from the last, so that keys
// held down cannot pile up work.
const maxMove = 10_000

// wheelRows is how far one notch of the wheel goes.
const wheelRows = 3

// move makes an action that goes some rows up or down. Going up leaves the
// end. While lines are selected, the end of the selection goes.
func move(rows func(Model) int) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) { return m.scroll(rows(m)) }
}

func (m Model) scroll(n int) (Model, tea.Cmd) {
	if m.sel.on {
		m.sel.move = min(max(m.sel.move+n, -maxMove), maxMove)
		return m.load()
	}
	if m.follow {
		if n > 0 {
			return m, nil
		}
		m.follow, m.resume = false, true
		m.top = m.win.top
	}
	m.move = min(max(m.move+n, -maxMove), maxMove)
	return m.load()
}

// page is a screen less two rows, which help the eye along.
func (m Model) page() int { return max(1, m.bodyHeight()-2) }

func (m Model) half() int { return max(1, m.bodyHeight()/2) }

// jumpTo goes to a place wherever it was before.
func (m Model) jumpTo(p place, follow bool) (Model, tea.Cmd) { return m.goTo(p, 0, follow) }

// goTo goes some rows from a place.
func (m Model) goTo(p place, rows int, follow bool) (Model, tea.Cmd) {
	m.top, m.move, m.follow, m.resume = p, rows, follow, false
	m.anchor++
	return m.load()
}

func (m Model) toStart() (Model, tea.Cmd) {
	if m.sel.on {
		m.sel.to, m.sel.move = extent{}, 0
		m.anchor++
		return m.load()
	}
	m, cmd := m.jumpTo(place{}, false)
	m.resume = true // a log that fits the screen is followed on
	return m, cmd
}

func (m Model) toEnd() (Model, tea.Cmd) {
	if m.sel.on {
		m.sel.to, m.sel.move = extent{max(0, m.news.Size-1), m.news.Size}, 0
		m.anchor++
		return m.load()
	}
	return m.jumpTo(m.top, true)
}

func (m Model) toggleFollow() (Model, tea.Cmd) {
	if m.follow {
		return m.jumpTo(m.win.top, false)
	}
	m.sel = selection{}
	return m.jumpTo(m.top, true)
}

// relay lays the screen out anew with its first line where it is.
func (m Model) relay() (Model, tea.Cmd) { return m.jumpTo(place{off: m.win.top.off}, m.follow) }

func (m Model) toggleWrap() (Model, tea.Cmd) {
	m.wrap = !m.wrap
	m.pan = 0
	return m.relay()
}

func (m Model) toggleFold() (Model, tea.Cmd) {
	m.fold = !m.fold
	return m.relay()
}

func (m Model) togglePretty() (Model, tea.Cmd) {
	m.pretty = !m.pretty
	return m.relay()
}

// toggleZoom leaves nothing but the text and the state, so that the terminal's
// own selection takes the text alone.
func (m Model) toggleZoom() (Model, tea.Cmd) {
	m.zoom = !m.zoom
	return m.relay()
}

func (m Model) toggleTimes() (Model, tea.Cmd) {
	m.times = !m.times
	return m.relay()
}

func (m Model) toggleNumbers() (Model, tea.Cmd) {
	m.numbers = !m.numbers
	return m.relay()
}

// pan makes an action that moves the text aside by half a screen.
func pan(to int) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) {
		m.pan = min(max(0, m.pan+to*max(1, m.textWidth()/2)), maxPan)
		return m.load()
	}
}

// selection is what lies between two blocks of the log, both with it.
type selection struct {
	on       bool
	from, to extent
	move     int // blocks that to shall go
}

// extent is a run of bytes of the log.
type extent struct{ from, to int64 }

// has reports whether a row belongs to the selection.
func (s selection) has(r *row) bool {
	return s.on && r.from >= min(s.from.from, s.to.from) && r.to <= max(s.from.to, s.to.to)
}

// bytes are those that are selected.
func (s selection) bytes() extent {
	return extent{min(s.from.from, s.to.from), max(s.from.to, s.to.to)}
}

// startSelect selects the hit that was jumped to, the last line when the end is
// followed, or the line at the top.
func (m Model) startSelect() (Model, tea.Cmd) {
	if m.sel.on {
		return m.endSelect()
	}
	if len(m.win.rows) == 0 {
		return m, screen.Notice(screen.Info, "nothing to select: the log is empty")
	}
	r := m.win.rows[0]
	if m.follow {
		r = m.win.rows[len(m.win.rows)-1]
	}
	for _, other := range m.win.rows {
		if other.off == m.find.at {
			r = other
		}
	}
	at := extent{r.from, r.to}
	m.sel = selection{on: true, from: at, to: at}
	return m.jumpTo(m.win.top, false)
}

func (m Model) endSelect() (Model, tea.Cmd) {
	m.sel = selection{}
	return m, nil
}

// mouse scrolls by the wheel and selects lines by presses and drags.
func (m Model) mouse(msg tea.MouseMsg) (Model, tea.Cmd) {
	switch {
	case m.bare:
		return m, nil
	case msg.Button == tea.MouseButtonWheelUp:
		return m.wheel(-wheelRows)
	case msg.Button == tea.MouseButtonWheelDown:
		return m.wheel(wheelRows)
	}
	at := msg.Y - m.above()
	if msg.Button != tea.MouseButtonLeft || at < 0 || at >= len(m.win.rows) {
		return m, nil
	}
	r := m.win.rows[at]
	here := extent{r.from, r.to}
	switch msg.Action {
	case tea.MouseActionPress:
		if m.sel.on && m.sel.from == here && m.sel.to == here {
			return m.endSelect()
		}
		m.sel = selection{on: true, from: here, to: here}
		return m.jumpTo(m.win.top, false)
	case tea.MouseActionMotion:
		if m.sel.on {
			m.sel.to = here
			m.anchor++ // a window under way knows of an older end
		}
	case tea.MouseActionRelease:
	}
	return m, nil
}

// wheel moves the screen; a selection ends.
func (m Model) wheel(rows int) (Model, tea.Cmd) {
	m.sel = selection{}
	return m.scroll(rows)
}

// mark notes a place in the log: its end when that is followed, else the line
// at the top of the screen.
func (m Model) mark() (Model, tea.Cmd) {
	off := m.win.from
	if m.sel.on {
		off = m.sel.to.from
	} else if m.follow || m.news.Size == 0 {
		off = m.news.Size
	}
	for i, r := range m.marks {
		if r.off == off {
			m.marks = append(append([]rule(nil), m.marks[:i]...), m.marks[i+1:]...)
			m, load := m.load()
			return m, tea.Batch(load, screen.Notice(screen.Info, "the mark is gone"))
		}
	}
	marks := append(append([]rule(nil), m.marks...), rule{off: off, text: "mark " + m.now.Format("15:04:05")})
	sort.Slice(marks, func(i, j int) bool { return marks[i].off < marks[j].off })
	m.marks = marks
	text := "marked this line; ' comes back"
	if off == m.news.Size {
		text = "marked the end; ' comes back"
	}
	m, load := m.load()
	return m, tea.Batch(load, screen.Notice(screen.Info, text))
}

// nextMark goes to the mark after the top of the screen, or to the first.
func (m Model) nextMark() (Model, tea.Cmd) {
	at := m.marks[0]
	for _, r := range m.marks {
		if r.off > m.win.top.off && (!m.follow || r.off < m.win.from) {
			at = r
			break
		}
	}
	return m.jumpTo(place{off: min(at.off, max(0, m.news.Size-1))}, false)
}

func (m Model) back() (Model, tea.Cmd)       { return m, screen.Pop }
func (m Model) askStop() (Model, tea.Cmd)    { return m, m.env.Pages.Stop(m.job) }
func (m Model) askRerun() (Model, tea.Cmd)   { return m, m.env.Pages.Rerun(m.job) }
func (m Model) openDetail() (Model, tea.Cmd) { return m, screen.Push(m.env.Pages.Job(m.job)) }

// fetchAgain reads the log from its beginning once more.
func (m Model) fetchAgain() (Model, tea.Cmd) {
	m.s.Stop()
	fresh := newModel(m.env, m.job)
	m.s, m.known, m.news, m.win, m.find = fresh.s, fresh.known, logstore.News{}, window{}, find{at: -1}
	m.top, m.move, m.follow, m.seen, m.marks, m.sel = place{}, 0, true, 0, nil, selection{}
	m.loading, m.again, m.winErr, m.opened = false, false, nil, m.now
	m.cuts, m.lost = nil, lost{}
	m.anchor++
	return m, m.Init()
}
