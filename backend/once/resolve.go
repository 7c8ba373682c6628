package once

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dray/backend/ledger"
	"dray/backend/rayapi"
)

// settle is how long a request may be on its way: the send, its look-ups, and
// some more for a server that blocks.
const settle = 2 * time.Minute

// Fate is what became of a request whose answer was never seen.
type Fate int

// The fates.
const (
	Unknown Fate = iota // it may still be on its way, or the server does not say
	Arrived             // its job is there
	Other               // its id belongs to a job with other content
	Lost                // the server has no such job: it was never received, or was deleted since
)

// Outcome is the fate of one request.
type Outcome struct {
	Entry ledger.Entry
	Fate  Fate
}

// String is a sentence for the user, "" for Unknown.
func (o Outcome) String() string {
	id, at := o.Entry.Request.SubmissionID, o.Entry.SubmittedAt.Local().Format("Jan 2 15:04")
	switch o.Fate {
	case Arrived:
		return fmt.Sprintf("job %s, submitted %s without an answer, did arrive", id, at)
	case Other:
		return fmt.Sprintf("job %s, submitted %s without an answer, did not arrive: the id belongs to another job", id, at)
	case Lost:
		return fmt.Sprintf("job %s, submitted %s without an answer, is not on the server: submit it again if it is still wanted", id, at)
	case Unknown:
	}
	return ""
}

// Resolve finds out about the requests to the server key that are still
// pending in the ledger: dray ended, or the connection broke, before their
// answers came. It sends nothing but look-ups, and asks the same about none
// twice once it knows. Lost requests stay in the history, so that they can be
// submitted again. The error is the first that kept it from finding out.
func Resolve(ctx context.Context, jobs Jobs, l *ledger.Ledger, key string, now time.Time) ([]Outcome, error) {
	if l == nil {
		return nil, nil
	}
	pending, err := l.Pending(key)
	if err != nil {
		return nil, err
	}
	var first error
	list := make([]Outcome, 0, len(pending))
	for _, e := range pending {
		o := Outcome{Entry: e}
		job, err := get(ctx, jobs, e.Request.SubmissionID)
		switch {
		case err == nil && ledger.Same(job, e.Request):
			o.Fate = Arrived
		case err == nil:
			o.Fate = Other
		case errors.Is(err, rayapi.ErrNotFound) && now.Sub(e.SubmittedAt) > settle:
			o.Fate = Lost
		case !errors.Is(err, rayapi.ErrNotFound) && first == nil:
			first = err
		}
		if o.Fate != Unknown {
			if err := l.Done(key, e.Request.SubmissionID); err != nil && first == nil {
				first = err
			}
		}
		list = append(list, o)
		if ctx.Err() != nil || NeverSent(err) {
			break // the others would fare no better
		}
	}
	return list, first
}
