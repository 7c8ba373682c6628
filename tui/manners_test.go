//go:build unix

package tui

import (
	"strings"
	"testing"

	"dray/tui/screen"
	"dray/tui/settings"
)

// withHotkey adds a key of the user's that runs a program which draws.
func withHotkey(env *screen.Env) {
	s := *settings.Default()
	s.Hotkeys = []settings.Hotkey{{Key: "f2", Name: "another", Shell: `printf 'drawn by another, of %s' "$ID"; read -r x; echo "got $x"`}}
	env.Settings = &s
}

// Another program gets the whole terminal and its keys, and the dashboard
// comes back as it was.
func TestRun_lendsTheTerminal(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "hotkey")
	typed(t, term, "j\x1bOQ")
	await(t, term, "drawn by another, of raysubmit_Xe7cvjyGJCpk3wQa")
	if term.AltScreen() {
		t.Error("the other program draws on the dashboard's screen")
	}
	typed(t, term, "q x\n")
	await(t, term, "another is done")
	await(t, term, "▌  ● RUNNING   raysub…cvjyGJCpk3wQa")
	if !term.AltScreen() {
		t.Error("the dashboard came back without the alternate screen")
	}
	typed(t, term, "q")
	await(t, term, "ended well")
}

// A storm of sizes, and a focus that goes and comes, leave a whole frame.
func TestRun_stormOfSizes(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain")
	for i := range 60 {
		if err := term.Resize(20+i*7%180, 5+i*5%60); err != nil {
			t.Fatal(err)
		}
		typed(t, term, "\x1b[O\x1b[I")
	}
	if err := term.Resize(80, 24); err != nil {
		t.Fatal(err)
	}
	whole := func(s string) bool {
		lines := strings.Split(s, "\n")
		return len(lines) >= 24 && strings.Contains(lines[0], "▏embedded▕") && strings.Contains(lines[1], "1-19/20") && strings.Contains(lines[23], "? help")
	}
	if err := term.Await(t.Context(), patience, "a whole frame", whole); err != nil {
		t.Fatalf("%v\n%s", err, term.Screen())
	}
	typed(t, term, "q")
	await(t, term, "ended well")
}

// M gives the mouse to the terminal, and takes it again.
func TestRun_mouseToggle(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain")
	typed(t, term, "M")
	released := func(string) bool { return strings.Contains(string(term.Raw()), "\x1b[?1002l") }
	if err := term.Await(t.Context(), patience, "release of the mouse", released); err != nil {
		t.Fatal(err)
	}
	typed(t, term, "q")
	await(t, term, "ended well")
}
