package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"pgregory.net/rapid"

	"dray/tui/screen"
	"dray/tui/tuitest"
)

// Whatever is pressed between switches, and however late answers come, each
// server is told about its own jobs only.
func TestSwitch_writesGoWhereTheyWereMeant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, w := among(t, tuitest.Looks()[0].Styles, 80, 24)
		for name, srv := range w.servers {
			if name != "embedded" {
				first := tuitest.Job(name+"-a", "RUNNING", "true", time.Minute, 0)
				srv.set(append(srv.jobs, first), nil)
			}
		}
		names := []string{"prod", "staging", "a100-lab", "old", "embedded"}
		var late []tea.Cmd // of connections that were asked for and have not come yet
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0, 1:
				name := rapid.SampledFrom(names).Draw(rt, "to")
				next, cmd := a.m.update(pageMsg{a.m.root, screen.SwitchMsg{Name: name}})
				a.m, late = next, append(late, cmd)
			case 2:
				if n := len(late); n > 0 {
					i := rapid.IntRange(0, n-1).Draw(rt, "arrives")
					cmd := late[i]
					late = append(late[:i:i], late[i+1:]...)
					a.do(cmd)
				}
			case 3:
				a.press("x", "y")
			case 4: // agrees on a protected server too
				a.press("x")
				if q := a.m.question; q != nil {
					a.press(q.wanted, "enter")
				}
			case 5:
				a.press("*", "esc", "j")
			case 6:
				a.press(rapid.SampledFrom([]string{"u", "enter", "esc", "esc"}).Draw(rt, "key"))
			case 7:
				a.wait(3 * time.Second)
			}
		}
		a.press("esc", "esc", "esc")
		a.wait(10 * time.Second)
		for name, srv := range w.servers {
			for _, write := range srv.written() {
				own := strings.Contains(write, " "+name+"-")
				if name == "embedded" {
					own = !strings.Contains(write, "-job") && !strings.HasSuffix(write, "-a")
				}
				if !own || name == "old" {
					rt.Errorf("%s got %q", name, write)
				}
			}
		}
	})
}

// The last switch that was asked for counts, in whatever order the connections
// come; and none happens over an action that was confirmed meanwhile.
func TestSwitch_connectionsThatComeLate(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	asked := func(name string) tea.Cmd {
		next, cmd := a.m.update(pageMsg{a.m.root, screen.SwitchMsg{Name: name}})
		a.m = next
		return cmd
	}
	first, second := asked("staging"), asked("a100-lab")
	a.do(first)
	if !a.shows("embedded▕") {
		t.Errorf("a switch that was given up happens:\n%s", a.m.View())
	}
	a.press("x", "y")
	a.do(second)
	if !a.shows("embedded▕") || len(a.m.held) != 1 {
		t.Errorf("a switch over a stop that is held:\n%s", a.m.View())
	}
	a.press("enter")
	if got := a.srv.written(); len(got) != 1 || len(w.servers["a100-lab"].written()) > 0 {
		t.Errorf("sent %q", got)
	}
}

// No key on the list of clusters changes anything on a server, or takes a
// cluster out of the file, without a yes.
func TestClusters_everyKey(t *testing.T) {
	t.Parallel()
	a, w := inLine(t)
	a.press("ctrl+k", "g")
	before, list := a.m, slices.Clone(w.list)
	for _, k := range everyKey() {
		a.m, a.quit, w.list = before, false, slices.Clone(list)
		if k.String() == "e" {
			continue // gives the terminal to an editor
		}
		a.send(k)
		for _, then := range []string{"enter", "esc", "n", "q"} {
			if at := a.m; at.question != nil {
				a.press(then)
				a.m = at
			}
		}
		if len(w.list) < len(list) {
			t.Errorf("%q takes a cluster out", k)
		}
	}
	for name, srv := range w.servers {
		if got := srv.written(); len(got) > 0 {
			t.Errorf("%s got %q", name, got)
		}
	}
}
