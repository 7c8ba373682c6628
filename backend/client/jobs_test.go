package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

func TestNew_badAddress(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, url, says string }{
		{"empty", "", "is empty"},
		{"no scheme", "127.0.0.1:8265", "not a URL"},
		{"ray", "ray://head:10001", "does not start with http"},
		{"no host", "http://", "names no host"},
		{"query", "http://h:1/?a=b", "'?'"},
		{"password", "ftp://me:hush@h", "ftp://h does not start"},
		{"bad port", "http://me:hush@h:port", "not a URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Endpoint{BaseURL: tt.url})
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "http://HOST:8265") {
				t.Fatalf("New = %v, want %q and the form that works", err, tt.says)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

// request is what a server saw.
type request struct {
	method, uri, body string
	header            http.Header
}

func record(seen chan<- request, reply string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- request{r.Method, r.RequestURI, string(body), r.Header}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, reply)
	})
}

func TestClient_requests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, reply string
		do          func(c *Client) (string, error)
		method, uri string
		body, want  string
	}{
		{"version", `{"version":"4","ray_version":"2.60.0","ray_commit":"c","session_name":"s"}`, func(c *Client) (string, error) {
			v, err := c.Version(t.Context())
			return v.RayVersion, err
		}, "GET", "/base/api/version", "", "2.60.0"},
		{"list", ` [{"submission_id":"a","status":"RUNNING"}, {"job_id":"02000000"}] `, func(c *Client) (string, error) {
			jobs, err := c.List(t.Context())
			return fmt.Sprint(len(jobs), jobs[0].ID(), jobs[1].ID()), err
		}, "GET", "/base/api/jobs/", "", "2a02000000"},
		{"empty list", `[]`, func(c *Client) (string, error) {
			jobs, err := c.List(t.Context())
			return fmt.Sprint(jobs != nil, len(jobs)), err
		}, "GET", "/base/api/jobs/", "", "true 0"},
		{"get", `{"submission_id":"a/../b ü","extra":[1]}`, func(c *Client) (string, error) {
			j, err := c.Get(t.Context(), "a/../b ü")
			return j.ID(), err
		}, "GET", "/base/api/jobs/a%2F..%2Fb%20%C3%BC", "", "a/../b ü"},
		{"submit", `{"job_id":"a","submission_id":"a"}`, func(c *Client) (string, error) {
			return c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "echo <hi>", SubmissionID: "a", RuntimeEnv: json.RawMessage(`{"z":1}`)})
		}, "POST", "/base/api/jobs/", `{"entrypoint":"echo \u003chi\u003e","submission_id":"a","runtime_env":{"z":1}}`, "a"},
		{"stop", `{"stopped":true}`, func(c *Client) (string, error) {
			stopped, err := c.Stop(t.Context(), "a")
			return fmt.Sprint(stopped), err
		}, "POST", "/base/api/jobs/a/stop", "", "true"},
		{"stop of an ended job", `{"stopped":false}`, func(c *Client) (string, error) {
			stopped, err := c.Stop(t.Context(), "a")
			return fmt.Sprint(stopped), err
		}, "POST", "/base/api/jobs/a/stop", "", "false"},
		{"delete", `{"deleted":true}`, func(c *Client) (string, error) {
			return "", c.Delete(t.Context(), "a")
		}, "DELETE", "/base/api/jobs/a", "", ""},
		{"logs", `{"logs":"one\ntwo\n"}`, func(c *Client) (string, error) {
			var b strings.Builder
			n, err := c.Logs(t.Context(), "a", &b)
			return fmt.Sprint(n, b.String()), err
		}, "GET", "/base/api/jobs/a/logs", "", "8one\ntwo\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan request, 1)
			_, srv := serve(t, record(seen, tt.reply))
			c := connect(t, Endpoint{BaseURL: srv.URL + "/base/", Token: "tok", Version: "0.1"})
			got, err := tt.do(c)
			if err != nil || got != tt.want {
				t.Fatalf("got %q, %v; want %q", got, err, tt.want)
			}
			r := <-seen
			if r.method != tt.method || r.uri != tt.uri || r.body != tt.body {
				t.Errorf("sent %s %s %q, want %s %s %q", r.method, r.uri, r.body, tt.method, tt.uri, tt.body)
			}
			if r.header.Get("Authorization") != "Bearer tok" || r.header.Get("User-Agent") != "dray/0.1" {
				t.Errorf("headers %v", r.header)
			}
			for _, name := range []string{"Origin", "Referer", "Sec-Fetch-Mode", "Cookie"} {
				if r.header.Get(name) != "" {
					t.Errorf("%s is sent", name)
				}
			}
		})
	}
}

