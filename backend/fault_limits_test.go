//go:build linux

package backend_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

// The folder of a job that runs is removed: that job ends with a clear error,
// its processes do not outlive it for long, and the others know nothing of it.
func TestFault16_folderOfOneJobRemoved(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	hit := submit(t, c, state, rayapi.SubmitRequest{SubmissionID: "hit", Entrypoint: "echo ready; exec sleep 300"})
	other := submit(t, c, state, rayapi.SubmitRequest{SubmissionID: "other", Entrypoint: "echo ready; exec sleep 300"})
	awaitOutput(t, hit, "ready")
	awaitOutput(t, other, "ready")
	if err := os.RemoveAll(hit.Path()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Stop(t.Context(), "hit"); err != nil {
		t.Error(err)
	}
	if j := ended(t, c, "hit"); j.MessageText() == "" {
		t.Errorf("%+v", j)
	}
	if _, err := c.Stop(t.Context(), "other"); err != nil {
		t.Error(err)
	}
	if j := ended(t, c, "other"); j.Status != rayapi.StatusStopped {
		t.Errorf("other: %s %q", j.Status, j.MessageText())
	}
	id, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "exit 6"})
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, ended(t, c, id), 6)
}

// Jobs among many processes that take all the processor: slower, but none is
// taken for lost.
func TestFault25_busyMachine(t *testing.T) {
	t.Parallel()
	for range 4 * runtime.NumCPU() {
		cmd := exec.Command("/bin/sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
	}
	state := filepath.Join(t.TempDir(), "state")
	c := startHost(t, state).client(t)
	var ids []string
	for i := range 10 {
		id, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: fmt.Sprintf("i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; done; exit %d", i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for i, id := range ids {
		wantExit(t, ended(t, c, id), i)
	}
}

// A backend that runs out of descriptors: a job either runs or fails with a
// reason, the backend lives on, and in the end it holds no more than before.
func TestFault26_fewDescriptors(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	pid := h.cmd.Process.Pid
	run := func(entrypoint string) (string, error) {
		return c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: entrypoint})
	}
	id, err := run("exit 0")
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, ended(t, c, id), 0)
	before := descriptors(t, pid)
	few := unix.Rlimit{Cur: uint64(before) + 40, Max: uint64(before) + 40}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	var ids []string
	refused, failed := 0, 0
	for range 25 { // each that runs takes about four descriptors
		id, err := run("exec sleep 300")
		if err != nil {
			refused++
			continue
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		eventually(t, id+" runs, waits or failed", func() bool {
			j, err := c.Get(t.Context(), id)
			return err == nil && (j.Status == rayapi.StatusRunning || j.Status.IsTerminal())
		})
		if j, err := c.Get(t.Context(), id); err == nil && j.Status == rayapi.StatusFailed {
			failed++
			if j.MessageText() == "" || j.ErrorTypeText() == "" {
				t.Errorf("%s failed without a reason: %+v", id, j)
			}
		}
	}
	if refused+failed == 0 {
		t.Error("the limit was not met: nothing was shown")
	}
	for _, id := range ids {
		if _, err := c.Stop(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range ids {
		ended(t, c, id)
	}
	id, err = run("exit 5")
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, ended(t, c, id), 5)
	eventually(t, "as few descriptors as before", func() bool { return descriptors(t, pid) <= before+4 })
	if t.Failed() {
		t.Logf("%d refused, %d failed", refused, failed)
	}
}

// A user who may have no more processes: a job either runs or fails with a
// reason, the backend lives on, and jobs run again when there is room.
func TestFault26_fewProcesses(t *testing.T) {
	const uid = 64999
	if os.Getuid() != uid {
		asUser(t, uid) // for root there is no limit
		return
	}
	h := startHost(t, filepath.Join(t.TempDir(), "state"))
	c := h.client(t)
	submit := func(entrypoint string) string {
		id, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: entrypoint})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	limit := func(n uint64) {
		if err := unix.Prlimit(h.cmd.Process.Pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: 10000}, nil); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, ended(t, c, submit("true")), 0)
	limit(threadsOf(t, uid) + 30)
	var ids []string
	for range 16 { // each takes a child and some threads
		ids = append(ids, submit("exec sleep 300"))
	}
	failed := 0
	for _, id := range ids {
		eventually(t, id+" runs or failed", func() bool {
			j, err := c.Get(t.Context(), id)
			return err == nil && (j.Status == rayapi.StatusRunning || j.Status.IsTerminal())
		})
		if j, err := c.Get(t.Context(), id); err == nil && j.Status.IsTerminal() {
			failed++
			if j.Status != rayapi.StatusFailed || j.MessageText() == "" || j.ErrorTypeText() == "" {
				t.Errorf("%s: %s %q", id, j.Status, j.MessageText())
			}
		}
	}
	if failed == 0 {
		t.Error("the limit was not met: nothing was shown")
	}
	limit(10000)
	for _, id := range ids {
		if _, err := c.Stop(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range ids {
		ended(t, c, id)
	}
	wantExit(t, ended(t, c, submit("exit 5")), 5)
	eventually(t, "no supervisor is left", func() bool { return len(descendants(h.cmd.Process.Pid)) == 0 })
}

// asUser runs the test again as a user of whom nobody else has processes.
func asUser(t *testing.T, uid uint32) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("NOT TESTED: %s. Only root can become another user", t.Name())
	}
	base := t.TempDir()
	exe := filepath.Join(base, "again") // the folder of the test binary is root's alone
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(exe, data, 0o755) //nolint:gosec // the other user must run it
	}
	if err == nil { // and must pass
		err = errors.Join(os.Chmod(filepath.Dir(base), 0o755), os.Chown(base, int(uid), int(uid))) //nolint:gosec // as above
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = base, append(os.Environ(), "TMPDIR="+base, "HOME="+base)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// threadsOf is how many threads a user has.
func threadsOf(t testing.TB, uid uint32) uint64 {
	t.Helper()
	tasks, err := filepath.Glob("/proc/[0-9]*/task/*")
	if err != nil {
		t.Fatal(err)
	}
	var n uint64
	for _, path := range tasks {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil && st.Uid == uid {
			n++
		}
	}
	return n
}

func descriptors(t testing.TB, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// The deadline of a job holds although the backend is killed meanwhile.
func TestDeadline_survivesAKill(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	d := submit(t, h.client(t), state, rayapi.SubmitRequest{
		SubmissionID: "timed", Entrypoint: "echo ready; exec sleep 300", Metadata: map[string]string{"dray_deadline_s": "1.5"},
	})
	awaitOutput(t, d, "ready")
	began := time.Now()
	h.kill()
	c := startHost(t, state).client(t)
	j := ended(t, c, "timed")
	if took := time.Since(began); took < time.Second {
		t.Errorf("it was stopped after %s", took)
	}
	if j.Status != rayapi.StatusFailed || j.ErrorTypeText() != rayapi.ErrEntrypointCommand {
		t.Errorf("%s %q", j.Status, j.MessageText())
	}
	if s, err := d.ReadSlot(); err != nil || s.Phase != jobdir.PhaseSealed {
		t.Errorf("slot %+v, %v", s, err)
	}
}
