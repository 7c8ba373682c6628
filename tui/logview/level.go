package logview

import (
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/loglevel"
	"dray/tui/logstore"
)

// nextLevel shows warnings and errors only, then errors only, then all again. It
// takes the place of what was looked for.
func (m Model) nextLevel() (Model, tea.Cmd) {
	f := find{at: -1, only: true}
	switch m.find.level {
	case loglevel.None:
		f.level = loglevel.Warn
	case loglevel.Warn:
		f.level, f.context = loglevel.Error, m.find.context
	case loglevel.Error, loglevel.Trace:
		return m.endFind()
	}
	f.query = logstore.Levels(f.level)
	f.finder = logstore.NewFinder(m.s.Store(), f.query, m.win.top.off)
	m.job1.cancel()
	m.job1, m.queue, m.find = m.job1.none(), nil, f
	m, load := m.jumpTo(place{off: m.win.top.off}, m.follow)
	m, count := m.count()
	return m, tea.Batch(load, count)
}

// levelWords name what a filter by level leaves.
func levelWords(l loglevel.Level) string {
	if l >= loglevel.Error {
		return "level:error"
	}
	return "level:warn+"
}
