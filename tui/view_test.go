package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/backend/client"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// scene is something that the window can show.
type scene struct {
	name string
	play func(a *app)
}

func scenes() []scene {
	return []scene{
		{"list", func(*app) {}},
		{"empty", func(a *app) { a.srv.set(nil, nil); a.press("ctrl+r") }},
		{"offline", func(a *app) { a.srv.set(nil, errRefused); a.press("ctrl+r"); a.wait(41 * time.Second) }},
		{"refused", func(a *app) {
			a.srv.set(nil, &client.Error{Op: "list jobs", Code: 401, Message: "http://head asks for a token", Hint: "set RAY_AUTH_MODE=token", Err: client.ErrUnauthorized})
			a.press("ctrl+r")
			a.wait(3 * time.Second)
		}},
		{"detail", func(a *app) { a.press("/", "0.03", "enter", "j", "d") }},
		{"help", func(a *app) { a.press("?") }},
		{"question", func(a *app) { a.press("j", "x") }},
		{"held", func(a *app) { a.press("j", "x", "y") }},
		{"palette", func(a *app) { a.press(":", "t", "h", "tab") }},
		{"themes", func(a *app) { a.press("T", "j", "j") }},
		{"events", func(a *app) {
			a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Good, Text: "nightly succeeded", Job: "nightly"}})
			a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Warn, Text: "stopped 2 of 3 jobs", Detail: []string{"a: stopped", "b: stopped", "c: 500 agent is gone"}}})
			a.press("!")
		}},
	}
}

// Every scene at every size in every look.
func TestView_golden(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		for _, size := range windows() {
			t.Run(fmt.Sprintf("%s %dx%d", sc.name, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				tuitest.GoldenLooks(t, func(styles *theme.Styles) string {
					a := startIn(t, styles, size[0], size[1], tuitest.Jobs20(), nil)
					sc.play(a)
					return a.m.View()
				})
			})
		}
	}
}

func windows() [][2]int { return [][2]int{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}} }

func TestView_fillsTheWindow(t *testing.T) {
	t.Parallel()
	scenes := map[string][]string{"list": nil, "detail": {"d"}, "raw": {"y"}, "help": {"?"}, "question": {"x"}, "filter": {"/", "a"}}
	for name, keys := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.press(keys...)
			down := start(t, 80, 24, tuitest.Jobs20(), errRefused)
			for w := 1; w <= 300; w += 13 {
				for h := 1; h <= 100; h += 7 {
					a.send(tea.WindowSizeMsg{Width: w, Height: h})
					down.send(tea.WindowSizeMsg{Width: w, Height: h})
					checkFrame(t, a.m.View(), w, h)
					checkFrame(t, down.m.View(), w, h)
				}
			}
		})
	}
}

func checkFrame(t *testing.T, view string, w, h int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != h {
		t.Fatalf("%dx%d: %d lines:\n%s", w, h, len(lines), view)
	}
	for i, l := range lines {
		if got := ansi.StringWidth(l); got > w {
			t.Fatalf("%dx%d: line %d is %d wide: %q", w, h, i, got, l)
		}
	}
}

// Colours say nothing that the text does not.
func TestView_coloursChangeNoText(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		for _, look := range tuitest.Looks()[2:] {
			t.Run(sc.name+" "+look.Name, func(t *testing.T) {
				t.Parallel()
				a := startIn(t, look.Styles, 80, 24, tuitest.Jobs20(), nil)
				sc.play(a)
				plain := start(t, 80, 24, tuitest.Jobs20(), nil)
				sc.play(plain)
				for _, size := range windows() {
					a.m, plain.m = a.m.resize(size[0], size[1]), plain.m.resize(size[0], size[1])
					checkFrame(t, a.m.View(), size[0], size[1])
					if got, want := bare(a.m.View()), bare(plain.m.View()); got != want {
						t.Errorf("at %v colours change the text:\n%s\nwithout:\n%s", size, got, want)
					}
				}
			})
		}
	}
}

// bare is a frame without its colours, and without the brackets that stand for
// them where there are none.
func bare(view string) string {
	return strings.NewReplacer("[", " ", "]", " ").Replace(ansi.Strip(view))
}

// The hint line offers no key of a page that is covered.
func TestHints_ofWhatLiesOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{[]string{"j", "x"}, " y stop  esc cancel  tab next choice  ← change"},
		{[]string{"j", "x", "y"}, " u take back  ⏎ send now  d open  l logs  x stop  r rerun         ? help  : cmd"},
		{[]string{"?"}, " / search  esc close"},
		{[]string{":"}, " tab complete  ⏎ run  esc close"},
		{[]string{"T"}, " ⏎ keep  s save  esc back"},
	} {
		a := start(t, 80, 24, tuitest.Jobs20(), nil)
		a.press(tt.keys...)
		lines := strings.Split(a.m.View(), "\n")
		if got := strings.TrimRight(lines[len(lines)-1], " "); got != tt.want {
			t.Errorf("after %v the hint line is %q, want %q", tt.keys, got, tt.want)
		}
	}
}
