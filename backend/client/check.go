package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// maxErrorText bounds how much of an error answer is read, in bytes: a head
// sends whole tracebacks, whose last line counts.
const maxErrorText = 256 << 10

// check turns whatever a request came to into nil or an error, and closes the
// body of a response that it refuses. It is the only place that does.
func (c *Client) check(ctx context.Context, op string, resp *http.Response, err error) error {
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		return c.unreachable(ctx, op, err)
	}
	if resp.StatusCode == http.StatusOK && !isHTML(resp, "") {
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		e := &Error{Op: op, Code: resp.StatusCode}
		c.webPage(e)
		return e
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText)) // half an explanation is better than none
	return c.refused(op, resp, string(body))
}

// broken makes an error of an answer that began well and cannot be read; err
// may be nil when it could be read and makes no sense.
func (c *Client) broken(ctx context.Context, op string, err error) error {
	if err != nil && (ctx.Err() != nil || isTransport(err)) {
		return c.unreachable(ctx, op, err)
	}
	if errors.Is(err, errPage) {
		e := &Error{Op: op, Code: http.StatusOK}
		c.webPage(e)
		return e
	}
	return &Error{
		Op: op, Code: http.StatusOK, Message: c.name + " does not answer as Ray's Jobs API does", Hint: hintAddress,
		Err: errors.Join(ErrNotRay, err),
	}
}

func isTransport(err error) bool {
	var netErr net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.As(err, &netErr)
}

// unreachable makes an error of a request that got no whole answer. When the
// caller itself gave up, that is what it says.
func (c *Client) unreachable(ctx context.Context, op string, err error) error {
	if held := c.heldBack(op, err); held != nil {
		return held
	}
	if cause := context.Cause(ctx); cause != nil {
		if !errors.Is(cause, context.DeadlineExceeded) && !errors.Is(cause, errStalled) {
			return fmt.Errorf("%s: %w", oneLine(op), cause)
		}
		if errors.Is(err, context.Canceled) {
			err = cause // the transport knows no better
		}
	}
	e := &Error{Op: op, Err: errors.Join(ErrUnreachable, err)}
	e.Message, e.Hint = c.explain(err)
	return e
}

var errStalled = fmt.Errorf("the transfer stands still: %w", os.ErrDeadlineExceeded)

// explain says what keeps us from the server and what to do about it.
func (c *Client) explain(err error) (message, hint string) {
	if message, hint, ok := c.explainTLS(err); ok {
		return message, hint
	}
	var dns *net.DNSError
	var netErr net.Error
	switch text := err.Error(); {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "unknown host " + oneLine(dns.Name), "check the name in the address"
	case errors.As(err, &dns):
		return "the host name " + oneLine(dns.Name) + " cannot be looked up", "check the network and the name server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + c.name, "start Ray there, or check host and port (Ray's dashboard is usually on 8265)"
	case errors.Is(err, os.ErrNotExist):
		return c.name + " is not running", "start dray again"
	case errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return c.name + " does not answer in time", "it may be busy, or a firewall in the way: try again"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return c.name + " cannot be reached from this network", "check the network, a VPN or a proxy"
	case strings.Contains(text, "malformed HTTP"):
		return c.name + " does not speak HTTP", hintAddress
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		hint = "try again"
		if strings.HasPrefix(c.base, "http:") {
			hint += "; if the server uses TLS, write https:// in the address"
		}
		return c.name + " closed the connection", hint
	default:
		return "cannot reach " + c.name + ": " + c.cause(err), ""
	}
}

// remoteTLS begins what the other side of a handshake complains of.
const remoteTLS = "remote error: tls:"

func (c *Client) explainTLS(err error) (message, hint string, ok bool) {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch text := err.Error(); {
	case errors.As(err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return c.name + " does not speak TLS", "write http:// in the address", true
	case strings.Contains(text, `malformed HTTP response "\x15\x03`):
		return c.name + " speaks TLS", "write https:// in the address", true
	case errors.As(err, &authority):
		return "the certificate of " + c.name + " is signed by an authority that this machine does not know",
			cmp.Or(c.hints.TLS, "name its CA file in SSL_CERT_FILE"), true
	case errors.As(err, &host):
		return "the certificate of " + c.name + " is for another name", "use the name that it was made for", true
	case errors.As(err, &invalid):
		return "the certificate of " + c.name + " is not valid: " + oneLine(invalid.Error()), "check its dates and this machine's clock", true
	case strings.Contains(text, remoteTLS):
		_, why, _ := strings.Cut(text, remoteTLS)
		return c.name + " refuses our TLS: " + oneLine(strings.TrimSpace(why)), cmp.Or(c.hints.TLSClient, "it may want a client certificate"), true
	case errors.As(err, &alert):
		return c.name + " refuses our TLS: " + oneLine(alert.Error()), "it may want a client certificate", true
	}
	return "", "", false
}

// cause is the innermost reason, without the address, which may hold secrets.
func (c *Client) cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return oneLine(err.Error())
		}
		err = inner
	}
}
