//go:build linux

package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// Submit accepts a job: its id is returned once its record is durable. Errors
// wrap rayapi.ErrInvalid, ErrExists, ErrUnavailable or ErrNoSpace, or are a
// *rayapi.LabelError. A job that was not accepted leaves nothing behind.
func (m *Manager) Submit(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	if err := r.Validate(); err != nil {
		return "", err
	}
	if err := checkLabels(r.LabelSelector); err != nil {
		return "", err
	}
	w, err := wishesOf(r.Metadata)
	if err != nil {
		return "", err
	}
	if err := m.cfg.Envs.Check(r.RuntimeEnv); errors.Is(err, rayapi.ErrInvalid) {
		return "", err
	}
	if r.SubmissionID == "" {
		r.SubmissionID = rayapi.NewID()
	}
	if err := checkAttempts(r.SubmissionID, w); err != nil {
		return "", err
	}
	if err := m.space(ctx); err != nil {
		return "", err
	}
	hidden, values, err := hideEnv(r.RuntimeEnv)
	if err != nil {
		return "", fmt.Errorf("%w: %w", rayapi.ErrInvalid, err)
	}
	r.RuntimeEnv = hidden
	ctx = context.WithoutCancel(ctx) // from here on all or nothing
	j, err := m.reserve(ctx, r, values)
	if err != nil {
		return "", err
	}
	if err := m.accept(ctx, j); err != nil {
		m.drop(j)
		if isNoSpace(err) {
			m.full(err)
			err = fmt.Errorf("%w: free some in %s and submit again", rayapi.ErrNoSpace, m.cfg.Root)
		}
		return "", err
	}
	return j.id, nil
}

// reserve takes the id: of submits that come at once with the same one, one
// gets it.
func (m *Manager) reserve(ctx context.Context, r rayapi.SubmitRequest, env map[string]string) (*job, error) {
	j := m.newJob(r.SubmissionID, r, env)
	m.mu.Lock()
	_, taken := m.jobs[j.id]
	if !taken {
		m.jobs[j.id] = j
	}
	m.mu.Unlock()
	if taken {
		j.cancel()
		return nil, rayapi.ExistsError(j.id)
	}
	switch _, err := m.cfg.Store.Get(ctx, j.id); {
	case err == nil:
		m.drop(j)
		return nil, rayapi.ExistsError(j.id)
	case !errors.Is(err, store.ErrNoRow):
		m.drop(j)
		return nil, err
	}
	return j, nil
}

// drop gives up a job that was not accepted.
func (m *Manager) drop(j *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.jobs, j.id)
	j.cancel()
	m.free(j)
}

// accept makes the job durable, first its folder, then its record, and sets it
// going.
func (m *Manager) accept(ctx context.Context, j *job) error {
	now := m.cfg.Now()
	spec := jobdir.Spec{
		Version: 1, Request: j.req, AcceptedAt: now.UnixMilli(), Attempt: j.attempt, RetryOf: j.retryOf, NotBefore: j.notBefore,
	}
	head := now.Format("2006-01-02 15:04:05,000") + "\tINFO job_manager.py:581 -- Runtime env is setting up.\n"
	_, err := jobdir.Create(m.cfg.Root, spec, jobdir.Secret{EnvVars: j.env}, []byte(head))
	if errors.Is(err, os.ErrExist) {
		return rayapi.ExistsError(j.id)
	}
	if err != nil {
		return err
	}
	// The place in the queue is taken before the insert, and jobs behind it
	// wait for it, so that jobs start in the order of their sequence numbers.
	m.mu.Lock()
	m.lastSeq++
	j.seq = m.lastSeq
	j.details = newDetails(j.req, spec.AcceptedAt)
	row, err := j.row()
	if j.notBefore == 0 {
		m.enqueue(j)
	}
	m.mu.Unlock()
	if err == nil {
		err = m.cfg.Store.Insert(ctx, row)
	}
	if err != nil {
		if rm := os.RemoveAll(j.dir.Path()); rm != nil {
			m.cfg.Log.Error("remove the folder of a job that was not accepted", "job", j.id, "err", rm)
		}
		if errors.Is(err, store.ErrExists) {
			return rayapi.ExistsError(j.id)
		}
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	j.durable = true
	m.wg.Go(func() { m.live(j) })
	m.schedule()
	return nil
}
