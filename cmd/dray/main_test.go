//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the dray under test, built once for all tests of this package.
var binary string //nolint:gochecknoglobals // set by TestMain alone

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dray-test-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "dray")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil { //nolint:noctx // TestMain
		fmt.Fprintf(os.Stderr, "build dray: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// testEnv is an environment in which dray finds nothing of this machine's: no
// Ray, no state, no token.
func testEnv(home string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "RAY_") || strings.HasPrefix(name, "DRAY_") || strings.HasPrefix(name, "XDG_") ||
			name == "HOME" || name == "NO_COLOR" || name == "COLORTERM" || name == "TERM"
	})
	return append(env, "HOME="+home, "RAY_TMPDIR="+home, "TERM=xterm-256color", "LC_ALL=C.UTF-8", "DRAY_STATE_DIR="+filepath.Join(home, "state"))
}

// TestScripts runs the verbs as a user types them.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, kv := range testEnv(env.WorkDir) {
				name, value, _ := strings.Cut(kv, "=")
				env.Setenv(name, value)
			}
			env.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": code,
		},
		ContinueOnError:     true,
		RequireExplicitExec: true,
	})
}

// code runs a command and demands its exit code, as in "code 3 dray wait ID".
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [arg…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Exec returns it bare
		got = fmt.Sprint(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("%s exited with %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}
