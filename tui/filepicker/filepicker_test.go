package filepicker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
	"go.uber.org/goleak"

	"dray/theme"
	"dray/tui/tuitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a picker in dir that has read it.
func open(t *testing.T, dir string, want Want) Model {
	t.Helper()
	m, cmd := New(tuitest.Styles(termenv.Ascii, theme.Unicode()), dir, want)
	t.Cleanup(m.Close)
	return read0(m.Resize(12), cmd)
}

func read0(m Model, cmd tea.Cmd) Model {
	for cmd != nil {
		m, cmd, _ = m.Update(cmd())
	}
	return m
}

func keys(m Model, names ...string) (Model, Event) {
	var e Event
	for _, n := range names {
		var cmd tea.Cmd
		k := tuitest.Key(n)
		if n == "ctrl+t" {
			k = tea.KeyMsg{Type: tea.KeyCtrlT}
		}
		m, cmd, e = m.Update(k)
		m = read0(m, cmd)
	}
	return m, e
}

func touch(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	touch(t, filepath.Join(dir, "sub", "deep.txt"), "x")
	touch(t, filepath.Join(dir, "reqs.txt"), "x")
	touch(t, filepath.Join(dir, "Readme.md"), "x")
	touch(t, filepath.Join(dir, ".env"), "x")
	if err := os.Symlink("gone", filepath.Join(dir, "dead")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		want Want
		keys []string
		path string // "" when nothing is picked
	}{
		{"type-ahead", Want{}, []string{"req", "enter"}, "reqs.txt"},
		{"any case", Want{}, []string{"readme", "enter"}, "Readme.md"},
		{"into a folder", Want{}, []string{"sub", "enter", "enter"}, "sub/deep.txt"},
		{"by a slash", Want{}, []string{"sub/", "enter"}, "sub/deep.txt"},
		{"through a link", Want{}, []string{"link", "enter", "enter"}, "link/deep.txt"},
		{"and back", Want{}, []string{"sub/", "backspace", "req", "enter"}, "reqs.txt"},
		{"hidden by its dot", Want{}, []string{".e", "enter"}, ".env"},
		{"hidden shown", Want{}, []string{"ctrl+t", "env", "enter"}, ".env"},
		{"hidden", Want{}, []string{"env", "enter"}, ""},
		{"a dead link", Want{}, []string{"dead", "enter"}, ""},
		{"the folder itself", Want{Folders: true}, []string{"sub/", "enter"}, "sub"},
		{"another suffix", Want{Suffixes: []string{".zip"}, Only: true}, []string{"req", "enter"}, ""},
		{"another suffix is only a hint", Want{Suffixes: []string{".zip"}}, []string{"req", "enter"}, "reqs.txt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, e := keys(open(t, dir, tt.want), tt.keys...)
			switch {
			case tt.path == "" && e == Picked:
				t.Errorf("picked %s", m.Path())
			case tt.path != "" && (e != Picked || m.Path() != filepath.Join(dir, tt.path)):
				t.Errorf("picked %q (%v), want %s\n%s", m.Path(), e, tt.path, strings.Join(m.View(60), "\n"))
			}
		})
	}
	if _, e := keys(open(t, dir, Want{}), "esc"); e != Canceled {
		t.Error("esc does not cancel")
	}
	if v := strings.Join(open(t, dir, Want{}).View(60), "\n"); !strings.Contains(v, "leads nowhere") || !strings.Contains(v, "link/ @") {
		t.Errorf("View:\n%s", v)
	}
}

// The cursor begins on the first file that is looked for, hidden ones among them
// where they are wanted.
func TestModel_BeginsOnWhatIsWanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".env", "a.txt", "b.in"} {
		touch(t, filepath.Join(dir, name), "x")
	}
	for want, w := range map[string]Want{
		".env": {Suffixes: []string{".env"}, Hidden: true}, "b.in": {Suffixes: []string{".in"}}, "a.txt": {Suffixes: []string{".txt", ".in"}},
	} {
		m, _ := keys(open(t, dir, w), "enter")
		if m.Path() != filepath.Join(dir, want) {
			t.Errorf("picked %s, want %s", m.Path(), want)
		}
	}
}

func TestModel_LargeFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const files = 3*chunk + 7
	for i := range files {
		touch(t, filepath.Join(dir, fmt.Sprintf("f%05d", i)), "")
	}
	m, cmd := New(tuitest.Styles(termenv.Ascii, theme.Unicode()), dir, Want{})
	m = m.Resize(12)
	m, next, _ := m.Update(cmd())
	if len(m.entries) != chunk || next == nil || !m.loading {
		t.Fatalf("the first piece has %d entries", len(m.entries))
	}
	m, _, _ = m.Update(tuitest.Key("f0"))
	if m = read0(m, next); len(m.entries) != files || m.loading || len(m.shown) != files {
		t.Errorf("%d entries, %d shown", len(m.entries), len(m.shown))
	}
	for i := 1; i < len(m.entries); i++ {
		if order(m.entries[i-1], m.entries[i]) > 0 {
			t.Fatal("not sorted")
		}
	}
	m, cmd = New(m.st, dir, Want{})
	m, next, _ = m.Update(cmd())
	m, _ = keys(m, "backspace") // leaves while there is more to read
	if _, more, _ := m.Update(next()); more != nil {
		t.Error("the folder that was left is read on")
	}
}

func TestModel_View(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	touch(t, filepath.Join(dir, "日本語-"+strings.Repeat("long", 30)), "x")
	touch(t, filepath.Join(dir, "esc\x1b[2J"), "x")
	m := open(t, dir, Want{Title: "Working dir", Folders: true})
	for w := 20; w < 200; w += 7 {
		for h := 3; h < 40; h += 5 {
			lines := m.Resize(h).View(w)
			if len(lines) != h {
				t.Fatalf("%dx%d: %d lines", w, h, len(lines))
			}
			for _, l := range lines {
				if ansi.StringWidth(l) > w && w >= 40 || strings.Contains(l, "\x1b[2J") {
					t.Fatalf("%dx%d: %q", w, h, l)
				}
			}
		}
	}
	if m := open(t, filepath.Join(dir, "none"), Want{}); !strings.Contains(strings.Join(m.View(60), "\n"), "there is no such folder") {
		t.Errorf("a missing folder: %q", m.View(60))
	}
}
