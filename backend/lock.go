//go:build linux

package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile says which process is the backend: the one that holds its flock.
// The kernel drops the lock with the process, so there is no stale one.
type lockFile struct {
	path string
	f    *os.File // open while we hold the lock
}

// lockInfo is what the holder writes into the file for the others.
type lockInfo struct {
	PID     int    `json:"pid"`
	Socket  string `json:"socket"`
	Version string `json:"version"`
	BootID  string `json:"boot_id"`
}

func newLockFile(path string) *lockFile { return &lockFile{path: path} }

// try takes the lock if it is free.
func (l *lockFile) try() (bool, error) {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, fmt.Errorf("open the backend's lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, f.Close()
	}
	if err != nil {
		_ = f.Close()
		return false, fmt.Errorf("lock %s: %w (a file system without flock cannot hold the state)", l.path, err)
	}
	l.f = f
	return true, nil
}

// announce tells guests where the socket is. Only the holder calls it.
func (l *lockFile) announce(info lockInfo) error {
	data, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("announce the backend: %w", err)
	}
	if err := l.f.Truncate(0); err != nil {
		return fmt.Errorf("announce the backend: %w", err)
	}
	if _, err := l.f.WriteAt(data, 0); err != nil {
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

// release lets another process become the backend.
func (l *lockFile) release() error {
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
