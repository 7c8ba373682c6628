package form

import (
	"io"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/muesli/termenv"
	"pgregory.net/rapid"

	"dray/theme"
)

func styles(g theme.Glyphs) *theme.Styles {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	return theme.New(r, theme.ANSI(), g)
}

func secret(line string) int {
	if strings.HasPrefix(line, "TOKEN=") {
		return len("TOKEN=")
	}
	return -1
}

func example() Model {
	return New(styles(theme.Unicode()),
		Text("cmd", "Entrypoint *", "", "the command"),
		List("env", "Env vars", "", "K=V", secret),
		Text("cpu", "CPUs", "", ""),
		inline(Text("gpu", "GPUs", "", "")),
		Choice("after", "After", "table", "log"),
		Buttons("go", "Submit", "Clear"),
	).Resize(60, 12)
}

func inline(f Field) Field {
	f.Inline = true
	return f
}

// typeKeys sends keys: names of special keys, anything else is typed.
func typeKeys(m Model, keys ...string) (Model, Event) {
	var e Event
	for _, k := range keys {
		m, e = m.Update(keyOf(k))
	}
	return m, e
}

func keyOf(s string) tea.KeyMsg {
	if t, ok := map[string]tea.KeyType{
		"tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "enter": tea.KeyEnter, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "backspace": tea.KeyBackspace, "home": tea.KeyHome,
		"ctrl+u": tea.KeyCtrlU, "ctrl+w": tea.KeyCtrlW, "ctrl+a": tea.KeyCtrlA, "ctrl+k": tea.KeyCtrlK, "ctrl+v": tea.KeyCtrlV,
		"ctrl+n": tea.KeyCtrlN, "ctrl+s": tea.KeyCtrlS, "space": tea.KeySpace,
	}[s]; ok {
		k := tea.KeyMsg{Type: t}
		if t == tea.KeySpace {
			k.Runes = []rune{' '}
		}
		return k
	}
	if text, ok := strings.CutPrefix(s, "paste:"); ok {
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)}
}

