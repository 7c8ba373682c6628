//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestUnifiedMount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, line, root, point string
		ok                      bool
	}{
		{"unified", "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate", "/", "/sys/fs/cgroup", true},
		{"hybrid", "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw", "/", "/sys/fs/cgroup/unified", true},
		{"part of it, blank in the path", `41 31 0:38 /a/b /mnt/a\040b rw - cgroup2 none rw`, "/a/b", "/mnt/a b", true},
		{"version 1", "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory", "", "", false},
		{"other", "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw", "", "", false},
		{"cut", "27 1 - cgroup2", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root, point, ok := unifiedMount(tc.line)
			if root != tc.root || point != tc.point || ok != tc.ok {
				t.Errorf("unifiedMount = %q, %q, %t, want %q, %q, %t", root, point, ok, tc.root, tc.point, tc.ok)
			}
		})
	}
}

func TestUnifiedPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text, path string
		ok               bool
	}{
		{"unified", "0::/user.slice/session-2.scope\n", "/user.slice/session-2.scope", true},
		{"hybrid", "9:name=systemd:/\n4:memory:/x\n0::/\n", "/", true},
		{"version 1 alone", "9:name=systemd:/\n4:memory:/x\n", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if path, ok := unifiedPath(tc.text); path != tc.path || ok != tc.ok {
				t.Errorf("unifiedPath = %q, %t", path, ok)
			}
		})
	}
}

// place is where this machine lets us make groups.
func place(t *testing.T) Place {
	t.Helper()
	p, err := Find()
	if err != nil {
		if !errors.Is(err, ErrNone) {
			t.Fatal(err)
		}
		t.Skipf("NOT TESTED: control groups. %v", err)
	}
	return p
}

func newGroup(t *testing.T, p Place, want Limits) (Group, Limits, error) {
	t.Helper()
	g, in, err := p.Make(fmt.Sprintf("dray-test-%d-%d", os.Getpid(), time.Now().UnixNano()), want)
	if g.Path() == "" {
		t.Skipf("NOT TESTED: control groups. %v", err)
	}
	t.Cleanup(func() {
		_ = g.Kill()
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	})
	return g, in, err
}

// startIn starts a shell inside the group; what it started is gone with the
// test.
func startIn(t *testing.T, g Group, script string) *exec.Cmd {
	t.Helper()
	dir, err := g.Folder()
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := cmd.Start(); err != nil {
		t.Skipf("NOT TESTED: starting inside a control group. %v", err)
	}
	return cmd
}

// Processes that left every tree and session are still in the group, and Kill
// gets them all.
func TestGroup_kill(t *testing.T) {
	t.Parallel()
	g, _, err := newGroup(t, place(t), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	cmd := startIn(t, g, `(setsid env -i /bin/sh -c 'sleep 300 & exec sleep 300' >/dev/null 2>&1 &); exec sleep 300`)
	deadline := time.Now().Add(10 * time.Second)
	for {
		pids, err := g.PIDs()
		if err != nil {
			t.Fatal(err)
		}
		if len(pids) >= 3 && slices.Contains(pids, cmd.Process.Pid) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the group holds %v", pids)
		}
		time.Sleep(5 * time.Millisecond) // processes that come send no event
	}
	if err := os.Mkdir(g.Path()+"/below", 0o755); err != nil { // as a job may
		t.Fatal(err)
	}
	if err := g.Kill(); err != nil {
		t.Skipf("NOT TESTED: cgroup.kill (Linux < 5.14). %v", err)
	}
	_ = cmd.Wait()
	if err := g.Remove(); err != nil { // waits for the dead; fails while one lives
		t.Error(err)
	}
	if g.Exists() {
		t.Error("the group is still there")
	}
	if err := g.Remove(); err != nil {
		t.Errorf("a second Remove: %v", err)
	}
}

// A group that needs more memory than it may have is told of.
func TestGroup_memory(t *testing.T) {
	t.Parallel()
	p := place(t)
	const limit = 16 << 20
	g, in, err := newGroup(t, p, Limits{MemoryMax: limit})
	if in.MemoryMax != limit {
		if err == nil {
			t.Error("the limit is not in force, and nobody says why")
		}
		if slices.Contains(p.Offers(), Memory) {
			t.Errorf("the place offers %v but: %v", p.Offers(), err)
		}
		t.Skipf("NOT TESTED: memory limits. %v", err)
	}
	cmd := startIn(t, g, `head -c 100000000 /dev/zero | tail -n 1 >/dev/null; exit $?`)
	_ = cmd.Wait()
	if n, err := g.OOMKills(); n == 0 || err != nil {
		t.Errorf("OOMKills = %d, %v", n, err)
	}
}

func TestGroup_cpu(t *testing.T) {
	t.Parallel()
	g, in, err := newGroup(t, place(t), Limits{CPUs: 0.5})
	if in.CPUs == 0 {
		t.Skipf("NOT TESTED: CPU limits. %v", err)
	}
	if got := words(g.Path(), "cpu.max"); !slices.Equal(got, []string{"50000", "100000"}) {
		t.Errorf("cpu.max is %v", got)
	}
}

func TestGroup_oomKills(t *testing.T) {
	t.Parallel()
	g := Open(t.TempDir())
	if err := os.WriteFile(g.Path()+"/memory.events", []byte("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := g.OOMKills(); n != 2 || err != nil {
		t.Errorf("OOMKills = %d, %v, want 2", n, err)
	}
}

func TestGroup_gone(t *testing.T) {
	t.Parallel()
	for _, g := range []Group{Open(t.TempDir() + "/gone"), Open("")} {
		if g.Exists() {
			t.Error("it exists")
		}
		if err := g.Kill(); err == nil {
			t.Error("Kill: no error")
		}
		if pids, err := g.PIDs(); len(pids) != 0 || err != nil {
			t.Errorf("PIDs = %v, %v", pids, err)
		}
		if n, err := g.OOMKills(); n != 0 || err != nil {
			t.Errorf("OOMKills = %d, %v", n, err)
		}
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkGroup is what a group adds to a job.
func BenchmarkGroup(b *testing.B) {
	for b.Loop() {
		p, err := Find()
		if err != nil {
			b.Skipf("NOT MEASURED: control groups. %v", err)
		}
		g, _, err := p.Make(fmt.Sprintf("dray-bench-%d", os.Getpid()), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if err := g.Remove(); err != nil {
			b.Fatal(err)
		}
	}
}
