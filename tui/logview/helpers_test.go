package logview

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// feed is a server's log that a test writes to.
type feed struct {
	chunks chan client.Chunk
	end    chan error
	mu     sync.Mutex
	sent   int64
	opened []int64 // offsets that Follow was called with
	state  client.State
}

func newFeed() *feed {
	return &feed{chunks: make(chan client.Chunk), end: make(chan error)}
}

func (f *feed) open(_ context.Context, _ string, from int64) (screen.LogStream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, from)
	return feedStream{f}, nil
}

type feedStream struct{ *feed }

func (f feedStream) Next(ctx context.Context) (client.Chunk, error) {
	select {
	case <-ctx.Done():
		return client.Chunk{}, ctx.Err()
	case c := <-f.chunks:
		return c, nil
	case err := <-f.end:
		return client.Chunk{}, err
	}
}

func (f feedStream) Close() error { return nil }

func (f feedStream) State() client.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *feed) print(t testing.TB, text string) {
	t.Helper()
	f.give(t, client.Chunk{Data: text, Offset: f.sent})
}

func (f *feed) give(t testing.TB, c client.Chunk) {
	t.Helper()
	select {
	case f.chunks <- c:
		f.sent = c.Offset + int64(len(c.Data))
	case <-t.Context().Done():
		t.Fatal("nobody reads the log")
	}
}

func (f *feed) finish(t testing.TB, err error) {
	t.Helper()
	select {
	case f.end <- err:
	case <-t.Context().Done():
		t.Fatal("nobody reads the log")
	}
}

// page runs a log view as the dashboard would.
type page struct {
	t    testing.TB
	m    Model
	env  *screen.Env
	msgs chan tea.Msg
	out  []tea.Msg // what went to the dashboard
	wg   sync.WaitGroup
}

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

func job(status rayapi.Status) rayapi.Job {
	id, start := "raysubmit_Xe7cvjyGJC", tuitest.Now().Add(-14*time.Minute-3*time.Second).UnixMilli()
	return rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &id, Status: status, StartTime: &start, Entrypoint: "python train.py --cfg cfg/resnet50.yaml --epochs 90"}
}

func open(t testing.TB, f *feed, j rayapi.Job, w, h int) *page {
	t.Helper()
	return openIn(t, tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open}), j, w, h)
}

func openIn(t testing.TB, env *screen.Env, j rayapi.Job, w, h int) *page {
	t.Helper()
	ask := func(what string) func(rayapi.Job) tea.Cmd {
		return func(j rayapi.Job) tea.Cmd {
			return func() tea.Msg { return screen.AskMsg{Title: what + " " + j.ID()} }
		}
	}
	env.Pages = screen.Pages{Stop: ask("Stop"), Rerun: ask("Rerun"), Job: func(rayapi.Job) screen.Screen { return nil }}
	m, ok := New(env, j).Resize(screen.Size{W: w, H: h}).(Model)
	if !ok {
		t.Fatal("Resize returns another page")
	}
	p := &page{t: t, m: m, env: env, msgs: make(chan tea.Msg, 64)}
	t.Cleanup(p.close)
	p.do(p.m.Init())
	return p
}

func (p *page) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	p.wg.Go(func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				p.do(c)
			}
		default:
			p.msgs <- msg
		}
	})
}

func (p *page) close() {
	p.m.Close()
	done := make(chan struct{})
	go func() { p.wg.Wait(); close(done) }()
	for {
		select {
		case <-p.msgs:
		case <-done:
			return
		}
	}
}

func (p *page) update(msg tea.Msg) {
	switch msg.(type) {
	case screen.PopMsg, screen.PushMsg, screen.AskMsg, screen.NoticeMsg, screen.CopyMsg, screen.ExecMsg:
		p.out = append(p.out, msg)
		return
	}
	next, cmd := p.m.Update(msg)
	m, ok := next.(Model)
	if !ok {
		p.t.Fatal("Update returns another page")
	}
	p.m = m
	p.do(cmd)
}

// until handles messages until ready says yes and nothing is under way.
func (p *page) until(what string, ready func(Model) bool) {
	p.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !ready(p.m) || p.m.loading || p.m.find.running || p.m.find.ranking || p.m.job1.running() || p.m.levels.loading || p.m.stale() {
		select {
		case msg := <-p.msgs:
			p.update(msg)
		case <-timer.C:
			p.t.Fatalf("no %s; the screen is\n%s", what, p.m.View())
		}
	}
}

func (p *page) lines(n int64) {
	p.t.Helper()
	p.until(fmt.Sprintf("%d lines", n), func(m Model) bool { return m.news.Lines == n && (!m.follow || m.win.size == m.news.Size) })
}

func (p *page) settle() {
	p.t.Helper()
	p.until("rest", func(Model) bool { return true })
}

// keys presses keys one by one and lets each take effect.
func (p *page) keys(names ...string) {
	p.t.Helper()
	for _, k := range names {
		p.update(keyMsg(k))
		p.settle()
	}
}

func keyMsg(name string) tea.KeyMsg {
	types := map[string]tea.KeyType{
		"esc": tea.KeyEsc, "enter": tea.KeyEnter, "left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown,
		"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "ctrl+d": tea.KeyCtrlD,
		"ctrl+u": tea.KeyCtrlU, "ctrl+f": tea.KeyCtrlF, "ctrl+b": tea.KeyCtrlB, "backspace": tea.KeyBackspace,
		"ctrl+s": tea.KeyCtrlS, "ctrl+x": tea.KeyCtrlX,
	}
	if typ, ok := types[name]; ok {
		return tea.KeyMsg{Type: typ}
	}
	if name == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

func (p *page) resize(w, h int) {
	p.t.Helper()
	m, ok := p.m.Resize(screen.Size{W: w, H: h}).(Model)
	if !ok {
		p.t.Fatal("Resize returns another page")
	}
	p.m = m
	p.settle()
}

// body is the text of the rows, without the gutter.
func (p *page) body() []string {
	var rows []string
	for _, r := range p.m.win.rows {
		rows = append(rows, ansi.Strip(r.text))
	}
	return rows
}

func (p *page) wantState(want string) {
	p.t.Helper()
	lines := strings.Split(p.m.View(), "\n")
	if got := lines[len(lines)-1]; !strings.Contains(got, want) {
		p.t.Errorf("state line %q does not say %q", got, want)
	}
}

// numbered returns lines from ≤ i < to, each "line i".
func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

func list(jobs ...rayapi.Job) screen.ListMsg {
	return screen.ListMsg{Jobs: jobs, AsOf: tuitest.Now().Add(time.Second), Now: tuitest.Now().Add(time.Second), Link: screen.Live}
}

var _ io.Closer = feedStream{}

func errUnconfirmed() error { return fmt.Errorf("log: %w", client.ErrTailUnconfirmed) }
