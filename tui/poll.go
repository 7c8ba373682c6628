package tui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

const (
	listTimeout = time.Minute
	// busyPause and the idle pauses lie between an answer and the next
	// question, ownPause at the most for our own backend; slowFactor stretches them for a server that takes long, whose
	// head is blocked meanwhile.
	busyPause  = time.Second
	idlePause  = 3 * time.Second
	idleMost   = 10 * time.Second
	ownPause   = 2 * time.Second
	slowFactor = 5
	slowMost   = 30 * time.Second
	// slowAfter is when an answer counts as late.
	slowAfter = 2 * time.Second
	// loadingAfter is when a first answer is missed, so that fast ones do not
	// flash a word.
	loadingAfter = 300 * time.Millisecond
	second       = time.Second
)

// backoff is the pause after the nth failure in a row; the last one stays.
func backoff(n int) time.Duration {
	return second << min(3, max(0, n-1))
}

// listedMsg is the answer to question seq.
type listedMsg struct {
	seq  int
	jobs []rayapi.Job
	err  error
	took time.Duration
}

// tickMsg is a wake-up of timer chain gen.
type tickMsg struct{ gen int }

// poll asks the server for the list of jobs, one question at a time, and knows
// how it answers. It is a value; its one timer chain is tagged, so that a new
// plan silences the old one.
type poll struct {
	env *screen.Env

	seq   int       // of the question under way, or of the last one
	busy  bool      // a question is under way
	again bool      // ask again as soon as it is answered
	asked time.Time // when the question under way was put
	due   time.Time // when the next is to be put
	gen   int       // of the timer chain
	now   time.Time // as of the last message

	jobs   []rayapi.Job
	counts [jobtext.Kinds]int
	answer int       // the number of jobs
	asOf   time.Time // of jobs
	took   time.Duration
	quiet  int // answers in a row without an active job

	link      screen.Link
	err       error
	failures  int // in a row
	downSince time.Time

	stopping map[string]time.Time // never written to, only replaced
	begun    map[string]time.Time // never written to, only replaced
	realRay  bool                 // its version says so
	paused   bool                 // only the user asks
	away     bool                 // the terminal says that nobody looks

	listed     int       // the answer that was the last whole list
	singleBusy bool      // a question about one job is under way
	singleAt   time.Time // when it was put
	singleID   string    // about which

	gauges gauges
	// sent are the jobs that were submitted from here and whose end was not told
	// yet. The map is never written to, only replaced.
	sent map[string]bool

	timer  func(context.Context, time.Duration, tea.Msg) tea.Cmd // after
	forget func()                                                // ends the timer that was planned last
}

// ask puts the question now, or right after the one under way.
func (p poll) ask() (poll, tea.Cmd) {
	p.now = p.env.Now()
	if p.busy {
		p.again = true
		return p, nil
	}
	p.seq++
	p.busy, p.again, p.asked = true, false, p.now
	p, wake := p.plan()
	return p, tea.Batch(list(p.env, p.seq), wake)
}

func list(env *screen.Env, seq int) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, listTimeout)
		defer cancel()
		start := env.Now()
		jobs, err := env.Jobs.List(ctx)
		return listedMsg{seq: seq, jobs: jobs, err: err, took: env.Now().Sub(start)}
	}
}

// answered takes the answer and plans the next question.
func (p poll) answered(msg listedMsg) (poll, tea.Cmd) {
	if msg.seq != p.seq || !p.busy {
		return p, nil
	}
	p.now = p.env.Now()
	p.busy = false
	if msg.err != nil {
		p = p.failed(msg.err)
	} else {
		p = p.succeeded(msg)
	}
	if p.again {
		return p.ask()
	}
	return p.plan()
}

func (p poll) failed(err error) poll {
	p.failures++
	if !p.link.Down() {
		p.downSince = p.now
	}
	p.err = err
	p.link = screen.Refused
	if errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
		p.link = screen.Offline
	}
	p.due = p.now.Add(backoff(p.failures))
	return p
}

func (p poll) succeeded(msg listedMsg) poll {
	p.failures, p.err = 0, nil
	p.begun = begun(p.begun, p.jobs, msg.jobs, p.now)
	p.jobs, p.asOf, p.took = msg.jobs, p.now, msg.took
	p.answer++
	p.listed = p.answer
	p.link = screen.Live
	if msg.took >= slowAfter {
		p.link = screen.Slow
	}
	p.counts = [jobtext.Kinds]int{}
	for i := range p.jobs {
		p.counts[jobtext.KindOf(&p.jobs[i])]++
	}
	p.quiet++
	if p.active() {
		p.quiet = 0
	}
	p.stopping = stillStopping(p.stopping, p.jobs)
	p.due = p.now.Add(p.pause())
	return p
}

