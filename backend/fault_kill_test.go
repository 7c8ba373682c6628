//go:build linux

package backend_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

func killPID(t testing.TB, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// A supervisor that is killed at any of its steps: what never ran is started
// again, what ran is not, and an exit code that was written stays.
func TestFault04_killSupervisorAtSteps(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	job := func(t *testing.T, rest string) (jobdir.Dir, string) {
		mark := filepath.Join(t.TempDir(), "mark")
		return submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "echo x >> " + mark + "; " + rest}), mark
	}
	check := func(t *testing.T, d jobdir.Dir, mark string, code int) {
		t.Helper()
		wantExit(t, ended(t, c, filepath.Base(d.Path())), code)
		if n := starts(t, mark); n != 1 {
			t.Errorf("started %d times", n)
		}
	}
	t.Run("before the gate", func(t *testing.T) {
		// Not parallel: while the backend is stopped the child waits at the
		// gate for its answer.
		for range 20 {
			d, mark := job(t, "exit 3")
			var shim int
			for shim == 0 {
				if s, err := d.ReadSlot(); err == nil {
					shim = s.Shim.PID
				}
			}
			err := unix.Kill(shim, unix.SIGKILL)
			check(t, d, mark, 3)
			if err == nil {
				return
			}
			// On a busy machine the job can be over before its supervisor is killed.
			if !errors.Is(err, unix.ESRCH) {
				t.Fatal(err)
			}
		}
		t.Error("the supervisor was never killed in time")
	})
	t.Run("after the gate", func(t *testing.T) {
		t.Parallel()
		d, mark := job(t, "echo ready; sleep 0.5; echo done; exit 4")
		awaitOutput(t, d, "ready")
		s := awaitSlot(t, d, "running", func(s jobdir.Slot) bool { return s.Phase == jobdir.PhaseRunning })
		killPID(t, s.Shim.PID)
		check(t, d, mark, 4)
		if got := own(t, d); got != "ready\ndone\n" {
			t.Errorf("output %q", got)
		}
	})
	for name, rest := range map[string]string{
		"after the exit was written":  "(sleep 300)& exit 5",
		"while the output is drained": "(sleep 0.3; seq 200000)& exit 5",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, mark := job(t, rest)
			s := awaitSlot(t, d, "exited", func(s jobdir.Slot) bool { return s.Exit != nil })
			killPID(t, s.Shim.PID)
			check(t, d, mark, 5)
			if got, n := own(t, d), strings.Count(rest, "seq"); n > 0 && !strings.HasSuffix(got, "\n200000\n") {
				t.Errorf("output of %d bytes ends with %q", len(got), got[max(0, len(got)-20):])
			}
		})
	}
}

// The backend and all supervisors are killed at once: every record is there,
// an exit that nobody saw is said to be unknown, and nothing is left over.
func TestFault05_killEverything(t *testing.T) {
	t.Parallel()
	const jobs = 8
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	dirs := make([]jobdir.Dir, jobs)
	marks := make([]string, jobs)
	for i := range dirs {
		marks[i] = filepath.Join(t.TempDir(), "mark")
		// The odd ones end while nobody looks, the others live on.
		dirs[i] = submit(t, c, state, rayapi.SubmitRequest{
			SubmissionID: fmt.Sprintf("job-%d", i),
			Entrypoint:   fmt.Sprintf("echo x >> %s; echo ready; sleep %s; exit 3", marks[i], []string{"3", "0.2"}[i%2]),
		})
	}
	slots := make([]jobdir.Slot, jobs)
	for i, d := range dirs {
		eventually(t, "it runs", func() bool { return starts(t, marks[i]) == 1 })
		slots[i] = awaitSlot(t, d, "running", func(s jobdir.Slot) bool { return s.Leader != nil })
	}
	h.kill()
	for _, s := range slots {
		_ = unix.Kill(s.Shim.PID, unix.SIGKILL)
	}
	h = startHost(t, state)
	c = h.client(t)
	for i, d := range dirs {
		j := ended(t, c, filepath.Base(d.Path()))
		known := j.DriverExitCode != nil
		if known && *j.DriverExitCode != 3 || !known && (j.Status != rayapi.StatusFailed || j.ErrorTypeText() != rayapi.ErrSupervisorDied || !strings.Contains(j.MessageText(), "unknown")) {
			t.Errorf("%s is %s, %v: %s", j.ID(), j.Status, j.DriverExitCode, j.MessageText())
		}
		if n := starts(t, marks[i]); n != 1 {
			t.Errorf("%s was started %d times", j.ID(), n)
		}
		if s, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", slots[i].Leader.PID)); err == nil && strings.Contains(string(s), "DRAY_JOB=job-") {
			t.Errorf("%s is over and its process lives", j.ID())
		}
	}
	list, err := c.List(t.Context())
	if err != nil || len(list) != jobs {
		t.Errorf("%d records, %v, want %d", len(list), err, jobs)
	}
}