func TestModel_Update(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		keys  []string
		focus string
		event Event
		want  map[string]string
	}{
		{"typed", []string{"python x"}, "cmd", Edited, map[string]string{"cmd": "python x"}},
		{"enter goes on", []string{"a", "enter"}, "env", Moved, map[string]string{"cmd": "a"}},
		{"tab goes round", []string{"shift+tab"}, "go", Moved, nil},
		{"down and up", []string{"down", "up"}, "cmd", Moved, nil},
		{"readline", []string{"a b c", "ctrl+w", "ctrl+a", "x"}, "cmd", Edited, map[string]string{"cmd": "xa b "}},
		{"clear line", []string{"abc", "ctrl+u"}, "cmd", Edited, map[string]string{"cmd": ""}},
		{"chords are not text", []string{"a", "ctrl+s"}, "cmd", None, map[string]string{"cmd": "a"}},
		{"no clipboard of another machine", []string{"ctrl+v"}, "cmd", None, map[string]string{"cmd": ""}},
		{"no suggestions", []string{"ctrl+n"}, "cmd", None, nil},
		{"paste is joined", []string{"paste:python x \\\n   --lr 1\r\n--wd 2\n"}, "cmd", Edited, map[string]string{"cmd": "python x --lr 1 --wd 2"}},
		{"paste of control characters", []string{"paste:a\x00\x1b[2Jb"}, "cmd", Edited, map[string]string{"cmd": "a[2Jb"}},
		{"list: enter opens a line", []string{"tab", "A=1", "enter", "B=2"}, "env", Edited, map[string]string{"env": "A=1\nB=2"}},
		{"list: enter on an empty line goes on", []string{"tab", "A=1", "enter", "enter"}, "cpu", Moved, map[string]string{"env": "A=1"}},
		{"list: enter splits", []string{"tab", "AB", "left", "enter"}, "env", Edited, map[string]string{"env": "A\nB"}},
		{"list: backspace joins", []string{"tab", "A=1", "enter", "B", "home", "backspace"}, "env", Edited, map[string]string{"env": "A=1B"}},
		{"list: up and down inside", []string{"tab", "A=1", "enter", "B=2", "up", "x"}, "env", Edited, map[string]string{"env": "A=1x\nB=2"}},
		{"list: up leaves at the top", []string{"tab", "A=1", "up"}, "cmd", Moved, nil},
		{"list: down leaves at the end", []string{"tab", "A=1", "down"}, "cpu", Moved, nil},
		{"list: paste of lines", []string{"tab", "paste:A=1\nB=2\r\nC=3\n"}, "env", Edited, map[string]string{"env": "A=1\nB=2\nC=3"}},
		{"list: paste into a line", []string{"tab", "[]", "left", "paste:1\n2"}, "env", Edited, map[string]string{"env": "[1\n2]"}},
		{"choice by space", []string{"shift+tab", "shift+tab", "space"}, "after", Edited, map[string]string{"after": "log"}},
		{"choice goes round", []string{"shift+tab", "shift+tab", "right", "right"}, "after", Edited, map[string]string{"after": "table"}},
		{"choice ignores text", []string{"shift+tab", "shift+tab", "x"}, "after", None, map[string]string{"after": "table"}},
		{"button", []string{"shift+tab", "enter"}, "go", Pressed, nil},
		{"unknown alt chord is not text", []string{"a"}, "cmd", Edited, map[string]string{"cmd": "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, event := typeKeys(example(), tt.keys...)
			if m.Focused() != tt.focus || event != tt.event {
				t.Errorf("focus %q, event %d, want %q, %d", m.Focused(), event, tt.focus, tt.event)
			}
			for id, want := range tt.want {
				if got := m.Value(id); got != want {
					t.Errorf("Value(%q) = %q, want %q", id, got, want)
				}
			}
		})
	}
	t.Run("alt chord", func(t *testing.T) {
		t.Parallel()
		m, event := example().Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("z"), Alt: true})
		if event != None || m.Value("cmd") != "" {
			t.Errorf("alt+z typed %q, event %d", m.Value("cmd"), event)
		}
	})
	t.Run("huge paste is bounded", func(t *testing.T) {
		t.Parallel()
		m, _ := typeKeys(example(), "paste:"+strings.Repeat("x", 3*maxRunes))
		if n := len(m.Value("cmd")); n != maxRunes {
			t.Errorf("kept %d characters, want %d", n, maxRunes)
		}
		m, _ = typeKeys(example(), "tab", "paste:"+strings.Repeat("x\n", 3*maxRows))
		if n := strings.Count(m.Value("env"), "\n") + 1; n != maxRows-1 {
			t.Errorf("kept %d lines, want %d", n, maxRows-1)
		}
	})
	t.Run("second button, and the first again", func(t *testing.T) {
		t.Parallel()
		m, _ := typeKeys(example(), "shift+tab", "right")
		if m.Button() != "Clear" {
			t.Errorf("Button = %q, want Clear", m.Button())
		}
		if m, _ = typeKeys(m, "tab", "shift+tab"); m.Button() != "Submit" {
			t.Errorf("Button after a visit = %q, want Submit", m.Button())
		}
	})
	t.Run("values do not share", func(t *testing.T) {
		t.Parallel()
		a, _ := typeKeys(example(), "tab", "A=1", "enter", "B=2")
		before := a.Value("env")
		typeKeys(a, "X", "up", "Y", "enter", "Z")
		if got := a.Value("env"); got != before {
			t.Errorf("an older copy changed from %q to %q", before, got)
		}
	})
}

func TestModel_View(t *testing.T) {
	t.Parallel()
	m, _ := typeKeys(example(), "python x", "tab", "A=1", "enter", "TOKEN=s3cret", "enter", "tab", "4")
	m = m.SetNotes("cmd", Note{OK, "ok"}, Note{Hint, "literal shell text"}).
		SetNotes("gpu", Note{Bad, `"x" is not a number`})
	want := strings.Join([]string{
		" Entrypoint *     python x                               ok",
		" Env vars         A=1",
		"                  TOKEN=••••••",
		"▌CPUs             4▏            GPUs                     ✗",
		`                  ✗ GPUs: "x" is not a number`,
		" After            (●) table  ( ) log",
		"                  [ Submit ]  [ Clear ]",
		"", "", "", "", "",
	}, "\n")
	got := m.View()
	for i, l := range got {
		got[i] = strings.TrimRight(l, " ")
	}
	// Rows stand apart when there is room; here there is.
	if diff := cmp.Diff(want, strings.Join(compact(got), "\n")); diff != "" {
		t.Errorf("View (-want +got):\n%s", diff)
	}
}

