//go:build linux

package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

func TestStart_exitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	for _, tc := range []struct {
		name, entrypoint string
		code, signal     int
		out              string
	}{
		{"success", "echo hi; echo err >&2", 0, 0, "hi\nerr\n"},
		{"failure", "exit 3", 3, 0, ""},
		{"code over 255", "exit 300", 44, 0, ""},
		{"not found", "no-such-command-anywhere 2>/dev/null", 127, 0, ""},
		{"killed by a signal", "kill -9 $$", -9, 9, ""},
		{"quotes and newlines", "printf '%s|' \"a b\" 'c\"d' $(echo e)\nprintf f", 0, 0, "a b|c\"d|e|f"},
		{"no input", "cat; echo end", 0, 0, "end\n"},
		{"umask", "umask", 0, 0, "0022\n"},
		{"stdout by name", "echo one >/dev/stdout; echo two >/dev/stderr", 0, 0, "one\ntwo\n"},
		{"descriptors", "ls /proc/self/fd | tr '\\n' ' '", 0, 0, "0 1 2 3 "}, // 3 is ls's own
		{"the gate's descriptor code", "exit 125", 125, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newJob(t, dir, "code-"+strings.ReplaceAll(tc.name, " ", "-"), tc.entrypoint)
			p := start(t, r, d)
			s := waitOver(t, p)
			if s.Over != OverSealed || s.Slot.Exit == nil {
				t.Fatalf("over %q%s", s.Over, dump(p))
			}
			if s.Slot.Exit.Code != tc.code || s.Slot.Exit.Signal != tc.signal {
				t.Errorf("exit %+v, want code %d signal %d", *s.Slot.Exit, tc.code, tc.signal)
			}
			if got := output(t, d); got != tc.out {
				t.Errorf("output %q, want %q", got, tc.out)
			}
			if info, err := os.Stat(d.Log()); err != nil || info.Size() != s.Slot.LogBytes {
				t.Errorf("log is %d bytes, slot says %d (%v)", info.Size(), s.Slot.LogBytes, err)
			}
			if s.LogIncomplete != "" || s.Slot.Leftovers != 0 {
				t.Errorf("state %+v", s)
			}
		})
	}
}

func TestStart_startErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name       string
		entrypoint string
		cwd        string
		want       string
	}{
		{"nul", "echo a\x00b", dir, "NUL"},
		{"no cwd", "true", "/no/such/folder", "/no/such/folder: no such file or directory"},
		{"cwd is a file", "true", file, "not a directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newJob(t, dir, "bad-"+strings.ReplaceAll(tc.name, " ", "-"), tc.entrypoint,
				func(l *jobdir.Launch, _ *[]string) { l.Dir = tc.cwd })
			s := waitOver(t, start(t, r, d))
			if s.Over != OverFailed || !strings.Contains(s.Slot.StartError, tc.want) {
				t.Errorf("over %q, start error %q, want one with %q", s.Over, s.Slot.StartError, tc.want)
			}
			if ran, err := d.HasStarted(); ran || err != nil {
				t.Errorf("HasStarted() = %t, %v", ran, err)
			}
		})
	}
}

// A job begins with no signal ignored or blocked, whatever the backend was
// started with.
func TestStart_signalDispositions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "sig", "grep -E 'Sig(Ign|Blk)' /proc/self/status")
	waitOver(t, start(t, r, d))
	// Signals 32 and 33 are the C library's own: its posix_spawn, which make
	// uses, leaves them ignored, and no program can ask for them.
	const own = 1<<31 | 1<<32
	for line := range strings.Lines(output(t, d)) {
		name, hex, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if mask, err := strconv.ParseUint(hex, 16, 64); err != nil || mask&^own != 0 {
			t.Errorf("%s is %s (%v), want no signal", name, hex, err)
		}
	}
}

func TestStart_environment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "env", "env | sort", func(_ *jobdir.Launch, environ *[]string) {
		*environ = []string{"B=two\nlines", "A=1=2", "DRAY_JOB=stranger/1"}
	})
	waitOver(t, start(t, r, d))
	var st unix.Stat_t
	if err := unix.Stat(d.Path(), &st); err != nil {
		t.Fatal(err)
	}
	got := output(t, d)
	for _, want := range []string{"A=1=2\n", "B=two\n", fmt.Sprintf("DRAY_JOB=env/%d\n", st.Ino)} {
		if !strings.Contains(got, want) {
			t.Errorf("environment %q lacks %q", got, want)
		}
	}
	if strings.Contains(got, "stranger") || strings.Contains(got, "A_TEST") {
		t.Errorf("environment %q has what it must not", got)
	}
}

