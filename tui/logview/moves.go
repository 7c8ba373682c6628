package logview

import (
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/screen"
)

// maxPan is how far the text can be moved aside: a line holds no more.
const maxPan = maxLine

// maxMove bounds the rows that one window is away from the last, so that keys
// held down cannot pile up work.
const maxMove = 10_000

// move makes an action that goes some rows up or down. Going up leaves the
// end.
func move(rows func(Model) int) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) {
		n := rows(m)
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
}

// page is a screen less two rows, which help the eye along.
func (m Model) page() int { return max(1, m.bodyHeight()-2) }

func (m Model) half() int { return max(1, m.bodyHeight()/2) }

// jumpTo goes to a place wherever it was before.
func (m Model) jumpTo(p place, follow bool) (Model, tea.Cmd) {
	m.top, m.move, m.follow, m.resume = p, 0, follow, false
	m.anchor++
	return m.load()
}

func (m Model) toStart() (Model, tea.Cmd) {
	m, cmd := m.jumpTo(place{}, false)
	m.resume = true // a log that fits the screen is followed on
	return m, cmd
}

func (m Model) toEnd() (Model, tea.Cmd) { return m.jumpTo(m.top, true) }

func (m Model) toggleFollow() (Model, tea.Cmd) {
	if m.follow {
		return m.jumpTo(m.win.top, false)
	}
	return m.toEnd()
}

func (m Model) toggleWrap() (Model, tea.Cmd) {
	m.wrap = !m.wrap
	m.pan = 0
	return m.jumpTo(place{line: m.win.top.line}, m.follow)
}

// pan makes an action that moves the text aside by half a screen.
func pan(to int) func(Model) (Model, tea.Cmd) {
	return func(m Model) (Model, tea.Cmd) {
		m.pan = min(max(0, m.pan+to*max(1, m.textWidth()/2)), maxPan)
		return m.load()
	}
}

// copyLines puts the lines on the screen on the clipboard, all of each and
// without colours.
func (m Model) copyLines() (Model, tea.Cmd) {
	if len(m.win.rows) == 0 {
		return m, screen.Notice(screen.Info, "nothing to copy: the log is empty")
	}
	s, from, to := m.s, m.win.top.line, m.win.last
	return m, func() tea.Msg {
		r := newLineReader(&s.store)
		var text []byte
		for k := from; k <= to; k++ {
			l, err := r.line(k)
			if err != nil {
				return screen.NoticeMsg{Level: screen.Bad, Text: "copy the log: " + err.Error()}
			}
			text = append(clean.LogPlain(text, l.text), '\n')
		}
		what := "the log lines on the screen"
		if from == to {
			what = "the log line on the screen"
		}
		return screen.CopyMsg{Text: string(text), What: what}
	}
}

func (m Model) back() (Model, tea.Cmd)       { return m, screen.Pop }
func (m Model) askStop() (Model, tea.Cmd)    { return m, m.env.Pages.Stop(m.job) }
func (m Model) askRerun() (Model, tea.Cmd)   { return m, m.env.Pages.Rerun(m.job) }
func (m Model) openDetail() (Model, tea.Cmd) { return m, screen.Push(m.env.Pages.Job(m.job)) }
