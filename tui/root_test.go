package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// faulty panics where it is told to.
type faulty struct {
	blank
	where string
}

func (f faulty) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	if _, ok := msg.(tea.KeyMsg); ok && f.where == "update" {
		panic("in update")
	}
	return f, nil
}

func (f faulty) View() string {
	if f.where == "view" {
		panic("in view")
	}
	return f.blank.View()
}
func (f faulty) Resize(s screen.Size) screen.Screen { f.size = s; return f }

func TestSafe_panicsEndInAFile(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"update", "view"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			stopped := false
			c := &crash{dir: t.TempDir(), now: tuitest.Now, stop: func() { stopped = true }}
			env := tuitest.Env(t, nil)
			s := safe{newModel(env, &guard{}, c, faulty{where: where}).resize(80, 24)}
			next, _ := s.Update(tuitest.Key("j"))
			_ = next.View()
			err := c.err()
			if err == nil || !stopped || !strings.Contains(err.Error(), "in "+where) {
				t.Fatalf("err %v, stopped %t", err, stopped)
			}
			files, globErr := filepath.Glob(filepath.Join(c.dir, "crash-*.txt"))
			if globErr != nil || len(files) != 1 || !strings.Contains(err.Error(), files[0]) {
				t.Fatalf("files %v, %v", files, err)
			}
			info, statErr := os.Stat(files[0])
			if statErr != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("crash file: %v, %v", info, statErr)
			}
		})
	}
}

func TestSafe_crashWithoutAPlaceForTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crash{dir: filepath.Join(file, "no"), now: tuitest.Now, stop: func() {}}
	c.record("boom", nil)
	if err := c.err(); err == nil || !strings.Contains(err.Error(), "no crash file could be written") {
		t.Errorf("err = %v", err)
	}
}

func TestAddress_lateAnswersReachOnlyTheirPage(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("l")
	first := a.m.top().id
	a.press("q", "l")
	a.send(pageMsg{first, tuitest.Key("z")}) // stands for any late answer
	if strings.Contains(a.m.View(), " z") {
		t.Errorf("an answer for a closed page reached another one:\n%s", a.m.View())
	}
	if a.send(pageMsg{first, screen.PopMsg{}}); len(a.m.pages) != 2 {
		t.Error("a closed page closed another one")
	}
}

func TestNavigate_replaceAndPop(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("n")
	form := a.m.top().id
	a.send(pageMsg{form, screen.ReplaceMsg{Screen: blank{title: "log"}}})
	if len(a.m.pages) != 2 || !a.shows(" log ") {
		t.Fatalf("after replace: %d pages\n%s", len(a.m.pages), a.m.View())
	}
	a.press("esc")
	if len(a.m.pages) != 1 {
		t.Errorf("after esc: %d pages", len(a.m.pages))
	}
	a.send(pageMsg{a.m.top().id, screen.PopMsg{}})
	if len(a.m.pages) != 1 {
		t.Error("the list was closed")
	}
}

func TestNotice_goodNewsGoes(t *testing.T) {
	t.Parallel()
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Good, Text: "first"}})
	old := (*a.timers)[len(*a.timers)-1]
	a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Good, Text: "second\x1b[2J"}})
	a.send(pageMsg{0, old})
	if !a.shows(`second\x1b[2J`) {
		t.Errorf("an old timer hid a new notice, or it is not escaped:\n%s", a.m.View())
	}
	a.wait(11 * time.Second)
	if a.shows("second") {
		t.Errorf("the notice is still there:\n%s", a.m.View())
	}
	a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Bad, Text: "trouble"}})
	a.press("j")
	if !a.shows("trouble") {
		t.Error("a move of the cursor took bad news away")
	}
	a.wait(11 * time.Second)
	if a.shows("trouble") {
		t.Error("bad news stands for ever")
	}
}

