//go:build linux

package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
	"dray/backend/store"
)

// job is one job that is not over, or whose end is not on disk yet. One
// goroutine, live, plays it.
type job struct {
	id    string
	seq   int64
	dir   jobdir.Dir
	req   rayapi.SubmitRequest // values of env_vars are empty
	env   map[string]string    // the values
	need  amounts
	never string // why it can never start on this machine; ""

	wishes    wishes
	attempt   int    // 1: the first
	retryOf   string // the id of the first attempt; "" in that
	notBefore int64  // ms; it takes its place in the queue then; 0: at once

	ctx    context.Context // ends with a stop, or with the Manager
	cancel context.CancelFunc

	admitted chan struct{} // closed when it holds its resources
	granted  chan struct{} // closed when it may be started

	built   runtimeenv.Built // the live goroutine's alone
	adopt   bool             // a supervisor may exist
	takenUp func()           // tells Recover that the supervisor was looked for
	end     *ending          // how it ended, when that was found at a restart
	restop  chan struct{}    // capacity 1: a stop with another rule is to be sent
	wakers  hub
	saving  sync.Mutex // one save at a time, each of the newest version

	// Guarded by Manager.mu.
	phase     store.Phase
	details   rayapi.Job // values of env_vars are empty
	stopAsked int64
	logFlaw   string
	durable   bool // its row is in the store
	holds     bool // its resources are counted
	gpus      []string
	passed    bool // it was stopped because its deadline passed
	prepared  bool // its environment is built, or it has none
	isStarted bool // it no longer counts as starting
	counted   bool // it counts as running
	proc      Process
	version   uint64
	saved     uint64 // the version in the store
}

func (m *Manager) newJob(id string, req rayapi.SubmitRequest, env map[string]string) *job {
	j := &job{
		id: id, req: req, env: env, dir: m.dirOf(id), need: needOf(req),
		admitted: make(chan struct{}), granted: make(chan struct{}), restop: make(chan struct{}, 1), attempt: 1,
		phase: store.Accepted, prepared: !req.HasRuntimeEnv(),
	}
	j.wishes, _ = wishesOf(req.Metadata) // what cannot be taken was refused at submit
	j.never = m.neverFits(j)
	j.ctx, j.cancel = context.WithCancel(m.ctx)
	return j
}

// newDetails is the record of a job that was just accepted.
func newDetails(req rayapi.SubmitRequest, acceptedAt int64) rayapi.Job {
	message := rayapi.MessagePending(len(needOf(req)) > 0, req.HasRuntimeEnv())
	return rayapi.Job{
		Type: rayapi.TypeSubmission, SubmissionID: &req.SubmissionID, Status: rayapi.StatusPending,
		Entrypoint: req.Entrypoint, Message: &message, StartTime: &acceptedAt,
		Metadata: req.Metadata, RuntimeEnv: req.RuntimeEnv,
	}
}

func isPending(p store.Phase) bool {
	return p == store.Accepted || p == store.Queued || p == store.Preparing
}

// statusOf is Ray's word for a phase.
func statusOf(p store.Phase) rayapi.Status {
	switch p {
	case store.Running, store.Stopping:
		return rayapi.StatusRunning
	case store.Succeeded:
		return rayapi.StatusSucceeded
	case store.Failed:
		return rayapi.StatusFailed
	case store.Stopped:
		return rayapi.StatusStopped
	default:
		return rayapi.StatusPending
	}
}

// before lists the phases from which a row may go to p. The store can lag
// behind memory, so all earlier ones are among them.
func before(p store.Phase) []store.Phase {
	order := []store.Phase{
		store.Accepted, store.Queued, store.Preparing, store.Starting, store.Running, store.Stopping,
	}
	switch p {
	case store.Deleted:
		return []store.Phase{store.Succeeded, store.Failed, store.Stopped}
	case store.Accepted, store.Queued, store.Preparing:
		return order[:3] // each may follow the other
	default:
	}
	if i := slices.Index(order, p); i >= 0 {
		return order[:i+1]
	}
	return order
}

