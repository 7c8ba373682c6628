package client

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"dray/backend/rayapi"
)

// What an Error can be, beside the errors of package rayapi.
var (
	// ErrUnauthorized: the server wants a token, or another one.
	ErrUnauthorized = errors.New("not authorized")
	// ErrUnreachable: no answer came: no such host, nothing listens, no TLS
	// where it was expected, a time-out, a broken connection.
	ErrUnreachable = errors.New("server unreachable")
	// ErrNotRay: something answered that is not the Jobs API: a web page, a
	// login, another program.
	ErrNotRay = errors.New("not a Ray Jobs API")
	// ErrNotSent: the request was held back, because it could not have done what
	// it was to do.
	ErrNotSent = errors.New("nothing was sent")
	// ErrTailUnconfirmed: a job has ended, and all that came of its log was
	// delivered, but whether that is all of it could not be found out.
	ErrTailUnconfirmed = errors.New("the end of the log is unconfirmed")
)

// Error is a call that did not do what it was made for. errors.Is tells what
// it means: ErrUnauthorized, ErrUnreachable, ErrNotRay, rayapi.ErrNotFound,
// ErrExists, ErrInvalid, ErrUnavailable, ErrNoSpace; errors.As finds a
// *rayapi.StateError.
type Error struct {
	Op      string // what was tried: "stop job raysubmit_x"
	Code    int    // HTTP status; 0 when no answer came
	Message string // what is wrong, in one line; the server's words where it had any
	Hint    string // what to do next, or ""
	Err     error  // what it means, or the cause; may be nil
}

// Error returns one line: what was tried, what is wrong, what to do next.
func (e *Error) Error() string {
	s := oneLine(e.Op) + ": " + e.Message
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap returns what the error means.
func (e *Error) Unwrap() error { return e.Err }

const (
	hintToken   = "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (`ray get-auth-token` on the head prints the token)"
	hintWrong   = "check the token in RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token (`ray get-auth-token` on the head prints it)"
	hintHeader  = "check RAY_JOB_HEADERS, or set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
	hintAddress = "check the address: Ray's dashboard is usually at http://HOST:8265"
	hintLogin   = "log in another way: RAY_JOB_HEADERS can carry a cookie or a token"
	hintWait    = "wait a moment and try again"
)

// refused makes an Error of an answer whose status is not 200.
func (c *Client) refused(op string, resp *http.Response, body string) *Error {
	e := &Error{Op: op, Code: resp.StatusCode, Message: lastLine(body)}
	switch code := resp.StatusCode; {
	case plainToTLS(body):
		e.Message = c.name + " speaks TLS"
		e.Hint = "write https:// in the address"
		e.Err = ErrUnreachable
	case code == http.StatusForbidden && body != "" && !strings.Contains(body, "uthentication token") && !isHTML(resp, body):
		e.Err = ErrUnauthorized // the token may be right: the server says what is not
		e.Message = c.name + " lets us not in: " + e.Message
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		c.unauthorized(e)
	case code >= 300 && code < 400:
		e.Message = fmt.Sprintf("%s sends us on to %s", c.name, location(resp))
		e.Hint = "if that is the server use it as the address; if it is a login page, " + cmp.Or(c.hints.Auth, hintLogin)
		e.Err = ErrNotRay
	case isHTML(resp, body) && code < 500:
		c.webPage(e)
	default:
		e.Err = meaning(code, e.Message)
		c.describe(e, resp)
	}
	return e
}

func (c *Client) unauthorized(e *Error) {
	e.Err = ErrUnauthorized
	switch {
	case !c.token:
		e.Message, e.Hint = c.name+" asks for a token", hintToken
	case c.header.Get("Authorization") != "" && !strings.HasPrefix(c.header.Get("Authorization"), "Bearer "):
		e.Message, e.Hint = c.name+" refuses our Authorization header", hintHeader
	case c.header.Get("Authorization") == "":
		e.Message, e.Hint = c.name+" refuses what it was sent to log in", hintHeader
	default:
		e.Message, e.Hint = c.name+" refuses the token", hintWrong
	}
	e.Hint = cmp.Or(c.hints.Auth, e.Hint)
}

func (c *Client) webPage(e *Error) {
	e.Message = c.name + " answers with a web page, not with Ray's Jobs API"
	e.Hint = hintAddress + "; if the page is a login, " + cmp.Or(c.hints.Auth, hintLogin)
	e.Err = ErrNotRay
}

// meaning tells the status and Ray's words apart: Ray answers 500 to a
// duplicate id as to a crash.
func meaning(code int, text string) error {
	if err := stateError(text); err != nil {
		return err
	}
	switch {
	case code == http.StatusNotFound && strings.Contains(text, "does not exist"):
		return rayapi.ErrNotFound
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return ErrNotRay
	case code == http.StatusConflict || strings.Contains(text, "already exists") && strings.Contains(text, "submission_id"):
		return rayapi.ErrExists
	case code == http.StatusInsufficientStorage:
		return rayapi.ErrNoSpace
	case code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout:
		return rayapi.ErrUnavailable
	case code < 500 || strings.Contains(text, "Invalid label"):
		return rayapi.ErrInvalid
	}
	return nil
}

// describe supplies what the server's words leave out.
func (c *Client) describe(e *Error, resp *http.Response) {
	if isHTML(resp, "") {
		e.Message = "" // a proxy's error page
	}
	status := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	switch {
	case errors.Is(e.Err, ErrNotRay):
		e.Message, e.Hint = c.name+" has no Jobs API at this path ("+status+")", hintAddress
	case errors.Is(e.Err, rayapi.ErrUnavailable):
		e.Hint = hintWait
		if e.Message == "" {
			e.Message = fmt.Sprintf("%s is not ready (%s)", c.name, status)
		}
	case e.Code == http.StatusRequestEntityTooLarge:
		e.Hint = "make it smaller: a request or package may have 100 MiB (104857600 bytes)"
	case errors.Is(e.Err, rayapi.ErrExists):
		e.Hint = "" // Ray's sentence says it
	case strings.Contains(e.Message, "No available agent"):
		e.Hint = "the head is still starting or overloaded: " + hintWait
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("%s answers %s", c.name, status)
	}
}

func location(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return "another address"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", "" // may hold secrets
	return oneLine(u.String())
}

func isHTML(resp *http.Response, body string) bool {
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return true
	}
	start := strings.ToLower(strings.TrimSpace(body[:min(len(body), 200)]))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

// plainToTLS recognises the answers of Go and nginx to http on a TLS port.
func plainToTLS(body string) bool {
	return strings.Contains(body, "Client sent an HTTP request to an HTTPS server") ||
		strings.Contains(body, "plain HTTP request was sent to HTTPS port")
}
