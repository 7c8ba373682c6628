package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// isBrowser reports whether Ray counts a request as a browser's. A page can
// neither leave these headers out nor set others in their place.
func isBrowser(h http.Header) bool {
	for _, name := range []string{
		"Referer", "Origin", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Sec-Fetch-User",
		"Access-Control-Request-Method", "Access-Control-Request-Headers",
	} {
		if _, present := h[name]; present {
			return true
		}
	}
	return strings.HasPrefix(h.Get("User-Agent"), "Mozilla")
}

// browserMay reports whether a browser's request may pass, and answers it if
// not. There are no pages here, so that a page that asks is somebody else's:
// it may see that the server is there and which version, and nothing of jobs.
func (g *guard) browserMay(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	if path == authenticatePath {
		return true
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if path == "/api/version" || path == "/api/ray/version" || path == authModePath || slices.Contains(healthPaths(), path) {
			return true
		}
		plain(w, http.StatusForbidden, "Browser requests not allowed.")
	case http.MethodOptions:
		return true // goes on to its 405
	default:
		plain(w, http.StatusMethodNotAllowed, fmt.Sprintf("'%s' method not allowed for browser traffic.", r.Method))
	}
	return false
}
