//go:build linux

package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/supervise/proctree"
)

// Over is how a job came to its end, as far as its processes are concerned.
type Over string

// The ends of a job.
const (
	OverNot      Over = ""         // it goes on
	OverSealed   Over = "sealed"   // ended, the log is complete; Slot.Exit is set
	OverFailed   Over = "failed"   // could not be started; Slot.StartError says why
	OverNeverRan Over = "neverran" // the supervisor went before the entrypoint ran: start again
	OverLost     Over = "lost"     // ran, and how it ended is not known
	OverReboot   Over = "reboot"   // the machine was restarted; Slot.Exit may be set
)

// State is what is known of a job's processes.
type State struct {
	Slot          jobdir.Slot
	Over          Over
	LogIncomplete string // why bytes of the log may be missing
	Detail        string // for people: what is unusual
}

// Times of a Process.
const (
	safetyPoll   = time.Second           // in case a datagram was lost
	soon         = 5 * time.Millisecond  // while something is about to happen
	adoptBudget  = 2 * time.Second       // of Adopt
	exitWait     = 2 * time.Second       // for the kernel to tell an exit status
	killBound    = 10 * time.Second      // before a process is called unkillable
	killPause    = 10 * time.Millisecond // between passes of the kill loop
	dropPatience = 2 * time.Second       // of a stopped job with output that the disk does not take
)

// Process is one job that runs, or ran. Release it when its end is on record.
type Process struct {
	r       *Runner
	dir     jobdir.Dir
	adopted bool
	changes chan struct{}
	wake    chan struct{}
	settled chan struct{} // closed when it is known who looks after the job
	settle  func()
	stopped chan struct{}   // closed when the goroutine has ended
	ctx     context.Context // ends with Release and with the Runner
	cancel  context.CancelFunc

	mu      sync.Mutex
	state   State
	ended   bool // changes is closed
	stopReq bool
	stops   int              // how often a stop was asked for
	stopTo  *proctree.Handle // the supervisor that was told to stop
	shim    *proctree.Handle // nil: none known
	unwatch func()
	leader  *proctree.Handle // nil: not made, or gone before we could hold it
	fifo    int              // reading end of the output; -1: none
}

func newProcess(r *Runner, d jobdir.Dir) *Process {
	ctx, cancel := context.WithCancel(r.ctx)
	p := &Process{
		r: r, dir: d, fifo: -1, ctx: ctx, cancel: cancel,
		changes: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		settled: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	p.settle = sync.OnceFunc(func() { close(p.settled) })
	return p
}

// Changes is signalled when State or the log may have changed, and closed
// when the job is over. Signals that nobody took yet are one. The Runner's
// Close does not close it.
func (p *Process) Changes() <-chan struct{} { return p.changes }

// State is the newest that is known. It does not touch the disk.
func (p *Process) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Stop asks the job to end: by the job's stop signal now and by SIGKILL after
// its grace period. It does not wait, and asking again is harmless. A stop that
// comes before the supervisor is ready is kept and passed on then.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopReq = true
	p.stops++
	p.stopTo = nil // it may have another rule now, see jobdir.StopRule
	poke(p.wake)
	return p.passStop()
}

// passStop tells the supervisor to stop the job, once, when it is known to
// listen: its name in the slot is proof that it takes signals. The caller
// holds p.mu.
func (p *Process) passStop() error {
	if !p.stopReq || p.shim == nil || p.stopTo == p.shim || !proctree.Same(p.shim.ID(), p.state.Slot.Shim) {
		return nil
	}
	if err := p.shim.Signal(unix.SIGTERM); err != nil && !errors.Is(err, proctree.ErrGone) {
		return fmt.Errorf("stop job in %s: %w", p.dir.Path(), err)
	}
	p.stopTo = p.shim
	return nil
}

// Release lets go of the job's descriptors. It ends the watching of a job
// that is not over; the job itself lives on.
func (p *Process) Release() {
	p.cancel()
	<-p.stopped
	p.drop()
}

// drop closes what is held. The goroutine has ended, or is about to, or never
// began. It may be called again.
func (p *Process) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unwatch != nil {
		p.unwatch()
		p.unwatch = nil
	}
	for _, h := range []**proctree.Handle{&p.shim, &p.leader} {
		if *h != nil {
			(*h).Close()
			*h = nil
		}
	}
	if p.fifo >= 0 {
		_ = unix.Close(p.fifo)
		p.fifo = -1
	}
}

// changed signals Changes.
func (p *Process) changed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		poke(p.changes)
	}
}

// publish replaces the state by what f makes of it, and signals a change.
func (p *Process) publish(f func(s *State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.state)
	if !p.ended {
		poke(p.changes)
	}
}

