package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// TestFollower_interrupt ends a Next that waits for a silent job.
func TestFollower_interrupt(t *testing.T) {
	t.Parallel()
	silent := func() *fakeJob {
		return &fakeJob{status: rayapi.StatusPending, onTail: func(n int, w http.ResponseWriter, r *http.Request) {
			conn, rw, err := upgrade(w, r)
			if err != nil {
				return
			}
			if n > 0 {
				_, _ = rw.Write(frame(opText, []byte("awake\n")))
				_ = rw.Flush()
			}
			hold(conn)
		}}
	}
	t.Run("close", func(t *testing.T) {
		t.Parallel()
		c, _ := serve(t, silent().mux())
		f := follow(t, c, 0)
		ended := make(chan error)
		go func() {
			_, err := f.Next(t.Context())
			ended <- err
		}()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Next = %v, want net.ErrClosed", err)
		}
		if w := f.State().Words(time.Now()); w != "closed" {
			t.Errorf("state %q", w)
		}
	})
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		c, _ := serve(t, silent().mux())
		f := follow(t, c, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := f.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Next = %v, want the context's error", err)
		}
		if chunk, err := f.Next(t.Context()); err != nil || chunk.Data != "awake\n" {
			t.Errorf("Next after it = %+v, %v", chunk, err)
		}
	})
}

// TestFollower_interruptProof ends a Next that waits for the stored log.
func TestFollower_interruptProof(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	job := &fakeJob{status: rayapi.StatusSucceeded, log: "one\n", onTail: short("")}
	job.onLogs = func(n int, w http.ResponseWriter) bool {
		if n > 1 {
			return false
		}
		_, _ = io.WriteString(w, `{"logs":"`)
		_ = http.NewResponseController(w).Flush()
		asked <- struct{}{}
		<-t.Context().Done()
		return true
	}
	c, _ := serve(t, job.mux())
	f := follow(t, c, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	next := func(ctx context.Context) {
		_, err := f.Next(ctx)
		ended <- err
	}
	go next(ctx)
	<-asked
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v, want the context's error", err)
	}
	go next(t.Context())
	<-asked
	_ = f.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Next = %v, want net.ErrClosed", err)
	}
}

func TestFollower_reconnecting(t *testing.T) {
	t.Parallel()
	job := &fakeJob{status: rayapi.StatusRunning, log: "x"}
	c, srv := serve(t, job.mux())
	c.backoff = backoff{first: time.Hour, most: time.Hour}
	f := follow(t, c, 0)
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv.CloseClientConnections()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := f.Next(ctx)
		ended <- err
	}()
	for f.State().Phase != Reconnecting { // there is no event to wait for
		time.Sleep(time.Millisecond)
	}
	s := f.State()
	if w := s.Words(s.Retry.Add(-3 * time.Second)); w != "reconnecting in 3 s" || s.Err == nil {
		t.Errorf("state %q (%v), want the seconds left and a reason", w, s.Err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v", err)
	}
}

func TestClient_Follow_refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		h    http.HandlerFunc
		is   error
		says string
	}{
		{"unknown job", answer(404, "text/plain", "Job j does not exist"), rayapi.ErrNotFound, "Job j does not exist"},
		{"driver", answer(400, "text/plain", "Can only get logs of submission type jobs"), rayapi.ErrInvalid, "Can only get logs"},
		{"no token", answer(401, "text/plain", "Unauthorized: Missing authentication token"), ErrUnauthorized, "RAY_AUTH_TOKEN"},
		{"web page", answer(200, "text/html", "<html>"), ErrNotRay, "web page"},
		{"plain answer", answer(200, "text/plain", "hello"), ErrNotRay, "does not answer as"},
		{"login", redirect("https://login.example/?state=secret"), ErrNotRay, "https://login.example/"},
		{"starting", answer(503, "text/plain", ""), rayapi.ErrUnavailable, "not ready"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, tt.h)
			_, err := c.Follow(t.Context(), "j", 0)
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Follow = %v, want %v with %q", err, tt.is, tt.says)
			}
		})
	}
}

func TestClient_Follow_handshake(t *testing.T) {
	t.Parallel()
	headers := make(chan http.Header, 1)
	_, srv := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		stream(w, r, closeFrame(1000), -1)
	}))
	c := connect(t, Endpoint{BaseURL: srv.URL, Token: "secret", Header: http.Header{"X-A": {"b"}}, Version: "1.2"})
	follow(t, c, 0)
	h := <-headers
	for name, want := range map[string]string{
		"Authorization": "Bearer secret", "X-A": "b", "User-Agent": "dray/1.2",
		"Sec-WebSocket-Extensions": "", "Origin": "", "Referer": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("header %s = %q, want %q", name, got, want)
		}
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}
