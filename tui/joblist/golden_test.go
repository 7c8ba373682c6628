package joblist_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
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
	// telling states hold every style of the page.
	telling bool
}

func states() []state {
	jobs := told(tuitest.Jobs20())
	down := jobs
	down.Link, down.Now = screen.Offline, down.Now.Add(41*time.Second)
	stopping := jobs
	stopping.Stopping = map[string]time.Time{"sweep-lr-0.003": jobs.Now.Add(-3 * time.Second)}
	waiting := told([]rayapi.Job{tuitest.Job("wait-for-gpu", rayapi.StatusPending, "python train.py", 4*time.Minute, 0)})
	waiting.RealRay = true
	waiting.Resources = []client.Resource{{Name: "CPU", Used: 12.5, Total: 16}, {Name: "GPU", Used: 8, Total: 8}, {Name: "memory", Used: 1, Total: 2}}
	return []state{
		{"normal", jobs, []string{"j", "j", "j", "j"}, true},
		{"filtering", jobs, []string{"/", "s", "w", "e", "e", "p", "space", "!", "s", "u", "c"}, true},
		{"similar", jobs, []string{"/", "s", "w", "p", "l", "r", "enter"}, false},
		{"empty filter", jobs, []string{"/"}, false},
		{"offers", jobs, []string{"/", "m"}, false},
		{"wrong filter", jobs, []string{"/", "status:foo"}, false},
		{"no match", jobs, []string{"/", "q", "q", "enter"}, false},
		{"empty", told(nil), nil, false},
		{"offline", down, nil, true},
		{"stopping", stopping, nil, false},
		{"marks", jobs, []string{"j", "j", "j", "j", "space", "space", "/", "status:failed,stopped", "enter"}, true},
		{"pending long", waiting, nil, false},
		{"late", screen.ListMsg{Now: tuitest.Now(), Waiting: 4 * time.Second}, nil, false},
		{"wide", jobs, []string{"w"}, true},
		{"panned", jobs, []string{"right", "right"}, false},
		{"copy", jobs, []string{"C"}, false},
		{"by duration", jobs, []string{"o", "o", "o", "o", "o", "O"}, false},
		{"zoom", jobs, []string{"j", "j", "j", "j", "z"}, false},
		{"reading", jobs, []string{"j", "j", "j", "j", "z", "tab"}, true},
	}
}

// sizes of windows; the page has three lines less.
func windows() [][2]int { return [][2]int{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}} }

func drawn(t *testing.T, st state, styles *theme.Styles, size [2]int) string {
	t.Helper()
	e := env(t)
	e.Styles = styles
	s, _ := press(t, page(e, size[0], size[1]-3, st.msg), st.keys...)
	return s.View()
}

// Every state at every size without colours, and those that show the most in
// every look.
func TestView_golden(t *testing.T) {
	t.Parallel()
	for _, size := range append(windows(), [2]int{100, 50}) {
		for _, st := range states() {
			t.Run(fmt.Sprintf("%s/%dx%d", st.name, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				draw := func(styles *theme.Styles) string { return drawn(t, st, styles, size) }
				if st.telling {
					tuitest.GoldenLooks(t, draw)
				} else {
					tuitest.Golden(t, draw(tuitest.Looks()[0].Styles))
				}
			})
		}
	}
}

// Without any colour the cursor, the marks and the failed jobs can be found.
func TestView_isReadWithoutColours(t *testing.T) {
	t.Parallel()
	marks := states()[slices.IndexFunc(states(), func(s state) bool { return s.name == "marks" })]
	for _, size := range windows() {
		for _, l := range tuitest.Looks()[:2] {
			view, g := drawn(t, marks, l.Styles, size), l.Styles.Glyphs
			var cursors, marked, failed int
			for _, line := range strings.Split(view, "\n")[2:] {
				runes := []rune(line)
				if len(runes) < 5 {
					continue
				}
				if string(runes[0]) == g.Cursor {
					cursors++
				}
				if string(runes[1]) == g.Mark {
					marked++
				}
				if strings.Contains(string(runes[2:4]), g.Failed) {
					failed++
					if size[0] >= 80 && !strings.Contains(line, "FAILED") {
						t.Errorf("%v %s: a failed job is not called so: %q", size, l.Name, line)
					}
				}
			}
			if cursors != 1 || marked != 2 || failed != 2 {
				t.Errorf("%v %s: %d cursors, %d marks, %d failed jobs; want 1, 2, 2\n%s", size, l.Name, cursors, marked, failed, view)
			}
		}
	}
}
