package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// A body must make progress: bodyStep bytes, or its end, within bodyPatience.
// There is no limit to the whole, which would cut honest slow uploads off.
const (
	bodyStep     = 64 << 10
	bodyPatience = 15 * time.Second
)

// limitBody returns r with a body whose reads fail with os.ErrDeadlineExceeded
// when it stalls for patience. r itself stays as it is: by the body of the
// request that it made, net/http knows that a client waits to be told to go on.
func limitBody(w http.ResponseWriter, r *http.Request, patience time.Duration) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	b := &steadyBody{ReadCloser: r.Body, conn: http.NewResponseController(w), patience: patience}
	b.extend()
	limited := *r
	limited.Body = b
	return &limited
}

type steadyBody struct {
	io.ReadCloser
	conn     *http.ResponseController
	patience time.Duration
	left     int // bytes until the deadline is put off
	done     bool
}

func (b *steadyBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) && !b.done {
		// The deadline would end the request's context while it is answered.
		b.done = true
		_ = b.conn.SetReadDeadline(time.Time{})
		return n, err
	}
	if b.left -= n; b.left <= 0 && err == nil {
		b.extend()
	}
	return n, err
}

// extend fails only where there is no connection, as in a test's recorder.
func (b *steadyBody) extend() {
	b.left = bodyStep
	_ = b.conn.SetReadDeadline(time.Now().Add(b.patience))
}
