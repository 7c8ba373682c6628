package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"dray/backend/server"
)

func TestPeerListener(t *testing.T) {
	t.Parallel()
	t.Run("our own user is served", func(t *testing.T) {
		t.Parallel()
		ln, path := listenUnix(t)
		if got, err := askUnix(t, server.PeerListener(ln), path); got != "passed" || err != nil {
			t.Errorf("answer %q, %v", got, err)
		}
	})
	t.Run("another is not", func(t *testing.T) {
		t.Parallel()
		ln, path := listenUnix(t)
		if got, err := askUnix(t, server.PeerListenerOf(ln, os.Getuid()+1), path); err == nil {
			t.Errorf("answer %q, want a closed connection", got)
		}
	})
}

func listenUnix(t *testing.T) (*net.UnixListener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	return ln, path
}

// askUnix serves ln and sends one request to the socket at path.
func askUnix(t *testing.T, ln net.Listener, path string) (string, error) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(passed))
	srv.Listener.Close()
	srv.Listener = ln
	srv.Start()
	defer srv.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
