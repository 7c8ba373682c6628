package jobview

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/widget/cell"
)

// tab is one part of the page.
type tab int

const (
	tabSummary tab = iota
	tabLog
	tabEnv
	tabRaw
	tabHistory
	tabs // how many there are
)

func (t tab) name() string {
	return [tabs]string{"Summary", "Log", "Runtime env", "Raw", "History"}[t]
}

// tabLine is the page's line on which the tabs stand.
const tabLine = 1

// open shows a part of the page.
func (m Model) open(t tab) (screen.Screen, tea.Cmd) {
	m.tab, m.top = t, 0
	m.find = find{}
	m, cmd := m.openTail()
	return m.laidOut(), cmd
}

// openTail opens the end of the log where it can be seen: in its own part, and
// in the summary of a wide window.
func (m Model) openTail() (Model, tea.Cmd) {
	seen := m.tab == tabLog || m.tab == tabSummary && m.size.W >= twoAt && !m.list.Link.Down() && action.Explain(m.job, action.ReadLog) == nil
	if !seen || m.tail != nil || m.env.Pages.Tail == nil || m.size.W == 0 {
		return m, nil
	}
	m.tailAt = m.tailSize()
	m.tail = m.env.Pages.Tail(m.job).Resize(m.tailAt)
	return m.laidOut(), m.tail.Init()
}

// toggleRaw opens the raw record, and there goes on to its other form.
func (m Model) toggleRaw() (screen.Screen, tea.Cmd) {
	if m.tab == tabRaw {
		m.yaml = !m.yaml
	}
	return m.open(tabRaw)
}

// labels are the tabs as they are drawn, the open one in brackets.
func (m Model) labels() []string {
	labels := make([]string, tabs)
	for t := range tabs {
		name := t.name()
		if t == tabRaw {
			name += " JSON"
			if m.yaml {
				name = t.name() + " YAML"
			}
		}
		labels[t] = fmt.Sprintf(" %d %s ", t+1, name)
		if t == m.tab {
			labels[t] = fmt.Sprintf("[%d %s]", t+1, name)
		}
	}
	return labels
}

// tabAt returns the tab in column x.
func (m Model) tabAt(x int) (tab, bool) {
	at := 1
	for i, l := range m.labels() {
		if x >= at && x < at+cell.Width(l) {
			return tab(i), true
		}
		at += cell.Width(l)
	}
	return 0, false
}

func (m Model) tabBar() string {
	s := m.env.Styles
	labels := m.labels()
	for i := range labels {
		style := s.Muted
		if tab(i) == m.tab {
			style = s.Accent
		}
		labels[i] = style.Render(labels[i])
	}
	right := ""
	switch {
	case m.find.typing:
		before, under, after := m.find.prompt.Split()
		right = s.Key.Render("/") + before + s.Selected.Render(under) + after
	case m.find.query != "":
		right = s.Muted.Render(m.find.words())
	}
	return cell.Spread(" "+strings.Join(labels, ""), right+" ", m.size.W, s.Glyphs.Ellipsis)
}
