//go:build linux

package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

// inNamespace says that the test binary runs in a mount namespace of its own.
const inNamespace = "DRAY_TEST_MOUNTS"

// A disk that fills while jobs print: they sleep, exit codes are on disk all
// the same, and when there is space again not a byte is missing.
func TestFault10_11_diskFillsWhileJobsPrint(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		again(t)
		return
	}
	dir := smallDisk(t)
	r := newRunner(t, dir)
	const many, few = 256 << 10, 1000 // 4 MiB do not fit, 16 kB fit into the pipe
	wait := func(l *jobdir.Launch, _ *[]string) { l.Dir = "/" }
	print := func(id string, n, code int) jobdir.Dir {
		script := fmt.Sprintf("while [ ! -e %s/go ]; do sleep 0.02; done; seq -f '%%015.0f' 1 %d; exit %d", dir, n, code)
		return newJob(t, dir, id, script, wait)
	}
	ended, asleep, orphan := print("ended", few, 3), print("asleep", many, 4), print("orphan", many, 5)
	var procs []*Process
	for _, d := range []jobdir.Dir{ended, asleep, orphan} {
		p := start(t, r, d)
		waitFor(t, p, "a running job", running)
		procs = append(procs, p)
	}
	eventually(t, "all ran", func() bool {
		for _, p := range procs {
			if ran, err := p.dir.HasStarted(); err != nil || !ran {
				return false
			}
		}
		return true
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(filepath.Join(dir, "go.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, ballast)
	if err := os.Rename(filepath.Join(dir, "go.tmp"), filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		waitFor(t, p, "the report of a full disk", func(s State) bool { return s.Slot.LogBlocked == "the disk is full" })
	}
	s := waitFor(t, procs[0], "its exit on the full disk", func(s State) bool { return s.Slot.Exit != nil })
	if s.Slot.Exit.Code != 3 || s.Slot.Phase != jobdir.PhaseExited {
		t.Errorf("slot %+v", s.Slot)
	}
	if s := procs[1].State(); len(treeOf(t, s.Slot.Shim.PID)) == 0 {
		t.Error("the job did not sleep, it ended")
	}
	killShim(t, orphan)
	waitFor(t, procs[2], "the backend to take over", func(s State) bool { return s.Detail != "" })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for i, p := range procs {
		s := waitOver(t, p)
		if s.Over != OverSealed || s.Slot.Exit.Code != 3+i || s.Slot.LogBlocked != "" || s.LogIncomplete != "" {
			t.Errorf("state %+v%s", s, dump(p))
		}
	}
	checkSequence(t, output(t, ended), few)
	checkSequence(t, output(t, asleep), many)
	checkSequence(t, output(t, orphan), many)
}

// A stop while the disk is full does not wait for space: the job is sealed in
// bounded time, with and without its supervisor, and its log is said to lack
// what the disk did not take.
func TestFault10_stopOnFullDisk(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		again(t)
		return
	}
	dir := smallDisk(t)
	r := newRunner(t, dir)
	job := func(id, script string) *Process {
		return start(t, r, newJob(t, dir, id, fmt.Sprintf("while [ ! -e %s/go ]; do sleep 0.02; done; %s", dir, script),
			func(l *jobdir.Launch, _ *[]string) { l.Dir = "/" }))
	}
	procs := []*Process{
		job("supervised", "yes"), job("orphan", "yes"), job("stubborn", "trap '' TERM; while :; do echo more; done"),
		job("ended", "seq 5000"),
	}
	for _, p := range procs {
		waitFor(t, p, "a running job", running)
		eventually(t, "it runs", func() bool { ran, err := p.dir.HasStarted(); return err == nil && ran })
	}
	if err := os.WriteFile(filepath.Join(dir, "go.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(dir, "ballast"))
	if err := os.Rename(filepath.Join(dir, "go.tmp"), filepath.Join(dir, "go")); err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		waitFor(t, p, "the report of a full disk", func(s State) bool { return s.Slot.LogBlocked == "the disk is full" })
	}
	waitFor(t, procs[3], "its exit", func(s State) bool { return s.Slot.Exit != nil })
	killShim(t, procs[1].dir)
	waitFor(t, procs[1], "the backend to take over", func(s State) bool { return s.Detail != "" })
	for _, p := range procs {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range procs {
		s := waitOver(t, p)
		onDisk, err := p.dir.ReadSlot()
		if err != nil || s.Over != OverSealed || onDisk.Phase != jobdir.PhaseSealed || !onDisk.StopSeen || onDisk.LogBlocked != "" ||
			!strings.Contains(onDisk.LogIncomplete, "the disk is full") || s.LogIncomplete != onDisk.LogIncomplete {
			t.Errorf("state %+v, slot %+v, %v%s", s, onDisk, err, dump(p))
		}
		if n := logSize(p.dir); n != onDisk.LogBytes {
			t.Errorf("the log has %d bytes, its slot says %d", n, onDisk.LogBytes)
		}
	}
}

// smallDisk is a folder on a disk of 24 MiB of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill writes into a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
	}
}

// again runs the test in a namespace where it may mount: as root, or in a user
// namespace of its own.
func again(t *testing.T) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Skipf("NOT TESTED: a full disk. This machine lets nobody mount: %v", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
