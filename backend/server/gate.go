package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of connections that have not shown the token, or ask for nothing.
const (
	// maxStrangers is how many connections of one peer may be open without the
	// token, and how many a peer that is not this machine may have at all.
	maxStrangers = 64
	// A connection that asked for nothing yet may be closed to make room after
	// roomAge when every place is taken, and after strangerAge when its peer has
	// too many: clients that connect all at once must get to ask first.
	roomAge     = 250 * time.Millisecond
	strangerAge = time.Second
)

// gate hands over connections, at most a number at a time. When all places are
// taken it closes the connection that has been without the token, or idle, for
// longest: those who hold places must not keep others out.
type gate struct {
	net.Listener
	most int

	mu     sync.Mutex
	conns  map[*gateConn]struct{}
	freed  chan struct{} // has an entry when a place may be free
	closed chan struct{}
	once   sync.Once
}

// gateConn is a connection that holds a place. The gate's lock guards its state.
type gateConn struct {
	net.Conn
	gate  *gate
	peer  string
	local bool // from this machine

	trusted bool      // it has shown the token
	idle    bool      // between requests
	since   time.Time // when it came, or became idle
}

func newGate(ln net.Listener, most int) *gate {
	return &gate{
		Listener: ln, most: most, conns: make(map[*gateConn]struct{}),
		freed: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// Accept returns the next connection for which there is a place.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &gateConn{Conn: conn, gate: g, since: time.Now()}
		if addr, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			c.peer, c.local = addr.IP.String(), addr.IP.IsLoopback()
		}
		if g.admit(c) {
			return c, nil
		}
		_ = conn.Close()
	}
}

// Close stops accepting; connections that were handed over stay.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

// admit finds a place for c, and waits for one where it must. It reports false
// when c's peer has too many, or the gate was closed.
func (g *gate) admit(c *gateConn) bool {
	for {
		full, ok := g.enter(c)
		if ok || !full {
			return ok
		}
		retry := time.NewTimer(roomAge / 5)
		select {
		case <-g.freed:
		case <-retry.C:
		case <-g.closed:
			retry.Stop()
			return false
		}
		retry.Stop()
	}
}

// enter takes a place if there is one or can be made one. A connection that
// must go for it is closed.
func (g *gate) enter(c *gateConn) (full, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	strangers, all := 0, 0
	for other := range g.conns {
		if other.peer == c.peer {
			all++
			if !other.trusted {
				strangers++
			}
		}
	}
	ofPeer := func(other *gateConn) bool { return other.peer == c.peer }
	if strangers >= maxStrangers || !c.local && all >= maxStrangers {
		if !g.evict(now.Add(-strangerAge), ofPeer) && !c.local {
			return false, false
		}
	}
	if len(g.conns) >= g.most && !g.evict(now.Add(-roomAge), func(*gateConn) bool { return true }) {
		return true, false
	}
	g.conns[c] = struct{}{}
	return false, true
}

// evict closes the oldest of those that may go: a stranger, and one who is
// idle only where there is no stranger. The lock is held.
func (g *gate) evict(before time.Time, may func(*gateConn) bool) bool {
	var worst *gateConn
	for c := range g.conns {
		if !may(c) || c.trusted && !c.idle {
			continue
		}
		if worst == nil || worst.trusted && !c.trusted || worst.trusted == c.trusted && c.since.Before(worst.since) {
			worst = c
		}
	}
	if worst == nil || worst.since.After(before) {
		return false
	}
	delete(g.conns, worst)
	_ = worst.Conn.Close() // its reader sees it
	return true
}

// Close frees the place.
func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	select {
	case c.gate.freed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}

func (c *gateConn) set(change func(c *gateConn)) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	change(c)
}

// gateConnOf finds the connection with a place below TLS; nil without a gate.
func gateConnOf(conn net.Conn) *gateConn {
	for {
		switch c := conn.(type) {
		case *gateConn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// noteState keeps the gate's knowledge of who is idle true.
func noteState(conn net.Conn, state http.ConnState) {
	c := gateConnOf(conn)
	if c == nil || state != http.StateIdle && state != http.StateActive {
		return
	}
	c.set(func(c *gateConn) {
		if c.idle = state == http.StateIdle; c.idle && c.trusted {
			c.since = time.Now()
		}
	})
}

type connKey struct{}

// withConn lets the guard tell the gate whom it trusts.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, gateConnOf(conn))
}

// trust notes that a request's connection has shown the token.
func trust(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*gateConn); ok && c != nil {
		c.set(func(c *gateConn) { c.trusted = true })
	}
}
