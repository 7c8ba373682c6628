//go:build linux

package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// trashName is the folder, below the root, of job folders on their way out.
const trashName = ".trash"

// Stop is StopWith as the job was told at its submit.
func (m *Manager) Stop(ctx context.Context, id string) (bool, error) {
	return m.StopWith(ctx, id, rayapi.StopOptions{})
}

// StopWith asks a job to end and returns at once: true when it was not over
// yet. That it was asked is on disk before the first signal, so that a restart
// does not forget it. A second stop can send another signal and shorten the
// grace. The error wraps rayapi.ErrNotFound or ErrUnavailable.
func (m *Manager) StopWith(ctx context.Context, id string, o rayapi.StopOptions) (bool, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	m.mu.Lock()
	j := m.jobs[id]
	if j == nil || !j.durable {
		m.mu.Unlock()
		_, _, err := m.phaseOf(ctx, id)
		return false, err
	}
	over := j.phase.Terminal()
	again := j.stopAsked > 0 || j.passed
	if !over && j.stopAsked == 0 {
		j.stopAsked = m.cfg.Now().UnixMilli()
		phase := j.phase
		if phase == store.Running {
			phase = store.Stopping
		}
		m.change(j, phase, nil)
	}
	m.mu.Unlock()
	if over {
		return false, nil
	}
	if m.setStopRule(j, o) && again {
		select {
		case j.restop <- struct{}{}:
		default:
		}
	}
	// With a full disk the wish cannot be kept, but stopping jobs may be the
	// way out of that.
	m.saveOrLater(j)
	j.cancel()
	return true, nil
}

// setStopRule leaves the options where the job's supervisor looks, and reports
// whether there are any. Where they cannot be stored the job is stopped in the
// usual way.
func (m *Manager) setStopRule(j *job, o rayapi.StopOptions) bool {
	if o == (rayapi.StopOptions{}) {
		return false
	}
	sig, grace := stopRule(j.env, m.cfg.BaseEnv)
	if n := unix.SignalNum(o.Signal); n != 0 {
		sig = n
	}
	if o.Grace != nil {
		grace = *o.Grace
	}
	if err := j.dir.SetStopRule(jobdir.StopRule{Signal: int(sig), Grace: grace}); err != nil {
		m.cfg.Log.Warn("note how a job is to be stopped; it is stopped in the usual way", "job", j.id, "err", err)
	}
	return true
}

// Delete removes the record of a job that is over, and its folder. Errors wrap
// rayapi.ErrNotFound, ErrUnavailable or ErrNoSpace, or are a
// *rayapi.StateError.
func (m *Manager) Delete(ctx context.Context, id string) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	ctx = context.WithoutCancel(ctx)
	if err := m.settleForDelete(id); err != nil {
		return err
	}
	row, err := m.cfg.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNoRow) {
		return rayapi.NotFoundError(id)
	}
	if err != nil {
		return err
	}
	row.Phase = store.Deleted
	err = m.cfg.Store.Update(ctx, row, before(store.Deleted)...)
	if errors.Is(err, store.ErrConflict) { // another delete was faster
		return rayapi.NotFoundError(id)
	}
	if err != nil {
		return err
	}
	return m.discard(ctx, row)
}

// settleForDelete makes sure that a job that is still in memory is over and
// its end is stored.
func (m *Manager) settleForDelete(id string) error {
	m.mu.Lock()
	j := m.jobs[id]
	if j == nil || !j.durable {
		m.mu.Unlock()
		return nil
	}
	status := j.details.Status
	m.mu.Unlock()
	if !status.IsTerminal() {
		return &rayapi.StateError{ID: id, Status: status}
	}
	if err := m.save(j); err != nil {
		return err
	}
	m.retire(j)
	return nil
}

// discard finishes a delete whose tombstone is written: the folder goes to the
// trash, then the id is free again, then the trash is emptied.
func (m *Manager) discard(ctx context.Context, row store.Row) error {
	trash := filepath.Join(m.cfg.Root, trashName)
	if err := os.MkdirAll(trash, 0o700); err != nil {
		return fmt.Errorf("delete job %s: %w", row.ID, err)
	}
	gone := filepath.Join(trash, fmt.Sprintf("%d", row.Seq))
	if err := os.Rename(m.dirOf(row.ID).Path(), gone); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete job %s: %w", row.ID, err)
	}
	if err := m.cfg.Store.Forget(ctx, row.ID); err != nil {
		return err
	}
	if err := os.RemoveAll(gone); err != nil {
		m.cfg.Log.Warn("empty the trash; it is tried again at the next start", "job", row.ID, "err", err)
	}
	return nil
}
