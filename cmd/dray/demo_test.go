//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dray/tui/terminal"
)

// The demo shows jobs of all kinds, and leaves nothing behind: no folder, no
// process.
func TestDemo(t *testing.T) {
	t.Parallel()
	home, temp := t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), binary, "demo")
	cmd.Env = append(testEnv(home), "TMPDIR="+temp)
	cmd.Dir = home
	term, err := terminal.Start(cmd, 100, 30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	u := user{t, term}
	u.seesRow("demo-hello", "SUCCEEDED")
	u.seesRow("demo-fails", "FAILED")
	u.seesRow("demo-killed", "FAILED")
	u.seesRow("demo-retries", "SUCCEEDED")
	u.seesRow("demo-long-log", "SUCCEEDED")
	u.seesRow("demo-primes", "RUNNING")
	u.seesRow("demo-stubborn", "RUNNING")
	u.seesRow("demo-waits", "PENDING")
	u.types("q")
	if err := term.Wait(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{temp, home} {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			t.Errorf("left behind: %s", filepath.Join(dir, e.Name()))
		}
	}
	out, err := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), temp) {
		t.Errorf("a process of the demo runs on:\n%s", out)
	}
}

// Without a terminal, and with another server, there is no demo.
func TestDemo_usage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"demo", "--address", "embedded"}, {"demo", "more"}, {"demo"}} {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = testEnv(t.TempDir())
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exitUsage {
			t.Errorf("dray %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
