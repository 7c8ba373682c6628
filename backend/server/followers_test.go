package server_test

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"dray/backend/server"
)

func TestTail_followers(t *testing.T) {
	t.Parallel()
	t.Run("50 get the same", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		srv := serve(t, server.Guard(newAPI(l.jobs()), server.GuardConfig{Unix: true, Log: quiet()}))
		var followers sync.WaitGroup
		for range 50 {
			conn := dial(t, srv)
			followers.Go(func() {
				frames, code := readAll(t, conn)
				if got := strings.Join(frames, ""); code != websocket.StatusNormalClosure || got != "first\n"+strings.Repeat("more ü\n", 200) {
					t.Errorf("%d bytes, close %d", len(got), code)
				}
			})
		}
		for range 200 {
			l.write(t, "more ü\n")
		}
		l.finish(t)
		followers.Wait()
	})
	t.Run("the 101st of one job is refused", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		srv := serve(t, newAPI(l.jobs()))
		var conns []*websocket.Conn
		for range 100 {
			conns = append(conns, dial(t, srv))
		}
		if got := handshake(t, srv); got.status != 503 || got.body != "There are 100 followers of this job's log already: close one, or try again later." {
			t.Errorf("handshake = %d %q, want 503", got.status, got.body)
		}
		l.finish(t)
		for _, c := range conns {
			if _, code := readAll(t, c); code != websocket.StatusNormalClosure {
				t.Errorf("close %d, want 1000", code)
			}
		}
	})
}

// A server that is not the backend passes requests on to the one that is.
func TestTail_proxied(t *testing.T) {
	t.Parallel()
	l := newLog(t, "first\n")
	behind := serve(t, server.Guard(newAPI(l.jobs()), server.GuardConfig{Unix: true, Log: quiet()}))
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1}
	front := httptest.NewUnstartedServer(nil)
	front.Config = server.HTTPServer(server.Guard(proxy, server.GuardConfig{AuthDisabled: true, Hosts: []string{front.Listener.Addr().String()}, Log: quiet()}), quiet())
	front.Start()
	t.Cleanup(front.Close)
	conn := dial(t, front)
	if got := readFrame(t, conn); got != "first\n" {
		t.Fatalf("frame %q", got)
	}
	l.write(t, "last\n")
	l.finish(t)
	if frames, code := readAll(t, conn); strings.Join(frames, "") != "last\n" || code != websocket.StatusNormalClosure {
		t.Errorf("%q, close %d, want the last line, close 1000", frames, code)
	}
	if got := post(t, front, "/api/jobs/", `{"entrypoint":"x"}`); got.status != 200 || len(got.header.Values("Cache-Control")) != 1 {
		t.Errorf("POST = %d %v", got.status, got.header)
	}
}

func BenchmarkTail(b *testing.B) {
	l := newLog(b, strings.Repeat("a line of a log, about as long as they are\n", 1<<17))
	l.finish(b)
	srv := serve(b, newAPI(l.jobs()))
	b.SetBytes(l.st.Size)
	for b.Loop() {
		conn := dial(b, srv)
		for {
			if _, _, err := conn.Read(b.Context()); err != nil {
				break
			}
		}
	}
}
