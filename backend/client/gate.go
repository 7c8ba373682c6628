package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

var (
	// ErrReadOnly: the request could have changed something, and the cluster is
	// for reading only. Nothing was sent.
	ErrReadOnly = errors.New("read-only")
	// ErrNoHeaders: what the request was to be sent with could not be had. Nothing
	// was sent.
	ErrNoHeaders = errors.New("no headers to log in with")
)

// gate is the one place through which every request leaves, the handshake of
// the log socket included. It holds back what may not be sent and adds the
// headers that come and go.
type gate struct {
	next     *http.Transport
	readOnly bool
	fresh    func(ctx context.Context, refused http.Header) (http.Header, error)
}

// CloseIdleConnections drops those of the transport.
func (g *gate) CloseIdleConnections() { g.next.CloseIdleConnections() }

// RoundTrip sends the request. With fresh headers, a request that the server
// lets not in is sent once more if there are others by then.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if g.readOnly && req.Method != http.MethodGet && req.Method != http.MethodHead {
		return nil, held(req, ErrReadOnly)
	}
	if g.fresh == nil {
		return g.next.RoundTrip(req)
	}
	first, err := g.fresh(req.Context(), nil)
	switch {
	case err != nil && req.Context().Err() != nil:
		return nil, held(req, err) // the caller has given up
	case err != nil:
		return nil, held(req, fmt.Errorf("%w: %w", ErrNoHeaders, err))
	}
	resp, err := g.next.RoundTrip(with(req, first))
	if err != nil || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return resp, err
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return resp, nil // it cannot be sent again; what comes next asks anew
	}
	second, err := g.fresh(req.Context(), first)
	if err != nil || maps.EqualFunc(first, second, slices.Equal) {
		return resp, nil //nolint:nilerr // the refusal is what the user has to know
	}
	again := with(req, second)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // as above
		}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // so that the connection can be used again
	resp.Body.Close()
	return g.next.RoundTrip(again)
}

// held ends a request that does not leave, as a transport has to.
func held(req *http.Request, err error) error {
	if req.Body != nil {
		req.Body.Close()
	}
	return err
}

// with returns a copy of the request with more headers.
func with(req *http.Request, more http.Header) *http.Request {
	out := req.Clone(req.Context())
	for k, v := range more {
		out.Header[http.CanonicalHeaderKey(k)] = slices.Clone(v)
	}
	return out
}

// heldBack makes an error of a request that the gate did not let out, or
// returns nil.
func (c *Client) heldBack(op string, err error) error {
	switch {
	case errors.Is(err, ErrReadOnly):
		return &Error{
			Op: op, Message: c.name + " is read-only here: nothing was sent", Hint: c.hints.ReadOnly,
			Err: errors.Join(ErrReadOnly, ErrNotSent),
		}
	case errors.Is(err, ErrNoHeaders):
		// The errors of such sources are made for the user, and without secrets.
		return &Error{Op: op, Message: oneLine(sourceError(err)), Hint: c.hints.Auth, Err: errors.Join(ErrNoHeaders, ErrUnauthorized, ErrNotSent)}
	}
	return nil
}

// sourceError is what the source of the headers said.
func sourceError(err error) string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if both, ok := e.(interface{ Unwrap() []error }); ok { //nolint:errorlint // walked by hand
			if list := both.Unwrap(); len(list) == 2 && errors.Is(list[0], ErrNoHeaders) {
				return list[1].Error()
			}
		}
	}
	return err.Error()
}
