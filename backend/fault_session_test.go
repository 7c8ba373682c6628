//go:build linux

package backend_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

// openPTY makes a pseudo-terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// The terminal of the backend is closed: its jobs go on. They take every
// signal, although the backend was started with some ignored.
func TestFault06_terminalCloses(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	master, slave := openPTY(t)
	h := startHost(t, state, func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"/bin/sh", "-c", `trap '' INT QUIT PIPE; exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		cmd.Stdin = slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	})
	_ = slave.Close()
	d := submit(t, h.client(t), state, rayapi.SubmitRequest{
		Entrypoint: "grep -E 'Sig(Ign|Blk)' /proc/self/status; echo ready; while [ ! -e " + state + "/go ]; do sleep 0.02; done; echo end; exit 3",
	})
	awaitOutput(t, d, "ready")
	slot := awaitSlot(t, d, "running", func(s jobdir.Slot) bool { return s.Leader != nil })
	_ = master.Close()
	_ = h.cmd.Wait() // of SIGHUP
	if err := unix.Kill(-slot.Shim.PID, unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next, c := open(t, state)
	defer shut(t, next)
	wantExit(t, ended(t, c, filepath.Base(d.Path())), 3)
	// Signals 32 and 33 are the C library's own: its posix_spawn, which make
	// uses, leaves them ignored.
	want := regexp.MustCompile(`^SigBlk:\t0{16}\nSigIgn:\t0{7}[01][08]0{7}\nready\nend\n$`)
	if got := own(t, d); !want.MatchString(got) {
		t.Errorf("output %q, want %s", got, want)
	}
}

// Of three processes that start at once one is the backend; also when the last
// one was killed.
func TestFault07_startAtOnce(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	for round := range 20 {
		var hosts [3]*hostProcess
		for i := range hosts {
			hosts[i] = launchHost(t, state)
		}
		holders := 0
		for _, h := range hosts {
			h.await(t)
			if h.holder {
				holders++
			}
		}
		if holders != 1 {
			t.Errorf("round %d: %d backends", round, holders)
		}
		for _, h := range hosts {
			h.kill()
		}
	}
}

// beSpy prints what another user could get at.
func beSpy(state, socket, pid string) int {
	report := func(what string, err error) {
		if err == nil {
			fmt.Println("got", what)
		}
	}
	_, err := os.ReadDir(state)
	report("the state folder", err)
	_ = filepath.WalkDir(state, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			_, err = os.ReadFile(path)
			report(path, err)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/jobs/", nil)
	if err == nil {
		var resp *http.Response
		if resp, err = hc.Do(req); err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	report("an answer", err)
	n, err := strconv.Atoi(pid)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	report("the supervisor's memory", unix.PtraceAttach(n))
	_, err = os.ReadFile("/proc/" + pid + "/environ")
	report("the supervisor's environment", err)
	report("a signal through", unix.Kill(n, 0))
	return 0
}

// Another user of the machine gets at nothing; not at the socket either if its
// folder were open.
func TestFault41_otherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: another user of this machine. Only root can be one")
	}
	base, err := os.MkdirTemp("", "dray-41-") //nolint:usetesting // t.TempDir is closed to others by itself
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	spy := filepath.Join(base, "spy")
	if err := errors.Join(os.Chmod(base, 0o755), os.WriteFile(spy, exe, 0o700), os.Chmod(spy, 0o755)); err != nil { //nolint:gosec // to be run by another user
		t.Fatal(err)
	}
	state := filepath.Join(base, "state")
	h, c := open(t, state)
	defer shut(t, h)
	d := submit(t, c, state, rayapi.SubmitRequest{Entrypoint: "exec sleep 300"})
	slot := awaitSlot(t, d, "running", func(s jobdir.Slot) bool { return s.Leader != nil })
	sock := socket(t, state)
	look := func() string {
		cmd := exec.CommandContext(t.Context(), spy, spyRole, state, sock, strconv.Itoa(slot.Shim.PID))
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := look(); got != "" {
		t.Errorf("another user\n%s", got)
	}
	for dir := sock; dir != base; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if got := look(); strings.Contains(got, "an answer") || strings.Contains(got, "secret") || strings.Contains(got, "/log") {
		t.Errorf("with open folders another user\n%s", got)
	}
	if _, err := c.Stop(t.Context(), filepath.Base(d.Path())); err != nil {
		t.Fatal(err)
	}
	ended(t, c, filepath.Base(d.Path()))
}
