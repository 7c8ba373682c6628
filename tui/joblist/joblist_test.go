package joblist_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/backend/rayapi"
	"dray/tui/joblist"
	"dray/tui/screen"
	"dray/tui/settings"
	"dray/tui/tuitest"
)

// env has pages that only tell which was asked for, and of which job.
func env(t testing.TB) *screen.Env {
	e := tuitest.Env(t, nil)
	open := func(what string) func(rayapi.Job) screen.Screen {
		return func(j rayapi.Job) screen.Screen { return opened{what: what + " " + j.ID()} }
	}
	ask := func(what string) func(rayapi.Job) tea.Cmd {
		return func(j rayapi.Job) tea.Cmd {
			return func() tea.Msg { return screen.AskMsg{Title: what + " " + j.ID()} }
		}
	}
	e.Pages = screen.Pages{
		Job: open("job"), Raw: open("raw"), Log: open("log"), Edit: open("edit"),
		Submit: func() screen.Screen { return opened{what: "submit"} },
		Stop:   ask("stop"), Delete: ask("delete"), Rerun: ask("rerun"),
	}
	return e
}

type opened struct {
	screen.Screen
	what string
}

// told is what the root would tell of jobs.
func told(jobs []rayapi.Job) screen.ListMsg {
	return screen.ListMsg{Jobs: jobs, Answer: 1, AsOf: tuitest.Now(), Now: tuitest.Now(), Link: screen.Live}
}

func page(e *screen.Env, w, h int, msgs ...tea.Msg) screen.Screen {
	s := screen.Screen(joblist.New(e)).Resize(screen.Size{W: w, H: h})
	for _, msg := range msgs {
		s, _ = s.Update(msg)
	}
	return s
}

// press types keys, one by one, and returns what the last one asked for.
func press(t testing.TB, s screen.Screen, keys ...string) (screen.Screen, string) {
	t.Helper()
	said := ""
	for _, k := range keys {
		var cmd tea.Cmd
		s, cmd = s.Update(tuitest.Key(k))
		said = ""
		if cmd == nil {
			continue
		}
		switch msg := cmd().(type) {
		case screen.PushMsg:
			said = msg.Screen.(opened).what
		case screen.AskMsg:
			said = msg.Title
		case screen.NoticeMsg:
			said = "notice: " + msg.Text
		case screen.CopyMsg:
			said = "copy " + msg.Text
		default:
			t.Fatalf("key %q sent %T", k, msg)
		}
	}
	return s, said
}

func TestView_fillsItsSize(t *testing.T) {
	t.Parallel()
	jobs := told(tuitest.Jobs20())
	states := []struct {
		name, cols string
		msg        screen.ListMsg
		keys       []string
	}{
		{"jobs", "", jobs, nil},
		{"empty", "", told(nil), nil},
		{"silent", "", screen.ListMsg{Now: tuitest.Now(), Waiting: time.Second}, nil},
		{"wide", "", jobs, []string{"w"}},
		{"wide, panned", "", jobs, []string{"w", "right", "right", "right"}},
		{"panned", "", jobs, []string{"right", "right", "right", "right", "right", "right"}},
		{"zoomed", "", jobs, []string{"z"}},
		{"read", "", jobs, []string{"tab", "G"}},
		{"zoomed and read", "", jobs, []string{"z", "tab", "j"}},
		{"all columns", "status,dur,meta.team,exit,id,error,node,type,user,name,end,age,job,msg,entrypoint,start", jobs, nil},
		{"one column", "dur", jobs, []string{"right"}},
		{"filtering", "", jobs, []string{"/", "status:x"}},
		{"menu", "", jobs, []string{"space", "v", "j", "C"}},
	}
	for _, st := range states {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			e := env(t)
			if st.cols != "" {
				e.Settings = &settings.Settings{Columns: strings.Split(st.cols, ",")}
			}
			for w := 60; w <= 300; w += 13 {
				for h := 7; h <= 97; h += 15 {
					s, _ := press(t, page(e, w, h, st.msg), st.keys...)
					lines := strings.Split(s.View(), "\n")
					if len(lines) != h {
						t.Fatalf("%dx%d: %d lines", w, h, len(lines))
					}
					for i, l := range lines {
						if got := ansi.StringWidth(l); got > w {
							t.Fatalf("%dx%d: line %d is %d wide: %q", w, h, i, got, l)
						}
					}
				}
			}
		})
	}
}

