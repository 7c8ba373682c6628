//go:build linux

package proctree

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// child runs a command that is killed and reaped with the test.
// Its input is open until the function that is returned closes it.
func child(t *testing.T, args ...string) (cmd *exec.Cmd, closeInput func()) {
	t.Helper()
	cmd = exec.Command(args[0], args[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, func() { _ = in.Close() }
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	rest := " S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2 256"
	for _, tc := range []struct {
		name, line string
		ok         bool
	}{
		{"plain", "5 (sh)" + rest, true},
		{"blanks and parentheses in the name", "5 (a) b (c))" + rest, true},
		{"cut", "5 (sh) S 7", false},
		{"empty", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat(5, []byte(tc.line))
			if !tc.ok {
				if err == nil {
					t.Errorf("got %+v, want an error", got)
				}
				return
			}
			want := Stat{PID: 5, PPID: 7, Session: 9, State: 'S', StartTicks: 4242, WaitStatus: 256}
			if err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestDescendants(t *testing.T) {
	t.Parallel()
	all := []Stat{{PID: 2, PPID: 1}, {PID: 3, PPID: 2, State: 'Z'}, {PID: 4, PPID: 3}, {PID: 5, PPID: 1}, {PID: 6, PPID: 6}}
	var pids []int
	for _, s := range Descendants(all, func(s Stat) bool { return s.PID == 2 || s.PID == 6 }) {
		pids = append(pids, s.PID)
	}
	slices.Sort(pids)
	if want := []int{2, 3, 4, 6}; !slices.Equal(pids, want) {
		t.Errorf("got %v, want %v", pids, want)
	}
}

// A stranger that has the pid of a process that is gone is never held, so it
// cannot be signalled.
func TestOpen_strangers(t *testing.T) {
	t.Parallel()
	cmd, _ := child(t, "cat")
	h, err := OpenPID(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	same, err := Open(h.ID())
	if err != nil {
		t.Fatal(err)
	}
	same.Close()
	for name, change := range map[string]func(*jobdir.Process){
		"other start": func(p *jobdir.Process) { p.StartTicks++ },
		"other inode": func(p *jobdir.Process) { p.PidfsInode++ },
		"other boot":  func(p *jobdir.Process) { p.BootID = "x" },
		"no pid":      func(p *jobdir.Process) { p.PID = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := h.ID()
			if name == "other inode" && p.PidfsInode == 0 {
				t.Skip("this kernel has no pidfs inodes (Linux < 6.9)")
			}
			change(&p)
			if got, err := Open(p); !errors.Is(err, ErrGone) {
				t.Errorf("Open = %v, %v, want ErrGone", got, err)
			}
		})
	}
}

func TestHandle_end(t *testing.T) {
	t.Parallel()
	cmd, closeInput := child(t, "sh", "-c", "read x; exit 42")
	h, err := OpenPID(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, ok := h.ExitStatus(); ok || h.Ended() {
		t.Error("a living process has an exit status")
	}
	ended := make(chan struct{})
	unwatch, err := h.Watch(func() { close(ended) })
	if err != nil {
		t.Fatal(err)
	}
	defer unwatch()
	s, err := ReadStat(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if refused := Signal([]Stat{s}, unix.SIGCONT); len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	closeInput()
	<-ended
	if status, ok := h.ExitStatus(); !ok || status.ExitStatus() != 42 { // a zombie
		t.Errorf("ExitStatus() = %v, %t", status, ok)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("Wait: no error for code 42")
	}
	if status, ok := h.ExitStatus(); ok && status.ExitStatus() != 42 { // reaped: known since Linux 6.15
		t.Errorf("ExitStatus() after Wait = %v", status)
	}
	if err := h.Signal(unix.SIGTERM); !errors.Is(err, ErrGone) {
		t.Errorf("Signal = %v, want ErrGone", err)
	}
	if _, err := Open(h.ID()); !errors.Is(err, ErrGone) {
		t.Errorf("Open = %v, want ErrGone", err)
	}
}

func TestWatch_cancel(t *testing.T) {
	t.Parallel()
	cmd, _ := child(t, "cat")
	h, err := OpenPID(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	unwatch, err := h.Watch(func() { t.Error("called, but the process lives") })
	if err != nil {
		t.Fatal(err)
	}
	unwatch()
}

func TestMark(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mark, err := Mark(jobdir.Open(dir))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("cat")
	cmd.Env = WithMark([]string{"A=1", "DRAY_JOB=other/1", "B=2"}, mark)
	if want := []string{"A=1", "B=2", mark}; !slices.Equal(cmd.Env, want) {
		t.Errorf("WithMark = %q, want %q", cmd.Env, want)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	if !Carries(cmd.Process.Pid, mark) || Carries(cmd.Process.Pid, strings.TrimSuffix(mark, mark[len(mark)-1:])) {
		t.Error("the mark is not found exactly")
	}
}
