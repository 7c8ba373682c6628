package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// headDuplicate is how a Ray 2.60 head answers a duplicate id: the agent's
// traceback in its own.
const headDuplicate = `Traceback (most recent call last):
  File "/ray/dashboard/modules/job/job_head.py", line 378, in submit_job
    resp = await job_agent_client.submit_job_internal(submit_request)
  File "/ray/dashboard/modules/job/job_head.py", line 83, in submit_job_internal
    await self._raise_error(resp)
RuntimeError: Request failed with status code 400: Traceback (most recent call last):
  File "/ray/dashboard/modules/job/job_agent.py", line 45, in submit_job
    submission_id = await self.get_job_manager().submit_job(
ValueError: Job with submission_id twice already exists. Please use a different submission_id.
.`

const headNotTerminal = `Traceback (most recent call last):
  File "/ray/dashboard/modules/job/job_head.py", line 470, in delete_job
RuntimeError: Request failed with status code 500: Traceback (most recent call last):
  File "/ray/dashboard/modules/job/job_manager.py", line 660, in delete_job
RuntimeError: Attempted to delete job 'busy', but it is in a non-terminal state RUNNING.
.`

func TestClient_errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		h    http.HandlerFunc
		is   error
		want string // the whole text; SERVER stands for the address
	}{
		{
			"unknown job", answer(404, "text/plain", "Job x does not exist"), rayapi.ErrNotFound,
			"get job x: Job x does not exist",
		},
		{
			"duplicate", answer(500, "text/plain", headDuplicate), rayapi.ErrExists,
			"get job x: Job with submission_id twice already exists. Please use a different submission_id.",
		},
		{
			"duplicate in one line",
			answer(500, "text/plain", "Request failed with status code 400: ValueError: Job with submission_id a already exists. Please use a different submission_id.."),
			rayapi.ErrExists, "get job x: Job with submission_id a already exists. Please use a different submission_id.",
		},
		{
			"not terminal", answer(500, "text/plain", headNotTerminal), nil,
			"get job x: Attempted to delete job 'busy', but it is in a non-terminal state RUNNING.",
		},
		{
			"bad request", answer(400, "text/plain", "Traceback (most recent call last):\n  File \"x\"\nTypeError: entrypoint must be a string, got <class 'int'>\n"),
			rayapi.ErrInvalid, "get job x: entrypoint must be a string, got <class 'int'>",
		},
		{
			"bad label", answer(500, "text/plain", "Request failed with status code 400: ValueError: Invalid label key name `a b`."),
			rayapi.ErrInvalid, "get job x: Invalid label key name `a b`.",
		},
		{
			"no token", answer(401, "text/plain", "Unauthorized: Missing authentication token"), ErrUnauthorized,
			"get job x: SERVER asks for a token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (`ray get-auth-token` on the head prints the token)",
		},
		{
			"web page", answer(200, "text/html; charset=utf-8", "<!DOCTYPE html><p>hi"), ErrNotRay,
			"get job x: SERVER answers with a web page, not with Ray's Jobs API; check the address: Ray's dashboard is usually at http://HOST:8265; " +
				"if the page is a login, log in another way: RAY_JOB_HEADERS can carry a cookie or a token",
		},
		{
			"page instead of an error", answer(404, "text/plain", "<html><body>404"), ErrNotRay,
			"get job x: SERVER answers with a web page, not with Ray's Jobs API; check the address: Ray's dashboard is usually at http://HOST:8265; " +
				"if the page is a login, log in another way: RAY_JOB_HEADERS can carry a cookie or a token",
		},
		{
			"login", redirect("https://u:p@login.example/in?back=secret"), ErrNotRay,
			"get job x: SERVER sends us on to https://login.example/in; if that is the server use it as the address; " +
				"if it is a login page, log in another way: RAY_JOB_HEADERS can carry a cookie or a token",
		},
		{
			"no API", answer(404, "text/plain", "404: Not Found"), ErrNotRay,
			"get job x: SERVER has no Jobs API at this path (404 Not Found); check the address: Ray's dashboard is usually at http://HOST:8265",
		},
		{
			"not JSON", answer(200, "application/json", "hello"), ErrNotRay,
			"get job x: SERVER does not answer as Ray's Jobs API does; check the address: Ray's dashboard is usually at http://HOST:8265",
		},
		{
			"proxy's error page", answer(502, "text/html", "<html>nginx"), rayapi.ErrUnavailable,
			"get job x: SERVER is not ready (502 Bad Gateway); wait a moment and try again",
		},
		{
			"changing hands", answer(503, "text/plain", "the backend is changing hands\n"), rayapi.ErrUnavailable,
			"get job x: the backend is changing hands; wait a moment and try again",
		},
		{
			"disk full", answer(507, "text/plain", "no space left on the device"), rayapi.ErrNoSpace,
			"get job x: no space left on the device",
		},
		{
			"plain to nginx with TLS", answer(400, "text/html", "<html>The plain HTTP request was sent to HTTPS port"), ErrUnreachable,
			"get job x: SERVER speaks TLS; write https:// in the address",
		},
		{
			"no words", answer(500, "text/plain", ""), nil,
			"get job x: SERVER answers 500 Internal Server Error",
		},
		{
			"hostile words", answer(500, "text/plain", "a\x1b[2J\x07b\r\nc\u202e"), nil,
			"get job x: a [2J b c",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, srv := serve(t, tt.h)
			_, err := c.Get(t.Context(), "x")
			if err == nil {
				t.Fatal("Get succeeded")
			}
			if got := strings.ReplaceAll(err.Error(), srv.URL, "SERVER"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			for _, kind := range []error{
				ErrUnauthorized, ErrUnreachable, ErrNotRay, rayapi.ErrNotFound, rayapi.ErrExists, rayapi.ErrInvalid,
				rayapi.ErrUnavailable, rayapi.ErrNoSpace,
			} {
				if is := errors.Is(err, kind); is != errors.Is(tt.is, kind) {
					t.Errorf("errors.Is(err, %v) = %t", kind, is)
				}
			}
		})
	}
}