func TestClient_authorization(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, user, token, header, want string
	}{
		{"nothing", "", "", "", ""},
		{"token", "", "tok", "", "Bearer tok"},
		{"header wins", "me:pw@", "tok", "Basic mine", "Basic mine"},
		{"password", "me:pw@", "", "", "Basic bWU6cHc="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan request, 1)
			_, srv := serve(t, record(seen, `{}`))
			ep := Endpoint{BaseURL: strings.Replace(srv.URL, "://", "://"+tt.user, 1), Token: tt.token}
			if tt.header != "" {
				ep.Header = http.Header{"authorization": {tt.header}}
			}
			if _, err := connect(t, ep).Version(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := (<-seen).header.Get("Authorization"); got != tt.want {
				t.Errorf("Authorization = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClient_idsThatChangeTheRoute(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.RequestURI) }))
	for id, want := range map[string]error{"": rayapi.ErrInvalid, ".": rayapi.ErrNotFound, "..": rayapi.ErrNotFound} {
		_, getErr := c.Get(t.Context(), id)
		_, stopErr := c.Stop(t.Context(), id)
		_, logsErr := c.Logs(t.Context(), id, io.Discard)
		_, followErr := c.Follow(t.Context(), id, 0)
		for _, err := range []error{getErr, stopErr, c.Delete(t.Context(), id), logsErr, followErr} {
			if !errors.Is(err, want) {
				t.Errorf("id %q: %v, want %v", id, err, want)
			}
		}
	}
}

func TestClient_List_cut(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `[`, `[{"status":"RUNNING"}`, `[{"status":"RUN`} {
		c, _ := serve(t, answer(200, "application/json", body))
		if jobs, err := c.List(t.Context()); err == nil {
			t.Errorf("List of %q = %v, want an error", body, jobs)
		}
	}
	for _, body := range []string{`{}`, `null`, `[1]`, `"x"`} {
		c, _ := serve(t, answer(200, "application/json", body))
		if _, err := c.List(t.Context()); !errors.Is(err, ErrNotRay) {
			t.Errorf("List of %q: %v, want ErrNotRay", body, err)
		}
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClient_Logs_errors(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, answer(200, "application/json", `{"logs":"abc"}`))
	if _, err := c.Logs(t.Context(), "a", failingWriter{}); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrUnreachable) {
		t.Errorf("Logs to a closed pipe = %v", err)
	}
	c, _ = serve(t, answer(200, "application/json", `{"logs":"abc`))
	var b bytes.Buffer
	if n, err := c.Logs(t.Context(), "a", &b); !errors.Is(err, ErrUnreachable) || n != 3 || b.String() != "abc" {
		t.Errorf("Logs cut off = %d, %v", n, err)
	}
}

// TestClient_stalled: a transfer may be long, but it must go on.
func TestClient_stalled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.zip")
	write(t, path, strings.Repeat("x", 8<<20))
	c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			<-t.Context().Done() // takes nothing
		case strings.HasPrefix(r.URL.Path, "/api/packages/"):
			http.Error(w, "Package does not exist", http.StatusNotFound)
		default:
			_, _ = io.WriteString(w, `{"logs":"abc`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	c.stall = 50 * time.Millisecond
	var b strings.Builder
	if n, err := c.Logs(t.Context(), "a", &b); !errors.Is(err, ErrUnreachable) || n != 3 || !strings.Contains(err.Error(), "in time") {
		t.Errorf("Logs = %d, %v", n, err)
	}
	if _, err := c.Upload(t.Context(), path, nil, nil); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("Upload = %v", err)
	}
}

func BenchmarkClient_List(b *testing.B) {
	var body bytes.Buffer
	row := mustJSON(rayapi.Job{Type: rayapi.TypeSubmission, Status: rayapi.StatusSucceeded, Entrypoint: strings.Repeat("python x.py ", 30)})
	for i := range 10000 {
		body.WriteByte(",["[1-min(i, 1)])
		body.Write(row)
	}
	body.WriteByte(']')
	srv := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body.Bytes()) })
	ep, stop := benchUnix(b, srv)
	defer stop()
	c, err := New(ep)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if jobs, err := c.List(b.Context()); err != nil || len(jobs) != 10000 {
			b.Fatal(len(jobs), err)
		}
	}
}
