package server

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
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
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// LimitListener accepts at most 512 connections at a time; those beyond wait
// until one is closed. Closing it closes ln.
func LimitListener(ln net.Listener) net.Listener {
	return netutil.LimitListener(ln, maxConnections)
}
