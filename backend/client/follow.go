package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"dray/backend/rayapi"
)

// Chunk is a run of log bytes that starts at Offset. Gap says that what comes
// here does not follow what came before: bytes are lost.
type Chunk struct {
	Data   string
	Offset int64
	Gap    bool
}

// Follower delivers a job's log once and in order, whatever happens to the
// connection. Next must not be called by two goroutines at once; Close and
// State may be called by any.
//
// It runs no goroutine of its own: between two calls of Next nothing is read,
// so a slow reader slows the server and not the job.
type Follower struct {
	c  *Client
	op string
	id string

	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	// What follows belongs to Next.
	src      source // nil between connections
	proof    bool   // src is the stored log of a job that has ended
	at       int64  // offset in src of the next byte
	want     int64  // offset of the next byte to deliver
	head     []byte // how the log begins: another beginning is another log
	failures int    // connections in a row that brought nothing new
	gap      bool   // to be said with the next chunk
	last     error  // what every further call returns

	mu    sync.Mutex
	open  source // src, for Close
	state State
}

// source yields a log from its first byte.
type source interface {
	next(ctx context.Context) ([]byte, error)
	close()
}

const (
	// headLength is how much of a log's beginning is remembered, in bytes.
	headLength = 4096
	// maxProof is up to which length, in bytes, a log is fetched again to
	// prove that it is complete: a head builds that answer in memory several
	// times over.
	maxProof = 64 << 20
)

// Follow opens the log of a job at the byte offset from and follows it to the
// job's end. It returns when the server has accepted: ctx bounds that, not the
// following. The caller closes the Follower.
func (c *Client) Follow(ctx context.Context, id string, from int64) (*Follower, error) {
	op := "follow the log of job " + id
	if err := checkID(op, id); err != nil {
		return nil, err
	}
	t, err := c.openTail(ctx, op, id)
	if err != nil {
		return nil, err
	}
	f := &Follower{c: c, op: op, id: id, src: t, open: t, want: max(from, 0), state: State{Phase: Live}}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return f, nil
}

// Close drops the connection; a Next that waits returns net.ErrClosed. It does
// not wait for the server.
func (f *Follower) Close() error {
	f.cancel()
	f.mu.Lock()
	src := f.open
	f.open = nil
	f.state = State{Phase: Closed}
	f.mu.Unlock()
	if src != nil {
		src.close()
	}
	return nil
}

// Next returns the next run of the log. It waits for the job to print and,
// when the connection is lost, for the server to come back. io.EOF says that
// the job has ended and that the log is complete; ErrTailUnconfirmed that it
// has ended and this cannot be found out; rayapi.ErrNotFound that the record
// is gone; ErrUnauthorized that the server no longer lets us in. These are
// final. When ctx ends nothing is lost: the next call goes on.
func (f *Follower) Next(ctx context.Context) (Chunk, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()
	for {
		if f.ctx.Err() != nil {
			f.drop()
			return Chunk{}, fmt.Errorf("%s: %w", oneLine(f.op), net.ErrClosed)
		}
		if err := ctx.Err(); err != nil {
			return Chunk{}, err
		}
		if f.last != nil {
			return Chunk{}, f.last
		}
		chunk, ok, err := f.step(ctx)
		if err != nil && ctx.Err() == nil {
			f.finish(err)
		}
		if ok {
			return chunk, nil
		}
	}
}

// step does one thing: read, or find out what the end of a connection means,
// or connect again. An error is the log's end, unless ctx has ended.
func (f *Follower) step(ctx context.Context) (Chunk, bool, error) {
	if f.src == nil {
		return Chunk{}, false, f.reopen(ctx)
	}
	text, err := f.src.next(ctx)
	if err == nil {
		chunk, ok := f.take(text)
		return chunk, ok, nil
	}
	proof, length := f.proof, f.at
	f.drop()
	switch {
	case ctx.Err() != nil:
		return Chunk{}, false, err
	case proof && errors.Is(err, io.EOF):
		return f.proven(length)
	case proof && !isPassing(err):
		return Chunk{}, false, f.unconfirmed(err)
	case proof:
		return Chunk{}, false, f.wait(ctx, err)
	}
	return Chunk{}, false, f.ended(ctx, err)
}

