package palette

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/theme"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func open(history ...string) Model {
	commands := []screen.Command{
		{Name: "stop", Args: "ID…", Help: "stop jobs", Complete: func(string) []string { return []string{"train-1", "train-2", "eval"} }},
		{Name: "submit", Help: "new job"},
		{Name: "logs", Help: "read a log"},
		{Name: "job.stop", Help: "stop"},
	}
	return New(tuitest.Styles(termenv.Ascii, theme.Unicode()), commands, history)
}

func press(m Model, keys ...string) (Model, Outcome) {
	var out Outcome
	for _, k := range keys {
		msg := tuitest.Key(k)
		switch k {
		case "backspace":
			msg = tea.KeyMsg{Type: tea.KeyBackspace}
		}
		m, out = m.Update(msg)
	}
	return m, out
}

func TestModel_line(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		history []string
		keys    []string
		want    string
	}{
		{"typed", nil, []string{"logs", "space", "a"}, "logs a"},
		{"tab completes", nil, []string{"su", "tab"}, "submit"},
		{"tab walks", nil, []string{"s", "tab", "tab"}, "submit"},
		{"and round", nil, []string{"su", "tab", "tab"}, "submit"},
		{"back", nil, []string{"s", "shift+tab"}, "job.stop"},
		{"letters in order", nil, []string{"lgs", "tab"}, "logs"},
		{"an argument", nil, []string{"stop", "space", "ev", "tab"}, "stop eval"},
		{"the second argument", nil, []string{"stop", "space", "eval", "space", "2", "tab"}, "stop eval train-2"},
		{"right takes the ghost", nil, []string{"sub", "right"}, "submit"},
		{"history", []string{"a", "b"}, []string{"up", "up"}, "a"},
		{"and forth to what was typed", []string{"a", "b"}, []string{"x", "up", "up", "down", "down"}, "x"},
		{"nothing to complete", nil, []string{"zzz", "tab"}, "zzz"},
		{"no argument to complete", nil, []string{"submit", "space", "x", "tab"}, "submit x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := press(open(tt.history...), tt.keys...)
			if m.Text() != tt.want {
				t.Errorf("the line is %q, want %q", m.Text(), tt.want)
			}
			if _, out := press(m, "enter"); !out.Closed || out.Line != tt.want {
				t.Errorf("enter gives %+v", out)
			}
		})
	}
}

func TestModel_closes(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"x", "esc"}, {"backspace"}, {"x", "backspace", "backspace"}} {
		if _, out := press(open(), keys...); !out.Closed || out.Line != "" {
			t.Errorf("%v: %+v", keys, out)
		}
	}
}

func TestModel_view(t *testing.T) {
	t.Parallel()
	m, _ := press(open(), "s")
	if got := m.Line(60); got != " :stop" {
		t.Errorf("the line is %q", got)
	}
	got := strings.Join(m.View(make([]string, 12), 60), "\n")
	if !strings.Contains(got, "stop      ID…  stop jobs") || !strings.Contains(got, "submit") {
		t.Errorf("the suggestions are\n%s", got)
	}
	for w := 40; w < 200; w += 13 {
		for _, l := range m.View(make([]string, 12), w) {
			if ansi.StringWidth(l) > w {
				t.Fatalf("at %d cells: %q", w, l)
			}
		}
		long, _ := press(m, strings.Repeat("ä", 150))
		if n := ansi.StringWidth(long.Line(w)); n > w {
			t.Fatalf("a long line takes %d of %d cells", n, w)
		}
	}
}

func TestRemember(t *testing.T) {
	t.Parallel()
	if got := Remember([]string{"a", "b", "c"}, "a"); !slices.Equal(got, []string{"b", "c", "a"}) {
		t.Errorf("%q", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"stop  a b": {"stop", "a", "b"}, `filter "a b" c`: {"filter", "a b", "c"}, "x '' y": {"x", "", "y"},
		`a"b c"d`: {"ab cd"}, `"open`: {"open"}, "": nil, "  ": nil,
	} {
		if got := Words(line); !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", line, got, want)
		}
	}
}
