package jobview_test

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/jobview"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// The notice says that secrets are shown, so the part that is open shows them.
func TestReveal_onTheSummary(t *testing.T) {
	t.Parallel()
	job := tuitest.Job("a", rayapi.StatusSucceeded, "true", time.Minute, time.Second)
	job.Metadata = map[string]string{"api_token": "hunter2"}
	e := env(t, func() (rayapi.Job, error) { return job, nil })
	s := send(jobview.New(e, job).Resize(screen.Size{W: 80, H: 30}), told(1))
	lacks(t, s, "hunter2")
	s = keys(s, "f4")
	shows(t, s, "hunter2")
	lacks(t, keys(s, "f4"), "hunter2")
}

// While a text is typed, letters are text: no other action may be promised.
func TestFind_offersItsOwnKeysOnly(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	s := keys(send(jobview.NewRaw(e, failed()).Resize(screen.Size{W: 80, H: 24}), told(1)), "/")
	var ids []string
	for _, b := range s.Bindings() {
		ids = append(ids, b.ID)
	}
	if got := strings.Join(ids, " "); got != "find.keep find.cancel" {
		t.Errorf("offered while typing: %s", got)
	}
}

// Which of the hits is meant is seen without colours too.
func TestFind_pointsAtTheHit(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	s := keys(send(jobview.NewRaw(e, failed()).Resize(screen.Size{W: 80, H: 60}), told(1)), "/", "n", "o", "d", "e", "enter")
	pointed := func() string {
		for l := range strings.Lines(s.View()) {
			if strings.HasPrefix(l, "▌") {
				return l
			}
		}
		return ""
	}
	first := pointed()
	s = keys(s, "n")
	if second := pointed(); first == "" || second == "" || first == second {
		t.Errorf("the hits %q and %q", first, second)
	}
}

// still is the end of a log that does nothing.
type still struct{}

func (still) Init() tea.Cmd                             { return nil }
func (l still) Resize(screen.Size) screen.Screen        { return l }
func (l still) Update(tea.Msg) (screen.Screen, tea.Cmd) { return l, nil }
func (still) View() string                              { return "needle" }
func (still) Bindings() []screen.Binding                { return nil }
func (still) Scope() string                             { return "" }
func (still) Typing() bool                              { return false }
func (still) Close()                                    {}

// The end of the log has no lines of this page: a search in it would say that
// nothing is found.
func TestLogTab_saysWhereToScrollAndSearch(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	e.Pages.Tail = func(rayapi.Job) screen.Screen { return still{} }
	s := keys(send(jobview.New(e, failed()).Resize(screen.Size{W: 80, H: 24}), told(1)), "2")
	for _, k := range []string{"/", "n", "j", "pgup", "G"} {
		next, cmd := s.Update(tuitest.Key(k))
		if next.Typing() || cmd == nil {
			t.Errorf("%s does nothing, or asks for a text", k)
			continue
		}
		if n, ok := cmd().(screen.NoticeMsg); !ok || !strings.Contains(n.Text, "l opens all of it") {
			t.Errorf("%s says %+v", k, n)
		}
	}
}

func TestHistory_countsOneRun(t *testing.T) {
	t.Parallel()
	list := told(1)
	list.Jobs = []rayapi.Job{failed()}
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	s := keys(send(jobview.New(e, failed()).Resize(screen.Size{W: 80, H: 24}), list), "5")
	shows(t, s, "1 run of python sweep.py")
}

// Colours end with their line: what stands beside it has its own.
func TestView_noColourReachesOver(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		for _, size := range [][2]int{{60, 15}, {140, 40}} {
			for i, line := range strings.Split(sc.drawn(t, tuitest.Looks()[2].Styles, size), "\n") {
				if at := strings.LastIndex(line, "\x1b["); at >= 0 && !strings.HasPrefix(line[at:], "\x1b[0m") {
					t.Errorf("%s at %v: a style goes on after line %d: %q", sc.name, size, i, line)
				}
			}
		}
	}
}

// counted notes what becomes of an end of a log.
type counted struct {
	still
	closed *int
}

func (c counted) Resize(screen.Size) screen.Screen        { return c }
func (c counted) Update(tea.Msg) (screen.Screen, tea.Cmd) { return c, nil }
func (c counted) Close()                                  { *c.closed++ }

// A wide summary shows the end of the log, which is opened once, only where it
// is seen, and closed with the page.
func TestSummary_opensTheLogWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		size screen.Size
		job  rayapi.Job
		link screen.Link
		want int
	}{
		{"wide", screen.Size{W: 140, H: 37}, failed(), screen.Live, 1},
		{"narrow", screen.Size{W: 100, H: 37}, failed(), screen.Live, 0},
		{"offline", screen.Size{W: 140, H: 37}, failed(), screen.Offline, 0},
		{"a driver has none", screen.Size{W: 140, H: 37}, tuitest.Driver("02000000", rayapi.StatusRunning, time.Hour, 0), screen.Live, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := env(t, func() (rayapi.Job, error) { return tt.job, nil })
			opened, closed := 0, 0
			e.Pages.Tail = func(rayapi.Job) screen.Screen { opened++; return counted{closed: &closed} }
			s := jobview.New(e, tt.job).Resize(tt.size)
			for answer := range 3 {
				list := told(answer + 1)
				list.Link = tt.link
				s = feed(t, s, list)
			}
			if got := strings.Contains(s.View(), "needle"); opened != tt.want || got != (tt.want > 0) {
				t.Errorf("opened %d times, seen: %t\n%s", opened, got, s.View())
			}
			if s.Close(); closed != tt.want {
				t.Errorf("closed %d times", closed)
			}
		})
	}
}
