package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dray/backend/server"
)

const (
	testHost  = "127.0.0.1:8265"
	testToken = "0123456789abcdef"
	good      = "Bearer " + testToken
)

// passed answers 200 "passed", so that a test sees what got through.
func passed(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "passed") }

func tokenGuard() http.Handler {
	return server.Guard(http.HandlerFunc(passed), server.GuardConfig{
		Token: testToken, Hosts: []string{"localhost:8265", testHost, "[::1]:8265"}, Log: quiet(),
	})
}

func openGuard() http.Handler {
	return server.Guard(http.HandlerFunc(passed), server.GuardConfig{AuthDisabled: true, Hosts: []string{testHost}, Log: quiet()})
}

func TestGuard_host(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host string
		ok   bool
	}{
		{"127.0.0.1:8265", true},
		{"localhost:8265", true},
		{"LOCALHOST:8265", true},
		{"[::1]:8265", true},
		{"localhost", false},
		{"localhost:80", false},
		{"127.0.0.1:18265", false},
		{"127.0.0.1:8265.evil.example", false},
		{"evil.example:8265", false},
		{"evil.example", false},
		{"localhost.:8265", false},
		{"0.0.0.0:8265", false},
		{"", false},
	}
	for _, tt := range tests {
		t.Run("Host "+tt.host, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/api/jobs/", "/api/version", "/api/gcs_healthz", "/api/authentication_mode"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Host = tt.host
				r.Header.Set("Authorization", good)
				w := httptest.NewRecorder()
				tokenGuard().ServeHTTP(w, r)
				if tt.ok && w.Code != 200 {
					t.Errorf("GET %s = %d %q, want 200", path, w.Code, w.Body)
				}
				want := fmt.Sprintf("Host %q is not a name of this server: use one of localhost:8265, 127.0.0.1:8265, [::1]:8265.", tt.host)
				if !tt.ok && (w.Code != 403 || w.Body.String() != want) {
					t.Errorf("GET %s = %d %q, want 403 %q", path, w.Code, w.Body, want)
				}
			}
		})
	}
}

// Names that came after the start count too.
func TestGuard_hostsNow(t *testing.T) {
	t.Parallel()
	names := []string{"old.example:8265"}
	h := server.Guard(http.HandlerFunc(passed), server.GuardConfig{
		AuthDisabled: true, Hosts: []string{testHost}, HostsNow: func() []string { return names }, Log: quiet(),
	})
	names = []string{"new.example:8265"}
	for host, want := range map[string]int{testHost: 200, "new.example:8265": 200, "old.example:8265": 403} {
		if got := ask(t, h, http.MethodGet, "http://"+host+"/api/version", ""); got.status != want {
			t.Errorf("%s: %d, want %d", host, got.status, want)
		}
	}
}

// A client that waits to be told to send its body is answered at once when
// nobody wants it.
func TestGuard_expectContinue(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		t.Fatal(err)
	}
	srv := server.HTTPServer(server.Guard(http.HandlerFunc(passed), server.GuardConfig{
		Token: testToken, Hosts: []string{testHost}, Log: quiet(),
	}), quiet())
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	var d net.Dialer
	for header, want := range map[string]int{
		"Host: " + testHost:  401,
		"Host: evil.example": 403,
		"Host: " + testHost + "\r\nOrigin: https://evil.example\r\nAuthorization: " + good: 405,
	} {
		conn, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /api/jobs/ HTTP/1.1\r\n%s\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n", header)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: no answer: %v", header, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", header, resp.StatusCode, want)
		}
	}
}

// through sends a request for the right host.
func through(t testing.TB, h http.Handler, method, path string, header ...string) answer {
	t.Helper()
	return ask(t, h, method, "http://"+testHost+path, "", header...)
}

