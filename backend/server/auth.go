package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Ray's texts; its client shows them, and ours tells the two apart by status.
const (
	textNoToken    = "Unauthorized: Missing authentication token"
	textWrongToken = "Forbidden: Invalid authentication token"
	textAuthOff    = "Unauthorized: Token authentication is not enabled"
)

const (
	authModePath     = "/api/authentication_mode"
	authenticatePath = "/api/authenticate"
)

// healthPaths tell nothing but that the server is there.
func healthPaths() []string {
	return []string{"/api/healthz", "/api/gcs_healthz", "/api/local_raylet_healthz", "/-/healthz"}
}

// isOpen reports whether a path needs no token. They are Ray's; those that do
// not exist here are open so that they are 404 and not 401.
func isOpen(path string) bool {
	switch path {
	case "/", "/favicon.ico", authModePath, authenticatePath:
		return true
	}
	return strings.HasPrefix(path, "/static/") || slices.Contains(healthPaths(), path)
}

func (g *guard) asksToken() bool { return !g.cfg.Unix && !g.cfg.AuthDisabled }

// authorized reports whether r may pass, and answers it if not.
func (g *guard) authorized(w http.ResponseWriter, r *http.Request) bool {
	if !g.asksToken() || isOpen(r.URL.Path) {
		return true
	}
	return g.checkToken(w, r)
}

// checkToken reports whether r has the token, and answers it if not.
func (g *guard) checkToken(w http.ResponseWriter, r *http.Request) bool {
	sent := credentials(r.Header)
	if sent == "" {
		plain(w, http.StatusUnauthorized, textNoToken)
		return false
	}
	if g.cfg.Token != "" && sameSecret(sent, "Bearer "+g.cfg.Token) {
		return true
	}
	delay := time.NewTimer(wrongTokenDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-r.Context().Done():
	}
	plain(w, http.StatusForbidden, textWrongToken)
	return false
}

// credentials returns the first header that is not empty; a wrong one is not
// rescued by the next. Cookies are not looked at: they come along unasked.
func credentials(h http.Header) string {
	for _, name := range []string{"Authorization", "X-Ray-Authorization"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// sameSecret takes the same time wherever a and b differ, and however long
// they are.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// ownRoute answers the routes about authentication, which is this door's
// business and not that of the API behind it. It reports whether r was one.
func (g *guard) ownRoute(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case authModePath:
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			methodNotAllowed(w, "GET,HEAD")
			return true
		}
		mode := "disabled"
		if g.asksToken() {
			mode = "token"
		}
		_ = sendJSON(w, map[string]string{"authentication_mode": mode}) // strings can be encoded
	case authenticatePath:
		g.authenticate(w, r)
	default:
		return false
	}
	return true
}

// authenticate checks a token. It sets no cookie: one would lend the token to
// every page that the browser shows.
func (g *guard) authenticate(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		methodNotAllowed(w, http.MethodPost)
	case !g.asksToken():
		plain(w, http.StatusUnauthorized, textAuthOff)
	case g.checkToken(w, r):
		_ = sendJSON(w, struct { // strings can be encoded
			Status  string `json:"status"`
			Message string `json:"message"`
		}{"authenticated", "Token is valid"})
	}
}
