package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestOffline_isAStateNotAnEnd(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.srv.set(nil, errRefused)
	a.wait(2 * time.Second)
	for _, want := range []string{"OFFLINE 00:0", "Cannot reach embedded", "connection refused", "data from", "? RUNNING", "✗ FAILED", "R? P? F?"} {
		if !a.shows(want) {
			t.Errorf("offline, the screen does not show %q:\n%s", want, a.m.View())
		}
	}
	a.press("x")
	if a.m.question != nil || !a.shows("nothing can be changed") {
		t.Errorf("a question was opened while offline:\n%s", a.m.View())
	}
	a.press("d")
	if !a.shows("try 2") && !a.shows("try 3") {
		t.Errorf("on another page the next try is not shown:\n%s", a.m.View())
	}
	a.press("q")
	a.srv.set(tuitest.Jobs20(), nil)
	a.press("enter")
	if a.shows("OFFLINE") || !a.shows("● live") || len(a.m.pages) != 1 {
		t.Errorf("enter did not try again:\n%s", a.m.View())
	}
}

func TestOffline_backsOff(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, nil, errRefused)
	tries := 0
	list := a.srv.asJobs(t).ListFn
	a.m.guard.Jobs.(*tuitest.Jobs).ListFn = func(ctx context.Context) ([]rayapi.Job, error) {
		tries++
		return list(ctx)
	}
	var at []int
	for sec := range 120 {
		before := tries
		a.wait(time.Second)
		if tries > before {
			at = append(at, sec+1)
		}
	}
	if got, want := fmt.Sprint(at), "[1 3 7 15 23 31 39 47 55 63 71 79 87 95 103 111 119]"; got != want {
		t.Errorf("tried after %s seconds, want %s", got, want)
	}
}

func TestPoll_oneQuestionAtATime(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	p := a.m.poll
	p, first := p.ask()
	p, second := p.ask()
	if first == nil || second != nil || !p.again {
		t.Fatalf("a second question was put while one was under way (again %t)", p.again)
	}
	p, next := p.answered(listedMsg{seq: p.seq})
	if next == nil || !p.busy {
		t.Error("the refresh asked for meanwhile was forgotten")
	}
	if q, cmd := p.answered(listedMsg{seq: p.seq - 1}); cmd != nil || !q.busy {
		t.Error("an answer to an older question was taken")
	}
}

func TestPoll_paceFollowsTheServer(t *testing.T) {
	t.Parallel()
	running := []rayapi.Job{tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0)}
	tests := []struct {
		name     string
		jobs     []rayapi.Job
		took     time.Duration
		rounds   int
		embedded bool
		want     time.Duration
	}{
		{"active", running, time.Millisecond, 5, false, time.Second},
		{"idle", nil, time.Millisecond, 1, false, 3 * time.Second},
		{"idle for long", nil, time.Millisecond, 9, false, 10 * time.Second},
		{"idle, embedded", nil, time.Millisecond, 9, true, 2 * time.Second},
		{"active but slow", running, 3 * time.Second, 1, true, 15 * time.Second},
		{"very slow", running, 20 * time.Second, 1, false, 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, 80, 24, nil, nil).m.poll
			env := *p.env
			env.Target.Embedded = tt.embedded
			p.env, p.quiet = &env, 0
			for range tt.rounds {
				p, _ = p.ask()
				p, _ = p.answered(listedMsg{seq: p.seq, jobs: tt.jobs, took: tt.took})
			}
			if got := p.due.Sub(p.now); got != tt.want {
				t.Errorf("the next question comes in %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLink_toldApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, word, title string
		err               error
	}{
		{"refused port", "OFFLINE", "Cannot reach embedded", errRefused},
		{"silence", "OFFLINE", "Cannot reach embedded", fmt.Errorf("list jobs: %w", context.DeadlineExceeded)},
		{"token", "NO ACCESS", "embedded refuses access", fmt.Errorf("list jobs: wrong token: %w", client.ErrUnauthorized)},
		{"html", "NO LIST", "embedded answers, but not with jobs", errors.New("list jobs: HTML instead of JSON")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, nil, tt.err)
			if !a.shows(tt.word) || !a.shows(tt.title) || !a.shows(tt.err.Error()[:12]) {
				t.Errorf("the screen does not show %q and %q:\n%s", tt.word, tt.title, a.m.View())
			}
		})
	}
}

