//go:build linux

package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/store"
)

const (
	newPrefix   = ".new-" // of folders that jobdir.Create has not finished
	newPatience = time.Minute
)

// Recover takes up what the last backend left: it fills records that were
// lost from the jobs' folders, finishes deletes, clears away what was never
// acknowledged, and adopts, restarts or queues every job that is not over.
// Until it is done submits, stops and deletes wait; reads do not. It is called
// once. While the disk is full it keeps trying.
func (m *Manager) Recover(ctx context.Context) error {
	var live []store.Row
	for {
		var err error
		if live, err = m.tidy(ctx); err == nil {
			break
		}
		if !isNoSpace(err) {
			return fmt.Errorf("take up the jobs of the last run: %w", err)
		}
		m.cfg.Log.Error("the disk is full; jobs are read-only until there is space", "err", err)
		select {
		case <-time.After(maxRetry):
		case <-ctx.Done():
			return ctx.Err()
		case <-m.ctx.Done():
			return errLeft
		}
	}
	m.sweepEnvs(live)
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errLeft
	}
	var adopting sync.WaitGroup
	for _, row := range live {
		m.takeUp(row, &adopting)
	}
	m.mu.Unlock()
	adopting.Wait() // ends early with Close
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recovered = true
	m.schedule()
	close(m.changed) // Settle waits for recovered
	m.changed = make(chan struct{})
	close(m.ready)
	return nil
}

// sweepEnvs releases the environments of jobs that ended while nobody looked.
func (m *Manager) sweepEnvs(live []store.Row) {
	work := make(map[string]bool, len(live))
	for _, row := range live {
		work[m.dirOf(row.ID).Work()] = true
	}
	if err := m.cfg.Envs.Sweep(func(w string) bool { return work[w] }); err != nil {
		m.cfg.Log.Warn("release the environments of jobs that are over", "err", err)
	}
}

// tidy brings folders and records into agreement and returns the records of
// jobs that are not over.
func (m *Manager) tidy(ctx context.Context) ([]store.Row, error) {
	if err := os.MkdirAll(m.cfg.Root, 0o700); err != nil {
		return nil, fmt.Errorf("make the jobs' folder: %w", err)
	}
	fresh, err := m.cfg.Store.NeedsRestore(ctx)
	if err != nil {
		return nil, err
	}
	strays, err := m.strays(ctx)
	if err != nil {
		return nil, err
	}
	last, err := m.cfg.Store.LastSeq(ctx)
	if err != nil {
		return nil, err
	}
	rows := m.rebuild(strays, last, fresh)
	if fresh || len(rows) > 0 {
		if err := m.cfg.Store.Restore(ctx, rows); err != nil {
			return nil, err
		}
	}
	if len(rows) > 0 {
		m.cfg.Log.Warn("records were made again from the jobs' folders", "count", len(rows))
	}
	m.lastSeq = last + int64(len(rows))
	return m.finishDeletes(ctx)
}

