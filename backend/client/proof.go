package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// prove begins to compare what was delivered with the stored log of a job that
// has ended. Reading on fills a missing tail.
func (f *Follower) prove(ctx context.Context) error {
	f.setState(State{Phase: Confirming})
	if f.want > f.c.maxProof {
		streams, err := f.c.streamsLogs(ctx)
		if err != nil {
			return f.passOrEnd(ctx, err)
		}
		if !streams {
			return fmt.Errorf("%s: %w: it is longer than %d MiB, which a Ray head cannot send again without harm",
				oneLine(f.op), ErrTailUnconfirmed, f.c.maxProof>>20)
		}
	}
	src, err := f.c.openLogs(ctx, f.op, f.id)
	switch {
	case err == nil:
		f.use(src, true)
		return nil
	case ctx.Err() != nil:
		return err
	case isServerError(err):
		return f.unconfirmed(err) // a byte that is not UTF-8, or the node is gone
	}
	return f.passOrEnd(ctx, err)
}

// proven ends the log after the stored log, which has the given length, was
// read to its end.
func (f *Follower) proven(length int64) (Chunk, bool, error) {
	switch {
	case length >= f.want:
		return Chunk{}, false, io.EOF
	case length == 0:
		return Chunk{}, false, f.unconfirmed(errors.New("the server no longer has the log"))
	}
	// The log was cut or replaced behind our back.
	chunk := Chunk{Offset: f.want, Gap: true}
	f.want = length
	return chunk, true, io.EOF
}

func (f *Follower) unconfirmed(why error) error {
	reason := why.Error()
	var e *Error
	if errors.As(why, &e) {
		reason = e.Message // its operation is ours
	}
	return fmt.Errorf("%s: %w: %s", oneLine(f.op), ErrTailUnconfirmed, reason)
}

func isServerError(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == 500
}

// ownCommit begins the ray_commit of a server that is this program, which
// streams a log of any length.
const ownCommit = "dray-"

func (c *Client) streamsLogs(ctx context.Context) (bool, error) {
	v, err := c.Version(ctx)
	return strings.HasPrefix(v.RayCommit, ownCommit), err
}