func TestGuard_refusesWritesWhileOffline(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, nil, errRefused)
	ctx := t.Context()
	_, submitErr := a.m.env.Jobs.Submit(ctx, rayapi.SubmitRequest{})
	_, stopErr := a.m.env.Jobs.Stop(ctx, "a")
	deleteErr := a.m.env.Jobs.Delete(ctx, "a")
	_, uploadErr := a.m.env.Jobs.Upload(ctx, ".", nil, nil)
	for _, err := range []error{submitErr, stopErr, deleteErr, uploadErr} {
		if !errors.Is(err, screen.ErrNotSent) || !strings.Contains(err.Error(), "embedded") {
			t.Errorf("a write while offline said %v", err)
		}
	}
	if got := a.srv.written(); len(got) > 0 {
		t.Errorf("written while offline: %q", got)
	}
}

func TestGuard_letsAWriteFinishAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	begun, release := make(chan struct{}), make(chan struct{})
	g := &guard{Jobs: &tuitest.Jobs{StopFn: func(ctx context.Context, _ string) (bool, error) {
		close(begun)
		<-release
		return true, ctx.Err()
	}}}
	result := make(chan error, 1)
	go func() { // ends with the write
		_, err := g.Stop(ctx, "a")
		result <- err
	}()
	<-begun
	cancel()
	close(release)
	g.wait()
	if err := <-result; err != nil {
		t.Errorf("the write under way ended with %v", err)
	}
	if _, err := g.Stop(t.Context(), "a"); err == nil {
		t.Error("a write began after the end")
	}
}

func TestWhere_fitsAndSaysWhy(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, nil, nil)
	a.m.env.Target.Embedded = false
	a.m.env.Target.Name, a.m.env.Target.Address, a.m.env.Target.Why = "head.ml.corp", "http://head.ml.corp:8265", "RAY_ADDRESS"
	a.m.ray = "2.60.0"
	for _, tt := range []struct {
		w    int
		want []string
	}{
		{140, []string{"▏head.ml.corp▕", "http://head.ml.corp:8265", "Ray 2.60.0", "via RAY_ADDRESS"}},
		{90, []string{"▏head.ml.corp▕", "head.ml.corp:8265", "via RAY_ADDRESS"}},
		{60, []string{"▏head.ml.corp▕"}},
	} {
		a.m = a.m.resize(tt.w, 24)
		line, _, _ := strings.Cut(a.m.View(), "\n")
		for _, want := range tt.want {
			if !strings.Contains(line, want) {
				t.Errorf("at %d columns the status line %q lacks %q", tt.w, line, want)
			}
		}
	}
}

func TestGuard_submitAsksAServerThatWasOffline(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, nil, errRefused)
	a.srv.set(nil, nil)
	if _, err := a.m.env.Jobs.Submit(t.Context(), rayapi.SubmitRequest{SubmissionID: "a"}); err != nil {
		t.Errorf("submit to a server that is back: %v", err)
	}
}

func TestOffline_theWholeReason(t *testing.T) {
	t.Parallel()
	long := fmt.Errorf("%w; %s last-word", errRefused, strings.Repeat("try this or that ", 9))
	a := start(t, 80, 30, tuitest.Jobs20(), long)
	if !a.shows("last-word") {
		t.Errorf("the reason is cut where there is room:\n%s", a.m.View())
	}
	if lines := strings.Count(a.m.View(), "\n") + 1; lines != 30 {
		t.Errorf("%d lines in a window of 30", lines)
	}
	refused := start(t, 80, 24, nil, &client.Error{Code: 401, Err: client.ErrUnauthorized})
	if refused.shows("No answer from") || !refused.shows("No job list from embedded yet") {
		t.Errorf("a server that answers is said not to:\n%s", refused.m.View())
	}
}

func TestLinkWord_ageOfARemoteList(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, nil, nil)
	a.m.poll.now = a.m.poll.asOf.Add(7 * time.Second)
	if a.shows("live 7s") {
		t.Error("the age of our own backend's list is told")
	}
	a.m.env.Target.Embedded = false
	if !a.shows("live 7s") {
		t.Errorf("the age of a remote list is not told:\n%s", a.m.View())
	}
}