// compact moves blank lines to the end.
func compact(lines []string) []string {
	var full, blank []string
	for _, l := range lines {
		if l == "" {
			blank = append(blank, l)
		} else {
			full = append(full, l)
		}
	}
	return append(full, blank...)
}

func TestModel_ViewSecret(t *testing.T) {
	t.Parallel()
	m, _ := typeKeys(example(), "tab", "TOKEN=s3cret")
	for _, keys := range [][]string{nil, {"left"}, {"home"}, {"enter"}, {"tab"}} {
		v, _ := typeKeys(m, keys...)
		if out := strings.Join(v.View(), "\n"); strings.Contains(out, "s3cret") || !strings.Contains(strings.ReplaceAll(out, "▏", ""), "TOKEN=••••••") {
			t.Errorf("after %v the secret is drawn:\n%s", keys, out)
		}
	}
}

func TestLine_draw(t *testing.T) {
	t.Parallel()
	st := styles(theme.Unicode())
	for _, tt := range []struct {
		name, value string
		pos         int
		want        string
	}{
		{"fits", "abc", 3, "abc▏"},
		{"middle", "abc", 1, "a▏bc"},
		{"cut at the right", "abcdefghijklmno", 0, "▏abcdefgh…"},
		{"cut at the left", "abcdefghijklmno", 15, "…ijklmno▏"},
		{"cut at both", "abcdefghijklmnop", 9, "…efghi▏jk…"},
		{"wide runes", "日本語日本語日本語", 9, "…語日本語▏"},
		{"bidi and zero width are shown", "a\u202eb\u200bc", 5, "a·b·c▏"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := newLine(tt.value).at(tt.pos).draw(st, 10, -1)
			if got != tt.want {
				t.Errorf("draw = %q, want %q", got, tt.want)
			}
			if w := ansi.StringWidth(got); w > 10 {
				t.Errorf("%d cells, want at most 10", w)
			}
		})
	}
}

func TestModel_Properties(t *testing.T) {
	t.Parallel()
	keys := []string{
		"tab", "shift+tab", "enter", "up", "down", "left", "right", "backspace", "home", "ctrl+u", "ctrl+w", "ctrl+k", "space",
		"a", "TOKEN=x", "日本", "e\u0301", "paste:a\nb\nc", strings.Repeat("long ", 30),
	}
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(30, 150).Draw(t, "w"), rapid.IntRange(1, 40).Draw(t, "h")
		g := rapid.SampledFrom([]theme.Glyphs{theme.Unicode(), theme.ASCII()}).Draw(t, "glyphs")
		m := example()
		m.st = styles(g)
		m = m.Resize(w, h)
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 1, 40).Draw(t, "keys") {
			m, _ = typeKeys(m, k)
			m = m.SetNotes(m.Focused(), Note{Bad, rapid.StringMatching(`[a-z ]{0,200}`).Draw(t, "note")})
			lines := m.View()
			if len(lines) != h {
				t.Fatalf("View has %d lines, want %d", len(lines), h)
			}
			found := false
			for _, l := range lines {
				if n := ansi.StringWidth(l); n > w {
					t.Fatalf("line of %d cells, want at most %d: %q", n, w, l)
				}
				found = found || strings.HasPrefix(l, g.Cursor) || !m.Typing() && strings.Contains(l, g.Cursor)
			}
			if !found {
				t.Fatalf("the focused field %q is not on screen:\n%s", m.Focused(), strings.Join(lines, "\n"))
			}
		}
	})
}

func BenchmarkModel_UpdateView(b *testing.B) {
	m, _ := typeKeys(example(), "tab", "paste:"+strings.Repeat("NAME=some value\n", 50))
	for b.Loop() {
		m, _ = typeKeys(m, "x")
		_ = m.View()
		m, _ = typeKeys(m, "backspace")
		_ = m.View()
	}
}
