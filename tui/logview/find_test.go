package logview

import (
	"io"
	"testing"

	"dray/backend/rayapi"
)

func TestFind(t *testing.T) {
	t.Parallel()
	t.Run("case counts if a capital is typed", func(t *testing.T) {
		t.Parallel()
		f := newFeed()
		p := open(t, f, job(rayapi.StatusRunning), 80, 12)
		f.print(t, "Loss\nloss\nLOSS\nx\n\x1b[31mlo\x1b[0mss\nlast\n")
		p.lines(6)
		p.keys("/", "l", "o", "s", "s", "enter")
		p.wantState("1 of 4")
		p.keys("esc", "/", "L", "o", "s", "s", "enter")
		p.wantState("1 of 1")
	})
	t.Run("n and N go round", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 100)
		f.finish(t, io.EOF)
		p.until("end", func(m Model) bool { return m.news.Link.Final() })
		p.keys("g", "/", "9", "9", "enter")
		p.wantState("1 of 1")
		p.keys("esc", "g", "/", "line 3", "enter")
		p.wantState("1 of 11")
		p.keys("n", "n")
		p.wantState("3 of 11")
		p.keys("N", "N", "N")
		p.wantState("11 of 11")
		p.keys("n")
		p.wantState("1 of 11")
	})
	t.Run("esc goes back to where it began", func(t *testing.T) {
		t.Parallel()
		_, p := following(t, 1000)
		p.keys("g", " ", "/", "7", "7", "7")
		if !p.m.Typing() {
			t.Error("the page does not say that it takes text")
		}
		p.wantRows("line 774", "line 783")
		p.keys("esc")
		p.wantRows("line 8", "line 17")
		if p.m.Typing() || len(p.out) > 0 {
			t.Errorf("after esc: typing %v, sent %v", p.m.Typing(), p.out)
		}
	})
	t.Run("lines that come later are found", func(t *testing.T) {
		t.Parallel()
		f, p := following(t, 10)
		p.keys("/", "7", "7", "enter")
		p.wantState("not found")
		f.print(t, numbered(10, 100))
		p.until("a hit", func(m Model) bool { return m.find.finder.Progress().Hits == 1 })
	})
	t.Run("commands are text while typing", func(t *testing.T) {
		t.Parallel()
		_, p := following(t, 10)
		p.keys("/", "x", "q", "r", "w", " ", "n")
		if got := p.m.prompt.Text(); got != "xqrw n" || len(p.out) > 0 || p.m.wrap {
			t.Errorf("prompt %q, wrap %v, sent %v", got, p.m.wrap, p.out)
		}
	})
}
