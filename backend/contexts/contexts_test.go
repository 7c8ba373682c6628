package contexts

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dray/backend/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestResolve_sources(t *testing.T) {
	t.Parallel()
	const u = "http://head:8265"
	tests := []struct {
		name, flag string
		env        []string
		want       Target
	}{
		{"flag", u, nil, Target{URL: u, Source: "--address", Why: "--address"}},
		{
			"flag over variables", u,
			[]string{"RAY_API_SERVER_ADDRESS", "http://other", "RAY_ADDRESS", "http://third"},
			Target{URL: u, Source: "--address", Why: "--address, not RAY_API_SERVER_ADDRESS"},
		},
		{
			"server over ray", "",
			[]string{"RAY_API_SERVER_ADDRESS", u, "RAY_ADDRESS", "http://third"},
			Target{URL: u, Source: "RAY_API_SERVER_ADDRESS", Why: "RAY_API_SERVER_ADDRESS"},
		},
		{
			"empty counts as unset", " ",
			[]string{"RAY_API_SERVER_ADDRESS", "", "RAY_ADDRESS", u},
			Target{URL: u, Source: "RAY_ADDRESS", Why: "RAY_ADDRESS"},
		},
		{"slashes and prefix", "https://host/prefix/x//", nil, Target{URL: "https://host/prefix/x", Source: "--address", Why: "--address"}},
		{"embedded", "embedded", nil, Target{Embedded: true, Source: "--address", Why: "--address"}},
		{
			"auto over a variable", "auto",
			[]string{"RAY_ADDRESS", "http://third"},
			Target{Embedded: true, Source: "--address", Why: "no Ray runs here"},
		},
		{"auto by variable", "", []string{"RAY_ADDRESS", "auto"}, Target{Embedded: true, Source: "RAY_ADDRESS", Why: "no Ray runs here"}},
		{"nothing set", "", nil, Target{Embedded: true, Source: "auto", Why: "no Ray runs here"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Resolve(t.Context(), Options{Flag: tt.flag, Getenv: env(tt.env...), TempDir: t.TempDir()})
			if err != nil || got != tt.want {
				t.Errorf("Resolve = %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestResolve_badAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, value, want string }{
		{"host and port", "head:8265", "RAY_ADDRESS: head:8265 is not the address of a Jobs API: use http://head:8265"},
		{"GCS", "10.0.0.5:6379", "RAY_ADDRESS: 10.0.0.5:6379 is not the address of a Jobs API: use http://10.0.0.5:8265"},
		{"IPv6", "[fd00::5]:6379", "RAY_ADDRESS: [fd00::5]:6379 is not the address of a Jobs API: use http://[fd00::5]:8265"},
		{"port alone", ":8265", "RAY_ADDRESS: :8265 is not the address of a Jobs API: use http://127.0.0.1:8265"},
		{"Ray Client", "ray://head:10001", "RAY_ADDRESS: ray://head:10001 is an address for Ray Client, not for the Jobs API: use http://head:8265"},
		{"Ray Client, prefix", "RAY://me:hush@head/x", "RAY_ADDRESS: RAY://me:<redacted>@head/x is an address for Ray Client, not for the Jobs API: use http://head:8265"},
		{"local", "local", "RAY_ADDRESS: local starts a Ray of its own in a script and names no server: use embedded, auto or an address such as http://HOST:8265"},
		{"word", "somewhere", `RAY_ADDRESS: "somewhere" is not an address: use embedded, auto or one such as http://HOST:8265`},
		{"scheme", "gs://bucket", "RAY_ADDRESS: gs:// is not supported: use an address such as http://HOST:8265"},
		{"no host", "http:///x", "RAY_ADDRESS: http:///x names no host: use an address such as http://HOST:8265"},
		{"broken", "http://me:hush@h:p%", "RAY_ADDRESS: the address is not a URL: use one such as http://HOST:8265"},
		{"query", "http://me:hush@h/?a", "RAY_ADDRESS: http://me:<redacted>@h/?a must end with the path: leave out what follows '?' or '#'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Resolve(t.Context(), Options{Getenv: env("RAY_ADDRESS", tt.value)})
			if err == nil || err.Error() != tt.want {
				t.Errorf("Resolve(%s)\n got %v\nwant %s", tt.value, err, tt.want)
			}
		})
	}
}

const session = "session_2026-11-23_21-11-41_749321_24276"

// rayFolder makes the folder of a running Ray whose dashboard's log names the
// address, and returns the folder that holds it.
func rayFolder(t *testing.T, address string) string {
	t.Helper()
	tmp := t.TempDir()
	logs := filepath.Join(tmp, "ray", session, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(tmp, "ray", session), filepath.Join(tmp, "ray", "session_latest")); err != nil {
		t.Fatal(err)
	}
	lines := "2026-11-23 21:11:44,838\tINFO head.py:516 -- Initialize the http server.\n"
	if address != "" {
		lines += "2026-11-23 21:11:40,000\tINFO http_server_head.py:492 -- Dashboard head http address: 192.0.2.1:1\n" +
			"2026-11-23 21:11:44,872\tINFO http_server_head.py:492 -- Dashboard head http address: " + address + "\n" +
			"2026-11-23 21:11:44,872\tINFO http_server_head.py:499 -- <ResourceRoute [GET] <PlainResource  /cluster_id>\n"
	}
	write(t, filepath.Join(logs, "dashboard.log"), lines)
	write(t, filepath.Join(tmp, "ray", "ray_current_cluster"), "192.0.2.2:26379")
	return tmp
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func version(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"version":"4","ray_version":"2.60.0","ray_commit":"x","session_name":"` + name + `"}`))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestResolve_auto(t *testing.T) {
	t.Parallel()
	stuck := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }
	tests := []struct {
		name     string
		h        http.HandlerFunc
		env      []string
		embedded bool
		why      string
	}{
		{"its own session", version(session), nil, false, "Ray runs here"},
		{"another session", version("session_of_another"), nil, true, "another server, not this Ray, is at ADDRESS"},
		{"another program", page, nil, true, "no Ray, but something else is at ADDRESS"},
		{"slow", stuck, nil, false, "Ray runs here, slow to answer"},
		{"wants a token", status(401), nil, false, "Ray runs here and asks for a token"},
		{"other token", status(403), []string{"RAY_AUTH_MODE", "token", "RAY_AUTH_TOKEN", "t"}, false, "Ray runs here and refuses our token"},
		{"in trouble", status(500), nil, false, "Ray runs here, in trouble"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.h)
			defer srv.Close()
			address := strings.TrimPrefix(srv.URL, "http://")
			got, err := Resolve(t.Context(), Options{Getenv: env(tt.env...), TempDir: rayFolder(t, address)})
			want := Target{URL: srv.URL, Source: "auto", Why: tt.why, SessionName: session}
			if tt.embedded {
				want = Target{Embedded: true, Source: "auto", Why: strings.Replace(tt.why, "ADDRESS", address, 1)}
			}
			if err != nil || got != want {
				t.Errorf("Resolve = %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestResolve_autoWithoutServer(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	refused := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		got, err := Resolve(t.Context(), Options{Getenv: env(), TempDir: rayFolder(t, refused)})
		if err != nil || !got.Embedded || got.Why != "no Ray answers at "+refused {
			t.Errorf("Resolve = %+v, %v", got, err)
		}
	})
	t.Run("no session", func(t *testing.T) {
		t.Parallel()
		tmp := rayFolder(t, refused)
		os.Remove(filepath.Join(tmp, "ray", "session_latest"))
		got, err := Resolve(t.Context(), Options{Getenv: env(), TempDir: tmp})
		if err != nil || !got.Embedded || !strings.HasPrefix(got.Why, "no Ray session in ") {
			t.Errorf("Resolve = %+v, %v", got, err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Resolve(ctx, Options{Getenv: env(), TempDir: rayFolder(t, refused)}); !errors.Is(err, context.Canceled) {
			t.Errorf("Resolve = %v", err)
		}
	})
}

// TestResolve_autoWhere tells which folders are looked into, and the address
// when the log names none.
func TestResolve_autoWhere(t *testing.T) {
	t.Parallel()
	probe := func(asked *string) func(context.Context, client.Endpoint) (string, error) {
		return func(ctx context.Context, ep client.Endpoint) (string, error) {
			*asked = ep.BaseURL
			if left, ok := ctx.Deadline(); !ok || time.Until(left) > 150*time.Millisecond {
				return "", errors.New("no deadline of 150 ms")
			}
			return session, nil
		}
	}
	for name, variable := range map[string]string{"Ray's own": "RAY_TMPDIR", "the system's": "TMPDIR"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked string
			got, err := Resolve(t.Context(), Options{Getenv: env(variable, rayFolder(t, "")), Probe: probe(&asked)})
			if err != nil || got.URL != "http://127.0.0.1:8265" || asked != got.URL || got.Why != "Ray runs here" {
				t.Errorf("Resolve = %+v, %v, asked %s", got, err, asked)
			}
		})
	}
	t.Run("IPv6", func(t *testing.T) {
		t.Parallel()
		var asked string
		got, err := Resolve(t.Context(), Options{Getenv: env(), TempDir: rayFolder(t, "[::1]:8266"), Probe: probe(&asked)})
		if err != nil || got.URL != "http://[::1]:8266" {
			t.Errorf("Resolve = %+v, %v", got, err)
		}
	})
	t.Run("RAY_TMPDIR alone", func(t *testing.T) {
		t.Parallel()
		var asked string
		got, err := Resolve(t.Context(), Options{Getenv: env("RAY_TMPDIR", t.TempDir(), "TMPDIR", rayFolder(t, "")), Probe: probe(&asked)})
		if err != nil || !got.Embedded || asked != "" {
			t.Errorf("Resolve = %+v, %v, asked %s", got, err, asked)
		}
	})
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	tests := []struct{ address, want, host string }{
		{"http://h:8265/p", "http://h:8265/p", "h:8265"},
		{"https://me:pw@h/p", "https://me:<redacted>@h/p", "h"},
		{"https://me:p/w@h/p", "https://me:<redacted>@h/p", "https://me:<redacted>@h/p"},
		{"https://token@h", "https://<redacted>@h", "h"},
		{"embedded", "embedded", "embedded"},
	}
	for _, tt := range tests {
		if got := Redacted(tt.address); got != tt.want {
			t.Errorf("Redacted(%s) = %s, want %s", tt.address, got, tt.want)
		}
		if got := HostName(tt.address); got != tt.host {
			t.Errorf("HostName(%s) = %s, want %s", tt.address, got, tt.host)
		}
	}
}