// A backend that is stopped does not stop the jobs: they print, and end; a
// follower then goes on to the byte.
func TestFault08_stoppedBackend(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	// More than any pipe holds, for about two seconds.
	d := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "echo ready; for i in $(seq 20); do seq 40000; sleep 0.05; done"})
	f, err := c.Follow(t.Context(), filepath.Base(d.Path()), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var followed strings.Builder
	first, err := f.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	followed.WriteString(first.Data)
	awaitOutput(t, d, "ready")
	if err := h.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s := awaitSlot(t, d, "its end, without the backend", func(s jobdir.Slot) bool { return s.Phase == jobdir.PhaseSealed })
	if err := h.cmd.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for {
		chunk, err := f.Next(t.Context())
		if err != nil {
			break
		}
		followed.WriteString(chunk.Data)
	}
	data, err := os.ReadFile(d.Log())
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != s.LogBytes || followed.String() != string(data) {
		t.Errorf("followed %d bytes of a log of %d (sealed at %d)", followed.Len(), len(data), s.LogBytes)
	}
	if want := 20 * 228894; len(own(t, d)) != want+len("ready\n") {
		t.Errorf("the job's output has %d bytes, want %d", len(own(t, d)), want)
	}
	wantExit(t, ended(t, c, filepath.Base(d.Path())), 0)
}

// The backend dies while the log is followed: the WebSocket does not end as if
// the job had, and afterwards the log is there without a gap.
func TestFault31_killWhileTailing(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	d := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "seq 1000; while [ ! -e " + state + "/go ]; do sleep 0.02; done; seq 1001 2000"})
	id := filepath.Base(d.Path())
	seen, closed := tail(t, socket(t, state), id, func(text string) {
		if strings.Contains(text, "\n1000\n") {
			h.kill()
		}
	})
	if closed == websocket.StatusNormalClosure {
		t.Error("the log was closed as if the job had ended")
	}
	if err := os.WriteFile(filepath.Join(state, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	startHost(t, state)
	again, closed := tail(t, socket(t, state), id, func(string) {})
	if closed != websocket.StatusNormalClosure {
		t.Errorf("the log was closed with %d after the job's end", closed)
	}
	data, err := os.ReadFile(d.Log())
	if err != nil {
		t.Fatal(err)
	}
	if again != string(data) || !strings.HasPrefix(again, seen) || strings.Count(own(t, d), "\n") != 2000 {
		t.Errorf("followed %d and then %d bytes of a log of %d", len(seen), len(again), len(data))
	}
}

// tail follows a log as Ray's SDK does and returns what it got and the code
// with which it was closed, -1 for none.
func tail(t *testing.T, socket, id string, got func(text string)) (string, websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	defer hc.CloseIdleConnections()
	ws, resp, err := websocket.Dial(ctx, "ws://localhost/api/jobs/"+id+"/logs/tail", &websocket.DialOptions{HTTPClient: hc}) //nolint:bodyclose // a WebSocket has none
	if err != nil {
		t.Fatalf("%v: %v", err, resp)
	}
	defer ws.CloseNow()
	var text strings.Builder
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				t.Fatalf("the log goes on for ever, after %d bytes", text.Len())
			}
			return text.String(), websocket.CloseStatus(err)
		}
		if !utf8.Valid(data) {
			t.Errorf("a frame of %d bytes is not UTF-8", len(data))
		}
		text.Write(data)
		got(text.String())
	}
}
