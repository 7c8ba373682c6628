//go:build linux

package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// lockFile says which process is the backend: the one that holds its flock.
// The kernel drops the lock with the process, so there is no stale one.
//
// Only the holder has the file open for writing, so that the end of that, and
// nothing else, is an event for those who watch the file.
type lockFile struct {
	path string
	f    *os.File // open while we hold the lock
	w    *os.File // the same file, open for writing
}

// lockInfo is what the holder writes into the file for the others.
type lockInfo struct {
	PID     int    `json:"pid"`
	Socket  string `json:"socket"`
	Version string `json:"version"`
	BootID  string `json:"boot_id"`
}

// gone reports whether the process that announced itself does not exist any
// more.
func (i lockInfo) gone() bool { return i.PID != 0 && errors.Is(unix.Kill(i.PID, 0), unix.ESRCH) }

// suspended reports whether the process was stopped, by ctrl-z for example: its
// socket takes connections, but nobody answers them.
func (i lockInfo) suspended() bool {
	if i.PID == 0 {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.PID))
	_, after, _ := strings.Cut(string(stat), ") ")
	return err == nil && strings.HasPrefix(after, "T")
}

func newLockFile(path string) *lockFile { return &lockFile{path: path} }

// try takes the lock if it is free.
func (l *lockFile) try() (bool, error) {
	f, err := l.flock(os.O_RDONLY)
	if errors.Is(err, unix.EBADF) { // NFS gives a lock for writing to writers only
		f, err = l.flock(os.O_RDWR)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return false, errors.Join(fmt.Errorf("open the backend's lock: %w", err), f.Close())
	}
	l.f, l.w = f, w
	return true, nil
}

func (l *lockFile) flock(mode int) (*os.File, error) {
	f, err := os.OpenFile(l.path, mode|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the backend's lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w (a file system without flock cannot hold the state)", l.path, err)
	}
	return f, nil
}

// announce tells guests where the socket is. Only the holder calls it.
func (l *lockFile) announce(info lockInfo) error {
	data, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("announce the backend: %w", err)
	}
	if err := l.w.Truncate(0); err != nil {
		return fmt.Errorf("announce the backend: %w", err)
	}
	if _, err := l.w.WriteAt(data, 0); err != nil {
		return fmt.Errorf("announce the backend: %w", err)
	}
	return nil
}

// read returns what the holder announced.
func (l *lockFile) read() (lockInfo, error) {
	var info lockInfo
	data, err := os.ReadFile(l.path)
	if err != nil {
		return info, fmt.Errorf("read the backend's lock: %w", err)
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return info, fmt.Errorf("read the backend's lock: %w", err)
	}
	return info, nil
}

// release lets another process become the backend. The event comes after the
// lock is free.
func (l *lockFile) release() error {
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Close(), l.w.Close())
	l.f, l.w = nil, nil
	return err
}
