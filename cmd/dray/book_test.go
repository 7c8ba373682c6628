//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/client"
	"dray/backend/contexts"
	"dray/tui/screen"
)

// inTest is a run of the program with nothing of this machine's.
func inTest(t *testing.T, env map[string]string) *app {
	t.Helper()
	home := t.TempDir()
	return &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: new(bytes.Buffer), getenv: func(name string) string {
		switch name {
		case "HOME", "RAY_TMPDIR":
			return home
		case "DRAY_STATE_DIR":
			return filepath.Join(home, "state")
		}
		return env[name]
	}}
}

// answering is a server that says what it is, to those who show the token.
func answering(t *testing.T, token string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/api/jobs/" {
			fmt.Fprint(w, "[]")
			return
		}
		fmt.Fprint(w, `{"ray_version":"2.60.0"}`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Without a config file there are the embedded backend and the server of the
// start; that can be added, with the place of its token, and forgotten.
func TestBook_fromTheEnvironmentToTheFile(t *testing.T) {
	t.Parallel()
	url := answering(t, "ours")
	a := inTest(t, map[string]string{"RAY_ADDRESS": url, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "ours"})
	s, err := a.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(a, s)
	list, err := b.List()
	if err != nil || len(list) != 2 || list[0].Name != "embedded" || list[1].Source != "RAY_ADDRESS" || list[1].Saved {
		t.Fatalf("List = %+v, %v", list, err)
	}
	start := list[1]
	if got, err := b.Probe(t.Context(), start.Name); err != nil || got.Ray != "2.60.0" {
		t.Errorf("Probe = %+v, %v", got, err)
	}
	if err := b.Add("head", start.Address); err != nil {
		t.Fatal(err)
	}
	if err := b.Add("head", start.Address); err == nil || strings.Contains(err.Error(), "--help") {
		t.Errorf("added twice: %v", err)
	}
	if list, err = b.List(); err != nil || len(list) != 3 || !list[0].Saved || list[0].Login != "token from $RAY_AUTH_TOKEN" || list[0].Line != 2 {
		t.Fatalf("after adding: %+v, %v", list, err)
	}
	if got, err := b.Probe(t.Context(), "head"); err != nil || got.Ray != "2.60.0" {
		t.Errorf("Probe of the added one = %+v, %v", got, err)
	}
	if err := b.SetReadOnly("head", true); err != nil {
		t.Fatal(err)
	}
	conn, err := b.Open(t.Context(), "head")
	if err != nil || !conn.Target.ReadOnly || conn.Target.Name != "head" || conn.Target.LedgerKey != url {
		t.Fatalf("Open = %+v, %v", conn.Target, err)
	}
	if _, err := conn.Jobs.List(t.Context()); err != nil {
		t.Error(err)
	}
	if err := conn.Jobs.Delete(t.Context(), "a"); !errors.Is(err, client.ErrReadOnly) {
		t.Errorf("delete: %v", err)
	}
	if err := contexts.Change(filepath.Join(a.getenv("HOME"), "state"), func(s *contexts.State) { s.Current = "head" }); err != nil {
		t.Fatal(err)
	}
	if err := b.Forget("head"); err != nil {
		t.Fatal(err)
	}
	if list, err := b.List(); err != nil || len(list) != 2 || a.remembered().Current != "" {
		t.Errorf("after forgetting: %+v, %v, %+v", list, err, a.remembered())
	}
	if _, err := b.Open(t.Context(), "head"); err == nil {
		t.Error("a forgotten cluster is opened")
	}
}

// The embedded backend is opened once, stays while other servers are looked
// at, and is closed at the end.
func TestBook_embeddedStays(t *testing.T) {
	t.Parallel()
	url := answering(t, "")
	a := inTest(t, map[string]string{"RAY_ADDRESS": url})
	s, err := a.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(a, s)
	var conns []screen.Conn
	for _, name := range []string{"embedded", contexts.HostName(url), "embedded"} {
		conn, err := b.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	if !conns[0].Target.Embedded || conns[0].LogFile == nil || conns[1].LogFile != nil || conns[2].LookPython == nil {
		t.Errorf("%+v", conns)
	}
	for i, c := range conns {
		if _, err := c.Jobs.List(t.Context()); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if b.opened() == nil {
		t.Error("the embedded backend is not open")
	}
	if err := b.close(s); err != nil {
		t.Error(err)
	}
}

// A broken config file is said, and what was open goes on.
func TestBook_brokenFile(t *testing.T) {
	t.Parallel()
	a := inTest(t, map[string]string{"RAY_ADDRESS": answering(t, "")})
	s, err := a.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(a, s)
	file := b.File()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("clusters: {a: {}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.List(); err == nil || !strings.Contains(err.Error(), "config.yaml:1:12: clusters.a has no address") {
		t.Errorf("List: %v", err)
	}
	if _, err := s.client.List(t.Context()); err != nil {
		t.Error(err)
	}
}
