package help_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/theme"
	"dray/tui/help"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func bindings() []screen.Binding {
	var all []screen.Binding
	for _, group := range []string{"MOVE", "JOB", "OWN"} {
		for i := range 8 {
			all = append(all, screen.Binding{
				Binding: key.NewBinding(key.WithKeys("k"), key.WithHelp(fmt.Sprintf("%s%d", group[:1], i), fmt.Sprintf("%d does %s", i, group))),
				ID:      fmt.Sprint(group, i), Group: group,
			})
		}
	}
	all[3].SetEnabled(false)
	return all
}

func TestView_holdsEveryEnabledKey(t *testing.T) {
	t.Parallel()
	lines := make([]string, 40)
	m := help.New(tuitest.Styles(termenv.Ascii, theme.Unicode()), "Test", bindings()).Resize(screen.Size{W: 140, H: 40})
	view := strings.Join(m.View(lines), "\n")
	for _, b := range bindings() {
		if got := strings.Contains(view, b.Help().Key+"  "+b.Help().Desc); got != b.Enabled() {
			t.Errorf("%s is shown: %t, want %t", b.Help().Key, got, b.Enabled())
		}
	}
}

func TestUpdate_scrollsToTheLastKey(t *testing.T) {
	t.Parallel()
	lines := make([]string, 8)
	m := help.New(tuitest.Styles(termenv.Ascii, theme.Unicode()), "Test", bindings()).Resize(screen.Size{W: 60, H: 8})
	if strings.Contains(strings.Join(m.View(lines), "\n"), "O7") {
		t.Fatal("all of it fits: nothing to scroll")
	}
	for range 40 {
		next, open := m.Update(tuitest.Key("j"))
		if !open {
			t.Fatal("j closed the help")
		}
		m = next
	}
	out := m.View(lines)
	if len(out) != 8 || !strings.Contains(strings.Join(out, "\n"), "O7") {
		t.Errorf("the last key is not shown:\n%s", strings.Join(out, "\n"))
	}
	for _, l := range out {
		if ansi.StringWidth(l) > 60 {
			t.Errorf("%q is too wide", l)
		}
	}
	if _, open := m.Update(tuitest.Key("esc")); open {
		t.Error("esc does not close the help")
	}
}

func TestModel_search(t *testing.T) {
	t.Parallel()
	m := help.New(tuitest.Styles(termenv.Ascii, theme.Unicode()), "Jobs", []screen.Binding{
		{Binding: key.NewBinding(key.WithKeys("x"), key.WithHelp("x", "stop")), ID: "a", Group: "JOB"},
		{Binding: key.NewBinding(key.WithKeys("o"), key.WithHelp("o", "sort by")), ID: "b", Group: "VIEW"},
	}).Resize(screen.Size{W: 80, H: 20})
	see := func(keys ...string) (string, bool) {
		next, open := m, true
		for _, k := range keys {
			msg := tuitest.Key(k)
			if k == "backspace" {
				msg = tea.KeyMsg{Type: tea.KeyBackspace}
			}
			next, open = next.Update(msg)
		}
		return strings.Join(next.View(make([]string, 20)), "\n"), open
	}
	tests := []struct {
		keys       []string
		stop, sort bool
		open       bool
	}{
		{[]string{"/"}, true, true, true},
		{[]string{"/", "so"}, false, true, true},
		{[]string{"/", "x"}, true, false, true},
		{[]string{"/", "view", "enter"}, false, true, true},
		{[]string{"/", "so", "esc"}, true, true, true},
		{[]string{"/", "so", "esc", "esc"}, true, true, false},
		{[]string{"/", "sx", "backspace"}, true, true, true},
		{[]string{"/", "zz"}, false, false, true},
	}
	for _, tt := range tests {
		got, open := see(tt.keys...)
		if strings.Contains(got, "stop") != tt.stop || strings.Contains(got, "sort by") != tt.sort || open != tt.open {
			t.Errorf("%q: open %t\n%s", tt.keys, open, got)
		}
	}
}

func TestView_foldsBreaksAndTellsSigns(t *testing.T) {
	t.Parallel()
	var all []screen.Binding
	add := func(group, k, text string) {
		all = append(all, screen.Binding{Binding: key.NewBinding(key.WithKeys(k), key.WithHelp(k, text)), ID: group + k, Group: group})
	}
	for i, name := range []string{"all", "live", "failed"} {
		add("VIEW", fmt.Sprint(i+1), "view: "+name)
	}
	for i := range 9 {
		add("MOVE", fmt.Sprint("m", i), "moves the cursor")
		add("JOB", fmt.Sprint("j", i), "does something to a job")
		add("APP", fmt.Sprint("a", i), "changes the program")
	}
	signs := []string{"R ● running", "P ◌ pending"}
	m := help.New(tuitest.Styles(termenv.Ascii, theme.Unicode()), "Test", all).Signs(signs).Resize(screen.Size{W: 72, H: 30})
	view := strings.Join(m.View(make([]string, 30)), "\n")
	for _, want := range []string{"1-3  view: all, live, failed", "R ● running  P ◌ pending"} {
		if !strings.Contains(view, want) {
			t.Errorf("the help lacks %q:\n%s", want, view)
		}
	}
	for _, k := range []string{"/", "3"} {
		m, _ = m.Update(tuitest.Key(k))
	}
	if found := strings.Join(m.View(make([]string, 30)), "\n"); !strings.Contains(found, "3  view: failed") {
		t.Errorf("a folded key is not found:\n%s", found)
	}
	if heads := strings.Split(view, "\n")[1]; !strings.Contains(view, "j8") || strings.Contains(view, "…") {
		t.Errorf("something is cut, under %q:\n%s", heads, view)
	}
}
