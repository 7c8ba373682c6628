//go:build linux

package backend

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// paths are the places of one backend. The run folder is apart from the state
// because socket paths are short: at most 107 bytes on Linux.
type paths struct {
	state, lock, db, jobs, packages, envs, session string
	run, socket, notify                            string
}

const maxSocketPath = 107

func makePaths(state string, getenv func(string) string) (paths, error) {
	if err := privateDir(state); err != nil {
		return paths{}, fmt.Errorf("state folder: %w", err)
	}
	real, err := filepath.EvalSymlinks(state)
	if err != nil {
		return paths{}, fmt.Errorf("state folder: %w", err)
	}
	p := paths{
		state:    real,
		lock:     filepath.Join(real, "backend.lock"),
		db:       filepath.Join(real, "state.db"),
		jobs:     filepath.Join(real, "jobs"),
		packages: filepath.Join(real, "packages"),
		envs:     filepath.Join(real, "envs"),
		session:  filepath.Join(real, "session"),
	}
	for _, dir := range []string{p.jobs, p.packages} {
		if err := privateDir(dir); err != nil {
			return paths{}, fmt.Errorf("state folder: %w", err)
		}
	}
	if p.run, err = runDir(real, getenv); err != nil {
		return paths{}, fmt.Errorf("run folder: %w", err)
	}
	p.socket = filepath.Join(p.run, "api.sock")
	p.notify = filepath.Join(p.run, "notify.sock")
	return p, nil
}

// runDir is $XDG_RUNTIME_DIR/dray/<hash of the state folder>, else run below
// the state folder, else, where that is too long for a socket, a folder below
// /tmp that belongs to this user alone.
func runDir(state string, getenv func(string) string) (string, error) {
	sum := sha256.Sum256([]byte(state))
	name := hex.EncodeToString(sum[:6])
	candidates := []string{filepath.Join(state, "run")}
	if xdg := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(xdg) && unix.Access(xdg, unix.W_OK) == nil {
		candidates = append([]string{filepath.Join(xdg, "dray", name)}, candidates...)
	}
	candidates = append(candidates, filepath.Join(os.TempDir(), "dray-"+strconv.Itoa(os.Getuid()), name))
	for _, dir := range candidates {
		if len(filepath.Join(dir, "notify.sock")) > maxSocketPath {
			continue
		}
		if err := privateDir(filepath.Dir(dir)); err != nil {
			return "", err
		}
		return dir, privateDir(dir)
	}
	return "", fmt.Errorf("no path short enough for a socket (%d bytes): set XDG_RUNTIME_DIR", maxSocketPath)
}

// privateDir makes dir, if need be, and demands that it is this user's and
// that nobody else can write to it. A folder that was there is never changed:
// its mode may matter to others.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s belongs to another user: choose a folder of your own with --state-dir", dir)
	}
	if st.Mode&0o022 != 0 {
		return fmt.Errorf("%s can be written by others: choose another folder with --state-dir, or chmod go-w it", dir)
	}
	return nil
}
