//go:build linux

package runner

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/supervise"
	"dray/backend/supervise/proctree"
	"dray/backend/supervise/pump"
)

// Start spawns the supervisor of a job whose launch file is written. It
// returns when that process exists; what comes of it is told by Changes.
// Release the Process.
func (r *Runner) Start(ctx context.Context, d jobdir.Dir) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := newProcess(r, d)
	if err := p.spawn(); err != nil {
		p.cancel()
		p.drop()
		return nil, fmt.Errorf("start supervisor of %s: %w", d.Path(), err)
	}
	return p, nil
}

// Adopt finds again a job that was started before, whatever has happened to
// it, its supervisor and the machine meanwhile. It returns when it is known
// who looks after the job, or after two seconds; a job without a supervisor
// that goes on is looked after by this process. Release the Process.
func (r *Runner) Adopt(ctx context.Context, d jobdir.Dir) (*Process, error) {
	p := newProcess(r, d)
	p.adopted = true
	// Without its pipe a job can still be watched; what it prints is lost.
	fd, err := pump.OpenFIFO(d)
	if err != nil {
		p.state.Detail = err.Error()
	}
	p.fifo = fd
	if err := r.register(p); err != nil {
		p.cancel()
		p.drop()
		return nil, err
	}
	if err := p.await(ctx); err != nil {
		p.Release()
		return nil, fmt.Errorf("adopt %s: %w", d.Path(), err)
	}
	return p, nil
}

// spawn makes the supervisor and runs the goroutines that listen to it.
func (p *Process) spawn() error {
	// Before anything is written into it: what the pipe holds outlives a
	// supervisor only while somebody can read it.
	fd, err := pump.OpenFIFO(p.dir)
	if err != nil {
		return err
	}
	p.fifo = fd
	confirm, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	h, err := forkSupervisor(p.r.cfg.Exe, p.dir, theirs)
	if err != nil {
		_ = confirm.Close()
		return err
	}
	if err := p.hold(h); err != nil {
		_ = confirm.Close()
		return err // the supervisor lives and can be adopted
	}
	err = p.r.register(p, func() { p.confirm(confirm) }, func() { p.r.bury(h.ID().PID) })
	if err != nil {
		_ = confirm.Close()
	}
	return err
}

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket pair: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1])
		return nil, nil, fmt.Errorf("make socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "confirm"), os.NewFile(uintptr(fds[1]), "confirm"), nil
}

// forkSupervisor runs the hidden verb, in a session of its own and with
// nothing of ours: no environment, no terminal, no working directory. What its
// runtime is told here makes its start cheap; it never reaches the job.
func forkSupervisor(exe string, d jobdir.Dir, confirm *os.File) (*proctree.Handle, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	pidfd := -1
	pid, _, err := syscall.StartProcess(exe, []string{exe, supervise.Verb, d.Path()}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"GOGC=off", "GOMAXPROCS=1"},
		Files: []uintptr{null.Fd(), null.Fd(), null.Fd(), confirm.Fd()}, // supervise.ConfirmFD is 3
		Sys:   &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", exe, err)
	}
	if pidfd < 0 {
		return proctree.OpenPID(pid)
	}
	h, err := proctree.Take(pid, pidfd)
	if err != nil {
		_ = unix.Close(pidfd)
		return nil, err
	}
	return h, nil
}

// bury reaps a supervisor that is our child when it ends, also after its job
// was released. It returns then, or with the Runner.
func (r *Runner) bury(pid int) {
	h, err := proctree.OpenPID(pid) // nobody else reaps it: the pid is still its own
	if err != nil {
		r.cfg.Log.Warn("await supervisor", "err", err)
		return
	}
	defer h.Close()
	ended := make(chan struct{})
	unwatch, err := h.Watch(func() { close(ended) })
	if err != nil {
		r.cfg.Log.Warn("await supervisor", "err", err)
		return
	}
	defer unwatch()
	select {
	case <-ended:
		reap(pid)
	case <-r.ctx.Done():
	}
}

// confirm answers the supervisor's question before it opens the gate: from
// then on we hold the child, and learn its exit status also when the
// supervisor is killed. It ends with the answer, the supervisor or the Runner.
func (p *Process) confirm(conn *os.File) {
	defer conn.Close()
	stop := context.AfterFunc(p.ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 1)
	if _, err := conn.Read(buf); err != nil {
		return
	}
	slot, err := p.dir.ReadSlot()
	if err != nil || slot.Leader == nil {
		return
	}
	h, err := proctree.Open(*slot.Leader)
	if err != nil {
		return
	}
	p.mu.Lock()
	keep := p.leader == nil && p.ctx.Err() == nil
	if keep {
		p.leader = h
	}
	p.mu.Unlock()
	if !keep {
		h.Close()
	}
	_, _ = conn.Write(buf)
}
