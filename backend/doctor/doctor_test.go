//go:build linux

package doctor

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// named returns the findings of that name.
func named(found []Finding, name string) []Finding {
	var out []Finding
	for _, f := range found {
		if f.Name == name {
			out = append(out, f)
		}
	}
	return out
}

func wantOne(t *testing.T, found []Finding, name string, level Level, text string) {
	t.Helper()
	for _, f := range named(found, name) {
		if f.Level == level && strings.Contains(f.Text, text) {
			return
		}
	}
	t.Errorf("no finding %q with level %q and %q: %+v", name, level, text, named(found, name))
}

func TestRun(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": t.TempDir(), "TERM": "xterm", "LANG": "C.UTF-8"}
	found := Run(t.Context(), Options{StateDir: state, Getenv: func(k string) string { return env[k] }})
	for _, name := range []string{
		"state folder", "file system", "locks", "disk space", "backend", "sockets", "token files", "open files", "processes", "pids",
		"control groups", "logout", "python", "uv", "conda", "micromamba", "ray cluster", "clock", "terminal", "locale", "terminal size",
	} {
		if len(named(found, name)) == 0 {
			t.Errorf("nothing is said about %q", name)
		}
	}
	for _, f := range found {
		if f.Text == "" || (f.Level == Bad && f.Fix == "") {
			t.Errorf("a finding that helps nobody: %+v", f)
		}
		t.Logf("%-4s %-15s %s %s", f.Level, f.Name, f.Text, f.Fix)
	}
	wantOne(t, found, "state folder", OK, state)
	wantOne(t, found, "locks", OK, "flock works")
	left, err := os.ReadDir(state)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestStateDir(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := func(name string, mode os.FileMode) string {
		path := filepath.Join(root, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tc := range []struct {
		name, path string
		level      Level
		text       string
	}{
		{"private", dir("private", 0o700), OK, "mode 700"},
		{"readable", dir("readable", 0o755), Warn, "read by others"},
		{"writable", dir("writable", 0o777), Bad, "written by others"},
		{"missing", filepath.Join(root, "a", "b"), OK, "does not exist yet"},
		{"file", file, Bad, "not a folder"},
		{"below a file", filepath.Join(file, "x"), Bad, "cannot be looked at"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			wantOne(t, stateDir(t.Context(), Options{StateDir: tc.path}), "state folder", tc.level, tc.text)
		})
	}
}

func TestBackendLock(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	opt := Options{StateDir: state}
	wantOne(t, backendLock(t.Context(), opt), "backend", OK, "No backend runs")
	f, err := os.Create(filepath.Join(state, "backend.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	wantOne(t, backendLock(t.Context(), opt), "backend", OK, "go on without one")
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	wantOne(t, backendLock(t.Context(), opt), "backend", Warn, "not said yet")
	data, err := json.Marshal(map[string]any{"pid": os.Getpid(), "socket": "/run/api.sock", "version": "v9"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	wantOne(t, backendLock(t.Context(), opt), "backend", OK, "version v9), at /run/api.sock")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-of-mine"
	for _, tc := range []struct {
		name    string
		mode    os.FileMode
		content string
		level   Level
		text    string
	}{
		{"private", 0o600, secret, OK, "is private"},
		{"readable by the group", 0o640, secret, Bad, "mode 640"},
		{"empty", 0o600, "", Bad, "is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "token")
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil {
				t.Fatal(err)
			}
			for _, opt := range []Options{
				{StateDir: dir, Getenv: func(string) string { return "" }},
				{StateDir: t.TempDir(), Getenv: func(k string) string { return map[string]string{"RAY_AUTH_TOKEN_PATH": path}[k] }},
			} {
				found := tokens(t.Context(), opt)
				wantOne(t, found, "token files", tc.level, tc.text)
				if strings.Contains(found[0].Text, secret) {
					t.Error("the token is shown")
				}
			}
		})
	}
	missing := Options{StateDir: t.TempDir(), Getenv: func(k string) string { return map[string]string{"RAY_AUTH_TOKEN_PATH": "/nowhere"}[k] }}
	wantOne(t, tokens(t.Context(), missing), "token files", Bad, "cannot be read")
	none := Options{StateDir: t.TempDir(), Getenv: func(string) string { return "" }}
	wantOne(t, tokens(t.Context(), none), "token files", OK, "none")
}

func TestAsk(t *testing.T) {
	t.Parallel()
	if got, err := ask(t.Context(), "/bin/sh", "-c", "echo one; echo two"); got != "one" || err != nil {
		t.Errorf("ask = %q, %v", got, err)
	}
	if _, err := ask(t.Context(), "/bin/sh", "-c", "echo broken >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a failure: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// Its child holds the output open: that must not be waited for.
	if _, err := ask(ctx, "/bin/sh", "-c", "sleep 5; echo late"); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("no answer: %v", err)
	}
}

func TestSockets(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	wantOne(t, sockets(t.Context(), Options{StateDir: "/s", Getenv: none}), "sockets", OK, "/s")
	wantOne(t, sockets(t.Context(), Options{StateDir: "/" + strings.Repeat("s", 100), Getenv: none}), "sockets", Warn, "107 are allowed")
}

func TestSurroundings(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	none := func(string) string { return "" }
	latin := func(k string) string { return map[string]string{"LANG": "de_DE.ISO-8859-1"}[k] }
	for _, tc := range []struct {
		name string
		got  Finding
		want Level
	}{
		{"right", clockFinding(day, time.Millisecond), OK},
		{"moved", clockFinding(day, -time.Hour), Warn},
		{"epoch", clockFinding(time.Unix(0, 0), 0), Bad},
		{"terminal", termFinding("xterm"), OK},
		{"dumb", termFinding("dumb"), Warn},
		{"no terminal", termFinding(""), Warn},
		{"no locale", localeFinding(none), Warn},
		{"latin", localeFinding(latin), Warn},
		{"large", sizeFinding(80, 24), OK},
		{"narrow", sizeFinding(59, 24), Warn},
		{"login session", sessionFinding("0::/user.slice/user-1.slice/session-2.scope\n", true, false), Warn},
		{"login session that is spared", sessionFinding("0::/user.slice/user-1.slice/session-2.scope\n", false, false), OK},
		{"user manager", sessionFinding("0::/user.slice/user-1.slice/user@1.service/app.slice/x.scope\n", false, false), Warn},
		{"user manager that lingers", sessionFinding("0::/user.slice/user-1.slice/user@1.service/app.slice/x.scope\n", false, true), OK},
		{"service", sessionFinding("0::/system.slice/dray.service\n", false, false), Warn},
		{"container", sessionFinding("0::/\n", false, false), OK},
	} {
		if tc.got.Level != tc.want {
			t.Errorf("%s: %+v, want %s", tc.name, tc.got, tc.want)
		}
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	for want, found := range map[Level][]Finding{
		OK: nil, Warn: {{Level: OK}, {Level: Warn}}, Bad: {{Level: Warn}, {Level: Bad}, {Level: Warn}},
	} {
		if got := Worst(found); got != want {
			t.Errorf("Worst(%v) = %s", found, got)
		}
	}
}
