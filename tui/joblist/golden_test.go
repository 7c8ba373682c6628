package joblist_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muesli/termenv"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// state is one in which the list can be seen.
type state struct {
	name string
	msg  screen.ListMsg
	keys []string
}

func states() []state {
	jobs := told(tuitest.Jobs20())
	down := jobs
	down.Link, down.Now = screen.Offline, down.Now.Add(41*time.Second)
	stopping := jobs
	stopping.Stopping = map[string]time.Time{"sweep-lr-0.003": jobs.Now.Add(-3 * time.Second)}
	waiting := told([]rayapi.Job{tuitest.Job("wait-for-gpu", rayapi.StatusPending, "python train.py", 4*time.Minute, 0)})
	waiting.RealRay = true
	return []state{
		{"normal", jobs, []string{"j", "j", "j", "j"}},
		{"filtering", jobs, []string{"/", "s", "w", "e", "e", "p", "space", "!", "s", "u", "c"}},
		{"similar", jobs, []string{"/", "s", "w", "p", "l", "r", "enter"}},
		{"empty filter", jobs, []string{"/"}},
		{"offers", jobs, []string{"/", "m"}},
		{"wrong filter", jobs, []string{"/", "status:foo"}},
		{"no match", jobs, []string{"/", "q", "q", "enter"}},
		{"empty", told(nil), nil},
		{"offline", down, nil},
		{"stopping", stopping, nil},
		{"marks", jobs, []string{"j", "j", "j", "j", "space", "space", "/", "status:failed,stopped", "enter"}},
		{"pending long", waiting, nil},
		{"late", screen.ListMsg{Now: tuitest.Now(), Waiting: 4 * time.Second}, nil},
		{"wide", jobs, []string{"w"}},
		{"panned", jobs, []string{"right", "right"}},
		{"copy", jobs, []string{"C"}},
		{"by duration", jobs, []string{"o", "o", "o", "o", "o", "O"}},
		{"zoom", jobs, []string{"j", "j", "j", "j", "z"}},
	}
}

// sizes of windows; the page has three lines less.
func windows() [][2]int { return [][2]int{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}} }

type look struct {
	name    string
	profile termenv.Profile
	glyphs  theme.Glyphs
}

func looks() []look {
	return []look{
		{"none", termenv.Ascii, theme.Unicode()},
		{"ascii", termenv.Ascii, theme.ASCII()},
		{"16", termenv.ANSI, theme.Unicode()},
		{"true", termenv.TrueColor, theme.Unicode()},
	}
}

func drawn(t *testing.T, st state, l look, size [2]int) string {
	t.Helper()
	e := env(t)
	e.Styles = tuitest.Styles(l.profile, l.glyphs)
	s, _ := press(t, page(e, size[0], size[1]-3, st.msg), st.keys...)
	return s.View()
}

// Every state at every size without colours, and those that show the most in
// every look.
func TestView_golden(t *testing.T) {
	t.Parallel()
	for _, size := range append(windows(), [2]int{100, 50}) {
		for _, l := range looks() {
			for _, st := range states() {
				if l.name != "none" && st.name != "marks" && st.name != "normal" && st.name != "filtering" {
					continue
				}
				t.Run(fmt.Sprintf("%dx%d/%s/%s", size[0], size[1], st.name, l.name), func(t *testing.T) {
					t.Parallel()
					tuitest.Golden(t, drawn(t, st, l, size))
				})
			}
		}
	}
}

// Without any colour the cursor, the marks and the failed jobs can be found.
func TestView_isReadWithoutColours(t *testing.T) {
	t.Parallel()
	marks := states()[slices.IndexFunc(states(), func(s state) bool { return s.name == "marks" })]
	for _, size := range windows() {
		for _, l := range looks()[:2] {
			view := drawn(t, marks, l, size)
			var cursors, marked, failed int
			for _, line := range strings.Split(view, "\n")[2:] {
				runes := []rune(line)
				if len(runes) < 5 {
					continue
				}
				if string(runes[0]) == l.glyphs.Cursor {
					cursors++
				}
				if string(runes[1]) == l.glyphs.Mark {
					marked++
				}
				if strings.Contains(string(runes[2:4]), l.glyphs.Failed) {
					failed++
					if size[0] >= 80 && !strings.Contains(line, "FAILED") {
						t.Errorf("%v %s: a failed job is not called so: %q", size, l.name, line)
					}
				}
			}
			if cursors != 1 || marked != 2 || failed != 2 {
				t.Errorf("%v %s: %d cursors, %d marks, %d failed jobs; want 1, 2, 2\n%s", size, l.name, cursors, marked, failed, view)
			}
		}
	}
}
