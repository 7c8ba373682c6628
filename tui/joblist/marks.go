package joblist

import (
	"fmt"
	"maps"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/jobquery"
	"dray/tui/screen"
)

// marks are the jobs that are acted on together. They belong to ids: a job
// that leaves the list and comes back is still marked.
type marks struct {
	ids     map[string]bool // never written to: copied
	present int             // how many are in the list
	hidden  int             // how many of these the filter leaves out

	// A range goes from the job at anchor to the one under the cursor.
	anchor string
	at     int // its row, -1: not shown; -2: there is no range
}

// noRange is the row of an anchor that is not set.
const noRange = -2

// counted counts the marks anew, after the rows have changed.
func (k marks) counted(s shown) marks {
	k.present, k.hidden = 0, 0
	if len(k.ids) > 0 {
		for i := range s.rows {
			if k.ids[s.rows[i].ID] {
				k.present++
			}
		}
		seen := 0
		for _, p := range s.places {
			if k.ids[s.rows[p].ID] {
				seen++
			}
		}
		k.hidden = k.present - seen
	}
	if k.anchor == "" {
		k.at = noRange
		return k
	}
	k.at = slices.IndexFunc(s.places, func(p int32) bool { return s.rows[p].ID == k.anchor })
	return k
}

// with marks or unmarks rows.
func (k marks) with(on bool, rows ...*jobquery.Row) marks {
	ids := maps.Clone(k.ids)
	if ids == nil {
		ids = make(map[string]bool, len(rows))
	}
	for _, r := range rows {
		if on {
			ids[r.ID] = true
		} else {
			delete(ids, r.ID)
		}
	}
	k.ids = ids
	return k
}

// span are the rows of the range, when there is one.
func (m *Model) span() (from, to int, ok bool) {
	c := m.table.Cursor()
	if m.marks.anchor == "" || m.marks.at < 0 || c < 0 {
		return 0, 0, false
	}
	return min(c, m.marks.at), max(c, m.marks.at), true
}

// marked reports whether row i carries a mark, or will by the range.
func (m *Model) marked(i int) bool {
	if from, to, ok := m.span(); ok && i >= from && i <= to {
		return true
	}
	return m.marks.ids[m.shown.row(i).ID]
}

func (m Model) doMark(id string) (Model, tea.Cmd) {
	c := m.table.Cursor()
	if c < 0 {
		return m, screen.Notice(screen.Info, "there is no job to mark")
	}
	switch {
	case m.marks.anchor != "" && id != actAll:
		m = m.endRange()
	case id == actMark:
		r := m.shown.row(c)
		m.marks = m.marks.with(!m.marks.ids[r.ID], r)
		m = m.step(1)
	case id == actRange:
		m.marks.anchor = m.table.ID()
	case id == actAll:
		all := make([]*jobquery.Row, m.shown.Len())
		for i := range all {
			all[i] = m.shown.row(i)
		}
		on := slices.ContainsFunc(all, func(r *jobquery.Row) bool { return !m.marks.ids[r.ID] })
		m.marks = m.marks.with(on, all...)
	}
	m.marks = m.marks.counted(m.shown)
	return m, nil
}

// endRange marks what the range holds.
func (m Model) endRange() Model {
	if from, to, ok := m.span(); ok {
		var rows []*jobquery.Row
		for i := from; i <= to; i++ {
			rows = append(rows, m.shown.row(i))
		}
		m.marks = m.marks.with(true, rows...)
	}
	m.marks.anchor = ""
	m.marks = m.marks.counted(m.shown)
	return m
}

// clear takes back, in turn: a range, the filter, the marks, the dots of what
// has not been seen.
func (m Model) clear() Model {
	switch {
	case m.marks.anchor != "":
		m.marks.anchor = ""
	case m.look.filter != "" || m.look.invert:
		return m.turnTo(look{sort: m.look.sort})
	case len(m.marks.ids) > 0:
		m.marks.ids = nil
	default:
		m.fresh.unseen = nil
	}
	m.marks = m.marks.counted(m.shown)
	return m
}

// targets are the marked jobs in their order, those that the filter hides too.
func (m Model) targets() []rayapi.Job {
	var jobs []rayapi.Job
	for _, p := range m.order {
		if m.marks.ids[m.rows[p].ID] {
			jobs = append(jobs, *m.rows[p].Job)
		}
	}
	return jobs
}

// doAll asks about all marked jobs. It reports false when there are none, or
// nothing that could do it.
func (m Model) doAll(id string) (tea.Cmd, bool) {
	all := m.bulk(id)
	if all == nil || m.marks.present == 0 {
		return nil, false
	}
	return all(m.targets()), true
}

// maxLogs is how many logs can stand side by side.
const maxLogs = 3

// bulk is what does an action to several jobs, or nil.
func (m Model) bulk(id string) func([]rayapi.Job) tea.Cmd {
	p := m.env.Pages
	switch id {
	case actStop:
		return p.StopAll
	case actDelete:
		return p.DeleteAll
	case actRerun:
		return p.RerunAll
	case actLog:
		if p.Logs == nil || m.marks.present < 2 {
			return nil
		}
		return func(jobs []rayapi.Job) tea.Cmd {
			if len(jobs) > maxLogs {
				return screen.Notice(screen.Warn, fmt.Sprintf("%d jobs are marked: at most %d logs fit side by side", len(jobs), maxLogs))
			}
			return screen.Push(p.Logs(jobs))
		}
	}
	return nil
}

// bulkBindings say that what is done is done to the marked jobs.
func (m Model) bulkBindings(all []screen.Binding) []screen.Binding {
	out := slices.Clone(all)
	for i, b := range out {
		switch {
		case b.ID == actLog && m.marks.present > maxLogs:
			out[i].SetEnabled(false) // more do not fit side by side
		case m.bulk(b.ID) != nil:
			out[i].SetHelp(b.Help().Key, fmt.Sprintf("%s %d", b.Help().Desc, m.marks.present))
		}
	}
	return out
}

// markText says how many are marked; "" for none.
func (m Model) markText() (text string, warn bool) {
	n := m.marks.present
	if from, to, ok := m.span(); ok {
		return fmt.Sprintf("range of %d, v marks it", to-from+1), false
	}
	switch {
	case n == 0:
		return "", false
	case m.marks.hidden > 0:
		return fmt.Sprintf("%d marked, %d hidden", n, m.marks.hidden), true
	}
	return fmt.Sprintf("%d marked", n), false
}
