//go:build linux

// Package cgroup gives a job a control group of its own, where the kernel and
// the rights of this user allow one: it bounds memory and CPU, tells of kills
// for want of memory, and kills a whole tree in one step.
//
// Only the unified hierarchy (cgroup v2) is used; it is looked up among the
// mounts, since on many machines /sys/fs/cgroup is something else. Where no
// group can be had a job runs all the same, with less certainty; saying so is
// left to the callers.
package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNone is wrapped by the errors that say why no group can be had here.
var ErrNone = errors.New("no control group can be made")

// Controllers whose limits can be set.
const (
	Memory = "memory"
	CPU    = "cpu"
)

// Place is a group below which groups of jobs can be made.
type Place struct {
	dir    string
	offers []string
}

// Dir is the folder of the group.
func (p Place) Dir() string { return p.dir }

// Offers returns the controllers whose limits work in a group that is made
// here, sorted: Memory, CPU or others of the kernel.
func (p Place) Offers() []string { return slices.Clone(p.offers) }

// Find looks for a place that this process may use. It changes nothing. The
// error wraps ErrNone and says what is missing.
func Find() (Place, error) {
	own, mount, err := ownGroup()
	if err != nil {
		return Place{}, err
	}
	// A service manager that hands a subtree to this service marks its top,
	// and may keep the processes themselves one level deeper.
	if up := filepath.Dir(own); own != mount && delegated(up) && unix.Access(up, unix.W_OK) == nil {
		return Place{dir: up, offers: offered(up)}, nil
	}
	if err := unix.Access(own, unix.W_OK); err != nil {
		return Place{}, fmt.Errorf("%w: this process may not write to its own group %s: %w", ErrNone, own, err)
	}
	return Place{dir: own, offers: offered(own)}, nil
}

// ownGroup is the folder of this process's group and that of the mount.
func ownGroup() (own, mount string, err error) {
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	defer mounts.Close()
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	path, ok := unifiedPath(string(data))
	if !ok {
		return "", "", fmt.Errorf("%w: the kernel has no unified hierarchy (cgroup v2)", ErrNone)
	}
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		root, point, ok := unifiedMount(lines.Text())
		if !ok {
			continue
		}
		rel, err := filepath.Rel(root, path)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			continue // our group is outside of what is mounted there
		}
		dir := filepath.Join(point, rel)
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
			return dir, point, nil
		}
	}
	return "", "", fmt.Errorf("%w: the unified hierarchy (cgroup v2) is not mounted where this process's group %s is seen", ErrNone, path)
}

// unifiedPath reads the group from /proc/PID/cgroup.
func unifiedPath(text string) (string, bool) {
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return path, true
		}
	}
	return "", false
}

// unifiedMount reads a line of /proc/PID/mountinfo; ok is false unless it
// mounts the unified hierarchy. root is which of its groups is at point.
func unifiedMount(line string) (root, point string, ok bool) {
	before, after, found := strings.Cut(line, " - ")
	fields := strings.Fields(before)
	kind, _, _ := strings.Cut(after, " ")
	if !found || kind != "cgroup2" || len(fields) < 5 {
		return "", "", false
	}
	return unescape(fields[3]), unescape(fields[4]), true
}

// unescape undoes the \ooo by which the kernel writes blanks in paths.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func delegated(dir string) bool {
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		var value [8]byte
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// offered are the controllers that children of dir have, or can be given: the
// kernel hands none down from a group that holds processes itself, unless it
// is the topmost.
func offered(dir string) []string {
	on := words(dir, "cgroup.subtree_control")
	_, err := os.Stat(filepath.Join(dir, "cgroup.type"))
	topmost := errors.Is(err, fs.ErrNotExist)
	if topmost || len(words(dir, "cgroup.procs")) == 0 {
		on = append(on, words(dir, "cgroup.controllers")...)
	}
	slices.Sort(on)
	return slices.Compact(on)
}

func words(dir, name string) []string {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}
