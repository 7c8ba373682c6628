package logview

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

const mixedLog = "14:00:00 INFO a\n14:00:01 INFO b\n14:00:02 ERROR bad one\n14:00:03 INFO c\n14:00:04 INFO hit\n14:00:05 INFO d\n" +
	"Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nValueError: no\n14:00:06 INFO hit\n{\"level\":\"INFO\",\"n\":1}\nlast\n"

// mixed opens mixedLog on a screen with three rows of text, complete.
func mixed(t *testing.T) *page {
	t.Helper()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusSucceeded), 80, 5)
	f.print(t, mixedLog)
	f.finish(t, io.EOF)
	p.until("end", func(m Model) bool { return m.news.Link.Final() && m.news.Exact() })
	return p
}

// sent waits for a message to the dashboard of a type.
func sent[T any](p *page) T {
	p.t.Helper()
	var found T
	p.until("a message", func(Model) bool {
		for i, msg := range p.out {
			if got, ok := msg.(T); ok {
				found = got
				p.out = append(p.out[:i:i], p.out[i+1:]...)
				return true
			}
		}
		return false
	})
	return found
}

func TestOnlyHits(t *testing.T) {
	t.Parallel()
	p := mixed(t)
	p.keys("&", "h", "i", "t", "enter")
	want := []string{"14:00:04 INFO hit", "14:00:06 INFO hit"}
	if diff := cmp.Diff(want, p.body()); diff != "" {
		t.Errorf("only hits (-want +got):\n%s", diff)
	}
	p.wantState("&hit  2 of 2")
	p.keys("1", "g")
	want = []string{"14:00:03 INFO c", "14:00:04 INFO hit", "14:00:05 INFO d"}
	if diff := cmp.Diff(want, p.body()); diff != "" {
		t.Errorf("with a line of context (-want +got):\n%s", diff)
	}
	p.keys("0", "&")
	p.wantState("±3")
	p.keys("&", "g")
	p.wantRows("14:00:00 INFO a", "14:00:02 ERROR bad one")
	p.keys("esc", "1")
	p.wantRows("14:00:00 INFO a", "14:00:02 ERROR bad one")
}

func TestErrorKeys(t *testing.T) {
	t.Parallel()
	p := mixed(t)
	at := func(want string) {
		t.Helper()
		for _, r := range p.m.win.rows {
			if r.off == p.m.find.at && r.first {
				if r.text != want {
					t.Errorf("at %q, want %q", r.text, want)
				}
				return
			}
		}
		t.Errorf("the line of the error is not on the screen: %q", p.body())
	}
	p.keys("g", "e")
	at("14:00:02 ERROR bad one")
	p.keys("e")
	at("Traceback (most recent call last):")
	p.keys("e") // a traceback with its exception is one error
	at("14:00:02 ERROR bad one")
	p.keys("E")
	at("Traceback (most recent call last):")
	p.keys("E")
	at("14:00:02 ERROR bad one")
}

func TestOpensAtTheError(t *testing.T) {
	t.Parallel()
	f := newFeed()
	env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open})
	p := openIn(t, env, job(rayapi.StatusFailed), 80, 8)
	p.close()
	p = &page{t: t, env: env, msgs: make(chan tea.Msg, 64)}
	p.m = NewAtError(env, job(rayapi.StatusFailed)).Resize(screen.Size{W: 80, H: 8}).(Model) //nolint:forcetypeassert // it is one
	t.Cleanup(p.close)
	p.do(p.m.Init())
	f.print(t, mixedLog+numbered(0, 100))
	f.finish(t, io.EOF)
	p.until("the error", func(m Model) bool { return m.find.at >= 0 })
	if got := strings.Join(p.body(), "\n"); !strings.Contains(got, "ValueError: no") || p.m.follow || p.m.find.at != int64(strings.Index(mixedLog, "Traceback")) {
		t.Errorf("the screen is\n%s", got)
	}
}

func TestNoError(t *testing.T) {
	t.Parallel()
	_, p := following(t, 10)
	p.keys("e")
	if n := sent[screen.NoticeMsg](p); n.Text != "no error in this log" {
		t.Errorf("said %q", n.Text)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	f, p := following(t, 100)
	p.keys("m")
	f.print(t, numbered(100, 200))
	p.lines(200)
	p.keys("g", "m", "'")
	rows := p.body()
	if !strings.Contains(rows[0], "── mark ") || rows[1] != "line 100" {
		t.Errorf("the mark is not at the top: %q", rows)
	}
	p.keys("'")
	if rows = p.body(); !strings.Contains(rows[0], "── mark ") || rows[1] != "line 0" {
		t.Errorf("the first mark is not at the top: %q", rows)
	}
	p.wantState("2 marks")
	p.keys("m")
	p.wantState("1 mark ")
	p.keys("g", "c")
	if c := sent[screen.CopyMsg](p); strings.Contains(c.Text, "mark") {
		t.Errorf("a mark is copied: %q", c.Text)
	}
}

func TestSelectAndSave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, p := following(t, 100)
	p.env.Cwd = dir
	p.keys("g", "V", "j", "j", "j", "k")
	p.wantState("3 lines selected")
	p.keys("ctrl+s")
	for range len("raysubmit_Xe7cvjyGJC.log") {
		p.keys("backspace")
	}
	p.keys("part.log", "enter")
	said := sent[screen.NoticeMsg](p)
	path := filepath.Join(dir, "part.log")
	if got, err := os.ReadFile(path); err != nil || string(got) != "line 0\nline 1\nline 2\n" || !strings.Contains(said.Text, path) {
		t.Errorf("saved %q, %v, said %q", got, err, said.Text)
	}
	p.m.env.Cwd = dir
	m, cmd := p.m.saveTo("part.log", false)
	p.m = m
	p.do(cmd)
	ask := sent[screen.AskMsg](p)
	if ask.Title != "Overwrite file?" {
		t.Fatalf("asked %q", ask.Title)
	}
	p.do(ask.Do)
	sent[screen.NoticeMsg](p)
	if got, err := os.ReadFile(path); err != nil || string(got) != numbered(0, 100) {
		t.Errorf("the whole log was not saved: %d bytes, %v", len(got), err)
	}
}