func (p poll) active() bool { return p.counts[jobtext.Pending]+p.counts[jobtext.Running] > 0 }

// pause is the time until the next question after a good answer.
func (p poll) pause() time.Duration {
	d := busyPause
	if p.quiet > 0 && len(p.stopping) == 0 {
		d = min(idleMost, idlePause*time.Duration(p.quiet+1)/2)
	}
	if p.env.Target.Embedded { // costs a millisecond, and what another terminal submits should show soon
		d = min(d, ownPause)
	}
	if p.away && p.quiet > 0 {
		d = max(d, awayIdlePause)
	} else if p.away {
		d = max(d, awayPause)
	}
	return max(d, min(slowMost, slowFactor*p.took), min(longMost, perJob*time.Duration(len(p.jobs))))
}

// plan sets the one timer to when something has to be done or drawn.
func (p poll) plan() (poll, tea.Cmd) {
	wait := p.due.Sub(p.now)
	if p.busy || p.paused {
		wait = second
	}
	if p.active() || p.link.Down() || len(p.stopping) > 0 {
		wait = min(wait, second)
	}
	if p.wantsSingle() {
		wait = min(wait, second)
	}
	if p.busy && p.asOf.IsZero() && p.waiting() < loadingAfter {
		wait = loadingAfter
	}
	p.gen++
	if p.forget != nil {
		p.forget() // else the old timer wakes the program, which draws, for nothing
	}
	ctx, cancel := context.WithCancel(p.env.Ctx)
	p.forget = cancel
	return p, p.timer(ctx, max(0, wait), tickMsg{p.gen})
}

// ticked moves the clock and puts the question if it is due.
func (p poll) ticked(msg tickMsg) (poll, tea.Cmd) {
	if msg.gen != p.gen {
		return p, nil
	}
	p.now = p.env.Now()
	if !p.busy && !p.paused && !p.now.Before(p.due) {
		return p.ask()
	}
	p, single := p.askSingle()
	p, wake := p.plan()
	return p, tea.Batch(single, wake)
}

// waiting is how long the question under way has been out.
func (p poll) waiting() time.Duration {
	if !p.busy {
		return 0
	}
	return p.now.Sub(p.asked)
}

// stop notes that a job was asked to stop, or takes it back.
func (p poll) stop(msg screen.StoppingMsg) poll {
	p.stopping = maps.Clone(p.stopping)
	if p.stopping == nil {
		p.stopping = make(map[string]time.Time, 1)
	}
	if msg.Since.IsZero() {
		delete(p.stopping, msg.ID)
	} else {
		p.stopping[msg.ID] = msg.Since
	}
	return p
}

func stillStopping(stopping map[string]time.Time, jobs []rayapi.Job) map[string]time.Time {
	if len(stopping) == 0 {
		return stopping
	}
	left := make(map[string]time.Time, len(stopping))
	for i := range jobs {
		id := jobs[i].ID()
		if since, ok := stopping[id]; ok && !jobs[i].Status.IsTerminal() {
			left[id] = since
		}
	}
	return left
}

// endedStop says of a stop that was asked for from here that it is done.
func endedStop(before map[string]time.Time, p poll) string {
	for i := range p.jobs {
		id := p.jobs[i].ID()
		since, was := before[id]
		if _, still := p.stopping[id]; !was || still || !p.jobs[i].Status.IsTerminal() {
			continue
		}
		word := strings.ToLower(jobtext.KindOf(&p.jobs[i]).Word())
		return fmt.Sprintf("%s %s after %s", id, word, jobtext.Duration(p.now.Sub(since)))
	}
	return ""
}

// shared is what the pages are told.
func (p poll) shared() screen.ListMsg {
	link := p.link
	if link == screen.Live && p.waiting() >= slowAfter {
		link = screen.Slow
	}
	return screen.ListMsg{
		Jobs: p.jobs, Answer: p.answer, AsOf: p.asOf, Now: p.now, Link: link,
		Waiting: p.waiting(), Stopping: p.stopping, Begun: p.begun, RealRay: p.realRay,
		Resources: p.gauges.known,
	}
}

// after delivers msg in d, unless the program ends first.
func after(ctx context.Context, d time.Duration, msg tea.Msg) tea.Cmd {
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return msg
		case <-ctx.Done():
			return nil
		}
	}
}
