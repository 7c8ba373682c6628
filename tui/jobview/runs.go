package jobview

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// runs are those of the history that can be opened, one on each line.
type runs struct {
	ids  []string
	line int    // of the first one
	at   string // the run under the cursor; one that is not there: the first
}

func (r runs) index() int { return max(0, slices.Index(r.ids, r.at)) }

// onRun reports that the cursor is on a line of the history.
func (m Model) onRun(line int) bool {
	return m.tab == tabHistory && len(m.runs.ids) > 0 && line == m.runs.line+m.runs.index()
}

// walk moves the cursor through the history. At its end the page scrolls on,
// to what cannot be opened.
func (m Model) walk(id string) (Model, bool) {
	if m.tab != tabHistory || len(m.runs.ids) == 0 {
		return m, false
	}
	from := m
	from.top = m.runs.index()
	to, ok := from.moved(id)
	if !ok {
		return m, false
	}
	last := len(m.runs.ids) - 1
	next := max(0, min(to, last))
	m.runs.at = m.runs.ids[next]
	line, h := m.runs.line+next, m.bodySize().H
	switch {
	case next == 0:
		return m.scroll(0), true
	case to > last && id == actLast:
		return m.scroll(len(m.lines)), true
	case to > last && from.top == last:
		return m.scroll(m.top + to - last), true
	case line < m.top:
		return m.scroll(line), true
	case line >= m.top+h:
		return m.scroll(line - h + 1), true
	}
	return m, true
}

// openRun opens the run under the cursor, if it is another one than this.
func (m Model) openRun() (tea.Cmd, bool) {
	if m.tab != tabHistory || len(m.runs.ids) == 0 || m.env.Pages.Job == nil {
		return nil, false
	}
	id := m.runs.ids[m.runs.index()]
	i := slices.IndexFunc(m.list.Jobs, func(j rayapi.Job) bool { return j.ID() == id })
	if i < 0 || id == m.job.ID() {
		return screen.Notice(screen.Info, "this is the page of "+id+" already"), true
	}
	return screen.Push(m.env.Pages.Job(m.list.Jobs[i])), true
}

// pressRun puts the cursor on the run of a line; one that has it is opened.
func (m Model) pressRun(line int) (screen.Screen, tea.Cmd) {
	i := line - m.runs.line
	if i < 0 || i >= len(m.runs.ids) {
		return m, nil
	}
	if m.runs.index() == i {
		cmd, _ := m.openRun()
		return m, cmd
	}
	m.runs.at = m.runs.ids[i]
	return m, nil
}
