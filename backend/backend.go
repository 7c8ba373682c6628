//go:build linux

// Package backend puts the embedded backend together: the state folder and
// its lock, the records, the job manager and the API on a Unix socket.
//
// Of the processes that use one state folder exactly one is the backend: the
// one that holds the lock. The others are guests, which reach it through its
// socket and take over when it goes. What a job's life is, is the business of
// package jobs; what the API says, of package server.
package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/client"
	"dray/backend/jobdir"
)

// SuperviseVerb is the hidden verb by which the binary becomes the supervisor
// of one job.
const SuperviseVerb = "__supervise"

// Config says where the state is and what the jobs get.
type Config struct {
	StateDir   string // absolute; made when missing
	DefaultDir string // absolute working directory of jobs that name none
	Version    string // of this program
	Log        *slog.Logger
	Getenv     func(string) string // nil: os.Getenv
}

// Host is this process's part in the embedded backend: the backend itself, or
// a guest of it that takes over when it goes.
type Host struct {
	cfg    Config
	paths  paths
	lock   *lockFile
	holder atomic.Pointer[holder] // nil in a guest
	proxy  http.Handler

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// How often a guest looks whether the backend has gone: not before an event
// says so, but now and then all the same, as on some network file systems
// there is none. Then, and without events, quickly.
const (
	lookEvery  = 5 * time.Second
	lookSoon   = 100 * time.Millisecond
	lookFirst  = time.Millisecond
	lookAfter  = 2 * time.Second // how long after an event
	lookFailed = 5 * time.Second // at the most, after failures
)

// How long a dial waits for a backend that is starting or changing.
const (
	dialPatience = 10 * time.Second
	dialRetry    = 20 * time.Millisecond
	// gonePatience is how long the lock and the socket of a process that was
	// killed may outlive it: a child that it had forked holds them until its
	// exec.
	gonePatience = time.Second
)

// Open joins the state folder: as its backend when nobody is, else as a guest.
// It returns when the API can be dialled. Close the Host.
func Open(ctx context.Context, cfg Config) (*Host, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	unix.Umask(0o077) // everything in the state folder is private
	p, err := makePaths(cfg.StateDir, cfg.Getenv)
	if err != nil {
		return nil, err
	}
	h := &Host{cfg: cfg, paths: p, lock: newLockFile(p.lock)}
	h.proxy = newProxy(h.dial, cfg.Log)
	took, err := h.takeOver(ctx)
	for end := time.Now().Add(gonePatience); err == nil && !took && h.whoHolds().gone() && time.Now().Before(end); {
		time.Sleep(dialRetry) // not worth a watch: it is a matter of milliseconds
		took, err = h.takeOver(ctx)
	}
	if err != nil {
		return nil, err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	if !took {
		h.done.Go(func() { h.watch(background) })
	}
	return h, nil
}

// takeOver becomes the backend if nobody is.
func (h *Host) takeOver(ctx context.Context) (bool, error) {
	free, err := h.lock.try()
	if err != nil || !free {
		return false, err
	}
	b, err := openHolder(ctx, h.cfg, h.paths, h.lock)
	if err != nil {
		return false, errors.Join(err, h.lock.release())
	}
	h.holder.Store(b)
	return true, nil
}

// Holder reports whether this process is the backend.
func (h *Host) Holder() bool { return h.holder.Load() != nil }

// Endpoint is how a client reaches the backend, whichever process it is.
func (h *Host) Endpoint() client.Endpoint {
	return client.Endpoint{BaseURL: "http://localhost", Dial: h.dial}
}

// Handler serves the API: from this process when it is the backend, else by
// passing requests on to the one that is. What is private to the socket does
// not exist here, whoever is the backend.
func (h *Host) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPrivate(r) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "404: Not Found") // a client that has gone does not read it
			return
		}
		if b := h.holder.Load(); b != nil {
			b.api.ServeHTTP(w, r)
			return
		}
		h.proxy.ServeHTTP(w, r)
	})
}

// dial connects to the backend's socket. While the backend is changing hands
// it tries again, for at most dialPatience.
func (h *Host) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	var d net.Dialer
	began := time.Now()
	for {
		now := h.whoHolds()
		if now.suspended() {
			return nil, fmt.Errorf("process %d is the backend and is suspended: resume it (fg) or end it (kill %[1]d; kill -CONT %[1]d)", now.PID)
		}
		err := errGone
		if time.Since(began) > gonePatience || !now.gone() {
			var conn net.Conn
			if conn, err = d.DialContext(ctx, "unix", now.Socket); err == nil {
				return conn, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the embedded backend in %s does not answer: %w", h.cfg.StateDir, err)
		case <-time.After(dialRetry):
		}
	}
}

var errGone = errors.New("the process that was the backend is gone")

// whoHolds is what the backend announced, as far as it is known. Its socket may
// be elsewhere than ours would be: its XDG_RUNTIME_DIR may differ. The PID is 0
// when this process is the backend.
func (h *Host) whoHolds() lockInfo {
	if h.Holder() {
		return lockInfo{Socket: h.paths.socket}
	}
	info, err := h.lock.read()
	if err != nil {
		info = lockInfo{} // there may be no backend just now
	}
	if info.Socket == "" {
		info.Socket = h.paths.socket
	}
	return info
}

// Ready waits until what the last backend left has been taken up, so that a
// first look at the jobs is true. A guest's backend is ready.
func (h *Host) Ready(ctx context.Context) {
	if b := h.holder.Load(); b != nil {
		select {
		case <-b.recovered:
		case <-ctx.Done():
		}
	}
}

// Summary names the jobs that go on without this process and those that wait
// for the next backend. Both are empty in a guest: its backend stays.
func (h *Host) Summary(ctx context.Context) (running, queued []string, err error) {
	b := h.holder.Load()
	if b == nil {
		return nil, nil, nil
	}
	return b.manager.Summary(ctx)
}

// Close leaves the state folder; a guest may take over. Jobs go on.
func (h *Host) Close(ctx context.Context) error {
	h.cancel()
	h.done.Wait()
	b := h.holder.Load()
	if b == nil {
		return nil
	}
	return errors.Join(b.close(ctx), h.lock.release())
}

// LogFile is the path into which a job's output is written. It does not look
// whether there is such a job.
func (h *Host) LogFile(id string) string {
	return jobdir.Open(filepath.Join(h.paths.jobs, jobdir.Name(id))).Log()
}
