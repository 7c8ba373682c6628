package joblist_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/joblist"
	"dray/tui/screen"
	"dray/tui/settings"
	"dray/tui/tuitest"
)

func contains(t *testing.T, view string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(view, want) {
			t.Errorf("%q is missing in\n%s", want, view)
		}
	}
}

func TestFilter_historyAndCompletion(t *testing.T) {
	t.Parallel()
	s, _ := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "/", "status:f", "tab")
	contains(t, s.View(), "/status:failed▏", "Jobs 2 of 20")
	s, _ = press(t, s, "enter", "/", "ctrl+u", "nightly", "enter", "/", "up")
	contains(t, s.View(), "/nightly▏")
	s, _ = press(t, s, "up", "enter")
	contains(t, s.View(), "filter:status:failed", "Jobs 2 of 20")
	s, _ = press(t, s, "[")
	contains(t, s.View(), "filter:nightly")
	s, _ = press(t, s, "]")
	contains(t, s.View(), "filter:status:failed")
}

func TestFilter_wrongIsRefused(t *testing.T) {
	t.Parallel()
	s, said := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "/", "age<x", "enter")
	if !s.Typing() || !strings.Contains(said, "column 5: age needs a length of time") {
		t.Errorf("said %q, typing %t", said, s.Typing())
	}
}

func TestFilter_inverted(t *testing.T) {
	t.Parallel()
	s, _ := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "/", "status:failed", "enter", "&")
	contains(t, s.View(), "Jobs 18 of 20", "all but:status:failed")
}

func TestMarks_hiddenOnesAreTold(t *testing.T) {
	t.Parallel()
	s, _ := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "space", "space", "/", "etl", "enter")
	contains(t, s.View(), "2 marked, 1 hidden")
	s, _ = press(t, s, "esc")
	contains(t, s.View(), "filter:none", "2 marked")
	s, _ = press(t, s, "esc")
	if strings.Contains(s.View(), "marked") {
		t.Errorf("esc left the marks:\n%s", s.View())
	}
}

func TestMarks_bulkNamesThem(t *testing.T) {
	t.Parallel()
	for key, name := range map[string]string{"x": "stop", "D": "delete", "r": "rerun"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := env(t)
			var got []string
			all := func(jobs []rayapi.Job) tea.Cmd {
				for _, j := range jobs {
					got = append(got, j.ID())
				}
				return func() tea.Msg { return screen.AskMsg{Title: name + " all"} }
			}
			e.Pages.StopAll, e.Pages.DeleteAll, e.Pages.RerunAll = all, all, all
			s, said := press(t, page(e, 80, 21, told(tuitest.Jobs20())), "j", "j", "v", "j", key)
			want := []string{"sweep-lr-0.003", "raysubmit_9mQ2bbVdPlWx1y7T"}
			if said != name+" all" || !slices.Equal(got, want) {
				t.Errorf("%s asked %q about %q, want %q", key, said, got, want)
			}
			help := ""
			for _, b := range s.Bindings() {
				help += b.Help().Desc + ";"
			}
			contains(t, help, name+" 2;")
		})
	}
}

func TestMarks_logsSideBySide(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Pages.Logs = func(jobs []rayapi.Job) screen.Screen { return opened{what: fmt.Sprint(len(jobs), " logs")} }
	s, said := press(t, page(e, 80, 21, told(tuitest.Jobs20())), "space", "space", "l")
	if said != "2 logs" {
		t.Errorf("l opened %q", said)
	}
	offered := func() bool {
		for _, b := range s.Bindings() {
			if b.ID == "job.log" {
				return b.Enabled()
			}
		}
		return false
	}
	if !offered() {
		t.Error("two logs are not offered")
	}
	if s, said = press(t, s, "*", "l"); said != "notice: 20 jobs are marked: at most 3 logs fit side by side" {
		t.Errorf("l said %q", said)
	}
	if offered() {
		t.Error("20 logs side by side are offered")
	}
}

func TestViews_onDigits(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Settings = &settings.Settings{Views: []settings.View{{Name: "all"}, {Name: "bad", Filter: "status:failed", Sort: "dur"}}}
	s, _ := press(t, page(e, 140, 37, told(tuitest.Jobs20())), "2")
	contains(t, s.View(), "filter:status:failed", "1 all [2 bad]", "sort:DUR↑")
}

func TestSettings_wrongOnesAreTold(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.Settings = &settings.Settings{Columns: []string{"id", "nope"}, Sort: "-nix", Views: []settings.View{{Name: "v", Filter: "status:foo"}}}
	m := joblist.New(e)
	n, _ := m.Init()().(screen.NoticeMsg)
	contains(t, n.Text, `settings: there is no column "nope"`, `; there is no column "nix"`)
	_, said := press(t, page(e, 80, 21, told(tuitest.Jobs20())), "1")
	contains(t, said, "notice: view 1 in the settings: column 8")
}

