package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func oneRunning(t *testing.T) *app {
	return start(t, 80, 24, []rayapi.Job{tuitest.Job("train", rayapi.StatusRunning, "true", time.Minute, 0)}, nil)
}

func TestUndo(t *testing.T) {
	t.Parallel()
	sent := []string{"stop train"}
	tests := []struct {
		name   string
		play   func(a *app)
		writes []string
		shows  string
	}{
		{"nothing is sent at once", func(*app) {}, nil, "stop train in 5s, u undo, ⏎ now"},
		{"the clock counts down", func(a *app) { a.wait(2 * time.Second) }, nil, "stop train in 3s"},
		{"sent when the time is up", func(a *app) { a.wait(6 * time.Second) }, sent, ""},
		{"sent once", func(a *app) { a.press("enter"); a.wait(20 * time.Second) }, sent, ""},
		{"taken back", func(a *app) { a.press("u"); a.wait(20 * time.Second) }, nil, ""},
		{"taken back is said", func(a *app) { a.press("u") }, nil, "nothing was sent: stop train"},
		{"leaving sends it", func(a *app) { a.press("q") }, sent, ""},
		{"ctrl-c too", func(a *app) { a.press("ctrl+c") }, sent, ""},
		{"the end of the session too", func(a *app) { a.send(leaveMsg{}) }, sent, ""},
		{"offline it is not sent", func(a *app) {
			a.srv.set(nil, errRefused)
			a.press("ctrl+r")
			a.wait(5 * time.Second)
		}, nil, "not sent: stop train"},
		{"a page that is typed into keeps its letters", func(a *app) { a.press("n", "u", "y") }, nil, "form uy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := oneRunning(t)
			a.press("x", "y")
			tt.play(a)
			if got := a.srv.written(); !slices.Equal(got, tt.writes) {
				t.Errorf("wrote %q, want %q", got, tt.writes)
			}
			if !a.shows(tt.shows) {
				t.Errorf("%q is not shown:\n%s", tt.shows, a.m.View())
			}
		})
	}
}

func TestUndo_twoBesideEachOther(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("x", "y")
	a.wait(time.Second)
	a.press("j", "x", "y")
	if !a.shows("(and 1 more)") {
		t.Errorf("the older one is not told:\n%s", a.m.View())
	}
	a.press("u")
	a.wait(10 * time.Second)
	if got := a.srv.written(); len(got) != 1 || got[0] != "stop raysubmit_tt0Lq8mWz2Rb55Ke" {
		t.Errorf("wrote %q, want only the first", got)
	}
}

func TestUndo_whatWentWrongWhileLeavingIsTold(t *testing.T) {
	t.Parallel()
	a := oneRunning(t)
	a.press("x", "y")
	a.srv.set(nil, rayapi.NotFoundError("train"))
	a.press("ctrl+c")
	if err := a.m.crash.err(); !a.quit || err == nil || !strings.Contains(err.Error(), "stop train: ") {
		t.Errorf("quit %t, err = %v", a.quit, err)
	}
}

func TestQuestion_choices(t *testing.T) {
	t.Parallel()
	tests := []struct {
		keys []string
		want string // picked; "" is cancelled
	}{
		{[]string{"y"}, "1 0"},
		{[]string{"right", "y"}, "2 0"},
		{[]string{"l", "l", "y"}, "0 0"},
		{[]string{"h", "tab", "right", "y"}, "0 1"},
		{[]string{"enter"}, ""},
		{[]string{"right", "enter"}, ""},
		{[]string{"tab", "tab", "left", "enter"}, "1 0"},
		{[]string{"shift+tab", "right", "enter"}, "1 0"},
		{[]string{"esc"}, ""},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.keys, " "), func(t *testing.T) {
			t.Parallel()
			a := oneRunning(t)
			got := ""
			a.send(pageMsg{a.m.top().id, screen.AskMsg{
				Title: "Stop?", Lines: []string{"job     train"}, Yes: "Stop",
				Choices: []screen.Choice{{Label: "signal", Options: []string{"a", "b", "c"}, At: 1}, {Label: "grace", Options: []string{"d", "e"}}},
				DoWith: func(picked []int) tea.Cmd {
					for i, p := range picked {
						got += strings.Repeat(" ", min(i, 1)) + string(rune('0'+p))
					}
					return nil
				},
			}})
			if !a.shows("signal  < b >") || !a.shows("grace     d") {
				t.Fatalf("the choices are not shown:\n%s", a.m.View())
			}
			if a.press(tt.keys...); got != tt.want || a.m.question != nil {
				t.Errorf("picked %q, want %q; open %t", got, tt.want, a.m.question != nil)
			}
		})
	}
}