// finishDeletes ends the deletes that were under way and returns the other
// rows that are not terminal.
func (m *Manager) finishDeletes(ctx context.Context) ([]store.Row, error) {
	rows, err := m.cfg.Store.Live(ctx)
	if err != nil {
		return nil, err
	}
	live := rows[:0]
	for _, row := range rows {
		if row.Phase != store.Deleted {
			live = append(live, row)
			continue
		}
		if err := m.discard(ctx, row); err != nil {
			m.cfg.Log.Warn("finish a delete; it is tried again at the next start", "job", row.ID, "err", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(m.cfg.Root, trashName)); err != nil {
		m.cfg.Log.Warn("empty the trash; it is tried again at the next start", "err", err)
	}
	return live, nil
}

// strays returns the names of the job folders that no record names. On the
// way it removes folders that were not finished.
func (m *Manager) strays(ctx context.Context) ([]string, error) {
	ids, err := m.cfg.Store.IDs(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		known[jobdir.Name(id)] = true
	}
	entries, err := os.ReadDir(m.cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("read the jobs' folder: %w", err)
	}
	var strays []string
	for _, e := range entries {
		switch name := e.Name(); {
		case !e.IsDir() || known[name]:
		case strings.HasPrefix(name, newPrefix):
			m.sweepNew(e)
		case !strings.HasPrefix(name, "."):
			strays = append(strays, name)
		}
	}
	return strays, nil
}

// sweepNew removes a folder that was never finished. A young one is left: a
// mistaken second backend could still be at work on it.
func (m *Manager) sweepNew(e fs.DirEntry) {
	info, err := e.Info()
	if err != nil || m.cfg.Now().Sub(info.ModTime()) < newPatience {
		return
	}
	if err := os.RemoveAll(filepath.Join(m.cfg.Root, e.Name())); err != nil {
		m.cfg.Log.Warn("remove an unfinished folder", "name", e.Name(), "err", err)
	}
}

// takeUp makes a job of a record that is not terminal and sets it going. m.mu
// is held.
func (m *Manager) takeUp(row store.Row, adopting *sync.WaitGroup) {
	dir := m.dirOf(row.ID)
	spec, specErr := dir.Spec()
	secret, secretErr := jobdir.Secret{}, error(nil)
	if row.HasSecret {
		secret, secretErr = dir.Secret()
	}
	spec.Request.SubmissionID = row.ID
	j := m.newJob(row.ID, spec.Request, secret.EnvVars)
	j.attempt, j.retryOf, j.notBefore = max(1, spec.Attempt), spec.RetryOf, spec.NotBefore
	j.seq, j.phase, j.stopAsked, j.logFlaw, j.durable = row.Seq, row.Phase, row.StopAsked, row.LogFlaw, true
	details, rowErr := decode(row)
	if j.details = details; details.StartTime == nil || details.Message == nil {
		j.details = newDetails(spec.Request, spec.AcceptedAt)
	}
	damage := errors.Join(specErr, secretErr, rowErr)
	if j.stopAsked > 0 {
		j.cancel()
	}
	m.jobs[j.id] = j
	switch {
	case !isPending(row.Phase): // what runs is adopted even when its spec is damaged
		m.holdFor(j, adopting)
	case damage != nil:
		j.end = unstarted(rayapi.ErrUnknownFailure, fmt.Sprintf("Unexpected error occurred: the job's folder is damaged: %v", damage))
	default:
		if st, over := stateOnDisk(dir); over {
			j.end = verdict(dir, st, asks{stop: row.StopAsked, deadline: j.wishes.deadline})
		} else {
			j.phase = store.Queued
			if j.notBefore == 0 {
				j.phase = store.Accepted
				m.enqueue(j)
			}
		}
	}
	if j.end != nil { // at once: somebody may have seen this end before the restart
		m.planRetry(j, j.end)
		m.change(j, j.end.phase, func(d *rayapi.Job) { m.applyEnding(d, j.end) })
	}
	m.wg.Go(func() { m.live(j) })
}

// holdFor counts what a job holds that has been started. It may be more than
// this machine has: it had more, or was said to. m.mu is held.
func (m *Manager) holdFor(j *job, adopting *sync.WaitGroup) {
	j.adopt, j.holds, j.counted, j.prepared = true, true, true, true
	j.isStarted = j.phase != store.Starting
	if launch, err := j.dir.Launch(); err == nil {
		j.gpus = launch.GPUs
	}
	m.used.add(j.need, 1)
	m.useGPUs(j, 1)
	m.running++
	if !j.isStarted {
		m.starting++
	}
	adopting.Add(1)
	j.takenUp = sync.OnceFunc(adopting.Done)
}

// stateOnDisk returns what the slot tells and whether it tells the job's end.
func stateOnDisk(d jobdir.Dir) (State, bool) {
	slot, err := d.ReadSlot()
	if err != nil {
		return State{}, false
	}
	switch slot.Phase {
	case jobdir.PhaseSealed:
		return State{Slot: slot, Over: runner.OverSealed}, true
	case jobdir.PhaseFailed:
		return State{Slot: slot, Over: runner.OverFailed}, true
	default:
		return State{Slot: slot}, false
	}
}