func TestCopy_menu(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"i": "copy sweep-lr-0.03", "e": "copy python sweep.py --lr 3e-2 --seed 11", "l": "copy dray logs sweep-lr-0.03",
		"j": "copy {\n  \"type\": \"SUBMISSION\"", "r": "copy ray job submit --runtime-env-json '{\"working_dir\"", "esc": "",
	} {
		t.Run(keys, func(t *testing.T) {
			t.Parallel()
			s, got := press(t, page(env(t), 80, 21, told(tuitest.Jobs20())), "j", "j", "j", "j", "C", keys)
			if !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("C %s said %q, want %q", keys, got, want)
			}
			if strings.Contains(s.View(), "copy what?") {
				t.Error("the menu stays open")
			}
		})
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, arg, want string }{
		{"filter", "status:failed age<2d", "filter:status:failed age<2d"},
		{"filter", "status:foo", "error: filter: column 8"},
		{"sort", "-exit", "sort:EXIT↓"},
		{"sort", "nope", `error: sort: there is no column "nope"`},
		{"cols", "dur,id,meta.team", " DUR  SUBMISSION ID"},
		{"cols", "x", `error: cols: there is no column "x"`},
		{"view", "failed", "filter:status:failed"},
		{"view", "x", `error: view: there is no view "x"; there are all live`},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.arg, func(t *testing.T) {
			t.Parallel()
			s := page(env(t), 80, 21, told(tuitest.Jobs20()))
			for _, c := range s.(joblist.Model).Commands() {
				if c.Name != tt.name {
					continue
				}
				msg := c.Run(strings.Fields(tt.arg))()
				if n, ok := msg.(screen.NoticeMsg); ok {
					contains(t, "error: "+n.Text, tt.want)
					return
				}
				s, _ = s.Update(msg)
			}
			contains(t, s.View(), tt.want)
		})
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	s := page(env(t), 80, 12, told(tuitest.Jobs20()))
	mouse := func(b tea.MouseButton, x, y int) string {
		var cmd tea.Cmd
		s, cmd = s.Update(tea.MouseMsg{X: x, Y: y, Button: b, Action: tea.MouseActionPress})
		if cmd == nil {
			return ""
		}
		push, _ := cmd().(screen.PushMsg)
		return push.Screen.(opened).what
	}
	if got := mouse(tea.MouseButtonLeft, 20, 4); got != "" {
		t.Errorf("the first click opened %q", got)
	}
	if got := mouse(tea.MouseButtonLeft, 20, 4); got != "job sweep-lr-0.003" {
		t.Errorf("the second click opened %q", got)
	}
	mouse(tea.MouseButtonWheelDown, 20, 4)
	contains(t, s.View(), "4-13/20")
	mouse(tea.MouseButtonLeft, 70, 1)
	contains(t, s.View(), "sort:DUR↓")
	mouse(tea.MouseButtonLeft, 70, 1)
	contains(t, s.View(), "sort:DUR↑")
}

func TestNews_dotUntilSeen(t *testing.T) {
	t.Parallel()
	list := told(tuitest.Jobs20())
	s := page(env(t), 80, 21, list)
	list.Jobs = slices.Clone(list.Jobs)
	i := slices.IndexFunc(list.Jobs, func(j rayapi.Job) bool { return j.ID() == "sweep-lr-0.003" })
	list.Jobs[i].Status = rayapi.StatusSucceeded
	list.Answer, list.Watched = 2, map[string]bool{"sweep-lr-0.03": true}
	s, _ = s.Update(list)
	contains(t, s.View(), "  •✓ SUCCEEDED sweep-lr-0.003", "  w✗ FAILED    sweep-lr-0.03")
	list.Now = list.Now.Add(time.Second)
	s, _ = s.Update(list)
	if cleared, _ := press(t, s, "esc"); strings.Contains(cleared.View(), "•") || !strings.Contains(s.View(), "•") {
		t.Errorf("esc does not take the dots away:\n%s", cleared.View())
	}
	s, _ = press(t, s, "/", "0.003", "enter", "esc")
	if strings.Contains(s.View(), "•") {
		t.Errorf("the dot stays after the cursor was there:\n%s", s.View())
	}
}

func TestWatch_toggles(t *testing.T) {
	t.Parallel()
	list := told(tuitest.Jobs20())
	for _, on := range []bool{false, true} {
		list.Watched = map[string]bool{"raysubmit_tt0Lq8mWz2Rb55Ke": on}
		_, cmd := page(env(t), 80, 21, list).Update(tuitest.Key("W"))
		if got, want := cmd(), (screen.WatchMsg{ID: "raysubmit_tt0Lq8mWz2Rb55Ke", On: !on}); got != want {
			t.Errorf("W sent %v, want %v", got, want)
		}
	}
}

// tail stands for the end of a log.
type tail struct {
	screen.Screen
	id     string
	h      int
	closed *[]string
}

func (l tail) Init() tea.Cmd                           { return nil }
func (l tail) Resize(s screen.Size) screen.Screen      { l.h = s.H; return l }
func (l tail) Update(tea.Msg) (screen.Screen, tea.Cmd) { return l, nil }
func (l tail) Close()                                  { *l.closed = append(*l.closed, l.id) }
func (l tail) View() string                            { return strings.Repeat("log of "+l.id+"\n", l.h-1) + "end" }

