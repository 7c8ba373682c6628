//go:build linux

// Package jobdir is the folder of one job on disk: its files, their formats
// and how each is made durable.
//
// The backend creates the folder when it accepts a job; the job's supervisor
// writes the slot, the log and the started mark; both may be killed at any
// instant, so every file here is either written once, replaced atomically, or
// (the slot) written into space that was reserved when the job was accepted.
// What the files mean for a job's state is the business of packages jobs,
// runner and supervise.
package jobdir

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"dray/backend/atomicfile"
	"dray/backend/rayapi"
)

// Names of the files in a job's folder.
const (
	specName    = "spec.json"
	secretName  = "env.secret.json"
	environName = "environ.secret.json"
	launchName  = "launch.json"
	stopName    = "stop.json"
	slotName    = "slot"
	fifoName    = "out"
	logName     = "log"
	lockName    = "lock"
	startedName = "started"
	shimLogName = "shim.log"
	workName    = "work" // private copies of working_dir and py_modules
)

// Dir is the folder of one job.
type Dir struct{ path string }

// Open returns the folder at path; it does not look at the disk.
func Open(path string) Dir { return Dir{path: path} }

// Path is the folder itself.
func (d Dir) Path() string { return d.path }

// Log is the path of the job's output: plain bytes, one writer.
func (d Dir) Log() string { return filepath.Join(d.path, logName) }

// FIFO is the path of the pipe that is the job's stdout and stderr.
func (d Dir) FIFO() string { return filepath.Join(d.path, fifoName) }

// Lock is the path of the file whose flock says that the supervisor lives: a
// second name of the mark. In folders of earlier versions it is a file of its
// own, and some have the mark alone.
func (d Dir) Lock() string {
	old := filepath.Join(d.path, lockName)
	if _, err := os.Lstat(old); err == nil {
		return old
	}
	return d.Started()
}

// Started is the path of the mark that the child itself sets as its first act
// after the gate: one byte, '0' before and '1' after, so that setting it needs
// no free space.
func (d Dir) Started() string { return filepath.Join(d.path, startedName) }

// ShimLog is the path of the supervisor's own log.
func (d Dir) ShimLog() string { return filepath.Join(d.path, shimLogName) }

// Work is the folder below which the job's private trees are unpacked.
func (d Dir) Work() string { return filepath.Join(d.path, workName) }

// Name returns the folder name of a submission id: the id itself where that is
// a safe name, else a hash of it.
func Name(id string) string {
	if isPlain(id) && !strings.HasPrefix(id, "x-") {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "x-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

// isPlain tells the ids that are folder names as they are. It is no regular
// expression: that would be compiled in every supervisor.
func isPlain(id string) bool {
	for i, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '_' || c == '.' || c == '-'):
		default:
			return false
		}
	}
	return 0 < len(id) && len(id) <= 96
}

// Spec is what was accepted: the request without the values of env_vars, which
// are in the secret file. It never changes.
type Spec struct {
	Version    int                  `json:"version"` // 1
	Request    rayapi.SubmitRequest `json:"request"` // env_vars values replaced by ""
	AcceptedAt int64                `json:"accepted_at"`
	RestartOf  string               `json:"restart_of,omitempty"`
	Attempt    int                  `json:"attempt,omitempty"`    // 0 and 1: the first
	RetryOf    string               `json:"retry_of,omitempty"`   // the id of the first attempt
	NotBefore  int64                `json:"not_before,omitempty"` // ms; a retry waits until then
}

// Secret is what must not be in any other file: the values of env_vars as they
// were submitted. The job's whole environment, which holds them too, is in a
// file of its own, see SetLaunch.
type Secret struct {
	EnvVars map[string]string `json:"env_vars,omitempty"`
}

// Launch is what the supervisor starts. It is written when the runtime
// environment is ready, before the supervisor is spawned.
type Launch struct {
	Version        int           `json:"version"` // 1
	ID             string        `json:"id"`
	Entrypoint     string        `json:"entrypoint"`
	Command        string        `json:"command,omitempty"` // shell text that runs the entrypoint in its place, in a container
	Dir            string        `json:"dir"`               // absolute working directory
	StopSignal     int           `json:"stop_signal"`
	StopGrace      time.Duration `json:"stop_grace"`
	Linger         time.Duration `json:"linger"`          // how long output of leftover processes is awaited
	KeepBackground bool          `json:"keep_background"` // leave leftovers alive
	LogBase        int64         `json:"log_base"`        // log bytes before the supervisor's first
	NotifySocket   string        `json:"notify_socket"`
	GPUs           []string      `json:"gpus,omitempty"`       // the devices that are the job's own
	MemoryMax      int64         `json:"memory_max,omitempty"` // bytes that the kernel lets the job have; 0: no bound
	CPUMax         float64       `json:"cpu_max,omitempty"`    // processors' worth of time; 0: no bound
}

// StopRule is how a job is to be stopped when the request to stop it says
// otherwise than its launch.
type StopRule struct {
	Signal int           `json:"signal"`
	Grace  time.Duration `json:"grace"`
}

