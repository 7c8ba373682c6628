package tui

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
	"dray/tui/tuitest"
)

// listener serves one answer until the test ends.
func listener(t *testing.T, h http.HandlerFunc, start func(*httptest.Server)) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(srv)
	t.Cleanup(srv.Close)
	return srv.URL
}

func saying(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func nobody(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

// Whatever a server does wrong, the box at 80x24 says which it is and what to
// do about it, in words that are not cut.
func TestOffline_causesOfRealListeners(t *testing.T) {
	t.Parallel()
	plain := func(h http.HandlerFunc) string { return listener(t, h, (*httptest.Server).Start) }
	secure := listener(t, saying(200, "application/json", "[]"), (*httptest.Server).StartTLS)
	login := "<!doctype html><html><title>Sign in</title>"
	tests := []struct {
		name, url, word, title string
		says                   []string
		token                  string
	}{
		{"refused", nobody(t), "OFFLINE", "Cannot reach", []string{"nothing listens", "check host and port"}, ""},
		{"no such host", "http://no-such-host.invalid:8265", "OFFLINE", "Cannot reach", []string{"no-such-host.invalid", "check the"}, ""},
		{"slow", plain(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), "OFFLINE", "Cannot reach", []string{"does not answer in time", "firewall"}, ""},
		{"401", plain(saying(401, "text/plain", "")), "NO ACCESS", "refuses access", []string{"asks for a token", "RAY_AUTH_TOKEN"}, ""},
		{"403", plain(saying(403, "text/plain", "Forbidden: Invalid authentication token")), "NO ACCESS", "refuses access", []string{"refuses the token", "RAY_AUTH_TOKEN"}, "stale"},
		{"login page", plain(saying(200, "text/html", login)), "NO LIST", "not with jobs", []string{"web page", "log in"}, ""},
		{"login page as JSON", plain(saying(200, "application/json", login)), "NO LIST", "not with jobs", []string{"web page", "log in"}, ""},
		{"redirect", plain(http.RedirectHandler("https://sso.example/login?secret=1", http.StatusFound).ServeHTTP), "NO LIST", "not with jobs", []string{"https://sso.example/login", "log in"}, ""},
		{"wrong prefix", plain(http.NotFound) + "/ray", "NO LIST", "not with jobs", []string{"no Jobs API at this path", "404", "check the address"}, ""},
		{"unknown CA", secure, "OFFLINE", "Cannot reach", []string{"authority", "SSL_CERT_FILE"}, ""},
		{"TLS to a plain port", strings.Replace(plain(saying(200, "application/json", "[]")), "http:", "https:", 1), "OFFLINE", "Cannot reach", []string{"does not speak TLS", "write http://"}, ""},
		{"plain to a TLS port", strings.Replace(secure, "https:", "http:", 1), "OFFLINE", "Cannot reach", []string{"speaks TLS", "write https://"}, ""},
		{"another program", plain(saying(200, "application/json", `{"status":"ok"}`)), "NO LIST", "not with jobs", []string{"not answer as Ray's Jobs API", "check the address"}, ""},
		{"another list", plain(saying(200, "application/json", `[1,2,3]`)), "NO LIST", "not with jobs", []string{"not answer as Ray's Jobs API", "check the address"}, ""},
		{"garbage", plain(saying(200, "application/json", "[{"+strings.Repeat("\x00\x1b]0;owned\a", 9000))), "NO LIST", "not with jobs", []string{"not answer as Ray's Jobs API", "check the address"}, ""},
		{"header command", nobody(t), "NO LOGIN", "Cannot log in", []string{"pass ended with exit status 2", "look at header_command"}, ""},
		{"starting", plain(saying(503, "text/html", login)), "NO LIST", "not with jobs", []string{"not ready", "wait a moment"}, ""},
		{"crashed", plain(saying(500, "text/plain", "Traceback\n\x1b[31mRuntimeError: no agent\n")), "NO LIST", "not with jobs", []string{"RuntimeError: no agent"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ep := client.Endpoint{BaseURL: tt.url, Token: tt.token, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}
			if tt.name == "header command" {
				ep.Fresh = func(context.Context, http.Header) (http.Header, error) {
					return nil, errors.New("pass ended with exit status 2")
				}
				ep.Hints.Auth = "look at header_command"
			}
			c, err := client.New(ep)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			ctx := t.Context()
			if tt.name == "slow" {
				late, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				ctx = late
			}
			_, err = c.List(ctx)
			if err == nil {
				t.Fatal("the list was taken")
			}
			a := start(t, 80, 24, tuitest.Jobs20(), nil)
			a.srv.set(nil, err)
			a.wait(2 * time.Second)
			flat := strings.Join(strings.Fields(strings.ReplaceAll(a.m.View(), "│", " ")), " ")
			for _, want := range append(tt.says, tt.word, tt.title, "try ", "last good answer 14:17:0", "RUNNING") {
				if !strings.Contains(flat, want) {
					t.Errorf("the screen does not show %q:\n%s", want, a.m.View())
				}
			}
			if strings.ContainsAny(a.m.View(), "\x1b\x00\a") || strings.Contains(a.m.View(), "secret=1") {
				t.Errorf("what the server sent is not cleaned: %q", a.m.View())
			}
			checkFrame(t, a.m.View(), 80, 24)
			if tt.word == "OFFLINE" {
				if _, err := a.m.env.Jobs.Stop(t.Context(), "a"); err == nil {
					t.Error("a stop was sent")
				}
			}
		})
	}
}
