package jobview_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/backend/rayapi"
	"dray/tui/jobview"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func failed() rayapi.Job { return tuitest.Jobs20()[1] }

func told(answer int) screen.ListMsg {
	return screen.ListMsg{Answer: answer, AsOf: tuitest.Now(), Now: tuitest.Now(), Link: screen.Live}
}

// env has a server that knows job, and pages that tell which was asked for.
func env(t testing.TB, get func() (rayapi.Job, error)) *screen.Env {
	e := tuitest.Env(t, &tuitest.Jobs{GetFn: func(context.Context, string) (rayapi.Job, error) { return get() }})
	ask := func(what string) func(rayapi.Job) tea.Cmd {
		return func(j rayapi.Job) tea.Cmd { return screen.Notice(screen.Info, what+" "+j.ID()) }
	}
	e.Pages = screen.Pages{Stop: ask("stop"), Delete: ask("delete"), Rerun: ask("rerun")}
	return e
}

func send(s screen.Screen, msgs ...tea.Msg) screen.Screen {
	for _, msg := range msgs {
		var cmd tea.Cmd
		s, cmd = s.Update(msg)
		for cmd != nil {
			s, cmd = s.Update(cmd())
		}
	}
	return s
}

func TestView_fillsItsSize(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	for _, m := range []jobview.Model{jobview.New(e, failed()), jobview.NewRaw(e, failed())} {
		for w := 60; w <= 300; w += 7 {
			for h := 7; h <= 97; h += 9 {
				lines := strings.Split(m.Resize(screen.Size{W: w, H: h}).View(), "\n")
				if len(lines) != h {
					t.Fatalf("%dx%d: %d lines", w, h, len(lines))
				}
				for i, l := range lines {
					if got := ansi.StringWidth(l); got > w {
						t.Fatalf("%dx%d: line %d is %d wide: %q", w, h, i, got, l)
					}
				}
			}
		}
	}
}

func TestView_masksSecrets(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	for _, m := range []jobview.Model{jobview.New(e, failed()), jobview.NewRaw(e, failed())} {
		view := m.Resize(screen.Size{W: 140, H: 90}).View()
		if strings.Contains(view, "hunter2") || !strings.Contains(view, "HF_TOKEN") {
			t.Errorf("a secret is shown, or its name is not:\n%s", view)
		}
	}
}

func TestUpdate_followsTheJob(t *testing.T) {
	t.Parallel()
	now := tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0)
	var err error
	s := jobview.New(env(t, func() (rayapi.Job, error) { return now, err }), now).Resize(screen.Size{W: 80, H: 21})
	shows := func(text string) {
		t.Helper()
		if !strings.Contains(s.View(), text) {
			t.Errorf("the page does not show %q:\n%s", text, s.View())
		}
	}
	s = send(s, told(1))
	shows("RUNNING")
	now = tuitest.Job("a", rayapi.StatusSucceeded, "true", time.Minute, time.Minute)
	s = send(s, told(1))
	shows("RUNNING") // no new answer, no new look
	s = send(s, told(2))
	shows("SUCCEEDED")
	err = errors.New("the head is busy")
	s = send(s, told(3))
	shows("stale: the head is")
	shows("SUCCEEDED")
	err = rayapi.NotFoundError("a")
	s = send(s, told(4))
	shows("gone from the server")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := jobview.New(env(t, nil), failed()).Resize(screen.Size{W: 80, H: 12})
	for key, want := range map[string]string{"x": "stop sweep-lr-0.03", "D": "delete sweep-lr-0.03", "r": "rerun sweep-lr-0.03"} {
		_, cmd := s.Update(tuitest.Key(key))
		if got, ok := cmd().(screen.NoticeMsg); !ok || got.Text != want {
			t.Errorf("%s: %+v, want %q", key, got, want)
		}
	}
	if _, cmd := s.Update(tuitest.Key("esc")); cmd() != (screen.PopMsg{}) {
		t.Error("esc does not go back")
	}
	top := s.View()
	s = send(s, tuitest.Key("G"))
	if s.View() == top || !strings.Contains(s.View(), "76.9 GiB already allocated") {
		t.Errorf("G does not show the end:\n%s", s.View())
	}
	if s = send(s, tuitest.Key("g")); s.View() != top {
		t.Error("g does not show the start")
	}
}

func TestView_hostileText(t *testing.T) {
	t.Parallel()
	evil := tuitest.Job("a\x1b]0;x\x07", rayapi.StatusFailed, "x\x1b[2J", time.Minute, time.Second)
	text := "m\x1b[1A\u202e\rboo"
	evil.Message, evil.Metadata = &text, map[string]string{"\x1bk": "\u200bv"}
	evil.RuntimeEnv = json.RawMessage(`{"k\u001b":["\u009b2J",{"env_vars":{"A":{"B":"secret"}}}]}`)
	for _, m := range []jobview.Model{jobview.New(env(t, nil), evil), jobview.NewRaw(env(t, nil), evil)} {
		view := m.Resize(screen.Size{W: 140, H: 90}).View()
		if strings.ContainsAny(view, "\x1b\x07\r\u202e\u200b\u009b") || strings.Contains(view, "secret") {
			t.Errorf("the view is not safe: %q", view)
		}
	}
}
