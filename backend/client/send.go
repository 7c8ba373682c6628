package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/go-resty/resty/v2"

	"dray/backend/rayapi"
)

// How long a call may take when its context has no deadline. A real head
// answers nothing at all while it lists thousands of jobs, and waits 10 s for
// an agent that takes a job.
const (
	answerTimeout = 15 * time.Second
	slowTimeout   = 30 * time.Second
	// stallTimeout bounds the silence, not the length, of a long transfer. It
	// is a field of Client for the sake of the tests.
	stallTimeout = 60 * time.Second
)

// Retries are for a connection that broke, as when the backend changes hands;
// what lasts longer is the caller's to show.
const (
	retries    = 2
	retryPause = 60 * time.Millisecond
)

// maxAnswer bounds the answers that are held in memory, in bytes.
const maxAnswer = 64 << 20

func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// call is one request: what it is for, in the words of its errors, and where
// it goes.
type call struct {
	op     string
	method string
	path   string // under the base URL, with {id}
	id     string
	query  url.Values
	body   any
}

// send makes the call and returns the response when its status is 200; the
// caller closes its body.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	for try := 0; ; try++ {
		resp, err := c.request(ctx, k).Execute(k.method, k.path)
		if err != nil && k.method == http.MethodGet && try < retries && brokeInPassing(err) && pause(ctx, retryPause<<try) == nil {
			continue
		}
		var raw *http.Response
		if resp != nil {
			raw = resp.RawResponse
		}
		if err := c.check(ctx, k.op, raw, err); err != nil {
			return nil, err
		}
		return raw, nil
	}
}

func (c *Client) request(ctx context.Context, k call) *resty.Request {
	r := c.rest.R().SetContext(ctx)
	if k.id != "" {
		r.SetPathParam("id", k.id)
	}
	if len(k.query) > 0 {
		r.SetQueryParamsFromValues(k.query)
	}
	if k.body != nil {
		r.SetHeader("Content-Type", "application/json").SetBody(k.body)
	}
	return r
}

// answer makes the call and decodes the JSON object that answers it.
func (c *Client) answer(ctx context.Context, k call, timeout time.Duration, into any) error {
	ctx, cancel := withTimeout(ctx, timeout)
	defer cancel()
	resp, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return c.broken(ctx, k.op, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // so that the connection can be used again
	return nil
}

// checkID refuses the ids that would change the route of a request.
func checkID(op, id string) error {
	switch id {
	case "":
		return &Error{Op: op, Code: http.StatusBadRequest, Message: "the job id is empty", Err: rayapi.ErrInvalid}
	case ".", "..":
		return &Error{Op: op, Code: http.StatusNotFound, Message: fmt.Sprintf("Job %s does not exist", id), Err: rayapi.ErrNotFound}
	}
	return nil
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func brokeInPassing(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// stallReader ends a transfer that stands still: expire is called when one
// read takes longer than the limit.
type stallReader struct {
	r     io.Reader
	timer *time.Timer
	limit time.Duration
}

func newStallReader(limit time.Duration, expire func()) *stallReader {
	t := time.AfterFunc(limit, expire)
	t.Stop()
	return &stallReader{timer: t, limit: limit}
}

func (s *stallReader) start() { s.timer.Reset(s.limit) }
func (s *stallReader) stop()  { s.timer.Stop() }

func (s *stallReader) Read(p []byte) (int, error) {
	s.start()
	defer s.stop()
	return s.r.Read(p)
}
