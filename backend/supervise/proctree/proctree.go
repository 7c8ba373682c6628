//go:build linux

// Package proctree names processes beyond the reuse of their pids, finds the
// members of a job's tree and signals them.
//
// Every signal goes through a pidfd that was checked after it was opened, so
// that a stranger who got a dead member's pid is never hit. Who is to be
// signalled, when, and who reaps the dead is left to packages supervise and
// runner.
package proctree

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrGone means that the process does not exist any more; its pid may belong
// to another one.
var ErrGone = errors.New("the process is gone")

// Stat is one process as /proc shows it.
type Stat struct {
	PID        int
	PPID       int
	Session    int
	State      byte   // 'R', 'S', 'D', 'T', 'Z' …
	StartTicks uint64 // since boot, in ticks of 10 ms
	WaitStatus int    // as wait4 would give it; only of a zombie, and 0 without the right to see it
}

// Dead reports whether the process has ended and only waits to be reaped.
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

// Fields of /proc/PID/stat behind the command name, counted from the state.
const (
	fieldState      = 0
	fieldPPID       = 1
	fieldSession    = 3
	fieldStartTicks = 19
	fieldExitCode   = 49
)

// ReadStat reads one process; the error wraps ErrGone when there is none.
func ReadStat(pid int) (Stat, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ESRCH):
		return Stat{}, fmt.Errorf("read process %d: %w", pid, ErrGone)
	case err != nil:
		return Stat{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return parseStat(pid, data)
}

func parseStat(pid int, data []byte) (Stat, error) {
	// The command name is in parentheses and may hold blanks and parentheses.
	end := bytes.LastIndexByte(data, ')')
	fields := strings.Fields(string(data[end+1:]))
	if end < 0 || len(fields) <= fieldExitCode {
		return Stat{}, fmt.Errorf("read process %d: unexpected form of /proc/%d/stat", pid, pid)
	}
	s := Stat{PID: pid, State: fields[fieldState][0]}
	var errs [4]error
	s.PPID, errs[0] = strconv.Atoi(fields[fieldPPID])
	s.Session, errs[1] = strconv.Atoi(fields[fieldSession])
	s.StartTicks, errs[2] = strconv.ParseUint(fields[fieldStartTicks], 10, 64)
	s.WaitStatus, errs[3] = strconv.Atoi(fields[fieldExitCode])
	if err := errors.Join(errs[:]...); err != nil {
		return Stat{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return s, nil
}

// Snapshot reads all processes. They change while it reads: what depends on
// an empty tree must look again.
func Snapshot() ([]Stat, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all := make([]Stat, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := ReadStat(pid); err == nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// Descendants returns those of all whose chain of parents leads to one for
// which root is true, these included. Zombies are links of a chain too.
func Descendants(all []Stat, root func(Stat) bool) []Stat {
	children := make(map[int][]Stat, len(all))
	var queue []Stat
	seen := make(map[int]bool)
	for _, s := range all {
		children[s.PPID] = append(children[s.PPID], s)
		if root(s) {
			queue = append(queue, s)
			seen[s.PID] = true
		}
	}
	for at := 0; at < len(queue); at++ {
		for _, c := range children[queue[at].PID] {
			if !seen[c.PID] {
				seen[c.PID] = true
				queue = append(queue, c)
			}
		}
	}
	return queue
}

// Alive returns the members that have not ended.
func Alive(members []Stat) []Stat {
	return slices.DeleteFunc(slices.Clone(members), Stat.Dead)
}

// Signal sends sigs to each living member, and returns the pids that refused
// one, which happens when a member changed its user.
func Signal(members []Stat, sigs ...unix.Signal) (refused []int) {
	for _, m := range Alive(members) {
		if err := signalOne(m, sigs); err != nil && !errors.Is(err, ErrGone) {
			refused = append(refused, m.PID)
		}
	}
	return refused
}

func signalOne(m Stat, sigs []unix.Signal) error {
	h, err := OpenStat(m)
	if err != nil {
		return err
	}
	defer h.Close()
	for _, sig := range sigs {
		if err := h.Signal(sig); err != nil {
			return err
		}
	}
	return nil
}

// Kill stops all members first, so that they cannot fork while the others
// die, and then kills them.
func Kill(members []Stat) {
	Signal(members, unix.SIGSTOP)
	Signal(members, unix.SIGKILL)
}
