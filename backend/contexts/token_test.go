package contexts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	write(t, file, "  from-path \nsecond line\n")
	empty := filepath.Join(dir, "empty")
	write(t, empty, "\nsecond\n")
	home := filepath.Join(dir, "home")
	homeFile := filepath.Join(home, ".ray", "auth_token")
	write(t, homeFile, "from-home\n")
	on := []string{"RAY_AUTH_MODE", "Token"}
	tests := []struct {
		name, home          string
		env                 []string
		token, source, says string
	}{
		{"mode off", home, []string{"RAY_AUTH_TOKEN", "x"}, "", "", ""},
		{"mode disabled", home, []string{"RAY_AUTH_MODE", "disabled", "RAY_AUTH_TOKEN", "x"}, "", "", ""},
		{"variable", home, append(on, "RAY_AUTH_TOKEN", " tok\n", "RAY_AUTH_TOKEN_PATH", file), "tok", "RAY_AUTH_TOKEN", ""},
		{"path", home, append(on, "RAY_AUTH_TOKEN_PATH", file), "from-path", file, ""},
		{"home", home, on, "from-home", homeFile, ""},
		{"nowhere", dir, on, "", "", ""},
		{"no home", "", on, "", "", ""},
		{"missing path", home, append(on, "RAY_AUTH_TOKEN_PATH", dir+"/none"), "", "", "RAY_AUTH_TOKEN_PATH: the token file " + dir + "/none cannot be read: no such file"},
		{"empty path", home, append(on, "RAY_AUTH_TOKEN_PATH", empty), "", "", "is empty: put the token on its first line"},
		{"two words", home, append(on, "RAY_AUTH_TOKEN", "a hush"), "", "", "the token in RAY_AUTH_TOKEN holds characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token, source, err := Token(env(tt.env...), tt.home)
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hush") {
					t.Errorf("Token = %v, want %q", err, tt.says)
				}
				return
			}
			if token != tt.token || source != tt.source || err != nil {
				t.Errorf("Token = %q, %q, %v; want %q, %q", token, source, err, tt.token, tt.source)
			}
		})
	}
	t.Run("find without the mode", func(t *testing.T) {
		t.Parallel()
		if token, source, err := FindToken(env(), home); token != "from-home" || source != homeFile || err != nil {
			t.Errorf("FindToken = %q, %q, %v", token, source, err)
		}
	})
	t.Run("errors keep their cause", func(t *testing.T) {
		t.Parallel()
		if _, _, err := FindToken(env("RAY_AUTH_TOKEN_PATH", dir+"/none"), home); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("FindToken = %v", err)
		}
	})
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	target := Target{URL: "http://head:8265"}
	t.Run("token and headers", func(t *testing.T) {
		t.Parallel()
		ep, err := Endpoint(target, env("HOME", t.TempDir(), "RAY_AUTH_MODE", "token", "RAY_AUTH_TOKEN", "tok", "RAY_JOB_HEADERS", `{"x-team": "a"}`))
		if err != nil || ep.BaseURL != target.URL || ep.Token != "tok" || ep.Header.Get("X-Team") != "a" {
			t.Errorf("Endpoint = %+v, %v", ep, err)
		}
	})
	t.Run("headers without a mode", func(t *testing.T) {
		t.Parallel()
		ep, err := Endpoint(target, env("HOME", t.TempDir(), "RAY_JOB_HEADERS", `{"authorization": "Bearer own"}`))
		if err != nil || ep.Token != "" || ep.Header.Get("Authorization") != "Bearer own" {
			t.Errorf("Endpoint = %+v, %v", ep, err)
		}
	})
	t.Run("bad headers", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{`hush`, `["hush"]`, `{"A": 1}`, `{"A b": "hush"}`, `{"A": "hush\n"}`} {
			_, err := Endpoint(target, env("HOME", t.TempDir(), "RAY_JOB_HEADERS", text))
			if err == nil || !strings.HasPrefix(err.Error(), "RAY_JOB_HEADERS") || strings.Contains(err.Error(), "hush") {
				t.Errorf("Endpoint with headers %s: %v", text, err)
			}
		}
	})
	t.Run("bad token", func(t *testing.T) {
		t.Parallel()
		if _, err := Endpoint(target, env("RAY_AUTH_MODE", "token", "RAY_AUTH_TOKEN_PATH", "/does/not/exist")); err == nil {
			t.Error("Endpoint succeeded")
		}
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		if _, err := Endpoint(Target{Embedded: true}, env()); err == nil {
			t.Error("Endpoint succeeded")
		}
	})
}
