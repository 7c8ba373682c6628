package logview

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// logs is a server with a log for each job.
type logs map[string]*feed

func side(t *testing.T, size screen.Size, n int) (*panesPage, logs) {
	t.Helper()
	feeds := logs{}
	var jobs []rayapi.Job
	for i := range n {
		j := job(rayapi.StatusRunning)
		id := fmt.Sprintf("job-%d", i)
		j.SubmissionID = &id
		jobs = append(jobs, j)
		feeds[id] = newFeed()
	}
	env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: func(ctx context.Context, id string, from int64) (screen.LogStream, error) {
		return feeds[id].open(ctx, id, from)
	}})
	s, ok := NewPanes(env, jobs).Resize(size).(Panes)
	if !ok {
		t.Fatal("Resize returns another page")
	}
	p := &panesPage{page: page{t: t, env: env, msgs: make(chan tea.Msg, 64)}, s: s}
	t.Cleanup(func() { p.s.Close(); p.m = p.s.panes[0]; p.close() })
	p.do(p.s.Init())
	for i := range n {
		id := fmt.Sprintf("job-%d", i)
		feeds[id].give(t, client.Chunk{Data: strings.ReplaceAll(numbered(0, 100), "line", id+" line")})
	}
	p.rest()
	return p, feeds
}

type panesPage struct {
	page
	s Panes
}

// rest handles messages until each log is on the screen.
func (p *panesPage) rest() {
	p.t.Helper()
	ready := func() bool {
		for _, m := range p.s.panes {
			if m.news.Lines < 100 || m.loading || m.find.running || m.find.ranking || m.job1.running() || m.stale() {
				return false
			}
		}
		return true
	}
	for !ready() {
		p.put(<-p.msgs)
	}
}

func (p *panesPage) put(msg tea.Msg) {
	switch msg.(type) {
	case screen.PopMsg, screen.AskMsg, screen.NoticeMsg, screen.CopyMsg:
		p.out = append(p.out, msg)
		return
	}
	next, cmd := p.s.Update(msg)
	p.s = next.(Panes) //nolint:forcetypeassert // it is one
	p.do(cmd)
}

func (p *panesPage) press(names ...string) {
	for _, k := range names {
		msg := keyMsg(k)
		if k == "tab" {
			msg = tea.KeyMsg{Type: tea.KeyTab}
		}
		p.put(msg)
		p.rest()
	}
}

func (p *panesPage) tops() string {
	var all []string
	for _, m := range p.s.panes {
		all = append(all, m.win.rows[0].text)
	}
	return strings.Join(all, ", ")
}

func TestPanes(t *testing.T) {
	t.Parallel()
	p, _ := side(t, screen.Size{W: 100, H: 12}, 2)
	want := func(tops string) {
		t.Helper()
		if got := p.tops(); got != tops {
			t.Errorf("at %s, want %s", got, tops)
		}
	}
	want("job-0 line 90, job-1 line 90")
	p.press("k")
	want("job-0 line 89, job-1 line 90")
	p.press("tab", "g")
	want("job-0 line 89, job-1 line 0")
	p.press("=", "G", "/", "line 42", "enter")
	want("job-0 line 39, job-1 line 39")
	p.press("=", "tab", "j")
	want("job-0 line 40, job-1 line 39")
	p.put(tea.MouseMsg{Button: tea.MouseButtonWheelDown, X: 60, Y: 3})
	p.rest()
	want("job-0 line 40, job-1 line 42")
	p.press("=", "esc", "esc")
	if len(p.out) != 0 {
		p.rest()
	}
	tuitest.Golden(t, p.s.View()+"\n")
}

func TestThreePanes(t *testing.T) {
	t.Parallel()
	p, _ := side(t, screen.Size{W: 140, H: 12}, 3)
	tuitest.Golden(t, p.s.View()+"\n")
	ids := map[string]bool{}
	for _, b := range p.s.Bindings() {
		if ids[b.ID] {
			t.Errorf("%s is there twice", b.ID)
		}
		ids[b.ID] = true
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	f := newFeed()
	env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open})
	p := &page{t: t, env: env, msgs: make(chan tea.Msg, 64)}
	p.m = NewTail(env, job(rayapi.StatusRunning)).Resize(screen.Size{W: 40, H: 3}).(Model) //nolint:forcetypeassert // it is one
	t.Cleanup(p.close)
	p.do(p.m.Init())
	f.print(t, numbered(0, 100))
	p.lines(100)
	if got, want := p.m.View(), "line 97\nline 98\nline 99"; got != want {
		t.Errorf("the tail is %q, want %q", got, want)
	}
	if b := p.m.Bindings(); len(b) > 0 {
		t.Errorf("the tail has keys: %v", b)
	}
}
