//go:build linux

package tool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"dray/backend/runtimeenv/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sh(t *testing.T, out *strings.Builder, script string) tool.Command {
	t.Helper()
	return tool.Command{Args: []string{"/bin/sh", "-c", script}, Env: os.Environ(), Dir: t.TempDir(), Mark: t.TempDir(), Out: out}
}

// alive reports whether a process carries the mark.
func alive(t *testing.T, mark string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if env, err := os.ReadFile(f); err == nil && strings.Contains(string(env), "="+mark+"\x00") {
			return true
		}
	}
	return false
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("error with the last lines", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		err := tool.Run(t.Context(), "title", sh(t, &out, `for i in $(seq 200); do echo "line $i"; done; printf 'no newline https://u:s3cret@h/x' >&2; exit 3`))
		var failed *tool.Error
		if !errors.As(err, &failed) || strings.Contains(err.Error(), "line 151\n") || !strings.Contains(err.Error(), "title: exit status 3. Last 50 lines of stdout:\nline 152\n") ||
			!strings.HasSuffix(err.Error(), "no newline https://<redacted>@h/x") {
			t.Errorf("error %v", err)
		}
		if n := strings.Count(out.String(), "\n"); n != 201 || strings.Contains(out.String(), "s3cret") {
			t.Errorf("%d lines", n)
		}
	})
	t.Run("a flood is cut", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		if err := tool.Run(t.Context(), "title", sh(t, &out, `yes 0123456789 | head -c 6000000; head -c 100000 /dev/zero | tr '\0' x; echo; echo last >&2; true`)); err != nil {
			t.Error(err)
		}
		if n := out.Len(); n > 5<<20 || n < 4<<20 || !strings.HasSuffix(out.String(), "(more than 4 MiB of output: the rest is left out)\n") {
			t.Errorf("%d bytes, at the end %q", n, out.String()[n-80:])
		}
	})
	t.Run("cancelled: nothing is left, also not in another session", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		c := sh(t, &out, `setsid sleep 600 & (trap '' TERM; sleep 601) & echo > started; wait`)
		go func() {
			defer cancel()
			for t.Context().Err() == nil {
				if _, err := os.Stat(filepath.Join(c.Dir, "started")); err == nil {
					return
				}
			}
		}()
		if err := tool.Run(ctx, "title", c); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if alive(t, c.Mark) {
			t.Error("a process is left")
		}
	})
	t.Run("what a tool leaves running is killed", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		c := sh(t, &out, `setsid sleep 600 > /dev/null 2>&1 & echo done`)
		if err := tool.Run(t.Context(), "title", c); err != nil || out.String() != "done\n" {
			t.Errorf("error %v, output %q", err, out.String())
		}
		if alive(t, c.Mark) {
			t.Error("a process is left")
		}
	})
	t.Run("no such program", func(t *testing.T) {
		t.Parallel()
		err := tool.Run(t.Context(), "title", tool.Command{Args: []string{"/not/there"}, Dir: "/", Mark: "m", Out: &strings.Builder{}})
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Looking in indexes: https://user:p%40ss@host/simple, https://t0ken@h2/x": "Looking in indexes: https://<redacted>@host/simple, https://<redacted>@h2/x",
		"git+ssh://git@github.com/x":                    "git+ssh://<redacted>@github.com/x",
		"https://host/a@b and me@mail.example, a @ b":   "https://host/a@b and me@mail.example, a @ b",
		"demo @ https://host/demo-1.0-py3-none-any.whl": "demo @ https://host/demo-1.0-py3-none-any.whl",
	} {
		if got := tool.Mask(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	out, err := tool.Output(t.Context(), "title", tool.Command{Args: []string{"/bin/sh", "-c", "echo a; echo b >&2"}, Dir: "/"})
	if err != nil || string(out) != "a\n" {
		t.Errorf("output %q, %v", out, err)
	}
	_, err = tool.Output(t.Context(), "title", tool.Command{Args: []string{"/bin/sh", "-c", "echo why >&2; exit 1"}, Dir: "/"})
	if want := fmt.Sprintf("title: exit status 1. Last %d lines of stdout:\nwhy", 50); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}