func TestGuard_token(t *testing.T) {
	t.Parallel()
	const (
		missing = "Unauthorized: Missing authentication token"
		invalid = "Forbidden: Invalid authentication token"
	)
	tests := []struct {
		name   string
		header []string
		status int
		want   string
	}{
		{"none", nil, 401, missing},
		{"empty", []string{"Authorization", ""}, 401, missing},
		{"right", []string{"Authorization", good}, 200, "passed"},
		{"second header", []string{"X-Ray-Authorization", good}, 200, "passed"},
		{"an empty first header does not decide", []string{"Authorization", "", "X-Ray-Authorization", good}, 200, "passed"},
		{"a wrong first header is not rescued", []string{"Authorization", "Bearer x", "X-Ray-Authorization", good}, 403, invalid},
		{"a right first header is not spoilt", []string{"Authorization", good, "X-Ray-Authorization", "Bearer x"}, 200, "passed"},
		{"wrong", []string{"Authorization", "Bearer x"}, 403, invalid},
		{"longer", []string{"Authorization", good + "x"}, 403, invalid},
		{"shorter", []string{"Authorization", good[:len(good)-1]}, 403, invalid},
		{"no scheme", []string{"Authorization", testToken}, 403, invalid},
		{"small scheme", []string{"Authorization", "bearer " + testToken}, 403, invalid},
		{"two blanks", []string{"Authorization", "Bearer  " + testToken}, 403, invalid},
		{"Basic", []string{"Authorization", "Basic " + testToken}, 403, invalid},
		{"cookie", []string{"Cookie", "ray-authentication-token=" + testToken}, 401, missing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/api/jobs/", "/api/version", "/no/such/path"} {
				got := through(t, tokenGuard(), "GET", path, tt.header...)
				if got.status != tt.status || got.body != tt.want {
					t.Errorf("GET %s = %d %q, want %d %q", path, got.status, got.body, tt.status, tt.want)
				}
			}
		})
	}
	t.Run("a guard without a token lets nobody in", func(t *testing.T) {
		t.Parallel()
		h := server.Guard(http.HandlerFunc(passed), server.GuardConfig{Hosts: []string{testHost}, Log: quiet()})
		for _, sent := range []string{"Bearer ", "Bearer"} {
			if got := through(t, h, "GET", "/api/jobs/", "Authorization", sent); got.status != 403 {
				t.Errorf("%q = %d %q, want 403", sent, got.status, got.body)
			}
		}
	})
	t.Run("turned off, a token is ignored", func(t *testing.T) {
		t.Parallel()
		if got := through(t, openGuard(), "GET", "/api/jobs/", "Authorization", "Bearer x"); got.status != 200 {
			t.Errorf("GET = %d %q, want 200", got.status, got.body)
		}
	})
}

func TestGuard_openPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/favicon.ico", "/static/js/x.js", "/api/healthz", "/api/gcs_healthz", "/api/local_raylet_healthz", "/-/healthz"} {
		if got := through(t, tokenGuard(), "GET", path); got.status != 200 || got.body != "passed" {
			t.Errorf("GET %s = %d %q, want it passed on", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/static", "/api/healthz/", "/api/jobs/healthz", "/api/gcs_healthz%2F"} {
		if got := through(t, tokenGuard(), "GET", path); got.status != 401 {
			t.Errorf("GET %s = %d %q, want 401", path, got.status, got.body)
		}
	}
	// What is open by its prefix must not be another route in disguise.
	h := server.Guard(newAPI(&fakeJobs{}), server.GuardConfig{Token: testToken, Hosts: []string{testHost}, Log: quiet()})
	for _, path := range []string{"/static/../api/jobs/", "/static/%2e%2e/api/jobs/", "/static/..%2fapi/jobs/", "/%61pi/jobs/"} {
		if got := through(t, h, "GET", path); got.status != 404 && got.status != 401 {
			t.Errorf("GET %s = %d %q, want 404 or 401", path, got.status, got.body)
		}
	}
}