func TestStart_bigLogIsByteExact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	const bytes = 50 << 20
	d := newJob(t, dir, "big", fmt.Sprintf("seq -f '%%015.0f' 1 %d", bytes/16))
	if s := waitOver(t, start(t, r, d)); s.Over != OverSealed || s.Slot.Exit.Code != 0 {
		t.Fatalf("state %+v", s)
	}
	checkSequence(t, output(t, d), bytes/16)
}

// checkSequence compares with the numbers 1 to n, one in 16 bytes.
func checkSequence(t testing.TB, got string, n int) {
	t.Helper()
	if len(got) != 16*n {
		t.Errorf("output has %d bytes, want %d", len(got), 16*n)
	}
	for i := range min(n, len(got)/16) {
		if line, want := got[16*i:16*i+16], fmt.Sprintf("%015d\n", i+1); line != want {
			t.Fatalf("line %d is %q, want %q", i+1, line, want)
		}
	}
}

// A second supervisor of the same job does nothing, and a job that ran is
// never started again.
func TestStart_once(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	d := newJob(t, dir, "once", "echo x >>count; sleep 0.3")
	first, second := start(t, r, d), start(t, r, d)
	for _, p := range []*Process{first, second} {
		if s := waitOver(t, p); s.Over != OverSealed || s.Slot.Exit.Code != 0 {
			t.Errorf("state %+v%s", s, dump(p))
		}
	}
	waitOver(t, start(t, r, d))
	if got, err := os.ReadFile(filepath.Join(dir, "count")); err != nil || string(got) != "x\n" {
		t.Errorf("the entrypoint ran %q times, %v", got, err)
	}
}

func TestStart_commandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	const entrypoint = `tr '\0' '|' </proc/$$/cmdline; true`
	d := newJob(t, dir, "ps", entrypoint)
	waitOver(t, start(t, r, d))
	if got, want := output(t, d), "/bin/sh|-c|"+entrypoint+"|"; got != want {
		t.Errorf("command line %q, want %q", got, want)
	}
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	for _, tc := range []struct {
		name, entrypoint string
		keep             bool
		leftovers        int
		out              string
	}{
		{"printing within linger", "(sleep 0.1; echo late) & echo early", false, 0, "early\nlate\n"},
		{"too long", "(sleep 300; echo never) & sleep 300 >/dev/null 2>&1 & echo early", false, 3, "early\n"},
		{"silent daemon", "setsid sleep 300 >/dev/null 2>&1 & echo early", false, 1, "early\n"},
		{"kept", "(exec sleep 300) & echo early", true, 1, "early\n"},
		{"kept and silent", "setsid sleep 300 >/dev/null 2>&1 & echo early", true, 1, "early\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			id := "left-" + strings.ReplaceAll(tc.name, " ", "-")
			d := newJob(t, dir, id, tc.entrypoint, func(l *jobdir.Launch, environ *[]string) {
				l.KeepBackground = tc.keep
				*environ = append(*environ, "LEFT="+id)
			})
			s := waitOver(t, start(t, r, d))
			if s.Over != OverSealed || s.Slot.Exit.Code != 0 || s.Slot.Leftovers != tc.leftovers {
				t.Errorf("over %q, exit %v, leftovers %d, want %d", s.Over, s.Slot.Exit, s.Slot.Leftovers, tc.leftovers)
			}
			if got := output(t, d); got != tc.out {
				t.Errorf("output %q, want %q", got, tc.out)
			}
			alive := marked(t, "LEFT="+id)
			if tc.keep != (len(alive) > 0) {
				t.Errorf("alive after the end: %v", alive)
			}
			if tc.keep { // its supervisor still takes a stop
				if err := unix.Kill(s.Slot.Shim.PID, unix.SIGTERM); err != nil {
					t.Error(err)
				}
				eventually(t, "the kept processes end", func() bool { return len(marked(t, "LEFT="+id)) == 0 })
			}
		})
	}
}
