package tui

import (
	"context"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/tuitest"
)

// timer is a wake-up at an instant.
type timer struct {
	at  time.Time
	msg tea.Msg
}

// minute lets a poll run against a server for warm and then a minute, by a
// clock of its own, and counts what it asks.
func minute(t *testing.T, jobs []rayapi.Job, err error, took, warm time.Duration, away bool) (lists, singles int) {
	t.Helper()
	now := tuitest.Now()
	env := tuitest.Env(t, nil)
	env.Target.Embedded = false
	env.Now = func() time.Time { return now }
	var count bool
	env.Jobs = &tuitest.Jobs{
		T: t,
		ListFn: func(context.Context) ([]rayapi.Job, error) {
			if count {
				lists++
			}
			return jobs, err
		},
		GetFn: func(_ context.Context, id string) (rayapi.Job, error) {
			if count {
				singles++
			}
			return jobs[0], nil
		},
	}
	var timers []timer
	p := poll{env: env, now: now, away: away, timer: func(_ context.Context, d time.Duration, msg tea.Msg) tea.Cmd {
		return func() tea.Msg { timers = append(timers, timer{now.Add(d), msg}); return nil }
	}}
	var run func(cmd tea.Cmd)
	handle := func(msg tea.Msg) {
		var cmd tea.Cmd
		switch msg := msg.(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				run(c)
			}
		case listedMsg:
			msg.took = took
			timers = append(timers, timer{now.Add(took), answered(msg)})
		case answered:
			p, cmd = p.answered(listedMsg(msg))
		case singleMsg:
			p, _ = p.single(msg)
		case tickMsg:
			p, cmd = p.ticked(msg)
		}
		run(cmd)
	}
	run = func(cmd tea.Cmd) {
		if cmd != nil {
			handle(cmd())
		}
	}
	var first tea.Cmd
	p, first = p.ask()
	run(first)
	from, end := now.Add(warm), now.Add(warm+time.Minute)
	for now.Before(end) {
		next := 0
		for i := range timers {
			if timers[i].at.Before(timers[next].at) {
				next = i
			}
		}
		due := timers[next]
		timers = append(timers[:next], timers[next+1:]...)
		now = due.at
		count = !now.Before(from)
		if now.Before(end) {
			handle(due.msg)
		}
	}
	return lists, singles
}

// answered is an answer that has come after its time.
type answered listedMsg

func TestBudget(t *testing.T) {
	t.Parallel()
	const quick = 50 * time.Millisecond
	running := []rayapi.Job{tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0)}
	ended := []rayapi.Job{tuitest.Job("a", rayapi.StatusSucceeded, "true", time.Minute, time.Second)}
	many := append([]rayapi.Job(nil), running...)
	for len(many) < 10_000 {
		many = append(many, ended...)
	}
	tests := []struct {
		name           string
		jobs           []rayapi.Job
		err            error
		took           time.Duration
		away           bool
		lists, singles int // at most
		least          int // of both
	}{
		{"active", running, nil, quick, false, budgetActive, 0, budgetActive * 3 / 4},
		{"idle", ended, nil, quick, false, budgetIdle, 0, budgetIdle / 2},
		{"away", running, nil, quick, true, budgetAway, 0, budgetAway / 2},
		{"away and idle", ended, nil, quick, true, budgetAwayIdle, 0, 1},
		{"a slow head", running, nil, 3 * time.Second, false, budgetSlow, budgetSingle, budgetSlow/2 + budgetSingle/2},
		{"a long list", many, nil, quick, false, budgetActive / 5, budgetSingle, budgetSingle / 2},
		{"down", nil, errRefused, quick, false, budgetDown, 0, budgetDown / 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lists, singles := minute(t, tt.jobs, tt.err, tt.took, time.Minute, tt.away)
			if lists > tt.lists || singles > tt.singles || lists+singles < tt.least {
				t.Errorf("%d lists and %d single jobs a minute; at most %d and %d, at least %d of both", lists, singles, tt.lists, tt.singles, tt.least)
			}
			t.Logf("%d lists, %d single jobs a minute", lists, singles)
		})
	}
}

// However many jobs there are, a minute of lists brings no more than is said.
func TestBudget_bytes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{20, 1000, 3000, 10_000, 100_000} {
		jobs := make([]rayapi.Job, n)
		for i := range jobs {
			jobs[i] = tuitest.Job("a", rayapi.StatusSucceeded, "true", time.Minute, time.Second)
		}
		jobs[0] = tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0)
		lists, _ := minute(t, jobs, nil, 50*time.Millisecond, 3*time.Minute, false)
		if got := lists * n * bytesPerJob; got > budgetBytes {
			t.Errorf("%d lists of %d jobs are %d bytes a minute, more than %d", lists, n, got, budgetBytes)
		}
	}
}

func TestSingle_takesTheNewsIntoTheList(t *testing.T) {
	t.Parallel()
	a := oneRunning(t)
	a.m.poll.took = 3 * time.Second
	a.m.poll.due = a.now.Add(15 * time.Second)
	a.srv.set([]rayapi.Job{tuitest.Job("train", rayapi.StatusFailed, "true", time.Minute, time.Minute)}, nil)
	a.m.watched = map[string]bool{"train": true}
	a.wait(4 * time.Second)
	failed := a.shows("FAILED")
	if a.press("!"); !failed || !a.shows("train failed") {
		t.Errorf("four seconds later the list does not show it:\n%s", a.m.View())
	}
}