func TestGuard_authRoutes(t *testing.T) {
	t.Parallel()
	const ok = `{"status": "authenticated", "message": "Token is valid"}`
	unixGuard := server.Guard(http.HandlerFunc(passed), server.GuardConfig{Unix: true, Log: quiet()})
	tests := []struct {
		name         string
		h            http.Handler
		method, path string
		header       []string
		status       int
		want         string
	}{
		{"mode token", tokenGuard(), "GET", "/api/authentication_mode", nil, 200, `{"authentication_mode": "token"}`},
		{"mode disabled", openGuard(), "GET", "/api/authentication_mode", nil, 200, `{"authentication_mode": "disabled"}`},
		{"mode on a Unix socket", unixGuard, "GET", "/api/authentication_mode", nil, 200, `{"authentication_mode": "disabled"}`},
		{"mode POST", tokenGuard(), "POST", "/api/authentication_mode", nil, 405, "405: Method Not Allowed"},
		{"authenticate", tokenGuard(), "POST", "/api/authenticate", []string{"Authorization", good}, 200, ok},
		{"authenticate from a page", tokenGuard(), "POST", "/api/authenticate", []string{"Authorization", good, "Origin", "http://" + testHost}, 200, ok},
		{"authenticate without", tokenGuard(), "POST", "/api/authenticate", nil, 401, "Unauthorized: Missing authentication token"},
		{"authenticate wrong", tokenGuard(), "POST", "/api/authenticate", []string{"Authorization", "Bearer x"}, 403, "Forbidden: Invalid authentication token"},
		{"authenticate when off", openGuard(), "POST", "/api/authenticate", []string{"Authorization", good}, 401, "Unauthorized: Token authentication is not enabled"},
		{"authenticate GET", tokenGuard(), "GET", "/api/authenticate", nil, 405, "405: Method Not Allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := through(t, tt.h, tt.method, tt.path, tt.header...)
			if got.status != tt.status || got.body != tt.want {
				t.Errorf("%s %s = %d %q, want %d %q", tt.method, tt.path, got.status, got.body, tt.status, tt.want)
			}
			if c := got.header.Get("Set-Cookie"); c != "" {
				t.Errorf("a cookie was set: %q", c)
			}
		})
	}
}

func TestGuard_browser(t *testing.T) {
	t.Parallel()
	signs := map[string][]string{
		"User-Agent":                     {"User-Agent", "Mozilla/5.0 (X11)"},
		"Referer":                        {"Referer", "http://evil.example/"},
		"empty Referer":                  {"Referer", ""},
		"Origin":                         {"Origin", "http://evil.example"},
		"Origin null":                    {"Origin", "null"},
		"our own Origin":                 {"Origin", "http://" + testHost},
		"Sec-Fetch-Mode":                 {"Sec-Fetch-Mode", "cors"},
		"Sec-Fetch-Dest":                 {"Sec-Fetch-Dest", "empty"},
		"Sec-Fetch-Site":                 {"Sec-Fetch-Site", "same-origin"},
		"Sec-Fetch-User":                 {"Sec-Fetch-User", "?1"},
		"Access-Control-Request-Method":  {"Access-Control-Request-Method", "POST"},
		"Access-Control-Request-Headers": {"Access-Control-Request-Headers", "x"},
	}
	tests := []struct {
		method, path string
		status       int
		want         string
	}{
		{"POST", "/api/jobs/", 405, "'POST' method not allowed for browser traffic."},
		{"PUT", "/api/packages/gcs/x.zip", 405, "'PUT' method not allowed for browser traffic."},
		{"DELETE", "/api/jobs/x", 405, "'DELETE' method not allowed for browser traffic."},
		{"PATCH", "/api/jobs/x", 405, "'PATCH' method not allowed for browser traffic."},
		{"OPTIONS", "/api/jobs/x", 405, "405: Method Not Allowed"},
		{"GET", "/api/jobs/", 403, "Browser requests not allowed."},
		{"GET", "/api/jobs/x/logs/tail", 403, "Browser requests not allowed."},
		{"HEAD", "/api/jobs/x", 403, "Browser requests not allowed."},
		{"GET", "/api/version", 200, "passed"},
		{"GET", "/api/gcs_healthz", 200, "passed"},
	}
	for sign, header := range signs {
		for _, tt := range tests {
			t.Run(sign+" "+tt.method+tt.path, func(t *testing.T) {
				t.Parallel()
				got := through(t, openGuard(), tt.method, tt.path, header...)
				if got.status != tt.status || got.body != tt.want {
					t.Errorf("%s = %d %q, want %d %q", tt.method, got.status, got.body, tt.status, tt.want)
				}
				if cors := got.header.Get("Access-Control-Allow-Origin"); cors != "" {
					t.Errorf("Access-Control-Allow-Origin = %q, want none", cors)
				}
			})
		}
	}
	t.Run("without the token, that comes first", func(t *testing.T) {
		t.Parallel()
		if got := through(t, tokenGuard(), "POST", "/api/jobs/", "Origin", "null"); got.status != 401 {
			t.Errorf("POST = %d %q, want 401", got.status, got.body)
		}
	})
	t.Run("Ray's own client and curl are none", func(t *testing.T) {
		t.Parallel()
		for _, agent := range []string{"python-requests/2.32", "Python/3.11 aiohttp/3.14", "curl/8", "Go-http-client/1.1", ""} {
			if got := through(t, openGuard(), "POST", "/api/jobs/", "User-Agent", agent, "Content-Type", "text/plain"); got.status != 200 {
				t.Errorf("%q = %d %q, want 200", agent, got.status, got.body)
			}
		}
	})
}

