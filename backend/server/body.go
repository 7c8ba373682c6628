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

// limitBody makes reads of r's body fail with os.ErrDeadlineExceeded when it
// stalls for patience.
func limitBody(w http.ResponseWriter, r *http.Request, patience time.Duration) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	b := &steadyBody{ReadCloser: r.Body, conn: http.NewResponseController(w), patience: patience}
	b.extend()
	r.Body = b
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
