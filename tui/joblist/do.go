package joblist

import (
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/jobquery"
	"dray/tui/screen"
)

// do runs an action.
func (m Model) do(id string) (Model, tea.Cmd) {
	switch id {
	case actFilter, actKeep, actCancel, actComplete, actEarlier, actLater:
		return m.doFilter(id)
	case actMark, actRange, actAll:
		return m.doMark(id)
	case actNew:
		return m.leave(), screen.Push(m.env.Pages.Submit())
	}
	if strings.HasPrefix(id, "list.") {
		next, cmd, ok := m.doView(id)
		if ok {
			return next, cmd
		}
		return m.doMove(id), nil
	}
	return m.doJob(id)
}

func (m Model) doMove(id string) Model {
	if next, ok := m.read(id); ok {
		return next
	}
	switch id {
	case actDown:
		return m.step(1)
	case actUp:
		return m.step(-1)
	case actHalfDn:
		m.table = m.table.Page(2)
	case actHalfUp:
		m.table = m.table.Page(-2)
	case actPageDn:
		m.table = m.table.Page(1)
	case actPageUp:
		m.table = m.table.Page(-1)
	case actFirst:
		m.table = m.table.First()
	case actLast:
		m.table = m.table.Last()
	case actLeft:
		m.pan = max(0, m.pan-1)
	case actRight:
		if m.cols.more {
			m.pan++
		}
	}
	return m
}

func (m Model) step(n int) Model {
	m.table = m.table.Move(n)
	m.homeID = m.table.ID()
	return m
}

// doView changes what is seen, and reports false when id is no such action.
func (m Model) doView(id string) (Model, tea.Cmd, bool) {
	switch id {
	case actSort:
		m = m.turnTo(m.sortedBy(m.nextOrder()))
	case actReverse:
		m = m.turnTo(m.sortedBy(m.by.Reverse(true)))
	case actInvert:
		if m.query.Empty() {
			return m, screen.Notice(screen.Info, "there is no filter to invert (/ sets one)"), true
		}
		next := m.look
		next.invert = !next.invert
		m = m.turnTo(next)
	case actWide:
		m.wide, m.pan, m.cols = !m.wide, 0, columns{}
	case actPreview:
		m.noPane, m.zoom, m.cols = !m.noPane || m.zoom, false, columns{}
	case actZoom:
		m.zoom, m.cols = !m.zoom, columns{}
	case actPane:
		next, cmd := m.turnPane()
		return next, cmd, true
	case actClear:
		if m.reading.on {
			m.reading = pane{}
			return m, nil, true
		}
		m = m.clear()
	case actBack:
		next, cmd := m.back()
		return next, cmd, true
	case actForward:
		next, cmd := m.forward()
		return next, cmd, true
	default:
		n, err := strconv.Atoi(strings.TrimPrefix(id, actView))
		if err != nil {
			return m, nil, false
		}
		next := m.view(n - 1)
		if _, err := jobquery.Parse(next.filter); err != nil {
			return m, bad(fmt.Errorf("view %d in the settings: %w", n, err)), true
		}
		m = m.turnTo(next)
	}
	return m, nil, true
}

func (m Model) sortedBy(o jobquery.Order) look {
	next := m.look
	next.sort = o.String()
	return next
}

// nextOrder is by the next column that is shown, and after the last one back
// to live first.
func (m Model) nextOrder() jobquery.Order {
	cols := m.cols.list
	now := m.by.Column()
	if now == jobquery.Live && len(cols) > 0 {
		return jobquery.By(cols[0].Column)
	}
	for i := range cols {
		if cols[i].Name == now && i+1 < len(cols) {
			return jobquery.By(cols[i+1].Column)
		}
	}
	return jobquery.Order{}
}

// leave closes what the page has under way, before another one covers it.
func (m Model) leave() Model {
	m.preview = m.preview.left()
	return m
}

func (m Model) doJob(id string) (Model, tea.Cmd) {
	if m.marks.anchor != "" {
		m = m.endRange()
	}
	if cmd, ok := m.doAll(id); ok {
		return m, cmd
	}
	job, ok := m.selected()
	if !ok {
		m.menu = false
		return m, screen.Notice(screen.Info, "there is no job under the cursor")
	}
	pages := m.env.Pages
	switch id {
	case actOpen:
		return m.leave(), screen.Push(pages.Job(job))
	case actRaw:
		return m.leave(), screen.Push(pages.Raw(job))
	case actLog:
		return m.open(job, action.ReadLog, pages.Log)
	case actEdit:
		return m.open(job, action.Resubmit, pages.Edit)
	case actRerun:
		if why := action.Explain(job, action.Resubmit); why != nil {
			return m, why
		}
		return m, pages.Rerun(job)
	case actStop:
		return m, pages.Stop(job)
	case actDelete:
		return m, pages.Delete(job)
	case actWatch:
		on := !m.list.Watched[job.ID()]
		return m, func() tea.Msg { return screen.WatchMsg{ID: job.ID(), On: on} }
	}
	return m.doCopy(id, job)
}

// open pushes a page, or says why it would be of no use for job.
func (m Model) open(job rayapi.Job, use action.Use, page func(rayapi.Job) screen.Screen) (Model, tea.Cmd) {
	if why := action.Explain(job, use); why != nil {
		return m, why
	}
	return m.leave(), screen.Push(page(job))
}
