package submit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"time"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

const (
	sendTimeout = 45 * time.Second // a busy head blocks for seconds
	lookTimeout = 10 * time.Second
	maxRenames  = 5 // tries to find a free id for a rerun while others take them
)

// lookAfter are the pauses before each look-up of a job whose submit got no
// answer: the request may still be on its way.
func lookAfter() []time.Duration {
	return []time.Duration{0, 250 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
}

// doubtError says that a request was sent and nobody knows whether it arrived.
// Trying again is safe only with the same id.
type doubtError struct {
	id    string
	cause error
}

func (e *doubtError) Error() string {
	return fmt.Sprintf("%s; job %s has not appeared so far", e.cause, e.id)
}

func (e *doubtError) Unwrap() error { return e.cause }

// otherError says that an id in doubt belongs to a job with other content.
type otherError struct{ id string }

func (e *otherError) Error() string {
	return fmt.Sprintf("the earlier try did arrive, as job %s, with other content than now", e.id)
}

// post is one request on its way. It is used once.
type post struct {
	env      *screen.Env
	request  rayapi.SubmitRequest
	path     string // local folder or archive to upload first, or ""
	excludes []string
	parent   string // the job of which it is a rerun, or ""
	typed    bool   // the user chose the id
	doubt    bool   // a request with this id may have arrived already
	waits    []time.Duration
}

// result tells what became of a post.
type result struct {
	id    string
	found bool // the answer was lost, the job was found by its id
	err   error
}

// run uploads, records and submits. ctx ends the upload; once the request is
// on its way only the program's end stops the waiting for its answer.
func (p post) run(ctx context.Context, progress func(done, total int64)) result {
	if err := p.upload(ctx, progress); err != nil {
		return result{err: err}
	}
	if ctx.Err() != nil {
		return result{err: ctx.Err()}
	}
	if p.typed && !p.doubt {
		// The id may belong to an older job, whose record in the ledger must not
		// be covered, and which must not be taken for this one later.
		if err := p.free(); err != nil {
			return result{err: err}
		}
	}
	for range maxRenames {
		if err := p.name(); err != nil {
			return result{err: err}
		}
		r := p.send()
		if errors.Is(r.err, rayapi.ErrExists) && p.parent != "" && !p.typed && !p.doubt {
			p.request.SubmissionID = ""
			continue
		}
		return r
	}
	return result{err: rayapi.ExistsError(p.request.SubmissionID)}
}

func (p *post) upload(ctx context.Context, progress func(done, total int64)) error {
	if p.path == "" {
		return nil
	}
	uri, err := p.env.Jobs.Upload(ctx, p.path, p.excludes, progress)
	if err != nil {
		return err
	}
	keys, err := decodeEnv(p.request.RuntimeEnv)
	if err != nil {
		return fmt.Errorf("read the runtime environment: %w", err)
	}
	p.request.RuntimeEnv = encodeEnv(append([]envKey{{"working_dir", quote(uri)}}, keys...))
	return nil
}

// name gives the request an id if it has none.
func (p *post) name() error {
	switch {
	case p.request.SubmissionID != "":
		return nil
	case p.parent == "":
		p.request.SubmissionID = rayapi.NewID()
		return nil
	}
	var lookErr error
	id := ledger.NextID(p.parent, func(id string) bool {
		if lookErr != nil {
			return false
		}
		_, err := p.get(id)
		if err != nil && !errors.Is(err, rayapi.ErrNotFound) {
			lookErr = err
		}
		return err == nil
	})
	if lookErr != nil {
		return lookErr
	}
	p.request.SubmissionID = id
	return nil
}

func (p post) free() error {
	switch _, err := p.get(p.request.SubmissionID); {
	case errors.Is(err, rayapi.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return rayapi.ExistsError(p.request.SubmissionID)
}

func (p post) get(id string) (rayapi.Job, error) {
	ctx, cancel := context.WithTimeout(p.env.Ctx, lookTimeout)
	defer cancel()
	return p.env.Jobs.Get(ctx, id)
}

// send writes the intent down, sends the request once, and looks the job up
// when no answer came.
func (p post) send() result {
	id := p.request.SubmissionID
	at := p.env.Now().Round(0)
	if p.env.Ledger != nil {
		if err := p.env.Ledger.Record(p.env.Target.LedgerKey, p.request, p.parent, at); err != nil {
			return result{err: err}
		}
	}
	ctx, cancel := context.WithTimeout(p.env.Ctx, sendTimeout)
	defer cancel()
	got, err := p.env.Jobs.Submit(ctx, p.request)
	switch {
	case err == nil:
		return result{id: got}
	case errors.Is(err, rayapi.ErrExists) && p.doubt:
		return p.lookUp(err)
	case answered(err) || neverSent(err):
		if p.env.Ledger != nil && !p.doubt {
			err = errors.Join(err, p.env.Ledger.Drop(p.env.Target.LedgerKey, id, at))
		}
		return result{err: err}
	}
	return p.lookUp(err)
}

// lookUp asks for the job whose submit ended with cause, and takes it when it
// is the one that was sent.
func (p post) lookUp(cause error) result {
	id := p.request.SubmissionID
	for _, wait := range p.waits {
		t := time.NewTimer(wait)
		select {
		case <-p.env.Ctx.Done():
			t.Stop()
			return result{err: &doubtError{id, cause}}
		case <-t.C:
		}
		job, err := p.get(id)
		switch {
		case err == nil && same(job, p.request):
			return result{id: id, found: true}
		case err == nil:
			return result{err: &otherError{id}}
		case neverSent(err):
			return result{err: &doubtError{id, cause}} // offline: the next try tells
		}
	}
	return result{err: &doubtError{id, cause}}
}

func same(job rayapi.Job, r rayapi.SubmitRequest) bool {
	return job.Entrypoint == r.Entrypoint && maps.Equal(job.Metadata, r.Metadata) && sameKeys(job.RuntimeEnv, r.RuntimeEnv)
}

// sameKeys compares the names only: a server may hide values.
func sameKeys(a, b json.RawMessage) bool {
	names := func(raw json.RawMessage) map[string]bool {
		m := make(map[string]bool)
		keys, _ := decodeEnv(raw)
		for _, k := range keys {
			m[k.name] = true
		}
		return m
	}
	return maps.Equal(names(a), names(b))
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

// neverSent reports that nothing left this machine: no connection came about.
func neverSent(err error) bool {
	var dial *net.OpError
	var dns *net.DNSError
	return errors.Is(err, screen.ErrNotSent) || errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &dns)
}
