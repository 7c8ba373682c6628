//go:build linux

package backend

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

// newProxy passes requests, WebSockets included, on to the process that is the
// backend.
func newProxy(dial func(ctx context.Context, network, addr string) (net.Conn, error), log *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = "localhost"
			r.Out.Host = "localhost"
		},
		Transport: &http.Transport{
			DialContext:        dial,
			DisableCompression: true,
			IdleConnTimeout:    time.Second, // a holder that goes must not leave us its dead connections
		},
		FlushInterval: -1, // a log line is passed on when it comes
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.Warn("pass a request on to the backend", "path", r.URL.Path, "err", err)
			http.Error(w, "the backend is changing hands: try again", http.StatusServiceUnavailable)
		},
	}
}
