//go:build linux

package jobs

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/store"
)

// errLeft says that the Manager closes: the job goes on, or waits, without it.
var errLeft = errors.New("the backend closes")

const (
	// diskRetry is how long a job that needs disk space to start waits before
	// it tries again.
	diskRetry = 500 * time.Millisecond

	// maxStarts bounds how often a job is started again whose supervisor went
	// away before the entrypoint ran.
	maxStarts = 5
)

// live plays a job until it is over or the Manager closes.
func (m *Manager) live(j *job) {
	end, err := m.play(j)
	if err != nil {
		return
	}
	m.finish(j, end)
}

// play returns how the job ended, or errLeft.
func (m *Manager) play(j *job) (*ending, error) {
	switch {
	case j.end != nil:
		return j.end, nil
	case j.adopt:
		return m.watchTo(j, m.adoptIt)
	}
	for _, step := range []func(*job) (*ending, error){m.vet, m.awaitBackoff, m.awaitTurn, m.prepare, m.awaitGrant, m.writeLaunch} {
		if end, err := step(j); end != nil || err != nil {
			return end, err
		}
	}
	return m.watchTo(j, m.start)
}

// watchTo makes a process by begin and watches it to its end. One whose
// entrypoint provably never ran is started again.
func (m *Manager) watchTo(j *job, begin func(*job) (Process, *ending, error)) (*ending, error) {
	for starts := 1; ; starts++ {
		p, end, err := begin(j)
		if end != nil || err != nil {
			return end, err
		}
		m.mu.Lock()
		j.proc = p
		m.mu.Unlock()
		st, err := m.watch(j, p)
		if err != nil {
			return nil, err
		}
		if st.Over != runner.OverNeverRan {
			return m.verdict(j, st), nil
		}
		p.Release()
		m.mu.Lock()
		j.proc = nil
		m.mu.Unlock()
		switch {
		case j.ctx.Err() != nil:
			return m.interrupted()
		case starts == maxStarts:
			return startFailure(j.id, fmt.Sprintf("its supervisor ended %d times before the entrypoint ran: %s", starts, st.Detail)), nil
		}
		m.cfg.Log.Warn("the supervisor ended before the entrypoint ran; the job is started again", "job", j.id, "detail", st.Detail)
		begin = m.startAgain
	}
}

// interrupted says what the end of a job's context means before it ran.
func (m *Manager) interrupted() (*ending, error) {
	if m.ctx.Err() != nil {
		return nil, errLeft
	}
	return stoppedBeforeStart(), nil
}

// awaitTurn waits until the job holds its resources.
func (m *Manager) awaitTurn(j *job) (*ending, error) {
	var expired <-chan time.Time
	if j.never != "" {
		timer := time.NewTimer(time.UnixMilli(*j.details.StartTime).Add(m.cfg.StartTimeout).Sub(m.cfg.Now()))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-j.admitted:
		return nil, nil
	case <-j.ctx.Done():
		return m.interrupted()
	case <-expired:
		message := rayapi.MessageStartTimeout(m.cfg.StartTimeout.Seconds(), len(j.need) > 0) + " " + j.never
		return unstarted(rayapi.ErrStartTimeout, message), nil
	}
}

// awaitGrant waits until the job may be started.
func (m *Manager) awaitGrant(j *job) (*ending, error) {
	select {
	case <-j.granted:
		return nil, nil
	case <-j.ctx.Done():
		return m.interrupted()
	}
}

// onDisk does what needs disk space, or a working database; without them it
// waits until they are there, or the job is stopped.
func (m *Manager) onDisk(j *job, do func() error) (*ending, error) {
	for {
		err := do()
		switch {
		case err == nil:
			return nil, nil
		case m.ctx.Err() != nil:
			return nil, errLeft
		case !isNoSpace(err) && !errors.Is(err, errUnsaved):
			return startFailure(j.id, err.Error()), nil
		}
		m.full(err)
		select {
		case <-time.After(diskRetry):
		case <-j.ctx.Done():
			return m.interrupted()
		}
	}
}

