package tui

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/settings"
	"dray/tui/tuitest"
)

// line types a line into the palette and runs it.
func (a *app) line(text string) {
	a.press(":")
	a.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)})
	a.press("enter")
}

func TestPalette_runs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line, shows string
		pages       int
	}{
		{"open sweep-lr-0.03", "sweep-lr-0.03", 2},
		{"logs sweep-lr-0.03", "log sweep-lr-0.03", 2},
		{"stop sweep-lr-0.003", "Stop job?", 1},
		{"stop no-such", "there is no job no-such in the list", 1},
		{"rerun sweep-lr-0.03", "Rerun job?", 1},
		{"job.stop", "Stop job?", 1},
		{"list.last", "01000000", 1},
		{"app.help", "Help · Jobs", 1},
		{"help", "Help · Jobs", 1},
		{"theme", "Theme 1/", 1},
		{"theme nope", `there is no theme "nope"`, 1},
		{"set wrap on", "wrap is on", 1},
		{"set wrap maybe", "wrap is on or off", 1},
		{"set nothing on", "cannot be set here", 1},
		{"stp x", `there is no command "stp"; is`, 1},
		{"watch sweep-lr-0.03", "watching sweep-lr-0.03", 1},
		{"events", "events", 2},
		{"lr sweep-lr-0.03", "log sweep-lr-0.03", 2},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.m.env.Settings.Aliases = map[string]string{"lr": "logs"}
			if tt.line == "list.last" {
				tt.shows = ""
			}
			a.line(tt.line)
			if !a.shows(tt.shows) || len(a.m.pages) != tt.pages {
				t.Errorf("%d pages, want %d, and %q in:\n%s", len(a.m.pages), tt.pages, tt.shows, a.m.View())
			}
			if len(a.srv.written()) > 0 {
				t.Errorf("wrote %q without a question", a.srv.written())
			}
		})
	}
}

func TestPalette_quits(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"q", "q!", "wq", "quit"} {
		a := start(t, 80, 24, tuitest.Jobs20(), nil)
		if a.line(line); !a.quit {
			t.Errorf(":%s does not quit", line)
		}
	}
}

func TestPalette_completesLiveIDs(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press(":", "s", "t", "o", "p", "space", "s", "w")
	a.press("tab", "enter")
	if a.m.question == nil || !a.shows("job     sweep-lr-0.003") {
		t.Errorf("tab did not complete the running job:\n%s", a.m.View())
	}
}

func TestPalette_neverWhileTyping(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("n", ":", "!", "T", "M", "P")
	if a.m.covered() || !a.shows("form :!TMP") {
		t.Errorf("the form did not get what was typed:\n%s", a.m.View())
	}
}

func TestPalette_exportOverwritesNothing(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	path := filepath.Join(t.TempDir(), "jobs.json")
	a.line("export json " + path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var jobs []rayapi.Job
	if err := json.Unmarshal(text, &jobs); err != nil || len(jobs) != len(tuitest.Jobs20()) {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	if a.line("export json " + path); !a.shows("export overwrites nothing") {
		t.Errorf("the second export is not refused:\n%s", a.m.View())
	}
}

func TestRebind(t *testing.T) {
	t.Parallel()
	user := map[string][]string{"job.stop": {"K", "ctrl+x"}, "Jobs/list.down": {"t"}, "app.back": {"Z"}, "job.delete": {}, "app.theme": {"f2"}}
	tests := []struct {
		name string
		keys []string
		want string
	}{
		{"new key", []string{"K"}, "Stop job?"},
		{"second new key", []string{"ctrl+x"}, "Stop job?"},
		{"old key is dead", []string{"x"}, "Jobs 20"},
		{"taken away", []string{"D"}, "Jobs 20"},
		{"help shows it", []string{"?"}, "K ^x"},
		{"by name", []string{":", "j", "o", "b", ".", "s", "t", "o", "p", "enter"}, "Stop job?"},
		{"one scope", []string{"t", "K"}, "raysubmit_Xe7"},
		{"global", []string{"f2"}, "Theme 1/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.m.env.Settings.Keys = user
			a.m.keys = newGlobalKeys(a.m.env.Styles.Glyphs, user)
			for _, k := range tt.keys {
				msg, ok := KeyNamed(k)
				if !ok {
					t.Fatalf("no key %q", k)
				}
				a.send(msg)
			}
			if tt.name == "old key is dead" && a.m.question != nil {
				t.Error("x still stops")
			}
			if !a.shows(tt.want) {
				t.Errorf("no %q in:\n%s", tt.want, a.m.View())
			}
		})
	}
}

func TestHotkey_asksAndRuns(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.m.env.Settings.Hotkeys = []settings.Hotkey{{Key: "f2", Name: "read it", Run: "logs sweep-lr-0.03", Confirm: true}}
	k, _ := KeyNamed("f2")
	a.send(k)
	if !a.shows("read it?") {
		t.Fatalf("no question:\n%s", a.m.View())
	}
	if a.press("y"); !a.shows("log sweep-lr-0.03") {
		t.Errorf("the command did not run:\n%s", a.m.View())
	}
	a.press("esc", "?")
	if !a.shows("YOURS") || !a.shows("read it") {
		t.Errorf("the help lacks the hotkey:\n%s", a.m.View())
	}
}

// A job's name is one word, whatever is in it.
func TestHotkey_namesWithBlanksAndQuotes(t *testing.T) {
	t.Parallel()
	id := `a "b' stop`
	a := start(t, 80, 24, []rayapi.Job{tuitest.Job(id, rayapi.StatusRunning, "true", time.Minute, 0)}, nil)
	a.m.env.Settings.Hotkeys = []settings.Hotkey{{Key: "f2", Name: "read", Run: "logs '$ID'"}}
	k, _ := KeyNamed("f2")
	if a.send(k); !a.shows("log " + id) {
		t.Errorf("the log of %q was not opened:\n%s", id, a.m.View())
	}
}

func TestEvents_countAndPage(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Bad, Text: "3 of 4 stopped", Detail: []string{"a: stopped", "b: 500"}, Job: "sweep-lr-0.03"}})
	if !a.shows("1 event !") {
		t.Errorf("the event is not counted:\n%s", a.m.View())
	}
	a.press("!")
	if !a.shows("14:17:00") || !a.shows("b: 500") || a.shows("1 event !") {
		t.Errorf("the list lacks it:\n%s", a.m.View())
	}
	a.press("enter")
	if len(a.m.pages) != 3 || !a.shows("sweep-lr-0.03") {
		t.Errorf("enter does not open the job:\n%s", a.m.View())
	}
}