func TestKeys_reachTheJobUnderTheCursor(t *testing.T) {
	t.Parallel()
	const id = "sweep-lr-0.003" // the third: after one waiting and one newer running job
	for key, want := range map[string]string{
		"enter": "job " + id, "d": "job " + id, "l": "log " + id, "y": "raw " + id, "e": "edit " + id,
		"x": "stop " + id, "r": "rerun " + id, "D": "delete " + id, "c": "copy " + id, "n": "submit",
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, got := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "j", "j", key)
			if got != want {
				t.Errorf("%s asked for %q, want %q", key, got, want)
			}
		})
	}
}

func TestKeys_explainDriversAndGhosts(t *testing.T) {
	t.Parallel()
	tests := []struct{ filter, key, want string }{
		{"02000000", "l", "no log"},
		{"02000000", "r", "nothing to submit again"},
		{"02000000", "e", "nothing to submit again"},
		{"gh05t", "r", "its command is gone"},
	}
	for _, tt := range tests {
		t.Run(tt.filter+" "+tt.key, func(t *testing.T) {
			t.Parallel()
			s := page(env(t), 80, 21, told(tuitest.Jobs20()), tuitest.Key("/"), tuitest.Key(tt.filter), tuitest.Key("enter"))
			_, got := press(t, s, tt.key)
			if !strings.HasPrefix(got, "notice: ") || !strings.Contains(got, tt.want) {
				t.Errorf("%s on %s said %q, want a notice with %q", tt.key, tt.filter, got, tt.want)
			}
		})
	}
}

func TestFilter_typedKeysAreText(t *testing.T) {
	t.Parallel()
	s, said := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "/", "x", "D", "q", "r", "?", "j", "l")
	if said != "" || !s.Typing() {
		t.Fatalf("typing asked for %q, Typing() = %t", said, s.Typing())
	}
	if !strings.Contains(s.View(), "/xDqr?jl") {
		t.Errorf("the filter does not show what was typed:\n%s", s.View())
	}
	s, _ = press(t, s, "esc")
	if s.Typing() || !strings.Contains(s.View(), "filter:none") {
		t.Errorf("esc did not take the filter back:\n%s", s.View())
	}
}

func TestFilter_escReturnsToTheJob(t *testing.T) {
	t.Parallel()
	s, before := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "j", "j", "c")
	_, after := press(t, s, "/", "n", "i", "g", "esc", "c")
	if after != before {
		t.Errorf("after esc the cursor is at %q, was at %q", after, before)
	}
}

func TestList_putsCursorOnJobSubmittedHere(t *testing.T) {
	t.Parallel()
	s, _ := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "j", "j", "j")
	s, _ = s.Update(screen.JobMsg{ID: "mine"})
	next := told(append(tuitest.Jobs20(), tuitest.Job("mine", rayapi.StatusPending, "true", time.Second, 0)))
	next.Answer = 2
	s, _ = s.Update(next)
	if _, got := press(t, s, "c"); got != "copy mine" {
		t.Errorf("the cursor is at %q", got)
	}
}

func TestList_hostileTextDoesNotReachTheTerminal(t *testing.T) {
	t.Parallel()
	evil := tuitest.Job("a\x1b]0;owned\x07b", rayapi.StatusRunning, "echo \x1b[2J\u202e\n\r\tx", time.Minute, 0)
	evil.Metadata = map[string]string{"k\x1b[31m": "v\u200b"}
	text := "m\x1b[1Am\x9b2J"
	evil.Message = &text
	view := page(env(t), 140, 37, told([]rayapi.Job{evil})).View()
	if strings.ContainsAny(view, "\x1b\x07\r\t\u202e\u200b\u009b") {
		t.Errorf("the view holds control characters: %q", view)
	}
}

// many makes n jobs of which one in fifty is active.
func many(n int) []rayapi.Job {
	jobs := make([]rayapi.Job, n)
	for i := range jobs {
		status := rayapi.StatusSucceeded
		if i%50 == 0 {
			status = rayapi.StatusRunning
		}
		jobs[i] = tuitest.Job(fmt.Sprintf("raysubmit_%016d", i*7919%n), status, fmt.Sprintf("python train.py --cfg cfg/resnet50.yaml --seed %d", i), time.Duration(n-i)*time.Second, time.Minute)
	}
	return jobs
}
