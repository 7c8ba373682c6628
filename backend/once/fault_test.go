//go:build linux

package once_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"dray/backend"
	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/once"
	"dray/backend/rayapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cut is where the proxy breaks the next connection: after so many bytes of
// the request, or of the answer; -1 lets all of it through.
type cut struct{ request, answer int }

// breaker is a TCP proxy before a server.
type breaker struct {
	ln   net.Listener
	to   string
	mu   sync.Mutex
	next cut
	live map[net.Conn]bool
	wg   sync.WaitGroup
}

func newBreaker(t *testing.T, to string) *breaker {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{ln: ln, to: to, next: cut{-1, -1}, live: map[net.Conn]bool{}}
	b.wg.Go(b.serve)
	t.Cleanup(func() {
		_ = ln.Close()
		b.mu.Lock()
		for c := range b.live {
			_ = c.Close()
		}
		b.mu.Unlock()
		b.wg.Wait()
	})
	return b
}

// arm breaks the next connection.
func (b *breaker) arm(c cut) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = c
}

func (b *breaker) serve() {
	for {
		c, err := b.ln.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		plan := b.next
		b.next = cut{-1, -1}
		b.mu.Unlock()
		b.wg.Go(func() { b.pass(c, plan) })
	}
}

func (b *breaker) pass(down net.Conn, plan cut) {
	up, err := net.Dial("tcp", b.to)
	if err != nil {
		_ = down.Close()
		return
	}
	b.mu.Lock()
	b.live[down], b.live[up] = true, true
	b.mu.Unlock()
	var once sync.Once
	end := func() {
		once.Do(func() {
			_ = up.Close()
			_ = down.Close()
			b.mu.Lock()
			delete(b.live, down)
			delete(b.live, up)
			b.mu.Unlock()
		})
	}
	copyTo := func(dst, src net.Conn, limit int) {
		defer end()
		if limit >= 0 {
			_, _ = io.CopyN(dst, src, int64(limit))
			return
		}
		_, _ = io.Copy(dst, src)
	}
	b.wg.Go(func() { copyTo(up, down, plan.request) })
	copyTo(down, up, plan.answer)
}

// lengths measures a submit on the wire, so that every byte of it is cut once.
func lengths(t *testing.T, handler http.Handler, r rayapi.SubmitRequest) (request, answer int) {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	var out, in atomic.Int64
	c, err := client.New(client.Endpoint{BaseURL: srv.URL, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		return &meter{conn, &out, &in}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Submit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return int(out.Load()), int(in.Load())
}

type meter struct {
	net.Conn
	out, in *atomic.Int64
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.out.Add(int64(n))
	return n, err
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.in.Add(int64(n))
	return n, err
}

const (
	confirmations = 1000
	workers       = 8
)

// One confirmation is one job, wherever the connection breaks: the request and
// the answer of the submit are cut at each byte. Where nothing is known after
// it, half of the users try again, and half restart dray.
func TestExactlyOnce(t *testing.T) {
	host, err := backend.Open(t.Context(), backend.Config{
		StateDir: filepath.Join(t.TempDir(), "state"), DefaultDir: t.TempDir(), Version: "test", Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := host.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	// A job that waits for what there is none of is all that a submit can lose.
	job := func(id string) rayapi.SubmitRequest {
		return rayapi.SubmitRequest{
			Entrypoint: "true", SubmissionID: id, Resources: map[string]float64{"nowhere": 1},
			Metadata: map[string]string{"n": id}, RuntimeEnv: []byte(`{"env_vars":{"A":"b"}}`),
		}
	}
	request, answer := lengths(t, host.Handler(), job("job-measure"))
	srv := httptest.NewServer(host.Handler())
	defer srv.Close()
	led := ledger.New(filepath.Join(t.TempDir(), "ledger"))
	var wg sync.WaitGroup
	var broken, restarted sync.Map
	for w := range workers {
		wg.Go(func() {
			proxy := newBreaker(t, strings.TrimPrefix(srv.URL, "http://"))
			c, err := client.New(client.Endpoint{BaseURL: "http://" + proxy.ln.Addr().String()})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			u := user{t: t, client: c, proxy: proxy, ledger: led, key: fmt.Sprintf("server-%d", w), broken: &broken, restarted: &restarted}
			for n := w; n < confirmations; n += workers {
				u.confirm(n, job(fmt.Sprintf("job-%d", n)), place(n, request, answer))
			}
			if left, err := led.Pending(u.key); err != nil || len(left) > 0 {
				t.Errorf("%d requests are pending: %v", len(left), err)
			}
		})
	}
	wg.Wait()
	jobs, err := clientOf(t, srv.URL).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != confirmations+1 { // and the one that was measured
		t.Errorf("%d confirmations made %d jobs", confirmations, len(jobs)-1)
	}
	t.Logf("request %d bytes, answer %d; %d answers were lost, %d users restarted", request, answer, size(&broken), size(&restarted))
	if size(&broken) < confirmations/4 || size(&restarted) < confirmations/10 {
		t.Errorf("too little was broken to prove anything: %d, %d", size(&broken), size(&restarted))
	}
}

func size(m *sync.Map) int {
	n := 0
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// place spreads the tries over all bytes, the request first.
func place(n, request, answer int) cut {
	if at := n % (request + answer + 2); at <= request {
		return cut{request: at, answer: -1}
	} else {
		return cut{request: -1, answer: at - request - 1}
	}
}

func clientOf(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Endpoint{BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

type user struct {
	t                 *testing.T
	client            *client.Client
	proxy             *breaker
	ledger            *ledger.Ledger
	key               string
	broken, restarted *sync.Map
}

// confirm submits one job over a connection that breaks at c, and goes on as a
// user would until it is there.
func (u user) confirm(n int, r rayapi.SubmitRequest, c cut) {
	u.client.Close() // so that the submit has a connection of its own
	u.proxy.arm(c)
	res := u.post(r, false).Submit(u.t.Context())
	if res.Found || res.Err != nil {
		u.broken.Store(n, true)
	}
	for tries := 0; res.Err != nil; tries++ {
		var doubt *once.DoubtError
		if !errors.As(res.Err, &doubt) || tries > 3 {
			u.t.Errorf("cut at %+v: %v", c, res.Err)
			return
		}
		if n%2 == 1 && tries == 0 && u.arrivedAfterRestart(n, r.SubmissionID) {
			return
		}
		res = u.post(r, true).Submit(u.t.Context())
	}
	if res.ID != r.SubmissionID {
		u.t.Errorf("submitted %s, got %s", r.SubmissionID, res.ID)
	}
}

func (u user) post(r rayapi.SubmitRequest, doubt bool) once.Post {
	return once.Post{
		Jobs: u.client, Ledger: u.ledger, Key: u.key, Request: r, Doubt: doubt, Now: time.Now,
		Waits: []time.Duration{0, 2 * time.Millisecond},
	}
}

// arrivedAfterRestart is the next start of dray, a while later.
func (u user) arrivedAfterRestart(n int, id string) bool {
	list, err := once.Resolve(u.t.Context(), u.client, u.ledger, u.key, time.Now().Add(time.Hour))
	if err != nil || len(list) != 1 || list[0].Entry.Request.SubmissionID != id {
		u.t.Errorf("after a restart: %v %v", list, err)
		return false
	}
	u.restarted.Store(n, true)
	switch list[0].Fate {
	case once.Arrived:
		return true
	case once.Lost:
		return false
	default:
		u.t.Errorf("after a restart: %v", list[0])
		return false
	}
}
