//go:build unix

package tui

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/terminal"
	"dray/tui/tuitest"
)

// sceneVar makes the test binary run the dashboard over jobs in memory.
const sceneVar = "DRAY_TUI_TEST_SCENE"

// runAsProgram is the dashboard's process in the tests below.
func runAsProgram() bool {
	scene := os.Getenv(sceneVar)
	if scene == "" {
		return false
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	jobs := &tuitest.Jobs{ListFn: func(context.Context) ([]rayapi.Job, error) { return tuitest.Jobs20(), nil }}
	if scene == "panic" {
		jobs.GetFn = func(context.Context, string) (rayapi.Job, error) { panic("boom in a command") }
	}
	var served screen.Jobs = jobs
	if scene == "walk" {
		served = walked(os.Getenv("DRAY_TUI_TEST_DIR"))
	}
	env := &screen.Env{
		Jobs: served, Now: tuitest.Now, Cwd: "/",
		Target: screen.Target{Name: "embedded", Address: "this machine", Why: "a test", Embedded: true},
		LookPython: func() string {
			if scene == "panic" {
				panic("boom in the form")
			}
			return ""
		},
	}
	if scene == "hotkey" {
		withHotkey(env)
	}
	if strings.HasPrefix(scene, "readonly") || scene == "writable" {
		defer readOnly(env, scene, os.Getenv("DRAY_TUI_TEST_DIR"))()
	}
	if err := Run(ctx, Config{Env: env, CrashDir: os.Getenv("DRAY_TUI_TEST_DIR")}); err != nil {
		fmt.Fprintln(os.Stderr, "dray:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "ended well")
	os.Exit(0)
	return true
}

const patience = 20 * time.Second

// dashboard starts the program in a terminal and waits for the list.
// dashboard runs a scene in a terminal, below a shell's command line if one is
// given.
func dashboard(t *testing.T, scene string, shell ...string) *terminal.Terminal {
	t.Helper()
	words := append(shell, os.Args[0])
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Env = append(os.Environ(), sceneVar+"="+scene, "DRAY_TUI_TEST_DIR="+t.TempDir(),
		"TERM=xterm-256color", "LC_ALL=C.UTF-8", "TMUX=", "STY=", "NO_COLOR=")
	term, err := terminal.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	await(t, term, "RUNNING")
	return term
}

func await(t *testing.T, term *terminal.Terminal, text string) {
	t.Helper()
	shown := func(s string) bool { return strings.Contains(strings.ReplaceAll(s, "\n", ""), text) }
	if err := term.Await(t.Context(), patience, fmt.Sprintf("%q", text), shown); err != nil {
		t.Fatal(err)
	}
}

func typed(t *testing.T, term *terminal.Terminal, keys string) {
	t.Helper()
	if err := term.Send(keys); err != nil {
		t.Fatal(err)
	}
}

func TestRun_quitRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain")
	if !term.AltScreen() {
		t.Error("the dashboard is not on the alternate screen")
	}
	typed(t, term, "q")
	await(t, term, "ended well")
	if err := term.Wait(t.Context(), patience); err != nil || term.AltScreen() {
		t.Errorf("after q: %v, alternate screen %t", err, term.AltScreen())
	}
}

func TestRun_signalRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			term := dashboard(t, "plain")
			if err := term.Signal(sig); err != nil {
				t.Fatal(err)
			}
			await(t, term, "dray: context canceled")
			if err := term.Wait(t.Context(), patience); err == nil || term.AltScreen() {
				t.Errorf("after %s: %v, alternate screen %t", sig, err, term.AltScreen())
			}
		})
	}
}

func TestRun_panicLeavesAFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ keys, want string }{
		"command": {"d", "boom in a command"},
		"form":    {"n", "boom in the form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := dashboard(t, "panic")
			typed(t, term, tt.keys)
			await(t, term, "please report it with")
			if err := term.Wait(t.Context(), patience); err == nil || term.AltScreen() {
				t.Errorf("after the panic: %v, alternate screen %t", err, term.AltScreen())
			}
			joined := strings.ReplaceAll(term.Screen(), "\n", "")
			_, path, _ := strings.Cut(joined, "please report it with ")
			text, err := os.ReadFile(strings.TrimSpace(path))
			if err != nil {
				t.Fatalf("the crash file: %v\n%s", err, term.Screen())
			}
			if !strings.Contains(string(text), tt.want) || !strings.Contains(string(text), "goroutine") {
				t.Errorf("%s lacks the panic or its stack:\n%s", filepath.Base(path), text)
			}
		})
	}
}

// Below a shell with job control ctrl-z goes back to the shell, and fg comes
// back to the dashboard.
func TestRun_suspendAndResume(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain", "/bin/sh", "-mc", `"$0"; echo back in the shell; read -r line; fg >/dev/null`)
	typed(t, term, "\x1a")
	await(t, term, "back in the shell")
	if term.AltScreen() {
		t.Error("the alternate screen is still up in the shell")
	}
	typed(t, term, "\n")
	await(t, term, "RUNNING")
	if !term.AltScreen() {
		t.Error("the dashboard came back without the alternate screen")
	}
	typed(t, term, "q")
	await(t, term, "ended well")
}

// Where no shell could bring it back, ctrl-z does nothing but say so.
func TestRun_suspendWithoutShell(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain")
	typed(t, term, "\x1a")
	await(t, term, "ctrl-z is off")
	typed(t, term, "q")
	await(t, term, "ended well")
}

func TestRun_resizeAndCopy(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain")
	if err := term.Resize(40, 10); err != nil {
		t.Fatal(err)
	}
	await(t, term, "dray needs 60x15")
	if err := term.Resize(100, 30); err != nil {
		t.Fatal(err)
	}
	await(t, term, "RUNNING")
	typed(t, term, "c")
	await(t, term, "submission id sent")
	want := base64.StdEncoding.EncodeToString([]byte("raysubmit_tt0Lq8mWz2Rb55Ke"))
	if !strings.Contains(string(term.Raw()), "\x1b]52;c;"+want) {
		t.Error("no OSC 52 with the id was written")
	}
	typed(t, term, "\x03")
	await(t, term, "ended well")
}

func TestRun_asksTheTerminalNothing(t *testing.T) {
	t.Parallel()
	term := dashboard(t, "plain")
	typed(t, term, "q")
	await(t, term, "ended well")
	for _, query := range []string{"\x1b]11;?", "\x1b]10;?", "\x1b[6n", "\x1b[c"} {
		if strings.Contains(string(term.Raw()), query) {
			t.Errorf("the dashboard asked the terminal %q", query)
		}
	}
}

func TestRun_refusesWhatIsNoTerminal(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), sceneVar+"=plain", "TERM=xterm")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "dray ls") {
		t.Errorf("without a terminal: %v, %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), sceneVar+"=plain", "TERM=dumb")
	term, err := terminal.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	await(t, term, "TERM=dumb; use a verb instead, for example dray ls")
}
