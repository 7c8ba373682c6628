//go:build linux

package jobs

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"dray/backend/rayapi"
	"dray/backend/store"
)

// A retry is a job of its own, with its own id, record and log: nothing of the
// attempt before is touched, and a kill between the two leaves either the end
// of the first to be found again, or both.

// attemptID is the id of attempt n of the job that was submitted as first.
func attemptID(first string, n int) string { return first + "-a" + strconv.Itoa(n) }

// checkAttempts makes sure that the ids of all attempts can be used.
func checkAttempts(id string, w wishes) error {
	if w.retries == 0 || id == "" {
		return nil
	}
	if err := rayapi.CheckID(attemptID(id, w.retries+1)); err != nil {
		return fmt.Errorf("%w: the ids of retries are the submission_id with -a2, -a3 … behind it: %w", rayapi.ErrInvalid, err)
	}
	return nil
}

// first is the id that the first attempt of this job has.
func (j *job) first() string {
	if j.retryOf != "" {
		return j.retryOf
	}
	return j.id
}

// planRetry decides whether a job that ended is tried again, and says so in
// the message. Only failures that another try can mend are: not a deadline,
// and not a request that this machine cannot fulfil. m.mu is held.
func (m *Manager) planRetry(j *job, e *ending) {
	if e.next > 0 || e.phase != store.Failed || e.final || j.stopAsked > 0 || j.attempt > j.wishes.retries {
		return
	}
	switch e.errorType {
	case rayapi.ErrEntrypointCommand, rayapi.ErrRuntimeEnvSetup, rayapi.ErrSupervisorDied:
	default:
		return
	}
	e.next = j.attempt + 1
	e.message += fmt.Sprintf("\nAttempt %d of %d follows in %s as job %s.",
		e.next, j.wishes.retries+1, j.wishes.backoff(e.next), attemptID(j.first(), e.next))
}

// followUp makes the next attempt durable. It comes before the end of this one
// is stored: a backend that is killed in between finds that end again, and the
// attempt there already. The error is errLeft.
func (m *Manager) followUp(j *job, e *ending) error {
	if e.next == 0 {
		return nil
	}
	req := j.req
	req.SubmissionID = attemptID(j.first(), e.next)
	req.Metadata = maps.Clone(req.Metadata)
	req.Metadata[MetaAttempt], req.Metadata[MetaRetryOf] = strconv.Itoa(e.next), j.first()
	for {
		err := m.submitAttempt(j, e, req)
		switch {
		case err == nil:
			return nil
		case m.ctx.Err() != nil:
			return errLeft
		case errors.Is(err, rayapi.ErrExists):
			spec, specErr := m.dirOf(req.SubmissionID).Spec()
			if specErr == nil && spec.RetryOf == j.first() && spec.Attempt == e.next {
				return nil
			}
			m.noRetry(j, err)
			return nil
		case !isNoSpace(err):
			m.noRetry(j, err)
			return nil
		}
		m.full(err)
		select {
		case <-time.After(maxRetry):
		case <-m.ctx.Done():
			return errLeft
		}
	}
}

func (m *Manager) submitAttempt(j *job, e *ending, req rayapi.SubmitRequest) error {
	next, err := m.reserve(m.ctx, req, j.env)
	if err != nil {
		return err
	}
	next.attempt, next.retryOf, next.phase = e.next, j.first(), store.Queued
	next.notBefore = m.cfg.Now().Add(j.wishes.backoff(e.next)).UnixMilli()
	if err := m.accept(m.ctx, next); err != nil {
		m.drop(next)
		return err
	}
	return nil
}

// noRetry takes back what the message of a job says about the next attempt.
func (m *Manager) noRetry(j *job, cause error) {
	m.cfg.Log.Error("try a job again", "job", j.id, "err", cause)
	m.mu.Lock()
	defer m.mu.Unlock()
	message := *j.details.Message + " That could not be done: " + cause.Error()
	j.details.Message = &message
	j.version++
}

// awaitBackoff lets a retry wait for its time before it takes its place in the
// queue.
func (m *Manager) awaitBackoff(j *job) (*ending, error) {
	if j.notBefore == 0 {
		return nil, nil
	}
	// Never longer than was asked for, even if the clock was set back.
	rest := min(time.UnixMilli(j.notBefore).Sub(m.cfg.Now()), j.wishes.backoff(j.attempt))
	if rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-j.ctx.Done():
			return m.interrupted()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	j.notBefore = 0
	m.change(j, store.Accepted, nil)
	m.enqueue(j)
	m.schedule()
	return nil, nil
}
