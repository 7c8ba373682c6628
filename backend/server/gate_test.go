package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dray/backend/packages"
	"dray/backend/server"
)

// door is a server as dray serve makes it.
func door(t *testing.T, handler http.Handler) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	guarded := server.Guard(handler, server.GuardConfig{Token: "secret", Hosts: []string{addr}, Log: quiet()})
	srv := server.HTTPServer(guarded, quiet())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(server.LimitListener(ln)) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return addr
}

func dialAddr(t *testing.T, addr string) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func askDoor(conn net.Conn, addr, path string) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer secret\r\n\r\n", path, addr); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// Fault 40: thousands of connections that say nothing hold no place against
// those who ask, and cut off nobody who has shown the token.
func TestFault40_idleConnections(t *testing.T) {
	t.Parallel()
	addr := door(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	known := dialAddr(t, addr)
	if line, err := askDoor(known, addr, "/x"); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	for range 700 {
		dialAddr(t, addr)
	}
	began := time.Now()
	if line, err := askDoor(dialAddr(t, addr), addr, "/x"); err != nil || !strings.Contains(line, "200") {
		t.Errorf("a new client: %q, %v", line, err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("a new client waited %v: as long as the header of those who say nothing", took)
	}
	if line, err := askDoor(known, addr, "/x"); err != nil || !strings.Contains(line, "200") {
		t.Errorf("the client from before: %q, %v", line, err)
	}
}

// A peer that is full of strangers loses the oldest one for each new one.
func TestStrangersOfOnePeer(t *testing.T) {
	t.Parallel()
	addr := door(t, http.HandlerFunc(passed))
	var conns []net.Conn
	for range 64 {
		conns = append(conns, dialAddr(t, addr))
	}
	for range 40 { // a connection that is young is let be, so its age is waited for
		time.Sleep(50 * time.Millisecond)
		if line, err := askDoor(dialAddr(t, addr), addr, "/api/healthz"); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := conns[0].SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conns[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the oldest: %v, want it closed", err)
	}
}

// A body that is announced as too long is refused before it is sent.
func TestTooLongAtOnce(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(server.Guard(newAPI(&fakeJobs{}), server.GuardConfig{Unix: true, Log: quiet()}))
	t.Cleanup(srv.Close)
	for _, head := range []string{
		"POST /api/jobs/ HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\n",
		fmt.Sprintf("PUT /api/packages/gcs/x.zip HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", packages.MaxBytes+1),
	} {
		conn := dialTCP(t, srv)
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil { // less than a stalled body is given
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, " 413 ") {
			t.Errorf("%.30q = %q, %v, want 413", head, line, err)
		}
		conn.Close()
	}
}
