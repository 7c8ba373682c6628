package joblist

import (
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/jobquery"
)

// wheelRows is how far a turn of the wheel scrolls.
const wheelRows = 3

// handleMouse scrolls, selects and opens rows, and sorts by column heads. Y is
// relative to the page.
func (m Model) handleMouse(e tea.MouseMsg) (Model, tea.Cmd) {
	if e.Action != tea.MouseActionPress || m.typing || m.menu || m.zoomed() && !m.reading.on {
		return m, nil
	}
	switch e.Button {
	case tea.MouseButtonWheelUp, tea.MouseButtonWheelDown:
		rows := wheelRows
		if e.Button == tea.MouseButtonWheelUp {
			rows = -wheelRows
		}
		if m.reading.on {
			m.reading.top += rows
			return m, nil
		}
		m.table = m.table.Scroll(rows)
	case tea.MouseButtonLeft:
		return m.click(e.X, e.Y)
	default:
		return m, nil
	}
	return m, nil
}

func (m Model) click(x, y int) (Model, tea.Cmd) {
	if x >= m.cols.total || m.zoomed() {
		return m, nil
	}
	if y == headLines-1 {
		at := m.cols.at(x)
		if at < 0 {
			return m, nil
		}
		by := jobquery.By(m.cols.list[at].Column)
		if m.by.Column() == by.Column() {
			by = m.by.Reverse(true)
		}
		return m.turnTo(m.sortedBy(by)), nil
	}
	from, to := m.table.Window()
	row := from + y - headLines
	if y < headLines || row >= to {
		return m, nil
	}
	if row == m.table.Cursor() {
		return m.do(actOpen)
	}
	return m.step(row - m.table.Cursor()), nil
}