func TestSelectAndCopy(t *testing.T) {
	t.Parallel()
	_, p := following(t, 100)
	p.keys("V", "k", "k", "c")
	if c := sent[screen.CopyMsg](p); c.Text != "line 97\nline 98\nline 99\n" || c.What != "the selected lines" {
		t.Errorf("copied %q as %q", c.Text, c.What)
	}
	p.keys("V", "g", "c")
	if c := sent[screen.CopyMsg](p); c.Text != numbered(0, 91) {
		t.Errorf("copied %d bytes", len(c.Text))
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	_, p := following(t, 100)
	for range 2 {
		p.update(tea.MouseMsg{Button: tea.MouseButtonWheelUp})
		p.settle()
	}
	p.wantRows("line 84", "line 93")
	p.update(tea.MouseMsg{Button: tea.MouseButtonLeft, Action: tea.MouseActionPress, Y: 2})
	p.update(tea.MouseMsg{Button: tea.MouseButtonLeft, Action: tea.MouseActionMotion, Y: 4})
	p.settle()
	p.keys("c")
	if c := sent[screen.CopyMsg](p); c.Text != numbered(85, 88) {
		t.Errorf("copied %q", c.Text)
	}
}

func TestTimeCommand(t *testing.T) {
	t.Parallel()
	p := mixed(t)
	do, err := timeOf("14:00:05")
	if err != nil {
		t.Fatal(err)
	}
	m, cmd := do(p.m)
	p.m = m
	p.do(cmd)
	p.until("the place", func(m Model) bool { return !m.follow })
	p.wantRows("14:00:05 INFO d", "  File \"x.py\", line 1, in <module>")
}

func TestViewToggles(t *testing.T) {
	t.Parallel()
	p := mixed(t)
	p.keys("p")
	if got := p.body(); got[0] != `  "n": 1` || got[1] != "}" {
		t.Errorf("JSON is shown as %q", got)
	}
	p.keys("p", "#", "t", "G")
	if rows := strings.Split(p.m.View(), "\n"); !strings.HasPrefix(rows[3], "     12            last") {
		t.Errorf("with numbers and times: %q", rows[3])
	}
}

func TestFoldToggle(t *testing.T) {
	t.Parallel()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 80, 12)
	f.print(t, "start\nx:  1%|  | 1/3\nx: 50%|# | 2/3\nx: 99%|##| 3/3\nend\n")
	p.lines(5)
	p.keys("g")
	rows := p.body()
	if len(rows) != 3 || !strings.HasPrefix(rows[1], "x: 99%|##| 3/3 ") || !strings.HasSuffix(rows[1], "⟳ ×3") {
		t.Errorf("folded: %q", rows)
	}
	p.keys("/", "50%", "enter")
	p.keys("o")
	if rows = p.body(); len(rows) != 5 || rows[1] != "x:  1%|  | 1/3" {
		t.Errorf("open: %q", rows)
	}
}

func TestRegexAndHistory(t *testing.T) {
	t.Parallel()
	_, p := following(t, 100)
	p.keys("/", "ctrl+x", "line [12]5$", "enter")
	p.wantState("of 2")
	p.keys("/", "[")
	p.keys("enter")
	if n := sent[screen.NoticeMsg](p); !strings.Contains(n.Text, "regular expression") {
		t.Errorf("said %q", n.Text)
	}
	p.keys("up")
	if got := p.m.prompt.Text(); got != "line [12]5$" {
		t.Errorf("history gives %q", got)
	}
	p.keys("down")
	if got := p.m.prompt.Text(); got != "[" {
		t.Errorf("and back %q", got)
	}
}

func TestFetchAgain(t *testing.T) {
	t.Parallel()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusFailed), 80, 12)
	f.print(t, "one\n")
	f.finish(t, errUnconfirmed())
	p.until("the end", func(m Model) bool { return m.news.Link.Final() })
	p.wantState("tail unconfirmed")
	p.keys("R")
	f.print(t, "one\ntwo\n")
	f.finish(t, io.EOF)
	p.until("all of it", func(m Model) bool { return m.news.Link.Final() && m.news.Lines == 2 })
	p.wantState("complete")
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff([]int64{0, 0}, f.opened); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
}
