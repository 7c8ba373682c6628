package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"dray/backend/packages"
	"dray/backend/rayapi"
)

// Bodies of a request, in bytes.
const (
	maxBody = packages.MaxBytes

	// smallJSON is how much of a JSON body any request may have in memory. Only
	// one at a time may have more, up to maxBody.
	smallJSON = 2 << 20

	// maxDrain is how much of a refused body is still read, so that a client
	// that sends all of it before it looks gets the answer and not a reset.
	maxDrain = 512 << 20
)

const (
	textClosing = "The server is closing: try again later."
	textBusy    = "Another request as large as this is being read: try again later."
)

// largeWait is how long a large request waits for the one before it: less than
// bodyPatience, or its own body has stalled by then.
const largeWait = 10 * time.Second

// tooLargeError is a body beyond its limit, in the words of Ray's HTTP layer.
type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("Maximum request body size %d exceeded.", e.limit)
}

// statusError is an error that knows its status.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// fail answers err. Only what nobody foresaw is logged.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := statusOf(err)
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		// The client has gone, or the server is closing.
		status, text = http.StatusServiceUnavailable, textClosing
	}
	a.metrics.observeFailure(status, text, err)
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusInternalServerError:
		if text == "" {
			text = err.Error()
			a.cfg.Log.Error("answer a request", "method", r.Method, "path", r.URL.Path, "err", err)
		}
	}
	refuse(w, r, status, text)
}

// refuse answers at once, also a request whose body is still on its way, and
// only then reads on what is left of it.
func refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	if r.Body == nil || r.Body == http.NoBody {
		plain(w, status, text)
		return
	}
	conn := http.NewResponseController(w)
	_ = conn.EnableFullDuplex() // a recorder of a test has no connection
	if status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text))) // the answer is whole before the body is
	plain(w, status, text)
	_ = conn.Flush()
	drain(r.Body)
}

// statusOf maps an error to its status and text; 500 without a text is one
// that has no mapping.
func statusOf(err error) (int, string) {
	var (
		known    *statusError
		tooLarge *tooLargeError
		label    *rayapi.LabelError
		state    *rayapi.StateError
	)
	switch {
	case errors.As(err, &known):
		return known.status, known.text
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, tooLarge.Error()
	case errors.Is(err, packages.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, (&tooLargeError{maxBody}).Error()
	case errors.Is(err, rayapi.ErrInvalid), errors.Is(err, packages.ErrName):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, packages.ErrConflict):
		return http.StatusConflict, err.Error()
	case errors.Is(err, rayapi.ErrNotFound):
		return http.StatusNotFound, err.Error()
	case errors.Is(err, rayapi.ErrUnavailable):
		return http.StatusServiceUnavailable, err.Error()
	case errors.Is(err, rayapi.ErrNoSpace):
		return http.StatusInsufficientStorage, err.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "The request body stalled: send it again."
	case errors.As(err, &label):
		return http.StatusInternalServerError, agentRefusal(label.Error())
	case errors.As(err, &state):
		return http.StatusInternalServerError, state.Error()
	default:
		return http.StatusInternalServerError, ""
	}
}

// agentRefusal is how Ray's head passes on what its job agent refused: as 500,
// with the agent's 400 in the text. KubeRay relies on both.
func agentRefusal(text string) string {
	return "Request failed with status code 400: " + text
}

// missing names the id that was asked for in Ray's sentence, however the
// error that wraps ErrNotFound was put.
func missing(err error, id string) error {
	if errors.Is(err, rayapi.ErrNotFound) {
		return rayapi.NotFoundError(id)
	}
	return err
}

// largeBodies lets one large body at a time into memory.
type largeBodies chan struct{}

// enter waits for its turn, at most largeWait. Whoever got it calls leave.
func (l largeBodies) enter(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(largeWait)
	defer patience.Stop()
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-patience.C:
		return nil, &statusError{http.StatusServiceUnavailable, textBusy}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// withJSON reads a JSON body of at most maxBody bytes and hands it to use,
// which may not keep it.
func (a *API) withJSON(r *http.Request, use func(body []byte) error) error {
	if err := checkEncoding(r); err != nil {
		return err
	}
	if r.ContentLength > maxBody {
		return &tooLargeError{maxBody}
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(io.LimitReader(r.Body, smallJSON+1)); err != nil {
		return readError(err)
	}
	if body.Len() > smallJSON {
		leave, err := a.largeBodies.enter(r.Context())
		if err != nil {
			return err
		}
		defer leave()
		if r.ContentLength > smallJSON { // else the buffer doubles, and has more than twice as much in the end
			body.Grow(int(r.ContentLength) - body.Len() + bytes.MinRead)
		}
		if _, err := body.ReadFrom(io.LimitReader(r.Body, maxBody+1-int64(body.Len()))); err != nil {
			return readError(err)
		}
	}
	if body.Len() > maxBody {
		return &tooLargeError{maxBody}
	}
	return use(body.Bytes())
}

// checkEncoding refuses a compressed body, which would be taken for what it
// holds.
func checkEncoding(r *http.Request) error {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return badRequest("Content-Encoding %q is not supported: send the body as it is.", coding)
	}
	return nil
}

func readError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &statusError{http.StatusBadRequest, fmt.Sprintf("The request body ended early: %s", err)}
}

// drain reads on what will not be used; how it ends does not matter.
func drain(body io.Reader) {
	_, _ = io.CopyN(io.Discard, body, maxDrain)
}

// plain sends text as it is: Ray's error bodies are plain text without a
// newline at the end.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a client that has gone needs no answer
}

func notFound(w http.ResponseWriter) { plain(w, http.StatusNotFound, "404: Not Found") }

func methodNotAllowed(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	plain(w, http.StatusMethodNotAllowed, "405: Method Not Allowed")
}

func jsonHeader(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
}

// sendJSON answers 200 with v. Every v of this package can be encoded, unless
// a record holds broken JSON.
func sendJSON(w http.ResponseWriter, v any) error { return sendJSONStatus(w, http.StatusOK, v) }

func sendJSONStatus(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	jsonHeader(w)
	w.WriteHeader(status)
	_, _ = w.Write(appendPython(nil, body))
	return nil
}