// take counts text, drops what was delivered before, and returns what is new.
func (f *Follower) take(text []byte) (Chunk, bool) {
	if !f.sameLog(text) {
		f.want, f.gap, f.head = f.at, true, f.head[:min(f.at, headLength)]
	}
	f.remember(text)
	start := f.at
	f.at += int64(len(text))
	if f.at <= f.want {
		return Chunk{}, false
	}
	text = text[max(f.want-start, 0):]
	chunk := Chunk{Data: string(text), Offset: f.at - int64(len(text)), Gap: f.gap}
	f.want, f.gap, f.failures = f.at, false, 0
	return chunk, true
}

// sameLog compares text, which begins at f.at, with the remembered beginning.
func (f *Follower) sameLog(text []byte) bool {
	if f.at >= int64(len(f.head)) {
		return true
	}
	known := f.head[f.at:]
	n := min(len(known), len(text))
	return bytes.Equal(known[:n], text[:n])
}

func (f *Follower) remember(text []byte) {
	if f.at <= int64(len(f.head)) && f.at+int64(len(text)) > int64(len(f.head)) && len(f.head) < headLength {
		fresh := text[int64(len(f.head))-f.at:]
		f.head = append(f.head, fresh[:min(len(fresh), headLength-len(f.head))]...)
	}
}

// drop leaves the current source.
func (f *Follower) drop() {
	if f.src != nil {
		f.src.close()
	}
	f.use(nil, false)
}

// use makes src the source. A Follower that was closed meanwhile drops it when
// Next looks.
func (f *Follower) use(src source, proof bool) {
	f.src, f.proof, f.at = src, proof, 0
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = src
}

// ended finds out what the end of a connection means. A close says nothing by
// itself, not even a proper one.
func (f *Follower) ended(ctx context.Context, why error) error {
	job, err := f.c.Get(ctx, f.id)
	switch {
	case err == nil && job.Status.IsTerminal():
		return f.prove(ctx)
	case err == nil:
		return f.wait(ctx, errors.New(closeReason(why)))
	}
	return f.passOrEnd(ctx, err)
}

// passOrEnd waits after an error that may pass, and returns one that ends the
// log.
func (f *Follower) passOrEnd(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return err
	case errors.Is(err, rayapi.ErrNotFound):
		return &Error{
			Op: f.op, Code: 404, Message: "the job's record was deleted while its log was followed",
			Hint: "what came so far is all there is", Err: rayapi.ErrNotFound,
		}
	case !isPassing(err):
		return err
	}
	return f.wait(ctx, err)
}

// isPassing reports whether trying again can help. The server let us in once,
// so a page that is not Ray's is a proxy's, whose Ray is away.
func isPassing(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return true
	}
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrNotRay) || errors.Is(err, rayapi.ErrUnavailable) || e.Code >= 500
}

// reopen connects to the log socket again.
func (f *Follower) reopen(ctx context.Context) error {
	t, err := f.c.openTail(ctx, f.op, f.id)
	if err != nil {
		return f.passOrEnd(ctx, err)
	}
	f.use(t, false)
	f.setState(State{Phase: Live})
	return nil
}

// wait pauses before the next connection, and says so.
func (f *Follower) wait(ctx context.Context, why error) error {
	f.failures++
	d := f.c.backoff.after(f.failures)
	f.setState(State{Phase: Reconnecting, Retry: time.Now().Add(d), Err: why})
	_ = pause(ctx, d) // Next looks at ctx
	return nil
}

func (f *Follower) setState(s State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() == nil {
		f.state = s
	}
}

// finish makes err the follower's last word.
func (f *Follower) finish(err error) {
	f.drop()
	f.last = err
	s := State{Phase: Failed, Err: err}
	switch {
	case errors.Is(err, io.EOF):
		s = State{Phase: Complete}
	case errors.Is(err, ErrTailUnconfirmed):
		s.Phase = Unconfirmed
	}
	f.setState(s)
}