func isNoSpace(err error) bool {
	return errors.Is(err, rayapi.ErrNoSpace) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// start spawns the supervisor, after the store knows that it may exist.
func (m *Manager) start(j *job) (Process, *ending, error) {
	m.update(j, store.Starting, nil)
	if end, err := m.onDisk(j, func() error { return m.save(j) }); end != nil || err != nil {
		return nil, end, err
	}
	return m.spawn(j)
}

func (m *Manager) spawn(j *job) (Process, *ending, error) {
	if j.ctx.Err() != nil {
		end, err := m.interrupted()
		return nil, end, err
	}
	p, err := m.cfg.Runner.Start(m.ctx, j.dir)
	switch {
	case err == nil:
		return p, nil, nil
	case m.ctx.Err() != nil:
		return nil, nil, errLeft
	}
	return nil, startFailure(j.id, err.Error()), nil
}

// startAgain spawns another supervisor for a launch that was written before,
// perhaps by a backend whose notify socket was elsewhere. A power cut can take
// the launch; then it is made anew.
func (m *Manager) startAgain(j *job) (Process, *ending, error) {
	launch, err := j.dir.Launch()
	environ, environErr := j.dir.Environ()
	if errors.Join(err, environErr) != nil {
		return m.relaunch(j)
	}
	if launch.NotifySocket != m.cfg.NotifySocket {
		launch.NotifySocket = m.cfg.NotifySocket
		if end, err := m.onDisk(j, func() error { return j.dir.SetLaunch(launch, environ) }); end != nil || err != nil {
			return nil, end, err
		}
	}
	return m.spawn(j)
}

// relaunch prepares once more a job that holds its resources but has no
// launch, and starts it.
func (m *Manager) relaunch(j *job) (Process, *ending, error) {
	if _, err := j.dir.Spec(); err != nil {
		return nil, startFailure(j.id, err.Error()), nil
	}
	m.mu.Lock()
	j.prepared = !j.req.HasRuntimeEnv()
	m.mu.Unlock()
	for _, step := range []func(*job) (*ending, error){m.prepare, m.writeLaunch} {
		if end, err := step(j); end != nil || err != nil {
			return nil, end, err
		}
	}
	return m.spawn(j)
}

// adoptIt takes up a job that the last backend had started.
func (m *Manager) adoptIt(j *job) (Process, *ending, error) {
	defer j.takenUp()
	for {
		p, err := m.cfg.Runner.Adopt(m.ctx, j.dir)
		switch {
		case err == nil:
			return p, nil, nil
		case m.ctx.Err() != nil:
			return nil, nil, errLeft
		case errors.Is(err, os.ErrNotExist):
			return nil, lost(fmt.Sprintf("exit code unknown: its folder is damaged: %v", err)), nil
		}
		// Perhaps we lack descriptors or memory; the job runs on regardless.
		m.cfg.Log.Error("take up a job", "job", j.id, "err", err)
		j.takenUp()
		select {
		case <-time.After(diskRetry):
		case <-m.ctx.Done():
			return nil, nil, errLeft
		}
	}
}

// stopPatience is how long a stop that could not be delivered waits before it
// is sent again.
const stopPatience = time.Second

// watch follows a process until it is over.
func (m *Manager) watch(j *job, p Process) (State, error) {
	stop := j.ctx.Done()
	var again, due <-chan time.Time
	for changed := false; ; {
		st := p.State()
		if st.Over != runner.OverNot {
			return st, nil
		}
		m.observe(j, st)
		if due == nil {
			due = m.dueTimer(j, st.Slot)
		}
		if changed {
			j.wakers.wakePaced(m.ctx)
		}
		changed = false
		select {
		case <-m.ctx.Done():
			return State{}, errLeft
		case _, ok := <-p.Changes():
			if !ok && p.State().Over == runner.OverNot {
				return State{}, m.abandoned(j)
			}
			changed = true
			continue
		case <-stop:
			stop = nil
		case <-due:
			due = make(chan time.Time) // it passes once
			m.pass(j)
		case <-j.restop:
		case <-again:
		}
		if m.ctx.Err() != nil {
			return State{}, errLeft
		}
		again = nil
		if err := p.Stop(); err != nil {
			m.cfg.Log.Warn("stop a job; it is tried again", "job", j.id, "err", err)
			again = time.After(stopPatience)
		}
	}
}

// abandoned waits for Close: a process says nothing more although its job is
// not over only when the runner was closed under the Manager.
func (m *Manager) abandoned(j *job) error {
	m.cfg.Log.Warn("the runner has let go of a job that is not over", "job", j.id)
	<-m.ctx.Done()
	return errLeft
}

// observe takes what a supervisor tells into the record.
func (m *Manager) observe(j *job, st State) {
	if st.Slot.Leader == nil {
		return
	}
	message := runningMessage(st.Slot)
	m.mu.Lock()
	news := !j.isStarted || *j.details.Message != message
	if news {
		phase := store.Running
		if j.stopAsked > 0 {
			phase = store.Stopping
		}
		m.change(j, phase, func(d *rayapi.Job) { m.markStarted(d); d.Message = &message })
		m.freeStartSlot(j)
	}
	m.mu.Unlock()
	if news {
		// Beside the watching: the slot tells the same, and the end of a short
		// job, which is saved with it, must not wait.
		m.wg.Go(func() { m.saveOrLater(j) })
	}
}

// markStarted fills the fields that Ray sets when a job begins to run.
func (m *Manager) markStarted(d *rayapi.Job) {
	address := agentAddress
	d.DriverAgentHTTPAddress, d.DriverNodeID = &address, &m.node
}

// runningMessage is Ray's sentence and, after it, what a user must know.
func runningMessage(s jobdir.Slot) string {
	message := rayapi.MessageRunning
	if s.LogBlocked != "" {
		message += " Its output waits: " + s.LogBlocked + "."
	}
	if len(s.Unkillable) > 0 {
		message += fmt.Sprintf(" It was stopped, but the kernel does not let go of the processes %v.", s.Unkillable)
	}
	return message
}

func (m *Manager) saveOrLater(j *job) {
	if err := m.save(j); err != nil {
		m.saveLater(j, err)
	}
}
