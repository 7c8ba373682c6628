package jobview_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/jobview"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// keys sends keys one after another, without what they ask for.
func keys(s screen.Screen, names ...string) screen.Screen {
	for _, k := range names {
		s, _ = s.Update(tuitest.Key(k))
	}
	return s
}

func shows(t *testing.T, s screen.Screen, texts ...string) {
	t.Helper()
	view := s.View()
	for _, text := range texts {
		if !strings.Contains(view, text) {
			t.Errorf("the page does not show %q:\n%s", text, view)
		}
	}
}

func lacks(t *testing.T, s screen.Screen, texts ...string) {
	t.Helper()
	view := s.View()
	for _, text := range texts {
		if strings.Contains(view, text) {
			t.Errorf("the page shows %q:\n%s", text, view)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestFind(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	s := send(jobview.NewRaw(e, failed()).Resize(screen.Size{W: 80, H: 10}), told(1))
	top := s.View()
	s = keys(s, "/")
	if !s.Typing() {
		t.Fatal("/ does not ask for a text")
	}
	s = keys(s, "n", "o", "d", "e")
	shows(t, s, "/node")
	s = keys(s, "enter")
	shows(t, s, "/node 1 of ", "node_ip_address")
	s = keys(s, "n")
	shows(t, s, "/node 2 of ", "driver_node_id")
	s = keys(s, "N")
	shows(t, s, "/node 1 of ")
	s = keys(s, "esc") // the first esc ends the search, the second leaves
	lacks(t, s, "/node")
	if _, cmd := s.Update(tuitest.Key("esc")); cmd() != (screen.PopMsg{}) {
		t.Error("esc does not go back")
	}
	s = keys(keys(s, "g", "/"), "z", "z", "z")
	shows(t, s, "/zzz")
	if s = keys(s, "esc"); s.View() != top {
		t.Errorf("esc does not bring back what was there:\n%s", s.View())
	}
}

// A hit is found whatever letters grow when they are folded.
func TestFind_oddLetters(t *testing.T) {
	t.Parallel()
	job := failed()
	job.Message = ptr("İİİ needle\nK needle\n\xff needle 世界")
	s := send(jobview.New(env(t, func() (rayapi.Job, error) { return job, nil }), job).Resize(screen.Size{W: 60, H: 30}), told(1))
	s = keys(s, "/", "n", "e", "e", "d", "l", "e", "enter", "n", "n")
	shows(t, s, "/needle 3 of 3", "İİİ needle", "needle 世界")
}

func TestReveal(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	for _, part := range []string{"3", "4"} {
		s := keys(send(jobview.New(e, failed()).Resize(screen.Size{W: 100, H: 60}), told(1)), part)
		lacks(t, s, "hunter2")
		s = keys(s, "f4")
		shows(t, s, "hunter2")
		lacks(t, keys(s, "R"), "hunter2")
		later := told(1)
		later.Now = later.Now.Add(59 * time.Second)
		late, _ := s.Update(later)
		shows(t, late, "hunter2")
		later.Now = later.Now.Add(time.Second)
		late, _ = s.Update(later)
		lacks(t, late, "hunter2")
		_, cmd := s.Update(tuitest.Key("C"))
		if msg, ok := cmd().(screen.CopyMsg); !ok || strings.Contains(msg.Text, "hunter2") || !strings.Contains(msg.Text, "sweep-lr-0.03") {
			t.Errorf("the copy has a secret, or nothing: %+v", msg)
		}
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	job := tuitest.Job("waits", rayapi.StatusPending, "python big.py", time.Minute, 0)
	e := env(t, func() (rayapi.Job, error) { return job, nil })
	asked := 0
	jobs, _ := e.Jobs.(*tuitest.Jobs)
	jobs.ResourcesFn = func(context.Context) ([]client.Resource, error) {
		asked++
		return []client.Resource{{Name: "CPU", Used: 3, Total: 4}, {Name: "GPU", Used: 8, Total: 8}, {Name: "memory", Used: 1 << 30, Total: 3 << 30}}, nil
	}
	s := feed(t, jobview.New(e, job).Resize(screen.Size{W: 100, H: 30}), told(1))
	shows(t, s, "Why it waits", "1 of 4 CPU", "0 of 8 GPU", "2 GiB of 3 GiB memory")
	s = feed(t, s, told(2))
	feed(t, s, told(3))
	if asked != 1 {
		t.Errorf("asked %d times for what changes slowly", asked)
	}
	e.Ledger = ledger.New(t.TempDir())
	request := rayapi.SubmitRequest{Entrypoint: job.Entrypoint, SubmissionID: "waits", NumGPUs: 16, NumCPUs: 0.5, Resources: map[string]float64{"TPU": 1}}
	if err := e.Ledger.Record(e.Target.LedgerKey, request, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	m := jobview.New(e, job)
	s = feed(t, m.Resize(screen.Size{W: 100, H: 30}), m.Init()(), told(7))
	shows(t, s, "16 GPU, 0 of 8 GPU free: the cluster never has that much", "0.5 CPU, 1 of 4 CPU free", "1 TPU, of which the cluster has none")
	real := told(8)
	real.RealRay = true
	shows(t, feed(t, s, real), "14m00 until Ray gives up")
}

// feed sends messages, runs what they ask for, and sends its messages too.
func feed(t *testing.T, s screen.Screen, msgs ...tea.Msg) screen.Screen {
	t.Helper()
	for len(msgs) > 0 {
		var cmd tea.Cmd
		s, cmd = s.Update(msgs[0])
		msgs = append(msgs[1:], results(cmd)...)
	}
	return s
}

func results(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	msg := cmd()
	batch, ok := msg.(tea.BatchMsg)
	if !ok {
		return []tea.Msg{msg}
	}
	var msgs []tea.Msg
	for _, c := range batch {
		msgs = append(msgs, results(c)...)
	}
	return msgs
}

func TestStopping(t *testing.T) {
	t.Parallel()
	job := tuitest.Job("a", rayapi.StatusRunning, "sleep 9", time.Minute, 0)
	list := told(1)
	list.Stopping = map[string]time.Time{"a": tuitest.Now().Add(-4 * time.Second)}
	s := feed(t, jobview.New(env(t, func() (rayapi.Job, error) { return job, nil }), job).Resize(screen.Size{W: 100, H: 30}), list)
	shows(t, s, "STOPPING 4s", "asked 4s ago", "gone")
	lacks(t, s, "takes long")
	list.Stopping = map[string]time.Time{"a": tuitest.Now().Add(-40 * time.Second)}
	shows(t, feed(t, s, list), "takes long")
}

func TestFailure(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	text := strings.Repeat("epoch 1 step 220\n", 20000) + "Traceback (most recent call last):\n  File \"/home/ana/train.py\", line 3, in <module>\n    import torch\nModuleNotFoundError: No module named 'torch'\n"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	job := failed()
	job.Message = ptr("Job entrypoint command failed with exit code 1")
	e := env(t, func() (rayapi.Job, error) { return job, nil })
	e.LogFile = func(context.Context, string) (string, error) { return log, nil }
	opened := ""
	e.Pages.LogError = func(j rayapi.Job) screen.Screen { opened = j.ID(); return nil }
	m := jobview.New(e, job)
	s := feed(t, m.Resize(screen.Size{W: 100, H: 30}), m.Init()(), told(1))
	shows(t, s, "Why it failed", "ModuleNotFoundError: No module named 'torch'", "import torch", "add it under pip")
	_, cmd := s.Update(tuitest.Key("enter"))
	if cmd(); opened != job.ID() {
		t.Errorf("enter opened the log of %q", opened)
	}
}

// A job that fails while the page is open has its reason looked for then.
func TestFailure_whileOpen(t *testing.T) {
	t.Parallel()
	job := tuitest.Job("a", rayapi.StatusRunning, "python train.py", time.Minute, 0)
	e := env(t, func() (rayapi.Job, error) { return job, nil })
	m := jobview.New(e, job)
	s := feed(t, m.Resize(screen.Size{W: 100, H: 30}), m.Init()(), told(1))
	job.Status, job.DriverExitCode = rayapi.StatusFailed, ptr(1)
	job.Message = ptr("Job failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\nValueError: bad seed\n")
	shows(t, feed(t, s, told(2)), "Why it failed", "ValueError: bad seed")
}

func TestLineage(t *testing.T) {
	t.Parallel()
	job := failed()
	e := env(t, func() (rayapi.Job, error) { return job, nil })
	e.Ledger = ledger.New(t.TempDir())
	record := func(id, parent string, gpus float64, env string, ago time.Duration) {
		t.Helper()
		r := rayapi.SubmitRequest{Entrypoint: job.Entrypoint, SubmissionID: id, NumGPUs: gpus, NumCPUs: 4, RuntimeEnv: json.RawMessage(env)}
		if err := e.Ledger.Record(e.Target.LedgerKey, r, parent, tuitest.Now().Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	record("sweep-lr-0.01", "", 1, `{}`, 9*time.Hour)
	record("sweep-lr-0.02", "sweep-lr-0.01", 1, `{"env_vars":{"API_KEY":"leak"}}`, 3*time.Hour)
	record(job.ID(), "sweep-lr-0.02", 2, `{"env_vars":{"API_KEY":"leak2"},"pip":["torch"]}`, time.Hour)
	m := jobview.New(e, job)
	for _, w := range []int{100, 160} {
		s := feed(t, m.Resize(screen.Size{W: w, H: 60}), m.Init()())
		shows(t, s, "rerun of sweep-lr-0.02 (changed:", "entrypoint_num_gpus)", "sweep-lr-0.01", "4 CPU · 2 GPU", "as sent from here",
			"Changed from sweep-lr-0.02", "- entrypoint_num_gpus: 1", "+ entrypoint_num_gpus: 2", "API_KEY", "torch")
		lacks(t, s, "leak")
	}
	s := keys(feed(t, m.Resize(screen.Size{W: 100, H: 60}), m.Init()(), told(1)), "5")
	shows(t, s, "forgotten by the server", "sweep-lr-0.01", "sweep-lr-0.02")
}

func TestWatch(t *testing.T) {
	t.Parallel()
	list := told(1)
	s := send(jobview.New(env(t, func() (rayapi.Job, error) { return failed(), nil }), failed()).Resize(screen.Size{W: 100, H: 30}), list)
	_, cmd := s.Update(tuitest.Key("W"))
	if got := cmd(); got != (screen.WatchMsg{ID: "sweep-lr-0.03", On: true}) {
		t.Errorf("W sends %+v", got)
	}
	list.Watched = map[string]bool{"sweep-lr-0.03": true}
	s, _ = s.Update(list)
	shows(t, s, "watched")
	_, cmd = s.Update(tuitest.Key("W"))
	if got := cmd(); got != (screen.WatchMsg{ID: "sweep-lr-0.03"}) {
		t.Errorf("W sends %+v", got)
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	job := tuitest.Job("a", rayapi.StatusSucceeded, "true", time.Minute, 31*time.Second)
	list := told(1)
	list.Begun = map[string]time.Time{"a": tuitest.Now().Add(-49 * time.Second)}
	shows(t, feed(t, jobview.New(env(t, func() (rayapi.Job, error) { return job, nil }), job).Resize(screen.Size{W: 100, H: 30}), list),
		"waited 11s, until 14:16:11 · ran 20s")
	list.Begun["a"] = tuitest.Now() // its end was seen, not its beginning
	lacks(t, feed(t, jobview.New(env(t, func() (rayapi.Job, error) { return job, nil }), job).Resize(screen.Size{W: 100, H: 30}), list),
		"waited", "ran 0s")
}

// The name of a file is read however deep it lies.
func TestFailure_longPaths(t *testing.T) {
	t.Parallel()
	job := failed()
	path := "/tmp/ray/session_2026-11-24_01-51-40_982460_5722/runtime_resources/working_dir_files/_ray_pkg_11e58fc30a147e84/boom.py"
	job.Message = ptr("failed\nTraceback (most recent call last):\n  File \"" + path + "\", line 6, in <module>\n    step(7)\nValueError: bad batch 7\n")
	m := jobview.New(env(t, func() (rayapi.Job, error) { return job, nil }), job)
	shows(t, feed(t, m.Resize(screen.Size{W: 80, H: 30}), m.Init()(), told(1)), `/boom.py", line 6, in <module>`, "step(7)")
}

// The history is walked through, and its runs are opened.
func TestHistory_opensARun(t *testing.T) {
	t.Parallel()
	e := env(t, func() (rayapi.Job, error) { return failed(), nil })
	opened := ""
	e.Pages.Job = func(j rayapi.Job) screen.Screen { opened = j.ID(); return still{} }
	s := keys(feed(t, jobview.New(e, failed()).Resize(screen.Size{W: 80, H: 12}), list()), "5")
	shows(t, s, "▌▸ ✗ FAILED    sweep-lr-0.03  ")
	if _, cmd := s.Update(tuitest.Key("enter")); cmd == nil || opened != "" {
		t.Error("the page's own job is opened again")
	}
	s = keys(s, "j", "j")
	if _, cmd := s.Update(tuitest.Key("enter")); cmd == nil || opened != "sweep-lr-0.003" {
		t.Errorf("two below is %q", opened)
	}
	s = feed(t, s, list()) // a refresh leaves the cursor with its run
	shows(t, s, "▌  ● RUNNING   sweep-lr-0.003  ")
	s = keys(s, "G")
	lacks(t, s, "▌  ● RUNNING")
	s.Update(tuitest.Key("enter"))
	if opened == "sweep-lr-0.003" || opened == "" {
		t.Error("the last run is not opened")
	}
	s = keys(s, "ctrl+u", "ctrl+u", "k", "g")
	shows(t, s, "12 runs of python sweep.py", "▌▸ ✗ FAILED")
	press := tea.MouseMsg{X: 9, Y: 6, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress}
	s, _ = s.Update(press)
	shows(t, s, "▌  ✓ SUCCEEDED sweep-lr-0.03-r1")
	if s.Update(press); opened != "sweep-lr-0.03-r1" {
		t.Errorf("a second press opens %q", opened)
	}
}
