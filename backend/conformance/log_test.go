//go:build linux

package conformance_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"dray/backend/rayapi"
)

func logChecks() []check {
	return []check{
		{name: "1.8/logs: shape and header lines", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo hello; sleep 1"})
			s.end(t, id)
			a := s.do(t, "GET", "/api/jobs/"+id+"/logs", nil)
			a.wantType(t, "application/json; charset=utf-8")
			log := s.logs(t, id)
			if !strings.Contains(log, "hello\n") || !strings.Contains(log, "Running entrypoint for job "+id+": echo hello; sleep 1\n") {
				t.Errorf("log %q", log)
			}
			if !regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\tINFO job_manager\.py:\d+ -- Runtime env is setting up\.$`).MatchString(log) {
				t.Errorf("log %q lacks the set-up line", log)
			}
		}},
		{name: "1.8/logs: stdout and stderr in order", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo one; echo two >&2; echo three"})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "one\ntwo\nthree\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "1.8/logs: pending job", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "entrypoint_resources": body{"unobtainium": 1}})
			s.do(t, "GET", "/api/jobs/"+id+"/logs", nil).want(t, 200, `"logs"`)
		}},
		{name: "1.8/logs: NUL, escapes and unicode pass", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `printf 'a\000b \033[31mred\033[0m \303\274 \360\237\230\200 "q" \\ end\n'`})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "a\x00b \x1b[31mred\x1b[0m ü 😀 \"q\" \\ end\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "8.16/logs: not UTF-8 is replaced", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `printf 'x\377y\n'`})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "x\ufffdy\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "1.8/logs: 30 MB", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "yes 0123456789012345678901234567890123456789 | head -c 30000000"})
			s.end(t, id)
			if n := strings.Count(s.logs(t, id), "0123456789012345678901234567890123456789\n"); n < 731700 {
				t.Errorf("%d lines, want 731707", n)
			}
		}},
		{name: "8.10/logs: of a job that failed before its start", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true", "runtime_env": body{"working_dir": "gcs://_ray_pkg_0123456789abcdef.zip"}})
			wantStatus(t, j, rayapi.StatusFailed)
			if log := s.logs(t, j.ID()); !strings.Contains(log, "Runtime env is setting up.") {
				t.Errorf("log %q", log)
			}
		}},
	}
}

// follow reads the tail to its close and returns text, close code and the
// largest message.
func (s *target) follow(t *testing.T, id string) (text string, code websocket.StatusCode, largest int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := s.dialTail(ctx, t, id)
	defer conn.CloseNow()
	var all bytes.Buffer
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return all.String(), websocket.CloseStatus(err), largest
		}
		if kind != websocket.MessageText || !utf8.Valid(data) {
			t.Errorf("a message of kind %v that is valid UTF-8: %t", kind, utf8.Valid(data))
		}
		largest = max(largest, len(data))
		all.Write(data)
	}
}

func (s *target) dialTail(ctx context.Context, t *testing.T, id string, header ...string) *websocket.Conn {
	t.Helper()
	h := http.Header{}
	if s.token != "" {
		h.Set("Authorization", "Bearer "+s.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, resp, err := websocket.Dial(ctx, s.base+"/api/jobs/"+id+"/logs/tail", //nolint:bodyclose // the connection owns it
		&websocket.DialOptions{HTTPHeader: h, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		var text []byte
		if resp != nil {
			text, _ = io.ReadAll(resp.Body)
		}
		t.Fatalf("dial the tail: %v %s", err, text)
	}
	conn.SetReadLimit(64 << 20)
	return conn
}

func tailChecks() []check {
	return []check{
		{name: "1.9/tail: ended job, whole text, close 1000", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "seq 1 500"})
			s.end(t, id)
			text, code, _ := s.follow(t, id)
			if code != websocket.StatusNormalClosure {
				t.Errorf("close %d, want 1000", code)
			}
			if want := s.logs(t, id); text != want {
				t.Errorf("tail has %d bytes, GET logs %d", len(text), len(want))
			}
		}},
		{name: "1.9/tail: from pending to the end", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "for i in 1 2 3 4 5; do echo line$i; sleep 0.2; done"})
			text, code, _ := s.follow(t, id)
			for _, line := range []string{"line1\n", "line2\n", "line3\n", "line4\n", "line5\n"} { // Ray's own line may land between them
				if code != websocket.StatusNormalClosure || !strings.Contains(text, line) {
					t.Errorf("close %d, text %q lacks %q", code, text, line)
				}
			}
			if j := s.get(t, id); j.Status != rayapi.StatusSucceeded && !s.ray {
				t.Errorf("the tail was closed while the job is %s", j.Status)
			}
		}},
		{name: "1.9/tail: 20 followers read the same", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "for i in 1 2 3 4 5 6 7 8 9; do seq $i 1000; sleep 0.1; done"})
			var wg sync.WaitGroup
			texts := make([]string, 20)
			for i := range texts {
				wg.Go(func() { texts[i], _, _ = s.follow(t, id) })
			}
			wg.Wait()
			for i, text := range texts {
				if text != texts[0] || !strings.Contains(text, "\n1000\n") {
					t.Errorf("follower %d read %d bytes, follower 0 %d", i, len(text), len(texts[0]))
				}
			}
		}},
		{name: "1.9/tail: messages stay below 4 MiB", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "yes 0123456789 | head -c 3000000"})
			s.end(t, id)
			text, _, largest := s.follow(t, id)
			if largest >= 4<<20 || len(text) < 3000000 {
				t.Errorf("largest message %d bytes of %d", largest, len(text))
			}
		}},
		{name: "1.9/tail: 10 MB line without newline", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "head -c 10000000 /dev/zero | tr '\\0' x"})
			s.end(t, id)
			text, code, largest := s.follow(t, id)
			if code != websocket.StatusNormalClosure || largest > 32<<10 || strings.Count(text, "x") < 10000000 {
				t.Errorf("close %d, largest %d, %d bytes", code, largest, len(text))
			}
		}},
		{name: "8.16/tail: not UTF-8", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `printf 'a\377b\303'; sleep 0.3; printf '\274c\n'`})
			text, code, _ := s.follow(t, id)
			if code != websocket.StatusNormalClosure || !strings.Contains(text, "a\ufffdbüc\n") {
				t.Errorf("close %d, text %q", code, text)
			}
		}},
		{name: "8.37/tail: compression is declined", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "echo hello"})
			s.end(t, id)
			a := s.do(t, "GET", "/api/jobs/"+id+"/logs/tail", nil, "Connection", "Upgrade", "Upgrade", "websocket",
				"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions", "permessage-deflate")
			if a.status != 101 || a.header.Get("Sec-WebSocket-Extensions") != "" {
				t.Errorf("status %d, extensions %q", a.status, a.header.Get("Sec-WebSocket-Extensions"))
			}
		}},
		{name: "8.38/tail: a ping is answered", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 60"})
			s.running(t, id)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			conn := s.dialTail(ctx, t, id)
			defer conn.CloseNow()
			read := make(chan struct{})
			go func() { // a pong is met by who reads; the log comes along
				defer close(read)
				for {
					if _, _, err := conn.Read(ctx); err != nil {
						return
					}
				}
			}()
			if err := conn.Ping(ctx); err != nil {
				t.Errorf("ping: %v", err)
			}
			cancel()
			<-read
		}},
		{name: "8.14/tail: delivered at once", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 60"})
			s.running(t, id)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			conn := s.dialTail(ctx, t, id)
			defer conn.CloseNow()
			if _, data, err := conn.Read(ctx); err != nil || !strings.Contains(string(data), "Runtime env") {
				t.Errorf("first message %q, %v", data, err)
			}
		}},
	}
}
