package server

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a connection and of their number.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeader         = 32 << 10 // bytes
	maxConnections    = 512
)

// HTTPServer returns a server of handler with the limits that an open port
// needs. Bodies and answers have no time limit of their own: Guard watches the
// former, and a log may be followed for days.
func HTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            readHeaderTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ConnState:                    noteState,
		ConnContext:                  withConn,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// LimitListener accepts at most 512 connections at a time, and 64 of one peer
// that are without the token. It makes room by closing those that have been so
// for longest, or idle, so that nobody keeps others out; it must be served by
// an HTTPServer, TLS or not. Closing it closes ln.
func LimitListener(ln net.Listener) net.Listener {
	return newGate(ln, maxConnections)
}
