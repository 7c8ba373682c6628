package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Logs writes the whole log of a job to w, as it stands now, and returns how
// many bytes were written. It holds no more than a buffer of it in memory and
// takes as long as it takes, so long as bytes come.
func (c *Client) Logs(ctx context.Context, id string, w io.Writer) (n int64, err error) {
	op := "read the log of job " + id
	src, err := c.openLogs(ctx, op, id)
	if err != nil {
		return 0, err
	}
	defer src.close()
	for {
		text, err := src.next(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		m, err := w.Write(text)
		n += int64(m)
		if err != nil {
			return n, fmt.Errorf("%s: write: %w", op, err)
		}
	}
}

// RawLogs writes the whole log of a job to w, byte for byte, as it stands now.
// Only our own server has that route; Ray's answers with text.
func (c *Client) RawLogs(ctx context.Context, id string, w io.Writer) (n int64, err error) {
	op := "read the log of job " + id
	if err := checkID(op, id); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := newStallReader(c.stall, func() { cancel(errStalled) })
	defer stall.stop()
	stall.start()
	resp, err := c.send(ctx, call{op: op, method: http.MethodGet, path: "/api/jobs/{id}/logs/raw", id: id})
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	stall.r = resp.Body
	if n, err = io.Copy(w, stall); err != nil {
		return n, c.broken(ctx, op, err)
	}
	return n, nil
}

// storedLog is the answer to GET logs, read piece by piece.
type storedLog struct {
	c      *Client
	op     string
	ctx    context.Context // of the request; ends with close
	cancel context.CancelCauseFunc
	body   io.Closer
	text   *jsonText
}

// openLogs asks for the whole log. ctx bounds the wait for the answer; each
// piece of it is read under a context of its own.
func (c *Client) openLogs(ctx context.Context, op, id string) (*storedLog, error) {
	if err := checkID(op, id); err != nil {
		return nil, err
	}
	s := &storedLog{c: c, op: op}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer s.under(ctx)()
	stall := newStallReader(c.stall, func() { s.cancel(errStalled) })
	stall.start()                                                                                         // a head builds the answer before it sends the first byte
	resp, err := c.send(s.ctx, call{op: op, method: http.MethodGet, path: "/api/jobs/{id}/logs", id: id}) //nolint:bodyclose // close does
	stall.stop()
	if err != nil {
		s.cancel(nil)
		return nil, err
	}
	stall.r, s.body = resp.Body, resp.Body
	s.text = newJSONText(stall)
	return s, nil
}

// under makes the end of ctx the end of the request, until the function that
// it returns is called.
func (s *storedLog) under(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
}

// next returns the next run of the log's bytes, valid until the call after it.
// io.EOF says that the answer was complete. When ctx ends, so does the source.
func (s *storedLog) next(ctx context.Context) ([]byte, error) {
	defer s.under(ctx)()
	text, err := s.text.next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.c.broken(s.ctx, s.op, err)
	}
	return text, err
}

func (s *storedLog) close() {
	s.cancel(nil) // first: the body's Close waits for a Read
	s.body.Close()
}
