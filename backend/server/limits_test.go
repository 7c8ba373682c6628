package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"dray/backend/server"
)

func TestFollowers(t *testing.T) {
	t.Parallel()
	if n := server.JoinFollowers(1100, func(i int) string { return fmt.Sprint(i) }); n != 1000 {
		t.Errorf("%d followers of 1100 jobs joined, want 1000", n)
	}
	if n := server.JoinFollowers(150, func(int) string { return "j" }); n != 100 {
		t.Errorf("%d followers of one job joined, want 100", n)
	}
	if err := server.FollowersAfterLeave(); err != nil {
		t.Errorf("after one of 100 left: %v", err)
	}
	if told, err := server.CloseFollowers(10); told != 10 || err != nil {
		t.Errorf("%d of 10 were told to go, %v", told, err)
	}
}

// echo answers with the length of the body.
func echo(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	fmt.Fprint(w, n)
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	guarded := func() *httptest.Server {
		h := server.Guard(http.HandlerFunc(echo), server.GuardConfig{Unix: true, Log: quiet()})
		return serve(t, server.WithPatience(h, patience))
	}
	t.Run("a body that stalls is given up", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, guarded())
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"); err != nil {
			t.Fatal(err)
		}
		if status := readStatus(t, conn); status != http.StatusRequestTimeout {
			t.Errorf("answer %d, want 408", status)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("the connection stays open: %v", err)
		}
	})
	t.Run("so is one that trickles", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, guarded())
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			tick := time.NewTicker(patience / 10)
			defer tick.Stop()
			for range 1000 {
				if _, err := conn.Write([]byte("x")); err != nil {
					return
				}
				<-tick.C
			}
		}()
		if status := readStatus(t, conn); status != http.StatusRequestTimeout {
			t.Errorf("answer %d, want 408", status)
		}
		conn.Close()
		<-done
	})
	t.Run("a steady one is not, however long it takes", func(t *testing.T) {
		t.Parallel()
		const steps = 6
		srv := guarded()
		r, w := io.Pipe()
		go func() {
			tick := time.NewTicker(patience / 2)
			defer tick.Stop()
			for range steps {
				_, _ = w.Write(make([]byte, server.BodyStep))
				<-tick.C
			}
			w.Close()
		}()
		got := sendReader(t, srv, "POST", "/", r, -1)
		if got.status != 200 || got.body != fmt.Sprint(steps*server.BodyStep) {
			t.Errorf("answer %d %q, want the whole body", got.status, got.body)
		}
	})
	t.Run("the time for the body does not limit the answer", func(t *testing.T) {
		t.Parallel()
		h := server.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-time.After(3 * patience):
			case <-r.Context().Done():
				w.WriteHeader(http.StatusInternalServerError)
			}
		}), server.GuardConfig{Unix: true, Log: quiet()})
		if got := post(t, serve(t, server.WithPatience(h, patience)), "/", "body"); got.status != 200 {
			t.Errorf("answer %d, want 200", got.status)
		}
	})
}

func TestStalledUpload(t *testing.T) {
	t.Parallel()
	h := server.Guard(newAPI(&fakeJobs{}), server.GuardConfig{Unix: true, Log: quiet()})
	srv := serve(t, server.WithPatience(h, 200*time.Millisecond))
	for _, head := range []string{"POST /api/jobs/", "PUT /api/packages/gcs/x.zip"} {
		conn := dialTCP(t, srv)
		if _, err := io.WriteString(conn, head+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"); err != nil {
			t.Fatal(err)
		}
		if status := readStatus(t, conn); status != http.StatusRequestTimeout {
			t.Errorf("%s = %d, want 408", head, status)
		}
	}
}

func TestHeaderLimits(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(passed)
	t.Run("a header bomb is refused", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, serve(t, h))
		bomb := "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Bomb: "+strings.Repeat("b", 1000)+"\r\n", 60)
		if _, err := io.WriteString(conn, bomb); err != nil {
			t.Fatal(err)
		}
		if status := readStatus(t, conn); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("answer %d, want 431", status)
		}
	})
	t.Run("a header that never ends is not awaited", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, serve(t, h))
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"); err != nil {
			t.Fatal(err)
		}
		if p, err := io.ReadAll(conn); err != nil || strings.Contains(string(p), "200") {
			t.Errorf("%q, %v, want the connection closed", p, err)
		}
	})
	t.Run("OPTIONS * is answered by nobody else", func(t *testing.T) {
		t.Parallel()
		conn := dialTCP(t, serve(t, server.Guard(h, server.GuardConfig{AuthDisabled: true, Hosts: []string{"x"}, Log: quiet()})))
		if _, err := io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if status := readStatus(t, conn); status != http.StatusNotFound {
			t.Errorf("answer %d, want 404", status)
		}
	})
}

// Large bodies are in memory one at a time; who waits too long is told to come
// again, and small ones pass meanwhile.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	api := newAPI(&fakeJobs{})
	srv := serve(t, api)
	leave, err := server.EnterLarge(t.Context(), api)
	if err != nil {
		t.Fatal(err)
	}
	large := `{"entrypoint":"x"}` + strings.Repeat(" ", 3<<20)
	done := make(chan answer, 1)
	go func() { done <- post(t, srv, "/api/jobs/", large) }()
	if a := post(t, srv, "/api/jobs/", `{"entrypoint":"x"}`); a.status != 200 {
		t.Errorf("a small request meanwhile: %d %s", a.status, a.body)
	}
	select {
	case a := <-done:
		t.Errorf("a large one does not wait: %d %s", a.status, a.body)
	default:
	}
	leave()
	if a := <-done; a.status != 200 {
		t.Errorf("the large one: %d %s", a.status, a.body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	leave, err = server.EnterLarge(t.Context(), api)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if _, err := server.EnterLarge(ctx, api); !errors.Is(err, context.Canceled) {
		t.Errorf("one whose client has gone: %v", err)
	}
}
