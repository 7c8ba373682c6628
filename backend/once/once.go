// Package once submits a job exactly once: the intent is written down before
// the request leaves, and when no answer comes the job is looked up by the id
// that was chosen for it.
//
// What a request holds and where it is recorded are the business of packages
// rayapi and ledger; nothing here asks or tells a user.
package once

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
)

const (
	sendTimeout = 45 * time.Second // a busy head blocks for seconds
	lookTimeout = 10 * time.Second
)

// LookAfter are the pauses before each look-up of a job whose submit got no
// answer: the request may still be on its way.
func LookAfter() []time.Duration {
	return []time.Duration{0, 250 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
}

// Jobs is the server, as a client sees it.
type Jobs interface {
	Submit(ctx context.Context, r rayapi.SubmitRequest) (id string, err error)
	Get(ctx context.Context, id string) (rayapi.Job, error)
}

// DoubtError says that a request was sent and nobody knows whether it arrived.
// Trying again is safe only with the same id.
type DoubtError struct {
	ID    string
	Cause error
}

// Error names the cause and the job.
func (e *DoubtError) Error() string {
	return fmt.Sprintf("%s; job %s has not appeared so far", e.Cause, e.ID)
}

// Unwrap returns the cause.
func (e *DoubtError) Unwrap() error { return e.Cause }

// OtherError says that an id in doubt belongs to a job with other content.
type OtherError struct{ ID string }

// Error names the job.
func (e *OtherError) Error() string {
	return fmt.Sprintf("the earlier try did arrive, as job %s, with other content than now", e.ID)
}

// Post is one request on its way. It is used once.
type Post struct {
	Jobs    Jobs
	Ledger  *ledger.Ledger // nil records nothing
	Key     string         // of the server in the ledger
	Request rayapi.SubmitRequest
	Parent  string // the job of which it is a rerun, or ""
	// Doubt: an earlier try with this id may have arrived.
	Doubt bool
	Now   func() time.Time
	Waits []time.Duration // before each look-up; LookAfter
	// NotSent tells errors of Jobs of which nothing left this machine, beside
	// those that are known here. It may be nil.
	NotSent func(error) bool
}

// Result tells what became of a Post.
type Result struct {
	ID    string
	Found bool // the answer was lost, the job was found by its id
	Err   error
}

// Submit sends the request at most once. Without an answer, the job is looked
// up and adopted if it is there; otherwise the error is a *DoubtError or an
// *OtherError. The request must have an id.
func (p Post) Submit(ctx context.Context) Result {
	id := p.Request.SubmissionID
	if id == "" {
		return Result{Err: errors.New("submit: the request has no submission id")}
	}
	at := p.Now().Round(0)
	if p.Ledger != nil {
		if err := p.Ledger.Record(p.Key, p.Request, p.Parent, at); err != nil {
			return Result{Err: err}
		}
	}
	sent, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	got, err := p.Jobs.Submit(sent, p.Request)
	switch {
	case err == nil:
		p.done(id)
		return Result{ID: got}
	case errors.Is(err, rayapi.ErrExists) && p.Doubt:
		return p.lookUp(ctx, err)
	case broke(err):
		return p.afterBreak(ctx, err, at)
	case answered(err) || p.neverSent(err):
		return p.refused(err, at)
	}
	return p.lookUp(ctx, err)
}

// refused takes the record back: there is no job.
func (p Post) refused(err error, at time.Time) Result {
	if p.Ledger != nil && !p.Doubt {
		err = errors.Join(err, p.Ledger.Drop(p.Key, p.Request.SubmissionID, at))
	}
	return Result{Err: err}
}

// broke reports that the server failed over the request: a Ray head says so
// also when it has lost the answer of the agent that took the job.
func broke(err error) bool {
	var e *client.Error
	var label *rayapi.LabelError
	return errors.As(err, &e) && e.Code >= 500 && e.Err == nil && !errors.As(err, &label)
}

// afterBreak asks once whether the job is there after all.
func (p Post) afterBreak(ctx context.Context, cause error, at time.Time) Result {
	id := p.Request.SubmissionID
	job, err := get(ctx, p.Jobs, id)
	switch {
	case err == nil && ledger.Same(job, p.Request):
		p.done(id)
		return Result{ID: id, Found: true}
	case err == nil || errors.Is(err, rayapi.ErrNotFound):
		return p.refused(cause, at)
	}
	return Result{Err: &DoubtError{id, cause}}
}

// done may fail: then the job is looked up once more at the next start.
func (p Post) done(id string) {
	if p.Ledger != nil {
		_ = p.Ledger.Done(p.Key, id)
	}
}

// lookUp asks for the job whose submit ended with cause, and takes it when it
// is the one that was sent.
func (p Post) lookUp(ctx context.Context, cause error) Result {
	id := p.Request.SubmissionID
	for _, wait := range p.Waits {
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return Result{Err: &DoubtError{id, cause}}
		case <-t.C:
		}
		job, err := get(ctx, p.Jobs, id)
		switch {
		case err == nil && ledger.Same(job, p.Request):
			p.done(id)
			return Result{ID: id, Found: true}
		case err == nil:
			p.done(id)
			return Result{Err: &OtherError{id}}
		case p.neverSent(err):
			return Result{Err: &DoubtError{id, cause}} // offline: the next try tells
		}
	}
	return Result{Err: &DoubtError{id, cause}}
}

func get(ctx context.Context, jobs Jobs, id string) (rayapi.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return jobs.Get(ctx, id)
}

// answered reports that the server has refused the request: there is no job.
func answered(err error) bool {
	if errors.Is(err, rayapi.ErrUnavailable) {
		return false // a proxy says so too, when it has lost the server's answer
	}
	var e *client.Error
	if errors.As(err, &e) && e.Code >= 300 {
		return true
	}
	var label *rayapi.LabelError
	return errors.As(err, &label) || errors.Is(err, rayapi.ErrExists) || errors.Is(err, rayapi.ErrInvalid) ||
		errors.Is(err, rayapi.ErrNoSpace) || errors.Is(err, client.ErrUnauthorized)
}

func (p Post) neverSent(err error) bool {
	return NeverSent(err) || p.NotSent != nil && p.NotSent(err)
}

// NeverSent reports that nothing left this machine: no connection came about,
// or the client held the request back.
func NeverSent(err error) bool {
	var dial *net.OpError
	var dns *net.DNSError
	return errors.Is(err, client.ErrNotSent) || errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &dns)
}
