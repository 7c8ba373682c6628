//go:build linux

// Package runner is the backend's side of jobs that run: it spawns their
// supervisors, finds them again after a restart of the backend, hears from
// them, stops them, and takes over what can be taken over when one is killed.
//
// Everything it knows it can learn again from the job's folder and the kernel,
// so that the backend may be killed at any instant. What a state means for the
// record of a job is left to package jobs.
package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/supervise/proctree"
)

// ErrClosed is the error of a Runner that was closed.
var ErrClosed = errors.New("the runner is closed")

// Config says what a Runner works with.
type Config struct {
	Exe          string // absolute path of this binary; "" asks the system
	NotifySocket string // where supervisors tell that something changed
	Log          *slog.Logger
}

// Runner starts and adopts jobs. There is one per backend.
type Runner struct {
	cfg    Config
	bootID string
	conn   *net.UnixConn
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	procs  map[string]*Process // by the name of the folder
}

// New binds the notify socket, of mode 0600, in place of one that a killed
// backend left, and makes this process the reaper of orphans below it. Close
// the Runner.
func New(cfg Config) (*Runner, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Exe == "" {
		// Resolved now: a relative name means another file after a chdir.
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program's file: %w", err)
		}
		cfg.Exe = exe
	}
	boot, err := proctree.BootID()
	if err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become reaper: %w", err)
	}
	conn, err := listen(cfg.NotifySocket)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{cfg: cfg, bootID: boot, conn: conn, ctx: ctx, cancel: cancel, procs: make(map[string]*Process)}
	r.done.Go(r.hear)
	return r, nil
}

func listen(path string) (*net.UnixConn, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("bind notify socket: %w", err)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("bind notify socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("bind notify socket: %w", err)
	}
	return conn, nil
}

// hear wakes the job that a datagram names. It ends when Close closes the
// socket.
func (r *Runner) hear() {
	buf := make([]byte, 512)
	for {
		n, err := r.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.cfg.Log.Warn("read notify socket", "err", err)
			continue
		}
		name, _, _ := bytes.Cut(buf[:n], []byte{0})
		r.mu.Lock()
		p := r.procs[string(name)]
		r.mu.Unlock()
		if p != nil {
			poke(p.wake)
			p.changed()
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close lets go of all jobs; they and their supervisors live on. Processes of
// this Runner say nothing more.
func (r *Runner) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	err := r.conn.Close()
	r.done.Wait()
	if rm := os.Remove(r.cfg.NotifySocket); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	if err != nil {
		return fmt.Errorf("close runner: %w", err)
	}
	return nil
}

// register makes p known by its folder's name and runs its goroutine, which
// ends when the job is over or with Close, and others, which end with Close at
// the latest.
func (r *Runner) register(p *Process, others ...func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.procs[filepath.Base(p.dir.Path())] = p
	r.done.Go(p.run)
	for _, f := range others {
		r.done.Go(f)
	}
	return nil
}

func (r *Runner) forget(p *Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name := filepath.Base(p.dir.Path()); r.procs[name] == p {
		delete(r.procs, name)
	}
}

// tryLock takes the lock of a job's supervisor; nil without an error means
// that a supervisor lives. Close the file to give it back.
func tryLock(d jobdir.Dir) (*os.File, error) {
	f, err := os.OpenFile(d.Lock(), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("lock job folder: %w", err)
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return f, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		_ = f.Close()
		return nil, nil
	default:
		_ = f.Close()
		return nil, fmt.Errorf("lock job folder: %w", err)
	}
}
