//go:build linux

package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/supervise"
	"dray/backend/supervise/proctree"
)

// TestMain is also the supervisor and, for tests that kill one, the backend.
// At its end it kills whatever a failed test left below this process.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == supervise.Verb {
		os.Exit(supervise.Main(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == backendRole {
		os.Exit(backendMain(os.Args[2]))
	}
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	code := 0
	goleak.VerifyTestMain(m, goleak.Cleanup(func(c int) { code = c }))
	if left := sweep(); left > 0 {
		fmt.Fprintf(os.Stderr, "%d processes survived the tests\n", left)
		code = max(code, 1)
	}
	os.Exit(code)
}

// sweep gives the descendants some time to end (under the race detector a
// process takes a second to exit), kills those that do not, and returns how
// many these were.
func sweep() int {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline) && len(descendants()) > 0; {
		time.Sleep(10 * time.Millisecond)
	}
	left := descendants()
	for _, m := range left {
		cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", m.PID))
		fmt.Fprintf(os.Stderr, "survivor %d of %d: %.200q\n", m.PID, m.PPID, cmd)
	}
	for {
		proctree.Kill(descendants())
		if _, err := unix.Wait4(-1, nil, 0, nil); err == unix.ECHILD {
			return len(left)
		}
	}
}

func descendants() []proctree.Stat {
	all, err := proctree.Snapshot()
	if err != nil {
		panic(err)
	}
	return proctree.Alive(proctree.Descendants(all, func(s proctree.Stat) bool { return s.PPID == os.Getpid() }))
}

func newRunner(t testing.TB, dir string) *Runner {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Exe: exe, NotifySocket: filepath.Join(dir, "notify")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// newJob makes the folder of a job that is ready to start.
func newJob(t testing.TB, dir, id, entrypoint string, edit ...func(*jobdir.Launch, *[]string)) jobdir.Dir {
	t.Helper()
	head := []byte("set up\n")
	d, err := jobdir.Create(dir, jobdir.Spec{Version: 1, Request: rayapi.SubmitRequest{SubmissionID: id, Entrypoint: entrypoint}}, jobdir.Secret{}, head)
	if err != nil {
		t.Fatal(err)
	}
	l := jobdir.Launch{
		Version: 1, ID: id, Entrypoint: entrypoint, Dir: dir,
		StopSignal: int(unix.SIGTERM), StopGrace: 500 * time.Millisecond, Linger: 300 * time.Millisecond,
		LogBase: int64(len(head)), NotifySocket: filepath.Join(dir, "notify"),
	}
	environ := append(os.Environ(), "A_TEST=1")
	for _, f := range edit {
		f(&l, &environ)
	}
	if err := d.SetLaunch(l, environ); err != nil {
		t.Fatal(err)
	}
	return d
}

func start(t testing.TB, r *Runner, d jobdir.Dir) *Process {
	t.Helper()
	p, err := r.Start(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Release)
	return p
}

func adopt(t testing.TB, r *Runner, d jobdir.Dir) *Process {
	t.Helper()
	p, err := r.Adopt(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Release)
	return p
}

const patience = 60 * time.Second

// waitOver waits for the end of the job.
func waitOver(t testing.TB, p *Process) State {
	t.Helper()
	waitFor(t, p, "its end", func(s State) bool { return s.Over != OverNot })
	if _, open := <-p.Changes(); open {
		if _, open := <-p.Changes(); open {
			t.Error("Changes is not closed at the end")
		}
	}
	return p.State()
}

// waitFor waits until the state is as wanted.
func waitFor(t testing.TB, p *Process, what string, ok func(State) bool) State {
	t.Helper()
	deadline := time.After(patience)
	for {
		s := p.State()
		if ok(s) {
			return s
		}
		if s.Over != OverNot {
			t.Fatalf("waiting for %s: over: %s%s", what, s.Over, dump(p))
		}
		select {
		case <-p.Changes():
		case <-time.After(10 * time.Millisecond): // a file may be what is waited for
		case <-deadline:
			t.Fatalf("waiting for %s: still %+v%s", what, s, dump(p))
		}
	}
}

func dump(p *Process) string {
	shim, _ := os.ReadFile(p.dir.ShimLog())
	log, _ := os.ReadFile(p.dir.Log())
	return fmt.Sprintf("\nstate %+v\nsupervisor: %s\nlog: %.2000q", p.State(), shim, log)
}

func running(s State) bool { return s.Slot.Phase == jobdir.PhaseRunning }

// output is the log after the two lines that are not the job's.
func output(t testing.TB, d jobdir.Dir) string {
	t.Helper()
	data, err := os.ReadFile(d.Log())
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Launch()
	if err != nil {
		t.Fatal(err)
	}
	head := "set up\nRunning entrypoint for job " + l.ID + ": " + l.Entrypoint + "\n"
	rest, ok := strings.CutPrefix(string(data), head)
	if !ok {
		t.Fatalf("the log begins with %.300q, want %q", data, head)
	}
	return rest
}

// waitOutput waits until the job printed text.
func waitOutput(t testing.TB, p *Process, text string) {
	t.Helper()
	l, err := p.dir.Launch()
	if err != nil {
		t.Fatal(err)
	}
	head := "Running entrypoint for job " + l.ID + ": " + l.Entrypoint + "\n"
	waitFor(t, p, "output "+text, func(State) bool {
		data, _ := os.ReadFile(p.dir.Log())
		_, own, _ := strings.Cut(string(data), head)
		return strings.Contains(own, text)
	})
}

// marked returns the living processes that carry a variable, whatever their
// parents are.
func marked(t testing.TB, variable string) []proctree.Stat {
	t.Helper()
	all, err := proctree.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var found []proctree.Stat
	for _, s := range all {
		if !s.Dead() && proctree.Carries(s.PID, variable) {
			found = append(found, s)
		}
	}
	return found
}
