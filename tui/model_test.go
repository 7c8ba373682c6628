package tui

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"
	"go.uber.org/goleak"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/action"
	"dray/tui/joblist"
	"dray/tui/jobview"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestMain(m *testing.M) {
	if runAsProgram() {
		return
	}
	goleak.VerifyTestMain(m)
}

// server is a Ray in memory that notes every write.
type server struct {
	mu     sync.Mutex
	jobs   []rayapi.Job
	err    error // of every call while set
	writes []string

	resources []client.Resource
	gauged    int // how often they were asked for
}

func (s *server) set(jobs []rayapi.Job, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs, s.err = jobs, err
}

func (s *server) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.writes...)
}

func (s *server) write(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, what)
	return s.err
}

func (s *server) asJobs(t testing.TB) *tuitest.Jobs {
	return &tuitest.Jobs{
		T: t,
		ListFn: func(context.Context) ([]rayapi.Job, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.jobs, s.err
		},
		GetFn: func(_ context.Context, id string) (rayapi.Job, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, j := range s.jobs {
				if j.ID() == id {
					return j, s.err
				}
			}
			return rayapi.Job{}, rayapi.NotFoundError(id)
		},
		SubmitFn: func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			return r.SubmissionID, s.write("submit " + r.SubmissionID)
		},
		StopFn:   func(_ context.Context, id string) (bool, error) { return true, s.write("stop " + id) },
		DeleteFn: func(_ context.Context, id string) error { return s.write("delete " + id) },
		ResourcesFn: func(context.Context) ([]client.Resource, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.gauged++
			return s.resources, s.err
		},
	}
}

// app is a root in a test: its commands run at once, its timers never by
// themselves.
type app struct {
	t   testing.TB
	srv *server
	now *time.Time
	m   model
	// timers are the wake-ups that wait.
	timers *[]tea.Msg
	quit   bool
}

// start opens the dashboard over jobs in a window of w by h. Pages other than
// list and detail are plain.
func start(t testing.TB, w, h int, jobs []rayapi.Job, err error) *app {
	return startIn(t, tuitest.Styles(termenv.Ascii, theme.Unicode()), w, h, jobs, err)
}

func startIn(t testing.TB, styles *theme.Styles, w, h int, jobs []rayapi.Job, err error) *app {
	now := tuitest.Now()
	a := &app{t: t, srv: &server{jobs: jobs, err: err, resources: cluster()}, now: &now, timers: new([]tea.Msg)}
	env := tuitest.Env(t, nil)
	env.Now = func() time.Time { return *a.now }
	env.Styles = styles
	g := &guard{Jobs: a.srv.asJobs(t), server: env.Target.Name}
	env.Jobs = g
	env.Pages = plainPages(env)
	c := &crash{dir: t.TempDir(), now: env.Now, stop: func() { t.Error("the dashboard crashed") }}
	a.m = newModel(env, g, c, joblist.New(env))
	a.m.pagesOf = plainPages
	a.m.restyler = func(p theme.Palette, ascii bool) *theme.Styles {
		s := *styles
		return &s
	}
	a.m.copy = func(string) (string, error) { return "test", nil }
	a.m.poll.timer = func(_ context.Context, _ time.Duration, msg tea.Msg) tea.Cmd {
		return func() tea.Msg {
			*a.timers = append(*a.timers, msg)
			return nil
		}
	}
	a.m = a.m.resize(w, h)
	a.do(a.m.Init())
	return a
}

// plainPages are those of the dashboard, but for those that need more than a
// test has.
func plainPages(env *screen.Env) screen.Pages {
	plain := func(what string) func(rayapi.Job) screen.Screen {
		return func(j rayapi.Job) screen.Screen { return blank{title: what + " " + j.ID()} }
	}
	return screen.Pages{
		Job:    func(j rayapi.Job) screen.Screen { return jobview.New(env, j) },
		Raw:    func(j rayapi.Job) screen.Screen { return jobview.NewRaw(env, j) },
		Log:    plain("log"),
		Edit:   plain("edit"),
		Submit: func() screen.Screen { return blank{title: "form", typing: true} },
		Stop:   func(j rayapi.Job) tea.Cmd { return action.AskStop(env, j) },
		Delete: func(j rayapi.Job) tea.Cmd { return action.AskDelete(env, j) },
		Rerun: func(j rayapi.Job) tea.Cmd {
			id := j.ID()
			return func() tea.Msg {
				return screen.AskMsg{Title: "Rerun job?", Lines: []string{"job     " + id}, Yes: "Rerun", Do: func() tea.Msg {
					_, err := env.Jobs.Submit(env.Ctx, rayapi.SubmitRequest{SubmissionID: id})
					return screen.NoticeMsg{Text: fmt.Sprint("rerun ", err)}
				}}
			}
		},
	}
}

// do runs a command and everything that follows from it.
func (a *app) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	msg := cmd()
	if v := reflect.ValueOf(msg); msg != nil && v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if sub, ok := v.Index(i).Interface().(tea.Cmd); ok {
				a.do(sub)
			}
		}
		return
	}
	a.send(msg)
}

