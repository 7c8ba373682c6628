package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// wrongTokenDelay slows down those who guess tokens.
const wrongTokenDelay = 100 * time.Millisecond

// GuardConfig says who may pass.
type GuardConfig struct {
	Token        string          // what clients must send; "" lets nobody in unless AuthDisabled
	AuthDisabled bool            // no token is asked for
	Hosts        []string        // the values of the Host header that mean this server, port included
	HostsNow     func() []string // more of them, as of now; asked when Hosts has not what was sent. May be nil
	Unix         bool            // on a Unix socket: neither Host nor token are looked at
	Log          *slog.Logger
}

// Guard lets through to next what may use the API: requests for a host that is
// ours, with the token, not from a browser, by a method that exists. It also
// answers the two routes that are about the door itself, ends bodies that
// stall, and turns a panic of next into an answer 500.
func Guard(next http.Handler, cfg GuardConfig) http.Handler {
	return &guard{next: next, cfg: cfg, routes: apiRoutes(), patience: bodyPatience}
}

type guard struct {
	next     http.Handler
	cfg      GuardConfig
	routes   []route
	patience time.Duration // with a body that stalls
}

// ServeHTTP checks in Ray's order: token, browser, method. The host comes
// first, because a page that reaches us under its own name deserves no answer.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &safeWriter{ResponseWriter: w}
	defer g.recover(out, r)
	r = limitBody(out, r, g.patience)
	switch {
	case !g.cfg.Unix && !hasNoHost(r) && !g.ourHost(r.Host):
		plain(out, http.StatusForbidden, fmt.Sprintf("Host %q is not a name of this server: use one of %s.",
			r.Host, strings.Join(g.cfg.Hosts, ", ")))
	case !g.authorized(out, r):
	case isBrowser(r.Header) && !g.browserMay(out, r):
	case g.ownRoute(out, r):
	case !slices.Contains(passMethods(), r.Method):
		g.refuseMethod(out, r)
	default:
		if !isOpen(r.URL.Path) {
			trust(r)
		}
		// Here and not behind a proxy, which would have to pass on a body that
		// nobody wants.
		if r.ContentLength > maxBody {
			refuse(out, r, http.StatusRequestEntityTooLarge, (&tooLargeError{maxBody}).Error())
			return
		}
		g.next.ServeHTTP(out, r)
	}
}

// passMethods are the methods that any route may have.
func passMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete}
}

func (g *guard) refuseMethod(w http.ResponseWriter, r *http.Request) {
	if rt, _ := findRoute(g.routes, r.URL.EscapedPath()); rt != nil {
		methodNotAllowed(w, rt.allow())
		return
	}
	notFound(w)
}

// hasNoHost reports whether r is of HTTP/1.0 and names no host, as health checks
// of load balancers do. No browser sends such a request, so that no page can
// have a name of its own resolved to this server with one.
func hasNoHost(r *http.Request) bool {
	return r.Host == "" && !r.ProtoAtLeast(1, 1)
}

func (g *guard) ourHost(host string) bool {
	isSame := func(h string) bool { return strings.EqualFold(h, host) }
	return slices.ContainsFunc(g.cfg.Hosts, isSame) || g.cfg.HostsNow != nil && slices.ContainsFunc(g.cfg.HostsNow(), isSame)
}

// recover answers 500 for a panic. If the answer had begun, or the handler
// asked for it, the connection is broken off instead.
func (g *guard) recover(w *safeWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		g.cfg.Log.Error("panic in a request", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if !w.begun {
			plain(w, http.StatusInternalServerError, "500 Internal Server Error\n\nServer got itself in trouble")
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// safeWriter sets the headers that every answer has, and knows whether one has
// begun. They are set late, because an answer that is passed on has them too.
type safeWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *safeWriter) WriteHeader(status int) {
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.begun = true
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.ResponseWriter.WriteHeader(status)
}

func (w *safeWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *safeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
