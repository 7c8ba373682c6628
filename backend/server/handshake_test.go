package server_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"dray/backend/server"
)

func TestGuard_webSocket(t *testing.T) {
	t.Parallel()
	l := newLog(t, "text")
	l.finish(t)
	api := newAPI(l.jobs())
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = server.HTTPServer(server.Guard(api, server.GuardConfig{Token: testToken, Hosts: []string{srv.Listener.Addr().String()}, Log: quiet()}), quiet())
	srv.Start()
	t.Cleanup(srv.Close)
	tests := []struct {
		name   string
		header []string
		status int
	}{
		{"no token", nil, 401},
		{"wrong token", []string{"Authorization", "Bearer x"}, 403},
		{"from a page", []string{"Authorization", good, "Origin", srv.URL}, 403},
		{"right", []string{"Authorization", good}, 101},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if status := upgradeStatus(t, srv, tt.header...); status != tt.status {
				t.Errorf("handshake = %d, want %d", status, tt.status)
			}
		})
	}
}

// upgradeStatus makes the handshake by hand and drops the connection.
func upgradeStatus(t *testing.T, srv *httptest.Server, header ...string) int {
	t.Helper()
	conn := dialTCP(t, srv)
	lines := "GET /api/jobs/j/logs/tail HTTP/1.1\r\nHost: " + srv.Listener.Addr().String() +
		"\r\nConnection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	for i := 0; i < len(header); i += 2 {
		lines += header[i] + ": " + header[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, lines+"\r\n"); err != nil {
		t.Fatal(err)
	}
	return readStatus(t, conn)
}

func dialTCP(t testing.TB, srv *httptest.Server) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// readStatus reads the first line of an answer.
func readStatus(t testing.TB, conn net.Conn) int {
	t.Helper()
	line := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, line); err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	status, err := strconv.Atoi(string(line[9:]))
	if err != nil {
		t.Fatalf("answer begins %q", line)
	}
	return status
}

// A health check of HTTP/1.0 names no host; whoever can leave it out otherwise
// is refused.
func TestGuard_noHost(t *testing.T) {
	t.Parallel()
	for proto, want := range map[[2]int]int{{1, 0}: 200, {1, 1}: 403, {2, 0}: 403} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/gcs_healthz", nil)
		r.Host, r.ProtoMajor, r.ProtoMinor = "", proto[0], proto[1]
		w := httptest.NewRecorder()
		openGuard().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("HTTP %d.%d = %d, want %d", proto[0], proto[1], w.Code, want)
		}
	}
}