// change moves a job to a phase and lets edit change its record. m.mu is held.
func (m *Manager) change(j *job, to store.Phase, edit func(d *rayapi.Job)) {
	if j.phase.Terminal() {
		return
	}
	j.phase = to
	j.details.Status = statusOf(to)
	if edit != nil {
		edit(&j.details)
	}
	j.version++
	close(m.changed)
	m.changed = make(chan struct{})
}

// update is change with the lock taken.
func (m *Manager) update(j *job, to store.Phase, edit func(d *rayapi.Job)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change(j, to, edit)
}

// row is the job's record as it is stored. m.mu is held.
func (j *job) row() (store.Row, error) {
	data, err := json.Marshal(j.details)
	if err != nil {
		return store.Row{}, fmt.Errorf("encode record %s: %w", j.id, err)
	}
	return store.Row{
		Seq: j.seq, ID: j.id, Phase: j.phase, HasSecret: len(j.env) > 0,
		StopAsked: j.stopAsked, LogFlaw: j.logFlaw, DetailsJSON: data,
	}, nil
}

// errUnsaved is wrapped by every error of save.
var errUnsaved = errors.New("the record is not stored")

// save makes the newest state of a job durable. It is not cut short by Close:
// what happened must not be lost for the sake of a quick exit.
func (m *Manager) save(j *job) error {
	j.saving.Lock()
	defer j.saving.Unlock()
	m.mu.Lock()
	version, saved := j.version, j.saved
	row, err := j.row()
	m.mu.Unlock()
	if err != nil || version == saved {
		return err
	}
	err = m.cfg.Store.Update(context.WithoutCancel(m.ctx), row, before(row.Phase)...)
	if errors.Is(err, store.ErrConflict) {
		m.cfg.Log.Error("the stored record does not allow this change; it stays as it is", "job", j.id, "to", row.Phase)
		err = nil // trying again cannot help
	}
	if err != nil {
		m.full(err)
		return fmt.Errorf("%w: %w", errUnsaved, err)
	}
	m.mu.Lock()
	j.saved = version
	m.mu.Unlock()
	return nil
}

// saveLater has a job saved in the background until that succeeds.
func (m *Manager) saveLater(j *job, cause error) {
	m.mu.Lock()
	m.unsaved[j] = true
	m.mu.Unlock()
	m.cfg.Log.Warn("save a record; it is tried again until it succeeds", "job", j.id, "err", cause)
	select {
	case m.retry <- struct{}{}:
	default:
	}
}

const (
	firstRetry = 100 * time.Millisecond
	maxRetry   = 2 * time.Second
)

// saveUnsaved tries again, for ever, to store what a full disk refused. It
// ends with Close; then the jobs' slots still hold what happened.
func (m *Manager) saveUnsaved() {
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.retry:
		}
		for delay := firstRetry; m.trySave(); delay = min(2*delay, maxRetry) {
			select {
			case <-m.ctx.Done():
				return
			case <-time.After(delay):
			}
		}
	}
}

// trySave saves what is unsaved and reports whether some is left.
func (m *Manager) trySave() bool {
	m.mu.Lock()
	jobs := slices.Collect(maps.Keys(m.unsaved))
	m.mu.Unlock()
	for _, j := range jobs {
		if m.save(j) != nil {
			return true // the others would fail as well
		}
		m.mu.Lock()
		delete(m.unsaved, j)
		over := j.phase.Terminal()
		m.mu.Unlock()
		if over {
			m.retire(j)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.unsaved) > 0
}

// retire forgets a job whose end is stored.
func (m *Manager) retire(j *job) {
	m.mu.Lock()
	proc := j.proc
	j.proc = nil
	if m.jobs[j.id] == j {
		delete(m.jobs, j.id)
	}
	m.mu.Unlock()
	j.cancel()
	if proc != nil {
		proc.Release()
	}
}

// bySeq returns the jobs in order of acceptance. m.mu is held.
func (m *Manager) bySeq() []*job {
	return slices.SortedFunc(maps.Values(m.jobs), func(a, b *job) int { return cmp.Compare(a.seq, b.seq) })
}
