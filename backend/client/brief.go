package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// Brief says in a word or two why a server cannot be used.
func Brief(err error) string {
	var e *Error
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.Is(err, ErrNoHeaders):
		return "no login"
	case errors.Is(err, ErrUnauthorized):
		return "no access"
	case errors.Is(err, ErrNotRay):
		return "not Ray"
	case isTLS(err):
		return "TLS"
	case errors.As(err, &dns):
		return "no host"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "cut off"
	case errors.As(err, &e) && e.Code >= 500:
		return "trouble"
	}
	return "unusable"
}

func isTLS(err error) bool {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	text := err.Error()
	return strings.Contains(text, remoteTLS) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &record) || errors.As(err, &alert) ||
		strings.Contains(text, "speaks TLS") || strings.Contains(text, "does not speak TLS")
}
