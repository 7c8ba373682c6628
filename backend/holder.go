//go:build linux

package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/disk"
	"dray/backend/jobs"
	"dray/backend/packages"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/runtimeenv"
	"dray/backend/server"
	"dray/backend/store"
)

// holder is the backend itself: what the process that holds the lock runs.
type holder struct {
	log     *slog.Logger
	lock    *lockFile // held for as long as anything here runs: a file that nobody refers to is closed
	store   *store.Store
	runner  *runner.Runner
	manager *jobs.Manager
	api     *server.API
	srv     *http.Server
	cancel  context.CancelFunc
	done    chan struct{} // serving and recovery have ended

	recovered chan struct{} // closed when what the last backend left is taken up
}

// RayVersion is the release of Ray whose Jobs API is spoken.
const RayVersion = "2.60.0"

// openHolder starts the backend on the socket. Reads are answered at once;
// what was left by the last backend is adopted meanwhile.
func openHolder(ctx context.Context, cfg Config, p paths, lock *lockFile) (_ *holder, err error) {
	h := &holder{log: cfg.Log, lock: lock, done: make(chan struct{}), recovered: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.closeParts(ctx))
		}
	}()
	makeThreads(spareThreads)
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's file: %w", err)
	}
	opened, err := store.Open(ctx, p.db)
	if err != nil {
		return nil, err
	}
	h.store = opened
	if h.runner, err = runner.New(runner.Config{Exe: exe, NotifySocket: p.notify, Log: cfg.Log}); err != nil {
		return nil, err
	}
	pkgs, err := packages.OpenStore(p.packages)
	if err != nil {
		return nil, err
	}
	session, err := sessionName(p.session)
	if err != nil {
		return nil, err
	}
	if h.manager, err = h.newManager(ctx, cfg, p, pkgs); err != nil {
		return nil, err
	}
	h.api = server.New(server.Config{
		Jobs: h.manager, Packages: &uploads{pkgs, h.manager}, Log: cfg.Log,
		Version: rayapi.Version{Version: "4", RayVersion: RayVersion, RayCommit: "dray-" + cfg.Version, SessionName: session},
	})
	ln, err := listenUnix(ctx, p.socket)
	if err != nil {
		return nil, err
	}
	if err := lock.announce(lockInfo{PID: os.Getpid(), Socket: p.socket, Version: cfg.Version, BootID: bootID()}); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	h.serve(ctx, ln)
	return h, nil
}

func (h *holder) newManager(ctx context.Context, cfg Config, p paths, pkgs *packages.Store) (*jobs.Manager, error) {
	envs, err := runtimeenv.Open(pkgs, runtimeenv.Options{Root: p.envs, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	guard, err := disk.Open(p.state, disk.Options{})
	if err != nil {
		return nil, err
	}
	c := jobs.Config{
		Store: h.store, Root: p.jobs, Runner: jobs.WithRunner(h.runner), Envs: envs, Disk: guard,
		Collect:    &collector{packages: pkgs, envs: envs, log: cfg.Log},
		DefaultDir: cfg.DefaultDir, NotifySocket: p.notify, Log: cfg.Log, CPUs: runtime.NumCPU(),
	}
	if err := c.FromEnviron(ctx, os.Environ()); err != nil {
		return nil, err
	}
	return jobs.New(c), nil
}

// serve answers on the socket and adopts what the last backend left. Both end
// with close.
func (h *holder) serve(ctx context.Context, ln *net.UnixListener) {
	ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.srv = server.HTTPServer(server.Guard(h.private(), server.GuardConfig{Unix: true, AuthDisabled: true, Log: h.log}), h.log)
	h.srv.BaseContext = func(net.Listener) context.Context { return ctx }
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := h.srv.Serve(server.PeerListener(ln)); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("serve the socket", "err", err)
		}
	}()
	go func() {
		defer close(h.done)
		if err := h.manager.Recover(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("adopt the jobs of the last backend", "err", err)
		}
		close(h.recovered)
		defer runtime.KeepAlive(h.lock)
		<-served
	}()
}

func listenUnix(ctx context.Context, path string) (*net.UnixListener, error) {
	// We hold the lock, so a socket that is there belongs to nobody.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on the backend's socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the socket: %w", err), ln.Close())
	}
	unixLn, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listen on %s: not a Unix socket", path), ln.Close())
	}
	return unixLn, nil
}

// close stops serving and leaves the jobs to the next backend.
func (h *holder) close(ctx context.Context) error {
	h.cancel()
	grace, stop := context.WithTimeout(ctx, 500*time.Millisecond)
	defer stop()
	followers := h.api.Close(grace)
	err := h.srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = h.srv.Close()
	}
	<-h.done
	return errors.Join(followers, err, h.closeParts(ctx))
}

func (h *holder) closeParts(ctx context.Context) error {
	var errs []error
	if h.manager != nil {
		errs = append(errs, h.manager.Close(ctx))
	}
	if h.runner != nil {
		errs = append(errs, h.runner.Close())
	}
	if h.store != nil {
		errs = append(errs, h.store.Close())
	}
	return errors.Join(errs...)
}

// sessionName is Ray's name for the life of a cluster; ours lives as long as
// the state folder.
func sessionName(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the session name: %w", err)
	}
	now := time.Now()
	name := fmt.Sprintf("session_%s_%06d_%d", now.Format("2006-01-02_15-04-05"), now.Nanosecond()/1000, os.Getpid())
	if err := atomicfile.Write(path, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the session name: %w", err)
	}
	return name, nil
}

func bootID() string {
	data, err := os.ReadFile(filepath.FromSlash("/proc/sys/kernel/random/boot_id"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
