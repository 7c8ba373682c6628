package server

import (
	"net"
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
