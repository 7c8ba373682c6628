package events

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func page(t *testing.T, n int) Model {
	t.Helper()
	env := tuitest.Env(t, nil)
	env.Pages.Job = func(j rayapi.Job) screen.Screen { return New(env, nil) }
	var all []Event
	for i := range n {
		all = append(all, Of(tuitest.Now().Add(time.Duration(i)*time.Minute), screen.NoticeMsg{
			Level: screen.Level(i % 4), Text: fmt.Sprintf("event %d\x1b[2J", i), Job: "sweep-lr-0.03",
			Detail: []string{fmt.Sprintf("detail %d", i)},
		}))
	}
	m, ok := New(env, all).Resize(screen.Size{W: 80, H: 10}).(Model)
	if !ok {
		t.Fatal("no page")
	}
	return m
}

func (m Model) press(keys ...string) (Model, tea.Cmd) {
	var cmd tea.Cmd
	for _, k := range keys {
		var next screen.Screen
		next, cmd = m.Update(tuitest.Key(k))
		m, _ = next.(Model)
	}
	return m, cmd
}

func TestModel_golden(t *testing.T) {
	t.Parallel()
	m, _ := page(t, 6).press("j", "j")
	tuitest.Golden(t, m.View())
}

func TestModel_cursorStaysWithItsEvent(t *testing.T) {
	t.Parallel()
	m, _ := page(t, 6).press("j", "j")
	at := m.current().Text
	next, _ := m.Update(Msg{All: append(m.all[:6:6], Of(tuitest.Now(), screen.NoticeMsg{Text: "new"}))})
	m, _ = next.(Model)
	if m.current().Text != at {
		t.Errorf("the cursor went from %q to %q", at, m.current().Text)
	}
}

func TestModel_fills(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 40} {
		for _, keys := range [][]string{nil, {"G"}, {"G", "k"}, {"ctrl+d", "ctrl+u"}, {"G", "g"}} {
			m, _ := page(t, n).press(keys...)
			lines := strings.Split(m.View(), "\n")
			if len(lines) != 10 {
				t.Errorf("%d events, %v: %d lines", n, keys, len(lines))
			}
			for _, l := range lines {
				if ansi.StringWidth(l) > 80 || strings.Contains(l, "\x1b[2J") {
					t.Errorf("%d events, %v: %q", n, keys, l)
				}
			}
			if n > 0 && !strings.Contains(m.View(), m.current().Detail[0]) {
				t.Errorf("%d events, %v: the one under the cursor is not in sight:\n%s", n, keys, m.View())
			}
		}
	}
}

func TestModel_keys(t *testing.T) {
	t.Parallel()
	m := page(t, 3)
	next, _ := m.Update(screen.ListMsg{Jobs: tuitest.Jobs20()})
	m, _ = next.(Model)
	_, cmd := m.press("c")
	if got, ok := cmd().(screen.CopyMsg); !ok || got.Text != `event 2\x1b[2J`+"\ndetail 2" {
		t.Errorf("c gives %+v", got)
	}
	if _, cmd = m.press("enter"); cmd == nil {
		t.Fatal("enter does nothing")
	}
	if _, ok := cmd().(screen.PushMsg); !ok {
		t.Error("enter does not open the job")
	}
	next, _ = m.Update(screen.ListMsg{})
	m, _ = next.(Model)
	if _, cmd = m.press("enter"); fmt.Sprintf("%T", cmd()) != "screen.NoticeMsg" {
		t.Error("a job that is gone is not explained")
	}
	if _, cmd = m.press("esc"); fmt.Sprintf("%T", cmd()) != "screen.PopMsg" {
		t.Error("esc does not go back")
	}
}