// finish publishes the end.
func (p *Process) finish(over Over, f func(s *State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f != nil {
		f(&p.state)
	}
	p.state.Over = over
	if p.state.LogIncomplete == "" {
		p.state.LogIncomplete = p.state.Slot.LogIncomplete
	}
	if !p.ended {
		p.ended = true
		close(p.changes)
	}
}

// run watches the job until it is over, the Process is released, or the
// Runner is closed.
func (p *Process) run() {
	defer close(p.stopped)
	defer p.r.forget(p)
	defer p.settle()
	defer func() {
		if p.r.ctx.Err() != nil {
			p.drop() // with the Runner everything of ours goes; nobody may be left to call Release
		}
	}()
	timer := time.NewTicker(safetyPoll)
	defer timer.Stop()
	for {
		wait, over := p.look()
		if over {
			p.clearGroup()
			return
		}
		var again <-chan time.Time
		if wait > 0 {
			again = time.After(wait)
		}
		select {
		case <-p.ctx.Done():
			return
		case <-p.wake:
		case <-timer.C:
		case <-again:
		}
	}
}

// look learns what there is to learn. It says when to look again at the
// latest, 0 meaning no haste, and whether the job is over.
func (p *Process) look() (wait time.Duration, over bool) {
	p.mu.Lock()
	shim := p.shim
	p.mu.Unlock()
	alive := shim != nil && !shim.Ended() // asked before the read: then the last word is read
	slot, err := p.dir.ReadSlot()
	switch {
	case errors.Is(err, jobdir.ErrNoSlot):
	case err != nil:
		p.publish(func(s *State) { s.Detail = err.Error() })
	case alive && !proctree.Same(shim.ID(), slot.Shim):
		// What an earlier attempt left.
	default:
		if p.takeSlot(slot) {
			return 0, true
		}
	}
	if alive {
		p.holdLeader()
		p.settle()
		return 0, false
	}
	return p.orphaned(err)
}

// takeSlot publishes a slot that was read, and reports whether it says that
// the job is over.
func (p *Process) takeSlot(slot jobdir.Slot) (over bool) {
	p.mu.Lock()
	old := p.state.Slot
	p.state.Slot, p.state.Detail = slot, ""
	if err := p.passStop(); err != nil {
		p.state.Detail = err.Error()
	}
	p.mu.Unlock()
	if changedSlot(old, slot) {
		p.changed()
	}
	return p.concluded(slot)
}

// changedSlot compares what a supervisor can change in a slot.
func changedSlot(a, b jobdir.Slot) bool {
	return a.Phase != b.Phase || a.Shim != b.Shim || (a.Exit == nil) != (b.Exit == nil) || a.StopSeen != b.StopSeen ||
		a.LogBlocked != b.LogBlocked || len(a.Unkillable) != len(b.Unkillable) || a.Leftovers != b.Leftovers
}

// concluded finishes the Process when the slot is the last one.
func (p *Process) concluded(slot jobdir.Slot) bool {
	switch {
	case slot.Phase == jobdir.PhaseSealed && slot.Exit != nil:
		p.finish(OverSealed, nil)
	case slot.Phase == jobdir.PhaseSealed:
		p.finish(OverLost, nil)
	case slot.Phase == jobdir.PhaseFailed:
		p.finish(OverFailed, nil)
	case slot.Shim.BootID != "" && slot.Shim.BootID != p.r.bootID:
		p.finish(OverReboot, func(s *State) {
			s.Detail = "the machine was restarted while the job ran"
			s.LogIncomplete = s.Detail
		})
	default:
		return false
	}
	return true
}

// orphaned deals with a job whose supervisor is not known to live: it finds
// one, or takes its place. slotErr is why the slot could not be read.
func (p *Process) orphaned(slotErr error) (wait time.Duration, over bool) {
	lock, err := tryLock(p.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.finish(OverLost, func(s *State) { s.Detail = "the job's folder is gone: " + err.Error() })
		return 0, true
	case err != nil:
		p.publish(func(s *State) { s.Detail = err.Error() })
		return 0, false
	case lock == nil:
		// A supervisor that has not written its name yet is looked for again.
		if p.attach() != nil {
			return soon, false
		}
		p.holdLeader()
		p.settle()
		return 0, false
	}
	defer lock.Close()
	if slotErr != nil && !errors.Is(slotErr, jobdir.ErrNoSlot) {
		p.finish(OverLost, func(s *State) { s.Detail = "the job's state cannot be read: " + slotErr.Error() })
		return 0, true
	}
	p.succeed(lock)
	return 0, true
}

// attach holds the supervisor that the slot names.
func (p *Process) attach() error {
	h, err := proctree.Open(p.State().Slot.Shim)
	if err != nil {
		return err
	}
	if h.Ended() {
		h.Close()
		return proctree.ErrGone
	}
	return p.hold(h)
}

// hold makes h the supervisor. When it ends the job is looked at.
func (p *Process) hold(h *proctree.Handle) error {
	unwatch, err := h.Watch(func() { poke(p.wake) })
	if err != nil {
		h.Close()
		return err
	}
	p.mu.Lock()
	oldWatch, oldShim := p.unwatch, p.shim
	p.shim, p.unwatch = h, unwatch
	err = p.passStop()
	p.mu.Unlock()
	if oldWatch != nil {
		oldWatch()
	}
	if oldShim != nil {
		oldShim.Close()
	}
	if p.r.ctx.Err() != nil { // the Runner was closed meanwhile, and has let go of the rest
		p.drop()
		return ErrClosed
	}
	return err
}

// holdLeader holds the entrypoint's process, if it is known and lives.
func (p *Process) holdLeader() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leader != nil || p.state.Slot.Leader == nil || p.state.Slot.Exit != nil {
		return
	}
	if h, err := proctree.Open(*p.state.Slot.Leader); err == nil {
		p.leader = h
	}
}

// reap collects an ended child; a process that is not our child is not harmed.
func reap(pid int) (status unix.WaitStatus, usage unix.Rusage, ok bool) {
	for {
		got, err := unix.Wait4(pid, &status, unix.WNOHANG, &usage)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return status, usage, err == nil && got == pid
	}
}

// await waits until the Process is settled, its budget is used up or ctx ends.
func (p *Process) await(ctx context.Context) error {
	budget := time.NewTimer(adoptBudget)
	defer budget.Stop()
	select {
	case <-p.settled:
	case <-budget.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