// Moving fast opens no log; resting opens one, and leaving closes it.
func TestPreview_opensALogWhenTheCursorRests(t *testing.T) {
	t.Parallel()
	var opened, closed []string
	e := env(t)
	e.Pages.Tail = func(j rayapi.Job) screen.Screen {
		opened = append(opened, j.ID())
		return tail{id: j.ID(), closed: &closed}
	}
	s := page(e, 140, 37, told(tuitest.Jobs20()))
	var rests []tea.Cmd
	for range 3 {
		var cmd tea.Cmd
		s, cmd = s.Update(tuitest.Key("j"))
		rests = append(rests, cmd)
	}
	for _, cmd := range rests {
		s, _ = s.Update(cmd())
	}
	if want := []string{"raysubmit_9mQ2bbVdPlWx1y7T"}; !slices.Equal(opened, want) {
		t.Fatalf("opened %q, want %q", opened, want)
	}
	contains(t, s.View(), "log tail (l opens)", "log of raysubmit_9mQ2bbVdPlWx1y7T", "end")
	s, _ = s.Update(tuitest.Key("enter"))
	if !slices.Equal(closed, opened) {
		t.Errorf("closed %q when another page was opened", closed)
	}
	s, cmd := s.Update(told(tuitest.Jobs20()))
	s, _ = s.Update(cmd())
	if len(opened) != 2 {
		t.Errorf("coming back opened %q", opened)
	}
	s.Close()
	if len(closed) != 2 {
		t.Errorf("Close closed %q", closed)
	}
}

func TestCopy_logFileOfOurOwn(t *testing.T) {
	t.Parallel()
	e := env(t)
	e.LogFile = func(_ context.Context, id string) (string, error) { return "/logs/" + id, nil }
	if _, got := press(t, page(e, 80, 21, told(tuitest.Jobs20())), "C", "l"); got != "copy /logs/raysubmit_tt0Lq8mWz2Rb55Ke" {
		t.Errorf("C l said %q", got)
	}
}

// A filter that leaves out the job under the cursor brings the cursor to the
// job that follows it, not to whatever comes to stand in its row.
func TestFilter_cursorGoesToTheJobThatFollows(t *testing.T) {
	t.Parallel()
	var jobs []rayapi.Job
	for i := range 12 {
		status := rayapi.StatusSucceeded
		if i%4 == 3 {
			status = rayapi.StatusFailed
		}
		jobs = append(jobs, tuitest.Job(fmt.Sprint("job-", i), status, "true", time.Duration(i+1)*time.Minute, time.Second))
	}
	for at, want := range map[string]string{"job-4": "job-7", "job-9": "job-11", "job-7": "job-7"} {
		s := page(env(t), 80, 21, told(jobs))
		for range at[len("job-")] - '0' {
			s, _ = press(t, s, "j")
		}
		if _, said := press(t, s, "3", "enter"); said != "job "+want {
			t.Errorf("from %s the cursor went to %q, want %s", at, said, want)
		}
	}
	// After the last one that is left there is none: the cursor goes back.
	s, _ := press(t, page(env(t), 80, 21, told(jobs[:5])), "G", "3")
	if _, said := press(t, s, "enter"); said != "job job-3" {
		t.Errorf("from the last job the cursor went to %q", said)
	}
}

// Tab gives the motions to the preview, which then tells all; esc and tab give
// them back.
func TestPane(t *testing.T) {
	t.Parallel()
	jobs := told(tuitest.Jobs20())
	for i := range jobs.Jobs {
		jobs.Jobs[i].Message = new(strings.Repeat("line\n", 60) + "the very end")
	}
	s, said := press(t, page(env(t), 100, 30, jobs), "tab")
	if !strings.Contains(said, "z shows it alone") {
		t.Errorf("without a preview tab says %q", said)
	}
	s, _ = press(t, s.Resize(screen.Size{W: 140, H: 37}), "tab")
	contains(t, s.View(), "preview 1-36/", "▌ raysubmit_tt0Lq8mWz2")
	at := current(t, s)
	s, _ = press(t, s, "G")
	contains(t, s.View(), "the very end")
	if s, _ = press(t, s, "g", "j", "ctrl+f"); current(t, s) != at {
		t.Error("the cursor moved while the preview was read")
	}
	s, _ = press(t, s, "z")
	contains(t, s.View(), "preview ")
	s, _ = press(t, s, "z", "esc", "j")
	if strings.Contains(s.View(), "preview 1") || current(t, s) == at {
		t.Errorf("esc does not give the keys back:\n%s", s.View())
	}
	s, _ = press(t, s, "tab", "p")
	if strings.Contains(s.View(), "preview 1") {
		t.Error("a preview that is closed still has the keys")
	}
}

// current is the job under the cursor.
func current(t *testing.T, s screen.Screen) string {
	t.Helper()
	job, ok := s.(joblist.Model).Current()
	if !ok {
		t.Fatal("no job is under the cursor")
	}
	return job.ID()
}