func TestGuard_methods(t *testing.T) {
	t.Parallel()
	for _, m := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
		if got := through(t, openGuard(), m, "/api/jobs/x"); got.body != "passed" {
			t.Errorf("%s = %d %q, want it passed on", m, got.status, got.body)
		}
	}
	for _, m := range []string{"OPTIONS", "PATCH", "TRACE", "BREW", "delete"} {
		if got := through(t, openGuard(), m, "/api/jobs/x"); got.status != 405 || got.header.Get("Allow") != "DELETE,GET,HEAD" {
			t.Errorf("%s = %d %q Allow %q, want 405", m, got.status, got.body, got.header.Get("Allow"))
		}
		if got := through(t, openGuard(), m, "/nothing"); got.status != 404 || got.body != "404: Not Found" {
			t.Errorf("%s /nothing = %d %q, want 404", m, got.status, got.body)
		}
	}
}

func TestGuard_headers(t *testing.T) {
	t.Parallel()
	twice := server.Guard(openGuard(), server.GuardConfig{AuthDisabled: true, Hosts: []string{testHost}, Log: quiet()})
	for name, got := range map[string]answer{
		"passed on":          through(t, openGuard(), "GET", "/api/jobs/"),
		"through two guards": through(t, twice, "GET", "/api/jobs/"),
		"refused":            through(t, tokenGuard(), "GET", "/api/jobs/"),
	} {
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
			if v := got.header.Values(header); len(v) != 1 || v[0] != want {
				t.Errorf("%s: %s = %q, want %q once", name, header, v, want)
			}
		}
	}
}

func TestGuard_panic(t *testing.T) {
	t.Parallel()
	guarded := func(log *slog.Logger, h http.HandlerFunc) *httptest.Server {
		return serve(t, server.Guard(h, server.GuardConfig{Unix: true, Log: log}))
	}
	t.Run("is a 500 and a line with the stack", func(t *testing.T) {
		t.Parallel()
		var logged bytes.Buffer
		srv := guarded(slog.New(slog.NewTextHandler(&logged, nil)), func(http.ResponseWriter, *http.Request) { panic("boom") })
		got := send(t, srv, "GET", "/x?secret=1", "", "Authorization", good)
		if got.status != 500 || got.body != "500 Internal Server Error\n\nServer got itself in trouble" {
			t.Errorf("GET = %d %q, want 500", got.status, got.body)
		}
		srv.Close() // the log is written
		if l := logged.String(); !strings.Contains(l, "boom") || !strings.Contains(l, "guard_test.go") || strings.Contains(l, "secret") || strings.Contains(l, testToken) {
			t.Errorf("log = %s", l)
		}
	})
	t.Run("after the first byte breaks off", func(t *testing.T) {
		t.Parallel()
		srv := guarded(quiet(), func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 100000))
			panic("boom")
		})
		expectBroken(t, srv)
	})
	t.Run("on purpose breaks off", func(t *testing.T) {
		t.Parallel()
		expectBroken(t, guarded(quiet(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	})
}

func expectBroken(t *testing.T, srv *httptest.Server) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("a whole answer %d, want a broken one", res.StatusCode)
	}
}
