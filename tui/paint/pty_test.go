//go:build unix

package paint

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"dray/tui/terminal"
)

const patience = 20 * time.Second

// watched is the program in a terminal.
type watched struct {
	*terminal.Terminal
	t *testing.T
}

func watch(t *testing.T, env ...string) watched {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), programVar+"=1", "TERM=xterm-256color", "SSH_CONNECTION=")
	cmd.Env = append(cmd.Env, env...)
	term, err := terminal.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	w := watched{term, t}
	w.shows(80, 24, 0, "")
	if !term.AltScreen() {
		t.Error("the program is not on the alternate screen")
	}
	return w
}

func (w watched) await(what string, ready func(string) bool) {
	w.t.Helper()
	if err := w.Await(w.t.Context(), patience, what, ready); err != nil {
		w.t.Fatal(err)
	}
}

// shows waits until the screen is that of the model, and nothing else.
func (w watched) shows(width, height, n int, keys string) {
	w.t.Helper()
	want := strings.Join(shown(width, height, n, keys), "\n")
	w.await(fmt.Sprintf("%d lines and keys %q", n, keys), func(s string) bool { return s == want })
}

func (w watched) types(keys string) {
	w.t.Helper()
	if err := w.Send(keys); err != nil {
		w.t.Fatal(err)
	}
}

// ended waits for the program's end and checks what it leaves behind.
func (w watched) ended(text string) {
	w.t.Helper()
	w.await(text, func(string) bool { return strings.Contains(string(w.Raw()), text) })
	if err := w.Wait(w.t.Context(), patience); err != nil {
		w.t.Errorf("%v; it wrote\n%s", err, w.Raw())
	}
	if w.AltScreen() {
		w.t.Error("the alternate screen is left on")
	}
	raw := string(w.Raw())
	for _, mode := range [][2]string{{"\x1b[?7l", "\x1b[?7h"}, {"\x1b[?25l", "\x1b[?25h"}, {"\x1b[?2004h", "\x1b[?2004l"}, {"\x1b[?1049h", "\x1b[?1049l"}} {
		if strings.LastIndex(raw, mode[0]) > strings.LastIndex(raw, mode[1]) {
			w.t.Errorf("%q was not undone", mode[0])
		}
	}
	got, err := term.GetState(int(w.PTY().Fd()))
	if err != nil {
		w.t.Fatal(err)
	}
	if want := freshState(w.t); !reflect.DeepEqual(got, want) {
		w.t.Errorf("the terminal's settings are %+v, were %+v", got, want)
	}
}

// freshState is what a new terminal is set to.
func freshState(t *testing.T) *term.State {
	t.Helper()
	p, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	defer tty.Close()
	state, err := term.GetState(int(p.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestProgram_drawsInATerminal(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for _, step := range []struct {
		keys string
		n    int
	}{{"a", 1}, {"aaa", 4}, {"p", 28}, {"c", 28}, {"t", 28}, {"a", 29}} {
		w.types(step.keys)
		w.shows(80, 24, step.n, step.keys[:1])
	}
	if !strings.Contains(string(w.Raw()), "\x1b]2;a title\a") {
		t.Error("the title was not set")
	}
	w.types("q")
	w.ended("ended with 29: <nil>")
}

func TestProgram_execHasTheTerminal(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.types("e")
	w.await("the child", func(s string) bool { return strings.Contains(s, "child has a tty") })
	if w.AltScreen() {
		t.Error("the child runs in our screen")
	}
	w.types("\r")
	w.shows(80, 24, 0, "ereturned")
	if cell := w.Screen(); strings.Contains(cell, "child") || !w.AltScreen() {
		t.Errorf("after the child the screen is\n%s", cell)
	}
	w.types("q")
	w.ended("ended with 0: <nil>")
}

func TestProgram_suspendAndResume(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.types("az")
	w.await("the main screen", func(string) bool { return strings.Contains(string(w.Raw()), "\x1b[?1049l") })
	// Nothing tells when the program has begun to wait for the signal, so it
	// gets it until it answers.
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); strings.Count(string(w.Raw()), "\x1b[?1049h") < 2; <-again.C {
		if err := w.Signal(syscall.SIGCONT); err != nil || time.Now().After(deadline) {
			t.Fatalf("no alternate screen after SIGCONT: %v\n%s", err, w.Screen())
		}
	}
	w.shows(80, 24, 1, "zresumed")
	w.types("q")
	w.ended("ended with 1: <nil>")
}

func TestProgram_resizeStorm(t *testing.T) {
	t.Parallel()
	w := watch(t)
	n := 0
	for i := range 60 {
		width, height := 60+i*7%50, 15+i*5%20
		if i%4 == 3 {
			width, height = 80, 24 // again and again the same
		}
		if err := w.Resize(width, height); err != nil {
			t.Fatal(err)
		}
		w.types("a")
		n++
		if i%10 == 9 {
			w.shows(width, height, n, "a")
		}
	}
	w.types("q")
	w.ended(fmt.Sprintf("ended with %d: <nil>", n))
}

func TestProgram_panicsRestoreTheTerminal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ key, want string }{
		"Update":  {"U", "ended with -1: program was killed: program experienced a panic"},
		"View":    {"V", "ended with -1: program was killed: program experienced a panic"},
		"command": {"C", "ended with 0: program was killed: program experienced a panic"},
		"loop":    {"L", "ended with 0: panic while drawing: boom in the loop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var env []string
			if tt.key != "L" {
				// Bubble Tea closes its reader of keys while that reads when
				// it is the one to catch a panic: a race, but not of ours.
				env = append(env, "GORACE=exitcode=0")
			}
			w := watch(t, env...)
			w.types(tt.key)
			w.ended(tt.want)
			if tt.key == "L" && !strings.Contains(string(w.Raw()), "with a stack") {
				t.Error("the panic has no stack")
			}
		})
	}
}
