package logview

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/rayapi"
	"dray/tui/logstore"
	"dray/tui/screen"
)

// following opens a log of n lines on a screen with ten rows of text.
func following(t testing.TB, n int) (*feed, *page) {
	t.Helper()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 80, 12)
	f.print(t, numbered(0, n))
	p.lines(int64(n))
	return f, p
}

func (p *page) wantRows(first, last string) {
	p.t.Helper()
	rows := p.body()
	if len(rows) == 0 || rows[0] != first || rows[len(rows)-1] != last {
		p.t.Errorf("rows are %q, want %q to %q", rows, first, last)
	}
}

func TestMoves(t *testing.T) {
	t.Parallel()
	tests := []struct {
		keys        []string
		first, last string
	}{
		{[]string{"k"}, "line 89", "line 98"},
		{[]string{"k", "k", "j"}, "line 89", "line 98"},
		{[]string{"j"}, "line 90", "line 99"},
		{[]string{"up", "down", "down"}, "line 90", "line 99"},
		{[]string{"b"}, "line 82", "line 91"},
		{[]string{"pgup", "f"}, "line 90", "line 99"},
		{[]string{"ctrl+u"}, "line 85", "line 94"},
		{[]string{"ctrl+u", "ctrl+u", "ctrl+d"}, "line 85", "line 94"},
		{[]string{"g"}, "line 0", "line 9"},
		{[]string{"g", "k"}, "line 0", "line 9"},
		{[]string{"g", " "}, "line 8", "line 17"},
		{[]string{"g", "G"}, "line 90", "line 99"},
		{[]string{"home", "end"}, "line 90", "line 99"},
		{[]string{"g", "F"}, "line 90", "line 99"},
		{[]string{"F"}, "line 90", "line 99"},
	}
	for _, wrap := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("wrap %v/%s", wrap, strings.Join(tt.keys, " ")), func(t *testing.T) {
				t.Parallel()
				_, p := following(t, 100)
				if wrap {
					p.keys("w")
				}
				p.keys(tt.keys...)
				p.wantRows(tt.first, tt.last)
			})
		}
	}
}

// Keys that arrive before their windows do must all count.
func TestKeysFasterThanWindows(t *testing.T) {
	t.Parallel()
	_, p := following(t, 1000)
	for range 20 {
		p.update(keyMsg("k"))
	}
	p.settle()
	p.wantRows("line 970", "line 979")
	for _, k := range []string{"k", "g", "j", "j"} {
		p.update(keyMsg(k))
	}
	p.settle()
	p.wantRows("line 2", "line 11")
}

func TestFollow(t *testing.T) {
	t.Parallel()
	t.Run("new lines push old ones out", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 100)
		f.print(t, numbered(100, 103))
		p.lines(103)
		p.wantRows("line 93", "line 102")
		p.wantState("FOLLOW")
	})
	t.Run("scrolling up holds the screen and counts", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 100)
		p.keys("k")
		p.wantState("HELD")
		f.print(t, numbered(100, 412))
		p.lines(412)
		p.wantRows("line 89", "line 98")
		p.wantState("312 new")
		p.keys(" ", " ")
		p.wantState("297 new")
		p.keys("G")
		p.wantRows("line 402", "line 411")
		p.wantState("FOLLOW")
	})
	t.Run("a log that fits is followed on", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 3)
		p.keys("k", "g")
		p.wantState("FOLLOW")
		f.print(t, numbered(3, 20))
		p.lines(20)
		p.wantRows("line 10", "line 19")
	})
	t.Run("off fills the screen but goes no further", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 3)
		p.keys("F")
		f.print(t, numbered(3, 20))
		p.lines(20)
		p.wantRows("line 0", "line 9")
		p.wantState("10 new")
	})
	t.Run("a line that grows is drawn again", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 3)
		f.print(t, "10%")
		p.lines(4)
		f.print(t, "\r20%")
		p.until("20%", func(Model) bool { return p.body()[3] == "20%" })
	})
	t.Run("the end of the log", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 100)
		f.finish(t, io.EOF)
		p.until("end", func(m Model) bool { return m.news.Link == logstore.Complete })
		p.wantState("END  wrap:off  complete")
		p.keys("g")
		p.wantState("line 1 ")
		p.wantState(" 10%")
	})
}

