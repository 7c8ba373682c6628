package submit

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"dray/backend/ledger"
	"dray/backend/once"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/submit/renv"
)

const (
	lookTimeout = 10 * time.Second
	maxRenames  = 5 // tries to find a free id for a rerun while others take them
)

func lookAfter() []time.Duration { return once.LookAfter() }

type (
	doubtError = once.DoubtError
	otherError = once.OtherError
)

// post is one request on its way. It is used once.
type post struct {
	env     *screen.Env
	request rayapi.SubmitRequest
	parcels parcels // what is uploaded first
	parent  string  // the job of which it is a rerun, or ""
	typed   bool    // the user chose the id
	doubt   bool    // a request with this id may have arrived already
	waits   []time.Duration
	keep    func(id string) // writes down which request is about to be sent; may be nil
	told    func(id string) // likewise tells the form
}

// about says that the request of id is about to be sent.
func (p post) about(id string) {
	if p.keep != nil {
		p.keep(id)
	}
	if p.told != nil {
		p.told(id)
	}
}

// result tells what became of a post.
type result struct {
	id    string
	found bool // the answer was lost, the job was found by its id
	err   error
}

// run uploads, records and submits. ctx ends the upload; once the request is
// on its way only the program's end stops the waiting for its answer.
func (p post) run(ctx context.Context, progress func(progressMsg)) result {
	if p.keep != nil {
		p.keep(p.earlier())
	}
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
		p.about(p.request.SubmissionID)
		r := p.send()
		if errors.Is(r.err, rayapi.ErrExists) && p.parent != "" && !p.typed && !p.doubt {
			p.request.SubmissionID = ""
			continue
		}
		return r
	}
	return result{err: rayapi.ExistsError(p.request.SubmissionID)}
}

// earlier is the id of the try before, "" when there was none.
func (p post) earlier() string {
	if p.doubt {
		return p.request.SubmissionID
	}
	return ""
}

func (p *post) upload(ctx context.Context, progress func(progressMsg)) error {
	if p.parcels.empty() {
		return nil
	}
	up, err := p.parcels.send(ctx, p.env, progress)
	if err != nil {
		return err
	}
	p.request.RuntimeEnv = up.into(p.request.RuntimeEnv)
	return nil
}

// withDir puts the address of an upload before the other keys, as Ray's own
// client does.
func withDir(env json.RawMessage, uri string) json.RawMessage {
	keys, err := renv.ParseJSON(env)
	if err != nil {
		return env // the form has made it: it can be read
	}
	return append(renv.Value{{Name: "working_dir", Raw: renv.Marshal(uri)}}, keys...).JSON()
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
		err := p.get(id)
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
	switch err := p.get(p.request.SubmissionID); {
	case errors.Is(err, rayapi.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return rayapi.ExistsError(p.request.SubmissionID)
}

// get returns nil when there is a job of the id.
func (p post) get(id string) error {
	ctx, cancel := context.WithTimeout(p.env.Ctx, lookTimeout)
	defer cancel()
	_, err := p.env.Jobs.Get(ctx, id)
	return err
}

// send submits once, and looks the job up when no answer came.
func (p post) send() result {
	r := once.Post{
		Jobs: p.env.Jobs, Ledger: p.env.Ledger, Key: p.env.Target.LedgerKey, Request: p.request, Parent: p.parent,
		Doubt: p.doubt, Now: p.env.Now, Waits: p.waits, NotSent: notSent,
	}.Submit(p.env.Ctx)
	return result{id: r.ID, found: r.Found, err: r.Err}
}

func notSent(err error) bool { return errors.Is(err, screen.ErrNotSent) }

// neverSent reports that nothing left this machine.
func neverSent(err error) bool { return notSent(err) || once.NeverSent(err) }
