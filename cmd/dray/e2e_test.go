//go:build linux

package main

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/tui/terminal"
)

const patience = 20 * time.Second

// dashboard opens the dashboard in a pseudo-terminal.
func dashboard(t *testing.T, home string, cols, rows int, env ...string) *terminal.Terminal {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(testEnv(home), env...)
	cmd.Dir = home
	term, err := terminal.Start(cmd, cols, rows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	return term
}

// user types keys and looks at the screen.
type user struct {
	t    *testing.T
	term *terminal.Terminal
}

func (u user) sees(text string) {
	u.t.Helper()
	if err := u.term.AwaitText(u.t.Context(), patience, text); err != nil {
		u.t.Fatal(err)
	}
}

func (u user) seesNo(text string) {
	u.t.Helper()
	err := u.term.Await(u.t.Context(), patience, "screen without "+text, func(s string) bool { return !strings.Contains(s, text) })
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u user) seesRow(id, word string) {
	u.t.Helper()
	err := u.term.Await(u.t.Context(), patience, word+" in the row of "+id, func(screen string) bool {
		for line := range strings.Lines(screen) {
			if strings.Contains(line, id) && strings.Contains(line, word) {
				return true
			}
		}
		return false
	})
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u user) types(keys string) {
	u.t.Helper()
	if err := u.term.Send(keys); err != nil {
		u.t.Fatal(err)
	}
}

const ctrlS = "\x13"

// The main job: submit by the form, watch, read the log, stop, rerun, quit,
// come back and find everything there.
func TestDashboard(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	u := user{t, dashboard(t, home, 80, 24)}
	u.sees("live")
	u.types("n")
	u.sees("Entrypoint")
	u.types("for i in $(seq 1 60); do echo line-$i; done; sleep 1\tfirst-job")
	u.sees("first-job")
	u.types(ctrlS)
	u.seesRow("first-job", "RUNNING")
	u.seesRow("first-job", "SUCCEEDED") // no key was pressed in between
	u.types("l")
	u.sees("line-60")
	u.types("g")
	u.sees("Running entrypoint for job first-job")
	u.types("G")
	u.sees("line-60")
	u.types("\x1b")
	u.sees("STATUS")

	u.types("n")
	u.sees("Entrypoint")
	u.types("sleep 300\tsleeper")
	u.sees("sleeper")
	u.types(ctrlS)
	u.seesRow("sleeper", "RUNNING")
	u.types("x")
	u.sees("Stop")
	u.types("y")
	u.seesRow("sleeper", "STOPPED")
	u.types("r")
	u.sees("sleeper-r2")
	u.types("y")
	u.seesRow("sleeper-r2", "RUNNING")
	u.types("q")
	if err := u.term.Wait(t.Context(), patience); err != nil {
		t.Fatalf("quit: %v", err)
	}
	u.wantRestored("1 job goes on")

	again := user{t, dashboard(t, home, 80, 24)}
	again.seesRow("sleeper-r2", "RUNNING")
	again.seesRow("first-job", "SUCCEEDED")
	again.types("x")
	again.sees("Stop")
	again.types("y")
	again.seesRow("sleeper-r2", "STOPPED")
	again.types("q")
	if err := again.term.Wait(t.Context(), patience); err != nil {
		t.Fatalf("quit: %v", err)
	}
}

// wantRestored checks that the terminal is as it was, and that the last words
// stand on it.
func (u user) wantRestored(text string) {
	u.t.Helper()
	if u.term.AltScreen() {
		u.t.Error("the alternate screen is still up")
	}
	if screen := u.term.Screen(); !strings.Contains(screen, text) {
		u.t.Errorf("the screen after the end lacks %q:\n%s", text, screen)
	}
	raw := string(u.term.Raw())
	if strings.LastIndex(raw, "\x1b[?25h") < strings.LastIndex(raw, "\x1b[?25l") {
		u.t.Error("the cursor is still hidden")
	}
}

// The terminal's settings and screen come back however the end comes.
func TestDashboard_restores(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			u := user{t, dashboard(t, t.TempDir(), 80, 24)}
			before := u.settings()
			u.sees("live")
			if raw := u.settings(); raw.Lflag&unix.ICANON != 0 {
				t.Fatal("the dashboard runs in a cooked terminal: the test looks at the wrong end")
			}
			if err := u.term.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = u.term.Wait(t.Context(), patience)
			u.wantRestored("")
			if after := u.settings(); after.Lflag|unix.ICANON|unix.ECHO != after.Lflag {
				t.Errorf("local modes %x, before %x", after.Lflag, before.Lflag)
			}
		})
	}
}

func (u user) settings() *unix.Termios {
	u.t.Helper()
	conn, err := u.term.PTY().SyscallConn() // Fd would make the file blocking
	if err != nil {
		u.t.Fatal(err)
	}
	var termios *unix.Termios
	var ioctlErr error
	err = conn.Control(func(fd uintptr) { termios, ioctlErr = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
	if err = errors.Join(err, ioctlErr); err != nil {
		u.t.Fatal(err)
	}
	return termios
}

func TestDashboard_sizes(t *testing.T) {
	t.Parallel()
	u := user{t, dashboard(t, t.TempDir(), 50, 12)}
	u.sees("60x15")
	for _, size := range [][2]int{{60, 15}, {200, 60}, {40, 10}, {140, 40}, {80, 24}} {
		if err := u.term.Resize(size[0], size[1]); err != nil {
			t.Fatal(err)
		}
	}
	u.sees("live")
	u.types("q")
	if err := u.term.Wait(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
}

// Where no shell could bring it back, ctrl-z does not put the dashboard to
// sleep: it goes on, and still ends on a signal.
func TestDashboard_noSuspend(t *testing.T) {
	t.Parallel()
	u := user{t, dashboard(t, t.TempDir(), 80, 24)}
	u.sees("live")
	u.types("\x1a")
	u.sees("ctrl-z is off")
	if err := u.term.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = u.term.Wait(t.Context(), patience)
	u.wantRestored("")
}

// colour matches a sequence that sets a foreground or background colour.
var colour = regexp.MustCompile(`\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m`)

// A terminal without colours shows the same words.
func TestDashboard_noColor(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"NO_COLOR=1", "TERM=vt100"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			u := user{t, dashboard(t, t.TempDir(), 80, 24, env)}
			u.sees("live")
			u.types("?")
			u.sees("Help")
			u.types("\x1b")
			u.seesNo("Help") // an escape and a letter in one go are an alt key
			u.types("q")
			if err := u.term.Wait(t.Context(), patience); err != nil {
				t.Fatal(err)
			}
			if found := colour.Find(u.term.Raw()); found != nil {
				t.Errorf("colours were sent: %q", found)
			}
		})
	}
}

// A verb asks the terminal nothing: on a terminal that does not answer it is
// as fast as in a pipe.
func TestVerbs_silentTerminal(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), binary, "ls")
	cmd.Env = testEnv(t.TempDir())
	term, err := terminal.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	if err := term.Wait(t.Context(), 4*time.Second); err != nil { // a query costs five seconds
		t.Fatal(err)
	}
	if raw := term.Raw(); strings.ContainsRune(string(raw), 0x1b) {
		t.Errorf("dray ls wrote escape sequences: %q", raw)
	}
}
