package tui

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// wired is oneRunning with a terminal that notes the sequences.
func wired(t *testing.T) (*app, *string) {
	a := oneRunning(t)
	var sent string
	a.m.write = func(seq string) (int, error) { sent += seq; return len(seq), nil }
	return a, &sent
}

func state(status rayapi.Status) []rayapi.Job {
	return []rayapi.Job{tuitest.Job("train", status, "true", time.Minute, time.Minute)}
}

func TestWatch_eachChangeOnceAcrossReconnects(t *testing.T) {
	t.Parallel()
	a, sent := wired(t)
	a.m.env.Settings.Notify.OSC, a.m.env.Settings.Notify.Bell = true, true
	a.send(pageMsg{0, screen.WatchMsg{ID: "train", On: true}})
	if !a.shows("watching train") {
		t.Errorf("the watch is not told:\n%s", a.m.View())
	}
	a.srv.set(nil, errRefused)
	a.wait(5 * time.Second)
	a.srv.set(state(rayapi.StatusFailed), nil)
	a.wait(20 * time.Second)
	a.srv.set(nil, errRefused)
	a.wait(5 * time.Second)
	a.srv.set(state(rayapi.StatusFailed), nil)
	a.wait(20 * time.Second)
	if n := strings.Count(*sent, "\x1b]9;train failed\a"); n != 1 {
		t.Errorf("told %d times: %q", n, *sent)
	}
	if a.press("!"); strings.Count(a.m.View(), "train failed") != 1 {
		t.Errorf("the list of events:\n%s", a.m.View())
	}
}

func TestWatch_whom(t *testing.T) {
	t.Parallel()
	mine := state(rayapi.StatusRunning)
	mine[0].Metadata = map[string]string{"owner": "ana"}
	tests := []struct {
		name, watch string
		jobs        []rayapi.Job
		on, want    bool
	}{
		{"nobody", "none", state("RUNNING"), false, false},
		{"this one", "none", state("RUNNING"), true, true},
		{"all", "all", state("RUNNING"), false, true},
		{"mine", "mine", mine, false, true},
		{"not mine", "mine", state("RUNNING"), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tt.jobs, nil)
			a.m.env.Settings.Notify.Watch = tt.watch
			if tt.on {
				a.send(pageMsg{0, screen.WatchMsg{ID: "train", On: true}})
			}
			ended := state(rayapi.StatusSucceeded)
			ended[0].Metadata = tt.jobs[0].Metadata
			a.srv.set(ended, nil)
			a.wait(2 * time.Second)
			if a.press("!"); a.shows("train succeeded") != tt.want {
				t.Errorf("told: %t, want %t:\n%s", !tt.want, tt.want, a.m.View())
			}
		})
	}
}

func TestTitle_followsTheCounts(t *testing.T) {
	t.Parallel()
	a, sent := wired(t)
	a.srv.set(state(rayapi.StatusFailed), nil)
	a.wait(9 * time.Second)
	if n := strings.Count(*sent, "\x1b]2;dray embedded: 1 failed\a"); n != 1 || strings.Count(*sent, "\x1b") != 1 {
		t.Errorf("the title was set %d times: %q", n, *sent)
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	press := tea.MouseMsg{X: 10, Y: 6, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress}
	a.send(press)
	if !strings.Contains(strings.Split(a.m.View(), "\n")[6], "▌") {
		t.Errorf("a press does not select its row:\n%s", a.m.View())
	}
	a.press("?")
	before := a.m.View()
	if a.send(press); a.m.View() != before {
		t.Error("a press went through the help")
	}
	a.press("esc", "M")
	if a.m.mouseOn || !a.shows("the mouse is the terminal's") {
		t.Errorf("M does not release the mouse:\n%s", a.m.View())
	}
}

func TestExec_tellsThePageThatAsked(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.send(returnedMsg{page: a.m.top().id, msg: screen.NoticeMsg{Text: "edited"}})
	if !a.shows("edited") {
		t.Errorf("what the page made of the end is lost:\n%s", a.m.View())
	}
	a.send(returnedMsg{page: 1, name: "vi", err: rayapi.NotFoundError("x")})
	if !a.shows("vi: ") {
		t.Errorf("the error is not shown:\n%s", a.m.View())
	}
}

// Ctrl-C in a pager must not end the dashboard.
func TestExec_lendsTheTerminal(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	var told []bool
	a.m.lent = func(on bool) { told = append(told, on) }
	_, cmd := a.m.lend(0, screen.ExecMsg{Cmd: exec.Command("true")})
	if cmd == nil || len(told) != 1 || !told[0] {
		t.Errorf("told %v, want that the terminal is lent", told)
	}
}

func TestTheme_previewKeepAndBack(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("T")
	if !a.shows("Theme 1/") {
		t.Fatalf("no list of themes:\n%s", a.m.View())
	}
	a.press("j")
	if !a.shows("Theme 2/") || !a.shows("terminal now") {
		t.Errorf("the list does not tell what was there before:\n%s", a.m.View())
	}
	if a.press("esc"); a.m.themeName != "terminal" || a.m.picker != nil {
		t.Errorf("esc leaves theme %s", a.m.themeName)
	}
}