// Every binding is in the help, and no key does two things on one page.
func TestBindings_registry(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"d"}, {"y"}, {"/"}} {
		a := start(t, 200, 60, tuitest.Jobs20(), nil)
		a.press(keys...)
		seen, ids := map[string]string{}, map[string]bool{}
		for _, b := range a.m.bindings() {
			if b.ID == "" || b.Group == "" || b.Help().Key == "" || b.Help().Desc == "" || ids[b.ID] {
				t.Errorf("after %v: binding %q is incomplete or there twice", keys, b.ID)
			}
			ids[b.ID] = true
			for _, k := range b.Keys() {
				if other, taken := seen[k]; taken {
					t.Errorf("after %v: %q belongs to %s and %s", keys, k, other, b.ID)
				}
				seen[k] = b.ID
			}
		}
		if a.m.top().screen.Typing() {
			continue
		}
		for _, b := range a.m.bindings() {
			if !b.Enabled() {
				continue
			}
			a.press("?", "/") // finds keys that are told together with others
			for _, r := range b.Help().Desc {
				a.m, _ = a.m.handleKeys(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
			}
			if !a.shows(b.Help().Key) || !a.shows(b.Help().Desc) {
				t.Errorf("after %v: the help lacks %q %q", keys, b.Help().Key, b.Help().Desc)
			}
			a.press("esc", "esc")
		}
	}
}

// On the pages that are looked at most all keys are seen at once.
func TestHelp_fitsTheUsualWindow(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"j"}, {"j", "j", "j", "j", "d"}, {"d"}, {"d", "5"}} {
		a := start(t, 80, 24, tuitest.Jobs20(), nil)
		a.press(append(keys, "?")...)
		if !a.shows("any other key closes") || a.shows("scroll") {
			t.Errorf("after %v:\n%s", keys, a.m.View())
		}
	}
}

func TestHelp_anyKeyClosesAndDoesNothingElse(t *testing.T) {
	t.Parallel()
	a := start(t, 60, 15, tuitest.Jobs20(), nil)
	a.press("?", "j", "j", "k")
	if a.m.help == nil {
		t.Fatal("scrolling closed the help")
	}
	a.press("x")
	if a.m.help != nil || a.m.question != nil {
		t.Error("the key that closes the help did more")
	}
}

func TestView_asciiGlyphsOnly(t *testing.T) {
	t.Parallel()
	a := startIn(t, tuitest.Styles(termenv.Ascii, theme.ASCII()), 80, 24, tuitest.Jobs20(), nil)
	for _, keys := range [][]string{nil, {"?"}, {"esc", "x"}, {"esc", "d"}, {"y"}} {
		a.press(keys...)
		if i := strings.IndexFunc(a.m.View(), func(r rune) bool { return r > '~' }); i >= 0 {
			t.Errorf("after %v: %q is not ASCII", keys, a.m.View()[i:i+3])
		}
	}
}

func TestUTF8Locale(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"none set", nil, true},
		{"utf-8", map[string]string{"LANG": "de_DE.UTF-8"}, true},
		{"utf8", map[string]string{"LC_CTYPE": "C.utf8"}, true},
		{"posix", map[string]string{"LANG": "C"}, false},
		{"LC_ALL wins", map[string]string{"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := utf8Locale(func(k string) string { return tt.env[k] }); got != tt.want {
				t.Errorf("utf8Locale(%v) = %t, want %t", tt.env, got, tt.want)
			}
		})
	}
}

func TestNotice_goesWithThePageAndTheNextAction(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"page opened": "d", "action": "o", "question": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Warn, Text: "trouble"}})
			if a.press(key); a.shows("trouble") {
				t.Errorf("the notice outlives %q", key)
			}
		})
	}
	a := start(t, 80, 24, tuitest.Jobs20(), nil)
	a.press("d")
	a.send(pageMsg{0, screen.NoticeMsg{Level: screen.Bad, Text: "trouble"}})
	if a.press("q"); a.shows("trouble") {
		t.Error("the notice outlives its page")
	}
}

func TestStop_saysWhenItIsDone(t *testing.T) {
	t.Parallel()
	running := []rayapi.Job{tuitest.Job("train", rayapi.StatusRunning, "true", time.Minute, 0)}
	a := start(t, 80, 24, running, nil)
	a.press("x", "y", "enter")
	a.wait(2 * time.Second)
	a.srv.set([]rayapi.Job{tuitest.Job("train", rayapi.StatusStopped, "true", time.Minute, time.Minute)}, nil)
	a.wait(time.Second)
	if !a.shows("train stopped after 3s") {
		t.Errorf("the end of the stop is not told:\n%s", a.m.View())
	}
}
