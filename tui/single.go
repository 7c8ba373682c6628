package tui

import (
	"cmp"
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

// The budget: how much the dashboard may ask of a server that is not its own,
// in requests a minute. A head that needs seconds for its list is blocked
// meanwhile, so what matters of it is asked for job by job.
const (
	// budgetActive holds while jobs wait or run and the list comes quickly.
	budgetActive = 60
	// budgetIdle holds once nothing has moved for a minute.
	budgetIdle = 6
	// budgetAway and budgetAwayIdle hold while the terminal says that nobody
	// looks.
	budgetAway     = 12
	budgetAwayIdle = 2
	// budgetSlow is how many lists, and budgetSingle how many single jobs, are
	// asked of a server that takes three seconds for a list.
	budgetSlow   = 4
	budgetSingle = 30
	// budgetGauges is how often the cluster's resources are asked for while a
	// wide window shows them and jobs are active.
	budgetGauges = 6
	// budgetDown holds while the server does not answer.
	budgetDown = 10
	// budgetBytes is how much a minute of lists may bring, however many jobs
	// there are, at what a job takes in a list.
	budgetBytes = 100_000_000
	bytesPerJob = 800
)

const (
	// perJob is the least pause for each job in the list: a long list costs
	// its server and the network even when it comes quickly.
	perJob = 500 * time.Microsecond
	// longMost is the longest pause that a long list brings.
	longMost = 2 * time.Minute
	// singlePause lies between two questions about single jobs.
	singlePause = 2 * time.Second
	// singleTimeout bounds one.
	singleTimeout = 10 * time.Second
	// awayPause and awayIdlePause are the least pauses while nobody looks.
	awayPause     = 5 * time.Second
	awayIdlePause = 30 * time.Second
)

// singleMsg is the answer about one job, asked when the list was answer.
type singleMsg struct {
	id     string
	answer int
	job    rayapi.Job
	err    error
}

// wantsSingle reports that the next list is so far off that active jobs are
// worth a question of their own.
func (p poll) wantsSingle() bool {
	return !p.busy && !p.singleBusy && !p.paused && !p.away && !p.link.Down() &&
		(p.active() || len(p.stopping) > 0) && p.pause() > singlePause && p.due.Sub(p.now) > 0
}

// askSingle asks about the active job that has waited longest for it; those
// that were asked to stop come first.
func (p poll) askSingle() (poll, tea.Cmd) {
	if !p.wantsSingle() || p.now.Sub(p.singleAt) < singlePause {
		return p, nil
	}
	id := p.nextSingle()
	if id == "" {
		return p, nil
	}
	p.singleBusy, p.singleAt, p.singleID = true, p.now, id
	env, answer := p.env, p.answer
	return p, func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, singleTimeout)
		defer cancel()
		job, err := env.Jobs.Get(ctx, id)
		return singleMsg{id, answer, job, err}
	}
}

// nextSingle is the id after the last one in the round of active jobs.
func (p poll) nextSingle() string {
	var ids []string
	for i := range p.jobs {
		j := &p.jobs[i]
		if j.Type != rayapi.TypeDriver && jobtext.KindOf(j).Active() {
			ids = append(ids, j.ID())
		}
	}
	rank := func(id string) int {
		if _, stopping := p.stopping[id]; stopping {
			return 0
		}
		return 1
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	if len(ids) == 0 {
		return ""
	}
	if i := slices.Index(ids, p.singleID); i >= 0 {
		return ids[(i+1)%len(ids)]
	}
	return ids[0]
}

// single takes the answer about one job into the list. An error is the list's
// to meet again.
func (p poll) single(msg singleMsg) (poll, bool) {
	p.singleBusy = false
	i := slices.IndexFunc(p.jobs, func(j rayapi.Job) bool { return j.ID() == msg.id })
	if msg.err != nil || i < 0 || msg.job.ID() != msg.id || p.listed != msg.answer && p.listed > msg.answer {
		return p, false
	}
	if p.jobs[i].Status == msg.job.Status {
		return p, false
	}
	p.begun = begun(p.begun, p.jobs[i:i+1], []rayapi.Job{msg.job}, p.now)
	p.jobs = slices.Clone(p.jobs)
	p.jobs[i] = msg.job
	p.answer++
	p.counts = [jobtext.Kinds]int{}
	for i := range p.jobs {
		p.counts[jobtext.KindOf(&p.jobs[i])]++
	}
	p.stopping = stillStopping(p.stopping, p.jobs)
	return p, true
}

// focus notes whether somebody looks; who comes back sees news at once.
func (m model) focus(on bool) (model, tea.Cmd) {
	m.poll.away = !on
	if on && m.poll.link != screen.Connecting && !m.poll.paused {
		return m.refresh()
	}
	return m, nil
}