func TestResizeKeepsTheTop(t *testing.T) {
	t.Parallel()
	for _, wrap := range []bool{false, true} {
		t.Run(fmt.Sprintf("wrap %v", wrap), func(t *testing.T) {
			t.Parallel()
			f := newFeed()
			p := open(t, f, job(rayapi.StatusRunning), 80, 12)
			var log strings.Builder
			for i := range 500 {
				fmt.Fprintf(&log, "%03d %s\n", i, strings.Repeat("x", i))
			}
			f.print(t, log.String())
			p.lines(500)
			if wrap {
				p.keys("w")
			}
			p.keys("g", " ", " ", " ", "j", "j")
			top := p.m.win.top.off
			for _, size := range []screen.Size{{W: 60, H: 12}, {W: 140, H: 37}, {W: 300, H: 97}, {W: 80, H: 12}} {
				p.resize(size.W, size.H)
				if got := p.m.win.top.off; got != top {
					t.Errorf("at %dx%d the top is line %d, was %d", size.W, size.H, got, top)
				}
			}
		})
	}
}

func TestPan(t *testing.T) {
	t.Parallel()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 22, 6)
	f.print(t, "0123456789abcdefghijklmnopqrstuvwxyz\n日本語日本語日本語日本語\n")
	p.lines(2)
	want := map[string][]string{
		"":      {"0123456789abcdefghi…", "日本語日本語日本語 …"},
		"right": {"abcdefghijklmnopqrs…", "語日本語日本語"},
		"l":     {"klmnopqrstuvwxyz", "本語"},
		"left":  {"abcdefghijklmnopqrs…", "語日本語日本語"},
	}
	for _, k := range []string{"", "right", "l", "left"} {
		if k != "" {
			p.keys(k)
		}
		got := p.body()
		for i := range got {
			got[i] = strings.TrimLeft(got[i], " ")
		}
		if diff := cmp.Diff(want[k], got); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", k, diff)
		}
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	for _, wrap := range []bool{false, true} {
		t.Run(fmt.Sprintf("wrap %v", wrap), func(t *testing.T) {
			t.Parallel()
			f := newFeed()
			p := open(t, f, job(rayapi.StatusRunning), 22, 8)
			p.keys("c")
			p.until("a notice", func(Model) bool { return len(p.out) == 1 })
			if _, ok := p.out[0].(screen.NoticeMsg); !ok {
				t.Errorf("copying an empty log sends %#v", p.out[0])
			}
			long := strings.Repeat("long ", 10)
			f.print(t, numbered(0, 50)+"\x1b[31mred\x1b[0m\n"+long+"\nend")
			p.lines(53)
			want := "line 47\nline 48\nline 49\nred\n" + long + "\nend\n"
			if wrap {
				p.keys("w")
				want = "line 49\nred\n" + long + "\nend\n"
			}
			p.keys("c")
			p.until("copy", func(Model) bool { return len(p.out) == 2 })
			if diff := cmp.Diff(tea.Msg(screen.CopyMsg{Text: want, What: "the log lines on the screen"}), p.out[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJobKeys(t *testing.T) {
	t.Parallel()
	driver := job(rayapi.StatusRunning)
	driver.Type, driver.JobID, driver.SubmissionID = rayapi.TypeDriver, driver.SubmissionID, nil
	tests := []struct {
		name         string
		job          rayapi.Job
		keys         string
		shown, asked int
	}{
		{"running", job(rayapi.StatusRunning), "xr", 2, 2},
		{"ended", job(rayapi.StatusFailed), "xr", 1, 1},
		{"driver", driver, "xr", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := open(t, newFeed(), tt.job, 80, 12)
			for _, k := range tt.keys {
				p.keys(string(k))
			}
			shown := 0
			for _, b := range p.m.Bindings() {
				if (b.ID == "job.stop" || b.ID == "job.rerun") && b.Enabled() {
					shown++
				}
			}
			if shown != tt.shown {
				t.Errorf("%d of stop and rerun are shown, want %d", shown, tt.shown)
			}
			p.until("questions", func(Model) bool { return len(p.out) == tt.asked })
		})
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	p := open(t, newFeed(), job(rayapi.StatusRunning), 80, 12)
	ids, keys := map[string]bool{}, map[string]string{}
	for _, b := range p.m.Bindings() {
		if b.Help().Key == "" || b.Help().Desc == "" || b.Group == "" {
			t.Errorf("%s has no help", b.ID)
		}
		if ids[b.ID] {
			t.Errorf("%s is there twice", b.ID)
		}
		ids[b.ID] = true
		for _, k := range b.Keys() {
			if !b.Enabled() {
				continue
			}
			if other, ok := keys[k]; ok {
				t.Errorf("%q is bound to %s and %s", k, other, b.ID)
			}
			keys[k] = b.ID
		}
	}
}

// Whatever is pressed, only x and r may lead to a question, and nothing else
// may change the server: the fake one fails the test on any call but Follow.
func TestKeyWalk(t *testing.T) {
	t.Parallel()
	names := []string{
		"esc", "j", "k", "g", "G", "F", "w", "n", "N", "/", "enter", "left", "right", "h", "l", " ", "f", "b",
		"ctrl+d", "ctrl+u", "home", "end", "pgup", "pgdown", "c", "é", "日", "backspace", "D", "y", "e", "E",
		"&", "m", "'", "o", "p", "t", "#", "V", "R", "|", "v", "1", "9", "ctrl+s", "ctrl+x", "up", "down", "[",
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := newFeed()
		p := open(t, f, job(rayapi.StatusRunning), 60, 12)
		defer p.close()
		f.print(t, trainLog+"\n"+numbered(0, 50))
		p.lines(59)
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 40).Draw(rt, "keys") {
			p.update(keyMsg(k))
			if n := strings.Count(p.m.View(), "\n"); n != 11 {
				rt.Fatalf("after %q the view has %d lines", k, n+1)
			}
		}
		p.settle()
		for _, msg := range p.out {
			switch msg.(type) {
			case screen.PopMsg, screen.CopyMsg, screen.NoticeMsg, screen.ExecMsg:
			default:
				rt.Fatalf("sent %#v", msg)
			}
		}
	})
}

func TestStrangersAreDropped(t *testing.T) {
	t.Parallel()
	_, p := following(t, 10)
	_, other := following(t, 20)
	before := p.m.View()
	for _, msg := range []tea.Msg{
		newsMsg{s: other.m.s, news: logstore.News{Extent: logstore.Extent{Lines: 99}}},
		windowMsg{s: other.m.s, win: window{size: 99}},
		jumpedMsg{s: p.m.s, id: 77, off: 1, ok: true},
		struct{}{},
	} {
		next, cmd := p.m.Update(msg)
		if cmd != nil || next.View() != before {
			t.Errorf("%T of a stranger does something", msg)
		}
	}
}

func TestListMsg(t *testing.T) {
	t.Parallel()
	_, p := following(t, 10)
	msg := list(job(rayapi.StatusRunning))
	msg.Stopping = map[string]time.Time{p.m.job.ID(): msg.Now.Add(-4 * time.Second)}
	p.update(msg)
	if !strings.Contains(p.m.View(), "STOPPING 4s") {
		t.Errorf("a stop under way is not shown:\n%s", p.m.View())
	}
	old := list()
	old.AsOf = p.m.opened.Add(-time.Second)
	p.update(old)
	if p.m.gone {
		t.Error("a list from before the page was opened takes the job for deleted")
	}
}