func (a *app) send(msg tea.Msg) {
	switch msg.(type) {
	case nil:
		return
	case tea.QuitMsg:
		a.quit = true
		return
	}
	var cmd tea.Cmd
	a.m, cmd = a.m.update(msg)
	a.do(cmd)
}

func (a *app) press(keys ...string) {
	for _, k := range keys {
		a.send(tuitest.Key(k))
	}
}

// wait lets time pass, a second at a time, with the wake-ups that fall due.
func (a *app) wait(d time.Duration) {
	for ; d > 0; d -= time.Second {
		*a.now = a.now.Add(time.Second)
		timers := *a.timers
		*a.timers = nil
		for _, msg := range timers {
			a.send(pageMsg{a.m.root, msg})
		}
	}
}

func (a *app) shows(text string) bool { return strings.Contains(a.m.View(), text) }

var errRefused = fmt.Errorf("list jobs: cannot connect to 10.4.0.9:8265: connection refused: %w", client.ErrUnreachable)

func TestFollow_runsToSuccessWithoutAKey(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, []rayapi.Job{tuitest.Job("a", rayapi.StatusPending, "true", time.Second, 0)}, nil)
	for _, status := range []rayapi.Status{rayapi.StatusRunning, rayapi.StatusSucceeded} {
		a.srv.set([]rayapi.Job{tuitest.Job("a", status, "true", time.Second, time.Second)}, nil)
		a.wait(2 * time.Second)
		if !a.shows(string(status)) {
			t.Fatalf("two seconds later the list does not show %s:\n%s", status, a.m.View())
		}
	}
}

func TestStop_showsStoppingUntilTheEnd(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, []rayapi.Job{tuitest.Job("a", rayapi.StatusRunning, "sleep 9", time.Minute, 0)}, nil)
	a.press("x")
	if !a.shows("Stop job?") || !a.shows("embedded") || !a.shows("job     a") {
		t.Fatalf("the question does not name job and server:\n%s", a.m.View())
	}
	a.press("y", "enter")
	if got := a.srv.written(); len(got) != 1 || got[0] != "stop a" {
		t.Fatalf("written: %q", got)
	}
	a.wait(3 * time.Second)
	if !a.shows("STOPPING 3s") {
		t.Errorf("no STOPPING after three seconds:\n%s", a.m.View())
	}
	a.wait(9 * time.Second)
	if !a.shows("a has not ended 12s after the stop") {
		t.Errorf("no hint after twelve seconds:\n%s", a.m.View())
	}
	a.srv.set([]rayapi.Job{tuitest.Job("a", rayapi.StatusStopped, "sleep 9", time.Minute, time.Minute)}, nil)
	a.wait(2 * time.Second)
	if !a.shows("STOPPED") || a.shows("STOPPING") || a.shows("has not ended") {
		t.Errorf("the end is not shown:\n%s", a.m.View())
	}
}

func TestStop_refusedIsSaid(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, []rayapi.Job{tuitest.Job("a", rayapi.StatusRunning, "sleep 9", time.Minute, 0)}, nil)
	a.press("x")
	a.srv.set(nil, errors.New("no agent"))
	a.press("y", "enter")
	if !a.shows("stop a: no agent") || a.shows("STOPPING") {
		t.Errorf("the refusal is not shown:\n%s", a.m.View())
	}
}

func TestQuestion_cancelIsTheDefault(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"enter"}, {"esc"}, {"n"}, {"q"}, {"tab", "tab", "enter"}, {"space", "j", "d", "esc"}, {"tab", "esc"}} {
		t.Run(strings.Join(keys, " "), func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.press("x")
			a.press(keys...)
			if a.m.question != nil || a.quit || len(a.srv.written()) > 0 {
				t.Errorf("open %t, quit %t, written %q", a.m.question != nil, a.quit, a.srv.written())
			}
		})
	}
}

func TestKeys_burst(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("jjj")
	if got := a.m.top().screen.View(); !strings.Contains(got, "▌  ● RUNNING   raysub…2bbVdPlWx1y7T") {
		t.Errorf("jjj did not move three rows:\n%s", got)
	}
	a.press("/xq")
	if !a.shows("/xq") || a.m.question != nil || a.quit {
		t.Errorf("the rest of a burst after / is not text:\n%s", a.m.View())
	}
}

func TestKeys_typingNeverCommands(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("n", "q", "?", "x", "ctrl+r", "ctrl+l", "hello")
	if !a.shows("form q?xctrl+rctrl+lhello") {
		t.Errorf("the form did not get what was typed:\n%s", a.m.View())
	}
	a.press("ctrl+c")
	if !a.quit {
		t.Error("ctrl-c does not quit while typing")
	}
}

func TestKeys_pasteIsNoCommand(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("xy"), Paste: true})
	a.press("x")
	a.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y"), Paste: true})
	if len(a.srv.written()) > 0 || a.m.question == nil {
		t.Errorf("a paste was taken for keys: written %q", a.srv.written())
	}
}

func TestKeys_quitOnlyAtTheList(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("d", "l", "q", "q")
	if a.quit || len(a.m.pages) != 1 {
		t.Fatalf("quit %t with %d pages after going back twice", a.quit, len(a.m.pages))
	}
	a.press("q")
	if !a.quit {
		t.Error("q at the list does not quit")
	}
}