func TestClient_stateError(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, answer(500, "text/plain", headNotTerminal))
	var state *rayapi.StateError
	if err := c.Delete(t.Context(), "busy"); !errors.As(err, &state) || state.ID != "busy" || state.Status != rayapi.StatusRunning {
		t.Errorf("Delete = %v, want a *rayapi.StateError", err)
	}
}

func TestClient_wrongToken(t *testing.T) {
	t.Parallel()
	_, srv := serve(t, answer(403, "text/plain", "Forbidden: Invalid authentication token"))
	c := connect(t, Endpoint{BaseURL: srv.URL, Token: "stale"})
	_, err := c.List(t.Context())
	if !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "refuses the token; check the token in RAY_AUTH_TOKEN") ||
		strings.Contains(err.Error(), "stale") {
		t.Errorf("List = %v", err)
	}
	c = connect(t, Endpoint{BaseURL: strings.Replace(srv.URL, "://", "://me:hush@", 1)})
	_, err = c.List(t.Context())
	if !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "RAY_JOB_HEADERS") || strings.Contains(err.Error(), "hush") {
		t.Errorf("List with a password = %v", err)
	}
}

// rawServer accepts connections and hands them over.
func rawServer(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			handle(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return ln.Addr().String()
}

func quietTLS(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(answer(200, "application/json", "{}"))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestClient_unreachable(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + free.Addr().String()
	free.Close()
	_, plain := serve(t, answer(200, "application/json", "{}"))
	secure := quietTLS(t)
	tlsPool := secure.Client().Transport.(*http.Transport).TLSClientConfig
	other := tlsPool.Clone()
	other.ServerName = "other.example"
	tests := []struct {
		name string
		ep   Endpoint
		says []string
	}{
		{"refused", Endpoint{BaseURL: refused}, []string{"nothing listens at " + refused, "8265"}},
		{"unknown host", Endpoint{BaseURL: "http://no-such-host.invalid:8265"}, []string{"host", "no-such-host.invalid", "check the"}},
		{"no socket", Unix(t.TempDir() + "/none"), []string{"/none is not running", "start dray again"}},
		{"TLS to a plain port", Endpoint{BaseURL: strings.Replace(plain.URL, "http:", "https:", 1)}, []string{"does not speak TLS", "write http://"}},
		{"plain to a TLS port", Endpoint{BaseURL: strings.Replace(secure.URL, "https:", "http:", 1)}, []string{"speaks TLS", "write https://"}},
		{
			"TLS alert", Endpoint{BaseURL: "http://" + rawServer(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write([]byte("\x15\x03\x01\x00\x02\x02\x46"))
			})}, []string{"speaks TLS", "write https://"},
		},
		{
			"not HTTP", Endpoint{BaseURL: "http://" + rawServer(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
			})}, []string{"does not speak HTTP"},
		},
		{
			"closed", Endpoint{BaseURL: "http://" + rawServer(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 4096))
			})}, []string{"closed the connection", "https://"},
		},
		{"strange certificate", Endpoint{BaseURL: secure.URL}, []string{"authority", "SSL_CERT_FILE"}},
		{"certificate of another", Endpoint{BaseURL: secure.URL, TLS: other}, []string{"for another name"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, tt.ep)
			_, err := c.Get(t.Context(), "x")
			_, followErr := c.Follow(t.Context(), "x", 0)
			for _, err := range []error{err, followErr} {
				if !errors.Is(err, ErrUnreachable) {
					t.Fatalf("%v is not ErrUnreachable", err)
				}
				for _, want := range tt.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q does not say %q", err, want)
					}
				}
			}
		})
	}
}

func TestClient_TLS(t *testing.T) {
	t.Parallel()
	srv := quietTLS(t)
	conf := srv.Client().Transport.(*http.Transport).TLSClientConfig
	c := connect(t, Endpoint{BaseURL: srv.URL, TLS: &tls.Config{RootCAs: conf.RootCAs, MinVersion: tls.VersionTLS12}})
	if _, err := c.Version(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClient_timeouts(t *testing.T) {
	t.Parallel()
	stuck := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	half := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[{"type":"SUBMISSION"},`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for name, h := range map[string]http.Handler{"no answer": stuck, "half an answer": half} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, h)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := c.List(ctx)
			if !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "in time") {
				t.Errorf("List past its deadline = %v", err)
			}
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			_, err = c.List(ctx)
			if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
				t.Errorf("cancelled List = %v", err)
			}
		})
	}
}

// TestClient_retries: what only reads is asked again over a new connection,
// what changes anything is not.
func TestClient_retries(t *testing.T) {
	t.Parallel()
	requests := make(chan string, 10)
	c, _ := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requests <- r.Method
		panic(http.ErrAbortHandler)
	}))
	if _, err := c.Get(t.Context(), "x"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Get = %v", err)
	}
	if n := len(requests); n != 1+retries {
		t.Errorf("a GET was tried %d times, want %d", n, 1+retries)
	}
	for len(requests) > 0 {
		<-requests
	}
	if _, err := c.Stop(t.Context(), "x"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Stop = %v", err)
	}
	if n := len(requests); n != 1 {
		t.Errorf("a POST was tried %d times, want once", n)
	}
}
