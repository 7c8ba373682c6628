package jobview

import (
	"fmt"
	"slices"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// maxHistory is how many runs the history names.
const maxHistory = 200

// history are the runs of the same program, with whatever arguments, that the
// server still knows, the newest first, so that a change in time or outcome is
// seen at once.
func (m Model) history(w int) ([]string, runs) {
	s := m.env.Styles
	program, _ := jobtext.Program(m.job.Entrypoint)
	var known []*rayapi.Job
	outcomes := map[jobtext.Kind]int{}
	for i := range m.list.Jobs {
		job := &m.list.Jobs[i]
		if of, _ := jobtext.Program(job.Entrypoint); of != program || job.Entrypoint == "" {
			continue
		}
		outcomes[jobtext.KindOf(job)]++
		known = append(known, job)
	}
	if len(known)+len(m.about.before) == 0 {
		return []string{s.Muted.Render("no other run of this command is known")}, runs{}
	}
	slices.SortStableFunc(known, func(a, b *rayapi.Job) int { return b.Started().Compare(a.Started()) })
	lines := []string{m.heading(counted(len(known), "run")+" of "+clean.Text(program)+" on "+m.env.Target.Name, w)}
	var counts []string
	for k := range jobtext.Kinds {
		if n := outcomes[k]; n > 0 {
			counts = append(counts, k.Style(s).Render(k.Glyph(&s.Glyphs)+" "+k.Word())+fmt.Sprintf(" %d", n))
		}
	}
	lines = append(append(lines, flowed(counts, "   ", w)...), "")
	open := runs{line: len(lines), at: m.runs.at}
	if open.at == "" {
		open.at = m.job.ID()
	}
	for _, job := range known[:min(len(known), maxHistory)] {
		open.ids = append(open.ids, job.ID())
		lines = append(lines, m.run(job, w))
	}
	if older := len(known) - maxHistory; older > 0 {
		lines = append(lines, s.Muted.Render(fmt.Sprintf("and %d older ones", older)))
	}
	return append(lines, m.forgotten(known, w)...), open
}

// forgotten are the submissions from this machine that the server knows no
// more.
func (m Model) forgotten(runs []*rayapi.Job, w int) []string {
	known := make(map[string]bool, len(runs))
	for _, job := range runs {
		known[job.ID()] = true
	}
	var lines []string
	for i := range m.about.before {
		e := &m.about.before[i]
		if known[e.Request.SubmissionID] || e.Request.SubmissionID == m.job.ID() {
			continue
		}
		job := ledger.Forgotten(*e)
		line := cell.Blank(historyMark+historyStatus+1) + cell.Pad(cell.Middle(jobtext.ID(&job), m.historyRoom(w), m.env.Styles.Glyphs.Ellipsis), m.historyRoom(w)) +
			" " + cell.Right(jobtext.Clock(e.SubmittedAt, m.list.Now), historyWhen)
		lines = append(lines, m.env.Styles.Muted.Render(line))
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{"", m.heading("Submitted from here, forgotten by the server", w)}, lines...)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (m Model) historyRoom(w int) int {
	return max(0, w-historyMark-historyStatus-historyTook-historyExit-historyWhen-3)
}

// The columns of one run.
const (
	historyMark   = 2
	historyStatus = 11
	historyTook   = 8
	historyExit   = 6
	historyWhen   = 8
)

func (m Model) run(job *rayapi.Job, w int) string {
	s := m.env.Styles
	kind := jobtext.KindOf(job)
	mark := "  "
	if job.ID() == m.job.ID() {
		mark = s.Glyphs.Crumb + " " // not the cursor, which may be elsewhere
	}
	took := ""
	if d, ok := jobtext.Took(job, m.list.Now); ok {
		took = jobtext.Duration(d)
	}
	room := m.historyRoom(w)
	return mark + kind.Style(s).Render(cell.Pad(kind.Glyph(&s.Glyphs)+" "+kind.Word(), historyStatus)) + " " +
		cell.Pad(m.runName(job, room), room) + " " +
		cell.Right(jobtext.Clock(job.Started(), m.list.Now), historyWhen) +
		cell.Right(took, historyTook) + cell.Right(jobtext.ExitShort(job), historyExit)
}

// runName is a run's id and, where there is room, its arguments.
func (m Model) runName(job *rayapi.Job, room int) string {
	s := m.env.Styles
	_, args := jobtext.Program(job.Entrypoint)
	idRoom := room
	if args != "" {
		idRoom = max(room/2, room-cell.Width(clean.Text(args))-2)
	}
	id := cell.Middle(jobtext.ID(job), idRoom, s.Glyphs.Ellipsis)
	if args == "" {
		return id
	}
	return id + "  " + s.Muted.Render(cell.Cut(clean.Text(args), max(0, room-cell.Width(id)-2), s.Glyphs.Ellipsis))
}
