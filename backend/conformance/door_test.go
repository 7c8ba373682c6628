//go:build linux

package conformance_test

import (
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

func browserChecks() []check {
	var checks []check
	for _, h := range [][2]string{
		{"User-Agent", "Mozilla/5.0"},
		{"Referer", "http://x/"},
		{"Origin", "http://x"},
		{"Sec-Fetch-Mode", "cors"},
		{"Sec-Fetch-Dest", "empty"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-User", "?1"},
		{"Access-Control-Request-Method", "POST"},
	} {
		checks = append(checks, check{name: "1.1/browser: POST with " + h[0], run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true"}, h[0], h[1]).want(t, 405, "'POST' method not allowed for browser traffic.")
		}})
	}
	return append(checks,
		check{name: "1.1/browser: DELETE", run: func(t *testing.T, s *target) {
			s.do(t, "DELETE", "/api/jobs/x", nil, "Origin", "null").want(t, 405, "'DELETE' method not allowed for browser traffic.")
		}},
		check{name: "1.1/browser: PUT", run: func(t *testing.T, s *target) {
			s.do(t, "PUT", "/api/packages/gcs/_ray_pkg_00.zip", "x", "Sec-Fetch-Site", "none").want(t, 405)
		}},
		check{name: "1.1/browser: env values are not shown", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "runtime_env": body{"env_vars": map[string]string{"K": "visible-secret"}}})
			a := s.do(t, "GET", "/api/jobs/"+id, nil, "User-Agent", "Mozilla/5.0")
			if strings.Contains(a.body, "visible-secret") {
				t.Errorf("a browser reads the value: %s", a.body)
			}
			s.do(t, "GET", "/api/jobs/"+id, nil).want(t, 200, "visible-secret")
		}},
		check{name: "1.1/browser: version may be read", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/api/version", nil, "User-Agent", "Mozilla/5.0").want(t, 200)
		}},
		check{name: "own/host: another name is refused", only: "dray", run: func(t *testing.T, s *target) {
			u, err := url.Parse(s.base)
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range []string{"evil.com", "evil.com:" + u.Port(), "127.0.0.1:1", "localhost", "127.0.0.1.evil.com:" + u.Port()} {
				if a := s.do(t, "GET", "/api/version", nil, "Host", host); a.status < 400 || a.status >= 500 {
					t.Errorf("Host %s: status %d", host, a.status)
				}
			}
			s.do(t, "GET", "/api/version", nil, "Host", "localhost:"+u.Port()).want(t, 200)
		}},
		check{name: "own/host: slow headers are cut off", only: "dray", run: slowHeaders},
		check{name: "6.4/auth: mode can be asked", run: func(t *testing.T, s *target) {
			mode := "disabled"
			if s.token != "" {
				mode = "token"
			}
			a := s.do(t, "GET", "/api/authentication_mode", nil)
			a.want(t, 200, mode)
		}},
		check{name: "7.7/health: gcs_healthz", run: func(t *testing.T, s *target) {
			if a := s.do(t, "GET", "/api/gcs_healthz", nil); a.status != 200 || a.body != "success" {
				t.Errorf("%d %q", a.status, a.body)
			}
		}},
	)
}

func slowHeaders(t *testing.T, s *target) {
	u, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /api/version HTTP/1.1\r\nHost:")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection is still open after 20 seconds: %v", err)
	}
}

// authChecks need a server that wants a token.
func authChecks() []check {
	plain := func(s *target) *target { c := *s; c.token = ""; return &c }
	return []check{
		{name: "6.4/auth: no token", run: func(t *testing.T, s *target) {
			a := plain(s).do(t, "GET", "/api/jobs/", nil)
			a.want(t, 401)
			if a.body != "Unauthorized: Missing authentication token" {
				t.Errorf("body %q", a.body)
			}
		}},
		{name: "6.4/auth: wrong token", run: func(t *testing.T, s *target) {
			a := plain(s).do(t, "GET", "/api/jobs/", nil, "Authorization", "Bearer wrong")
			a.want(t, 403)
			if a.body != "Forbidden: Invalid authentication token" {
				t.Errorf("body %q", a.body)
			}
		}},
		{name: "6.4/auth: small b", run: func(t *testing.T, s *target) {
			plain(s).do(t, "GET", "/api/jobs/", nil, "Authorization", "bearer "+s.token).want(t, 403)
		}},
		{name: "6.4/auth: second header", run: func(t *testing.T, s *target) {
			plain(s).do(t, "GET", "/api/jobs/", nil, "X-Ray-Authorization", "Bearer "+s.token).want(t, 200)
		}},
		{name: "6.4/auth: a bad first header is not rescued", run: func(t *testing.T, s *target) {
			plain(s).do(t, "GET", "/api/jobs/", nil, "Authorization", "Bearer wrong", "X-Ray-Authorization", "Bearer "+s.token).want(t, 403)
		}},
		{name: "6.4/auth: version needs it", run: func(t *testing.T, s *target) { plain(s).do(t, "GET", "/api/version", nil).want(t, 401) }},
		{name: "6.4/auth: unknown path needs it", run: func(t *testing.T, s *target) { plain(s).do(t, "GET", "/api/nothing", nil).want(t, 401) }},
		{name: "6.4/auth: tail needs it", run: func(t *testing.T, s *target) {
			plain(s).do(t, "GET", "/api/jobs/x/logs/tail", nil).want(t, 401)
		}},
		{name: "6.4/auth: mode needs none", run: func(t *testing.T, s *target) {
			plain(s).do(t, "GET", "/api/authentication_mode", nil).want(t, 200, "token")
		}},
		{name: "6.4/auth: health needs none", run: func(t *testing.T, s *target) { plain(s).do(t, "GET", "/api/gcs_healthz", nil).want(t, 200) }},
		{name: "6.4/auth: authenticate", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/authenticate", nil).want(t, 200, `"status": "authenticated"`)
			if a := plain(s).do(t, "POST", "/api/authenticate", nil); a.status != 401 {
				t.Errorf("without a token: %d %q", a.status, a.body)
			}
		}},
		{name: "6.4/auth: token in the URL is no token", only: "dray", run: func(t *testing.T, s *target) {
			plain(s).do(t, "GET", "/api/jobs/?token="+s.token, nil).want(t, 401)
		}},
		{name: "6.4/auth: whole life with a token", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo with-token"})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if text, _, _ := s.follow(t, id); !strings.Contains(text, "with-token") {
				t.Errorf("tail %q", text)
			}
		}},
	}
}
