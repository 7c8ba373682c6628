package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"dray/backend/logfile"
	"dray/backend/rayapi"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content, want string
		final               bool
	}{
		{"text", "one\ntwo\n", "one\ntwo\n", true},
		{"everything that JSON escapes", "\"\\\t\r\n\x00\x1b[31m<&>\u2028", "\"\\\t\r\n\x00\x1b[31m<&>\u2028", true},
		{"no file yet", "", "", false},
		{"not UTF-8", "a\xffb", "a\ufffdb", true},
		{"half a character of a running job is left out", "a\xe2\x82", "a", false},
		{"half a character at the end", "a\xe2\x82", "a\ufffd\ufffd", true},
		{"larger than a block", strings.Repeat("0123456789 ü€😀\n", 20000), strings.Repeat("0123456789 ü€😀\n", 20000), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t, tt.content)
			if tt.final {
				l.finish(t)
			}
			got := ask(t, newAPI(l.jobs()), "GET", "/api/jobs/j/logs", "")
			var logs map[string]string
			if err := json.Unmarshal([]byte(got.body), &logs); err != nil || got.status != 200 || got.header.Get("Content-Type") != jsonType {
				t.Fatalf("GET = %d %.80q: %v", got.status, got.body, err)
			}
			if len(logs) != 1 || logs["logs"] != tt.want {
				t.Errorf("logs = %.80q, want %.80q", logs["logs"], tt.want)
			}
		})
	}
}

func TestLogs_errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, id string
		st       logfile.State
		err      error
		status   int
		want     string
	}{
		{"unknown", "none", logfile.State{}, nil, 404, "Job none does not exist"},
		{"deleted", "j", logfile.State{Gone: true}, nil, 404, "Job j does not exist"},
		{"closing", "j", logfile.State{}, rayapi.ErrUnavailable, 503, "the backend is not ready"},
		{"unforeseen", "j", logfile.State{}, errors.New("boom"), 500, "boom"},
	}
	for _, tt := range tests {
		for _, sub := range []string{"/logs", "/logs/raw"} {
			t.Run(tt.name+sub, func(t *testing.T) {
				t.Parallel()
				l := newLog(t, "x")
				l.set(tt.st, tt.err)
				got := ask(t, newAPI(l.jobs()), "GET", "/api/jobs/"+tt.id+sub, "")
				if got.status != tt.status || got.body != tt.want {
					t.Errorf("GET = %d %q, want %d %q", got.status, got.body, tt.status, tt.want)
				}
			})
		}
	}
}

func TestRawLog(t *testing.T) {
	t.Parallel()
	l := newLog(t, "0123\xff56789")
	tests := []struct {
		name, rng string
		status    int
		want      string
	}{
		{"whole", "", 200, "0123\xff56789"},
		{"from an offset", "bytes=7-", 206, "789"},
		{"a part", "bytes=3-4", 206, "3\xff"},
		{"the end", "bytes=-2", 206, "89"},
		{"beyond", "bytes=100-", 416, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, newAPI(l.jobs()), "GET", "/api/jobs/j/logs/raw", "", "Range", tt.rng)
			if got.status != tt.status || (got.status < 400 && got.body != tt.want) {
				t.Errorf("GET = %d %q, want %d %q", got.status, got.body, tt.status, tt.want)
			}
		})
	}
	t.Run("no file yet", func(t *testing.T) {
		t.Parallel()
		if got := ask(t, newAPI(newLog(t, "").jobs()), "GET", "/api/jobs/j/logs/raw", ""); got.status != 200 || got.body != "" {
			t.Errorf("GET = %d %q, want nothing", got.status, got.body)
		}
	})
}

// discard is a client that reads everything and keeps nothing.
type discard struct{ n int64 }

func (d *discard) Header() http.Header { return http.Header{} }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(p []byte) (int, error) {
	d.n += int64(len(p))
	return len(p), nil
}

func TestLogs_memory(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	l := newLog(t, "")
	f, err := os.Create(l.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 32 << 20
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	l.finish(t)
	api := newAPI(l.jobs())
	var before, after runtime.MemStats
	var w discard
	runtime.ReadMemStats(&before)
	api.ServeHTTP(&w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/jobs/j/logs", nil))
	runtime.ReadMemStats(&after)
	if w.n < 6*size { // each NUL is \u0000
		t.Fatalf("%d bytes sent, want the whole log", w.n)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size/4 {
		t.Errorf("%d bytes were allocated for a log of %d", used, size)
	}
}

func FuzzLogs(f *testing.F) {
	f.Add([]byte("plain\n\"\\\x00\xff ü"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLog(t, string(data))
		if len(data) > 0 {
			l.finish(t)
		}
		body := ask(t, newAPI(l.jobs()), "GET", "/api/jobs/j/logs", "").body
		var logs rayapi.LogsResponse
		if err := json.Unmarshal([]byte(body), &logs); err != nil || !utf8.ValidString(body) {
			t.Fatalf("%q: %v", body, err)
		}
		if utf8.Valid(data) && logs.Logs != string(data) {
			t.Fatalf("logs = %q, want %q", logs.Logs, data)
		}
	})
}

func BenchmarkLogs(b *testing.B) {
	l := newLog(b, strings.Repeat("a line of a log, about as long as they are\n", 1<<18))
	l.finish(b)
	api := newAPI(l.jobs())
	info, err := os.Stat(l.path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		api.ServeHTTP(&discard{}, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/jobs/j/logs", nil))
	}
}
