//go:build linux

package cgroup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Limits bound a group. Zero means no bound.
type Limits struct {
	MemoryMax int64   // bytes
	CPUs      float64 // processors' worth of time
}

const (
	cpuPeriod    = 100 * time.Millisecond // over which CPU time is counted, the kernel's default
	minQuota     = time.Millisecond       // the least the kernel takes
	removeTries  = 20
	removePause  = 5 * time.Millisecond
	maxGroupDeep = 32
)

// Group is the control group of one job.
type Group struct{ path string }

// Open returns the group whose folder is path, or, for "", one that does not
// exist and holds nothing. It does not look at the disk.
func Open(path string) Group { return Group{path: path} }

// Path is the folder of the group.
func (g Group) Path() string { return g.path }

// Make makes the group name, or takes the one that is there, and bounds it.
// The group is usable also when a limit could not be set: inForce are those
// that were, and err says why others were not. Without a group its Path is "".
func (p Place) Make(name string, want Limits) (g Group, inForce Limits, err error) {
	var errs []error
	for _, need := range []struct {
		controller string
		wanted     bool
	}{{Memory, want.MemoryMax > 0}, {CPU, want.CPUs > 0}} {
		if need.wanted {
			errs = append(errs, p.handDown(need.controller))
		}
	}
	g.path = filepath.Join(p.dir, name)
	if err := os.Mkdir(g.path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return Group{}, Limits{}, fmt.Errorf("make control group: %w", err)
	}
	if want.MemoryMax > 0 {
		err := g.write("memory.max", strconv.FormatInt(want.MemoryMax, 10))
		if err == nil {
			inForce.MemoryMax = want.MemoryMax
			// Else the bound would only move the excess to the swap. The file
			// is missing where the kernel does not count swap.
			_ = g.write("memory.swap.max", "0")
		}
		errs = append(errs, err)
	}
	if want.CPUs > 0 {
		quota := max(time.Duration(want.CPUs*float64(cpuPeriod)), minQuota)
		err := g.write("cpu.max", fmt.Sprintf("%d %d", quota.Microseconds(), cpuPeriod.Microseconds()))
		if err == nil {
			inForce.CPUs = want.CPUs
		}
		errs = append(errs, err)
	}
	return g, inForce, errors.Join(errs...)
}

// handDown lets the children of the place have a controller.
func (p Place) handDown(controller string) error {
	if slices.Contains(words(p.dir, "cgroup.subtree_control"), controller) {
		return nil
	}
	if !slices.Contains(words(p.dir, "cgroup.controllers"), controller) {
		return fmt.Errorf("the group %s has no %s controller", p.dir, controller)
	}
	return Group{p.dir}.write("cgroup.subtree_control", "+"+controller)
}

func (g Group) write(name, value string) error {
	if g.path == "" {
		return ErrNone
	}
	f, err := os.OpenFile(filepath.Join(g.path, name), os.O_WRONLY, 0) // never made: only the kernel makes files here
	if err != nil {
		return fmt.Errorf("set up control group: %w", err)
	}
	_, err = f.WriteString(value)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set up control group: %w", err)
	}
	return nil
}

// Folder opens the group's folder, for a process to be started inside by its
// descriptor. Close it.
func (g Group) Folder() (*os.File, error) {
	f, err := os.Open(g.path)
	if err != nil {
		return nil, fmt.Errorf("open control group: %w", err)
	}
	return f, nil
}

// Exists reports whether the group is there.
func (g Group) Exists() bool {
	if g.path == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(g.path, "cgroup.procs"))
	return err == nil
}

// Kill kills every process in the group and below it at once, those that are
// about to fork included (Linux ≥ 5.14). It does not wait for their end.
func (g Group) Kill() error { return g.write("cgroup.kill", "1") }

// PIDs returns the processes in the group and in those below it, without dead
// ones. They change while it reads.
func (g Group) PIDs() ([]int, error) {
	var pids []int
	err := g.walk(func(dir string) error {
		data, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return nil // it has just been removed
		}
		if err != nil {
			return err
		}
		for line := range bytes.Lines(data) {
			if pid, err := strconv.Atoi(string(bytes.TrimSpace(line))); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list control group: %w", err)
	}
	return pids, nil
}

// OOMKills is how many processes of the group the kernel has killed because
// the group, or the machine, had no memory left; 0 where the kernel does not
// count memory.
func (g Group) OOMKills() (int, error) {
	if g.path == "" {
		return 0, nil
	}
	f, err := os.Open(filepath.Join(g.path, "memory.events"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read memory events: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := bytes.CutPrefix(lines.Bytes(), []byte("oom_kill ")); ok {
			n, err := strconv.Atoi(string(text))
			if err != nil {
				return 0, fmt.Errorf("read memory events: %w", err)
			}
			return n, nil
		}
	}
	return 0, nil
}

// Remove removes the group, and those that the job made below it. A group that
// still holds a process is an error; one that is gone is not.
func (g Group) Remove() error {
	var dirs []string
	err := g.walk(func(dir string) error {
		dirs = append(dirs, dir)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove control group: %w", err)
	}
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if err := removeOne(dir); err != nil {
			return fmt.Errorf("remove control group: %w", err)
		}
	}
	return nil
}

// removeOne waits a moment for processes that are dead and not yet out.
func removeOne(dir string) error {
	for try := 0; ; try++ {
		err := unix.Rmdir(dir)
		switch {
		case err == nil, errors.Is(err, unix.ENOENT):
			return nil
		case !errors.Is(err, unix.EBUSY) || try == removeTries:
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		time.Sleep(removePause) // the kernel sends no event for this
	}
}

// walk calls f for the group's folder and those below it, parents first.
func (g Group) walk(f func(dir string) error) error {
	if g.path == "" {
		return nil
	}
	level := []string{g.path}
	for range maxGroupDeep {
		var next []string
		for _, dir := range level {
			if err := f(dir); err != nil {
				return err
			}
			entries, err := os.ReadDir(dir)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
				continue
			}
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.IsDir() {
					next = append(next, filepath.Join(dir, e.Name()))
				}
			}
		}
		if level = next; len(level) == 0 {
			break
		}
	}
	return nil
}