// Create makes the folder root/Name(id) with everything a job needs before it
// is acknowledged: spec, secret if there is one, slot, FIFO, mark, and a log
// that begins with logHead. It is built under a temporary name and renamed, and
// all that must not be lost is on disk when Create returns. An existing folder
// is an error that wraps os.ErrExist.
func Create(root string, spec Spec, secret Secret, logHead []byte) (Dir, error) {
	final := filepath.Join(root, Name(spec.Request.SubmissionID))
	if _, err := os.Lstat(final); err == nil {
		return Dir{}, fmt.Errorf("create job folder %s: %w", final, os.ErrExist)
	}
	tmp, err := os.MkdirTemp(root, ".new-*")
	if err != nil {
		return Dir{}, fmt.Errorf("create job folder: %w", err)
	}
	d := Dir{path: tmp}
	files, err := d.fill(spec, secret, logHead)
	if err == nil {
		err = os.Rename(tmp, final)
	}
	if err == nil {
		tmp = final
		err = syncAll(files, final, root)
	}
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = os.RemoveAll(tmp)
		return Dir{}, fmt.Errorf("create job folder: %w", err)
	}
	return Dir{path: final}, nil
}

// fill makes the files, and returns those that are not on disk yet and must be.
func (d Dir) fill(spec Spec, secret Secret, logHead []byte) (unsynced []*os.File, err error) {
	specJSON, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	secretJSON, err := json.Marshal(secret)
	if err != nil {
		return nil, err
	}
	if err := unix.Mkfifo(d.FIFO(), 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: d.FIFO(), Err: err}
	}
	for _, f := range []struct {
		name   string
		data   []byte
		needed bool
		must   bool // outlive a power cut
	}{
		{specName, specJSON, true, true},
		{secretName, secretJSON, len(secret.EnvVars) > 0, true},
		{slotName, make([]byte, slotSize), true, true},
		{startedName, []byte{'0'}, true, false}, // an empty one means the same
		{logName, logHead, true, false},
	} {
		if !f.needed {
			continue
		}
		path := filepath.Join(d.path, f.name)
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return unsynced, err
		}
		_, err = file.Write(f.data)
		if err == nil && f.must {
			unsynced = append(unsynced, file)
			continue
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return unsynced, err
		}
	}
	// For a backend of an earlier version, which takes a job without it for
	// lost. Without links on this disk only those lack it.
	_ = os.Link(d.Started(), filepath.Join(d.path, lockName))
	return unsynced, nil
}

// syncAll makes files and names durable side by side: the file system then
// flushes once for all of them.
func syncAll(files []*os.File, dirs ...string) error {
	var syncs errgroup.Group
	for _, f := range files {
		syncs.Go(f.Sync)
	}
	for _, dir := range dirs {
		syncs.Go(func() error { return atomicfile.SyncDir(dir) })
	}
	return syncs.Wait()
}

// Spec reads what was accepted.
func (d Dir) Spec() (Spec, error) { return readJSON[Spec](d.path, specName) }

// Accepted reports whether the folder may be that of a job that was
// acknowledged: until then a power cut can leave its files empty.
func (d Dir) Accepted() bool {
	info, err := os.Stat(filepath.Join(d.path, specName))
	return err != nil || info.Size() > 0
}

// Secret reads the secret file; the error wraps os.ErrNotExist when the job
// was accepted without values of env_vars.
func (d Dir) Secret() (Secret, error) { return readJSON[Secret](d.path, secretName) }

// Launch reads what to start; the error wraps os.ErrNotExist before SetLaunch.
func (d Dir) Launch() (Launch, error) { return readJSON[Launch](d.path, launchName) }

// Environ reads the job's environment, "K=V"; the error wraps os.ErrNotExist
// before SetLaunch.
func (d Dir) Environ() ([]string, error) { return readJSON[[]string](d.path, environName) }

// SetLaunch stores what the supervisor is to start, and its environment, final
// and as "K=V". Both survive the end of this process, but are not flushed to
// the disk: after a power cut they may be missing or empty, and are made anew.
func (d Dir) SetLaunch(l Launch, environ []string) error {
	if err := d.writeJSON(environName, environ); err != nil {
		return err
	}
	return d.writeJSON(launchName, l)
}

// SetStopRule stores how the job is to be stopped. It comes before the signal
// to the supervisor, and like SetLaunch does not wait for the disk.
func (d Dir) SetStopRule(r StopRule) error { return d.writeJSON(stopName, r) }

// StopRule says how the job is to be stopped: what was stored last, else what
// its launch says.
func (d Dir) StopRule(l Launch) StopRule {
	r, err := readJSON[StopRule](d.path, stopName)
	if err != nil { // none, or damaged by a power cut, after which nothing is stopped
		return StopRule{Signal: l.StopSignal, Grace: l.StopGrace}
	}
	return r
}

// HasStarted reports whether the child passed the gate: only then can the
// entrypoint have run.
func (d Dir) HasStarted() (bool, error) {
	b, err := os.ReadFile(d.Started())
	if err != nil {
		return false, err
	}
	return len(b) > 0 && b[0] == '1', nil
}

// writeJSON replaces a file as a whole, but not durably.
func (d Dir) writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	tmp := filepath.Join(d.path, ".tmp-"+name)
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write job file: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(d.path, name)); err != nil {
		return fmt.Errorf("write job file: %w", err)
	}
	return nil
}

func readJSON[T any](dir, name string) (T, error) {
	var v T
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		return v, fmt.Errorf("read job file: %w", err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("read job file %s: %w", path, err)
	}
	return v, nil
}
