package server

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A peer from elsewhere has 64 connections at most, token or not; those that
// are idle make room for new ones, those at work do not.
func TestGatePeerFromElsewhere(t *testing.T) {
	t.Parallel()
	g := newGate(nil, 512)
	come := func(peer string, local bool, age time.Duration) *gateConn {
		here, there := net.Pipe()
		t.Cleanup(func() { here.Close(); there.Close() })
		return &gateConn{Conn: here, gate: g, peer: peer, local: local, since: time.Now().Add(-age)}
	}
	var first *gateConn
	for range maxStrangers {
		c := come("192.0.2.1", false, time.Hour)
		if _, ok := g.enter(c); !ok {
			t.Fatal("one of the first 64 was refused")
		}
		c.trusted = true // and at work
		first = c
	}
	if full, ok := g.enter(come("192.0.2.1", false, 0)); full || ok {
		t.Error("the 65th, with all others at work, was let in")
	}
	if _, ok := g.enter(come("192.0.2.2", false, 0)); !ok {
		t.Error("another peer was refused")
	}
	first.idle = true
	if _, ok := g.enter(come("192.0.2.1", false, 0)); !ok {
		t.Error("no room was made of one that is idle")
	}
	if _, there := g.conns[first]; there {
		t.Error("the idle one holds its place still")
	}
	for range 2 * maxStrangers {
		c := come("127.0.0.1", true, time.Hour)
		if _, ok := g.enter(c); !ok {
			t.Fatal("a user of this machine was refused")
		}
		c.trusted = true
	}
}

// When all places are taken by clients at work, the next one waits until one
// of them goes.
func TestGateFull(t *testing.T) {
	t.Parallel()
	g := newGate(nil, 2)
	come := func() *gateConn {
		here, there := net.Pipe()
		t.Cleanup(func() { here.Close(); there.Close() })
		return &gateConn{Conn: here, gate: g, local: true, trusted: true, since: time.Now().Add(-time.Hour)}
	}
	first := come()
	for _, c := range []*gateConn{first, come()} {
		if !g.admit(c) {
			t.Fatal("refused where there is a place")
		}
	}
	if full, ok := g.enter(come()); !full || ok {
		t.Fatal("the third was let in")
	}
	let := make(chan bool, 1)
	go func() { let <- g.admit(come()) }()
	first.Close()
	if !<-let {
		t.Error("the place that became free was not given")
	}
}

// However a connection ends, its place is free then.
func TestGateFreesPlaces(t *testing.T) {
	t.Parallel()
	const each = 200
	inner, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(inner, 64)
	srv := HTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trust(r)
		switch r.URL.Path {
		case "/panic":
			panic(http.ErrAbortHandler)
		case "/hijack":
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}
	}), slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(g) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	var clients sync.WaitGroup
	for _, text := range []string{
		"", "GET", "\x16\x03\x01\x02", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /panic HTTP/1.1\r\nHost: x\r\n\r\n", "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		clients.Go(func() {
			var d net.Dialer
			for range each {
				conn, err := d.DialContext(t.Context(), "tcp", inner.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, text) // the gate may have closed it
				_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
				_, _ = conn.Read(make([]byte, 1))
				_ = conn.Close()
			}
		})
	}
	clients.Wait()
	for end := time.After(10 * time.Second); ; {
		g.mu.Lock()
		left := len(g.conns)
		g.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-g.freed:
		case <-time.After(10 * time.Millisecond):
		case <-end:
			t.Fatalf("%d places are taken, and nobody is there", left)
		}
	}
}
