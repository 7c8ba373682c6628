package logview

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestZoom(t *testing.T) {
	t.Parallel()
	_, p := following(t, 100)
	p.resize(140, 37)
	p.keys("t", "z")
	rows := strings.Split(ansi.Strip(p.m.View()), "\n")
	if len(rows) != 37 || rows[0] != "line 64" || rows[35] != "line 99" || !strings.Contains(rows[36], "FOLLOW") {
		t.Errorf("%d rows, %q to %q, %q", len(rows), rows[0], rows[35], rows[36])
	}
	p.keys("z")
	if rows = strings.Split(ansi.Strip(p.m.View()), "\n"); !strings.Contains(rows[0], "logs") || !strings.HasPrefix(rows[34], "    100 ") {
		t.Errorf("after it: %q, %q", rows[0], rows[34])
	}
}

func TestPanesZoom(t *testing.T) {
	t.Parallel()
	p, _ := side(t, screen.Size{W: 100, H: 12}, 2)
	p.press("z")
	if rows := strings.Split(p.s.View(), "\n"); len(rows) != 12 || strings.Contains(p.s.View(), "job-1") || p.s.panes[0].size.W != 100 {
		t.Errorf("one log alone:\n%s", p.s.View())
	}
	p.press("tab")
	if strings.Contains(p.s.View(), "job-0") || p.s.panes[1].size.W != 100 {
		t.Errorf("the other log alone:\n%s", p.s.View())
	}
	p.press("z")
	if !strings.Contains(p.s.View(), "job-0") || p.s.panes[1].size.W != 50 {
		t.Errorf("both again:\n%s", p.s.View())
	}
}

func TestLevelFilter(t *testing.T) {
	t.Parallel()
	p := mixed(t)
	p.resize(80, 12)
	shows := func(state string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, p.body()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
		p.wantState(state)
	}
	p.keys("g", "L")
	shows("level:warn+  3", "14:00:02 ERROR bad one", "Traceback (most recent call last):", "ValueError: no")
	p.keys("L")
	shows("level:error  3", "14:00:02 ERROR bad one", "Traceback (most recent call last):", "ValueError: no")
	p.keys("1", "n")
	shows("level:error  1 of 3 ±1", "14:00:01 INFO b", "14:00:02 ERROR bad one", "14:00:03 INFO c", "──", "14:00:05 INFO d",
		"Traceback (most recent call last):", `  File "x.py", line 1, in <module>`, "ValueError: no", "14:00:06 INFO hit")
	p.keys("/", "hit", "enter")
	p.wantState("/hit")
	if got := p.body(); len(got) != 10 {
		t.Errorf("a text is looked for in what the level leaves: %q", got)
	}
	p.keys("esc", "L", "L", "L")
	if p.m.find.active() {
		t.Error("the filter stays")
	}
}

func TestPromptSaysHow(t *testing.T) {
	t.Parallel()
	_, p := following(t, 100)
	p.resize(100, 12)
	p.keys("/", "l")
	p.wantState("regex:off  case:smart")
	p.keys("I", "ctrl+x")
	p.wantState("regex:on  case:exact")
	p.keys("backspace", "(")
	p.wantState("no such expression yet")
}

// A connection that was lost and came back leaves a line of ours in the log,
// which is in no copy.
func TestLostConnectionIsNoted(t *testing.T) {
	t.Parallel()
	f, p := following(t, 3)
	at := func(phase client.Phase, err error, after time.Duration) {
		f.mu.Lock()
		f.state = client.State{Phase: phase, Err: err}
		f.mu.Unlock()
		l := list(job(rayapi.StatusRunning))
		l.Now = l.Now.Add(after)
		p.update(l)
	}
	at(client.Reconnecting, os.ErrDeadlineExceeded, 0)
	at(client.Reconnecting, os.ErrDeadlineExceeded, time.Second)
	at(client.Live, nil, 4*time.Second)
	f.print(t, numbered(3, 5))
	p.lines(5)
	rows := p.body()
	if want := "── connection lost: i/o timeout; back after 4s, no line lost ──"; len(rows) != 6 || !strings.HasPrefix(rows[3], want) || rows[4] != "line 3" {
		t.Errorf("rows are %q, want %q", rows, want)
	}
	p.keys("c")
	if c := sent[screen.CopyMsg](p); c.Text != numbered(0, 5) {
		t.Errorf("copied %q", c.Text)
	}
}

func TestFindHistoryIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	open := func() *page {
		f := newFeed()
		env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open})
		env.DataDir = dir
		p := openIn(t, env, job(rayapi.StatusRunning), 80, 12)
		f.print(t, numbered(0, 20))
		p.lines(20)
		return p
	}
	find := func(p *page, text string) {
		p.keys("/", text, "enter", "esc")
		p.m.Close()
		p.wg.Wait()
	}
	find(open(), "line 1")
	find(open(), "line 2")
	find(open(), "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ012345")
	find(open(), "line 1")
	p := open()
	p.until("the history", func(m Model) bool { return len(m.past.texts) > 0 })
	if diff := cmp.Diff([]string{"line 2", "line 1"}, p.m.past.texts); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	p.keys("/", "up", "up")
	if got := p.m.prompt.Text(); got != "line 2" {
		t.Errorf("two up: %q", got)
	}
	info, err := os.Stat(filepath.Join(dir, pastFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
