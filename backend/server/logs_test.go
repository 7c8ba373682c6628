package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
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

func TestRawLog_ranges(t *testing.T) {
	t.Parallel()
	l := newLog(t, "0123456789")
	api := newAPI(l.jobs())
	get := func(method string, header ...string) answer {
		return ask(t, api, method, "/api/jobs/j/logs/raw", "", header...)
	}
	t.Run("several", func(t *testing.T) {
		t.Parallel()
		a := get("GET", "Range", "bytes=0-1,-2")
		kind, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
		if a.status != 206 || kind != "multipart/byteranges" || err != nil {
			t.Fatalf("answer = %d %s", a.status, a.header.Get("Content-Type"))
		}
		parts := multipart.NewReader(strings.NewReader(a.body), params["boundary"])
		for _, want := range []struct{ rng, text string }{{"bytes 0-1/10", "01"}, {"bytes 8-9/10", "89"}} {
			p, err := parts.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(p)
			if err != nil || string(text) != want.text || p.Header.Get("Content-Range") != want.rng {
				t.Errorf("part = %q %q, want %q %q", p.Header.Get("Content-Range"), text, want.rng, want.text)
			}
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		t.Parallel()
		a := get("HEAD")
		if a.status != 200 || a.body != "" || a.header.Get("Content-Length") != "10" || a.header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("answer = %d %v", a.status, a.header)
		}
		if a := get("HEAD", "Range", "bytes=2-4"); a.status != 206 || a.header.Get("Content-Range") != "bytes 2-4/10" || a.body != "" {
			t.Errorf("answer = %d %v", a.status, a.header)
		}
	})
	t.Run("more than there is", func(t *testing.T) {
		t.Parallel()
		if a := get("GET", "Range", "bytes=-100"); a.status != 206 || a.body != "0123456789" {
			t.Errorf("answer = %d %q", a.status, a.body)
		}
		if a := get("GET", "Range", "bytes=10-"); a.status != 416 || a.header.Get("Content-Range") != "bytes */10" {
			t.Errorf("answer = %d %v", a.status, a.header)
		}
	})
}

// A condition must not hide that a log has grown; once it is final it may hold.
func TestRawLog_conditions(t *testing.T) {
	t.Parallel()
	l := newLog(t, "01234")
	api := newAPI(l.jobs())
	get := func(header ...string) answer { return ask(t, api, "GET", "/api/jobs/j/logs/raw", "", header...) }
	if tag := get().header.Get("ETag"); tag != "" {
		t.Errorf("a log that grows has the tag %s", tag)
	}
	l.write(t, "56789")
	if a := get("Range", "bytes=5-", "If-Range", `"5"`); a.status != 200 || a.body != "0123456789" {
		t.Errorf("If-Range = %d %q, want all of it", a.status, a.body)
	}
	if a := get("Range", "bytes=5-"); a.status != 206 || a.body != "56789" {
		t.Errorf("what has been added = %d %q", a.status, a.body)
	}
	l.finish(t)
	tag := get().header.Get("ETag")
	if a := get("Range", "bytes=8-", "If-Range", tag); a.status != 206 || a.body != "89" {
		t.Errorf("If-Range of a final log = %d %q", a.status, a.body)
	}
	if a := get("If-None-Match", tag); a.status != 304 {
		t.Errorf("If-None-Match of a final log = %d", a.status)
	}
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
