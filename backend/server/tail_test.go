package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"dray/backend/logfile"
	"dray/backend/rayapi"
)

// dial follows job j of srv.
func dial(t testing.TB, srv *httptest.Server) *websocket.Conn {
	t.Helper()
	conn, res, err := websocket.Dial(t.Context(), srv.URL+"/api/jobs/j/logs/tail", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Body != nil {
		res.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// readAll returns the frames until the server closes, and its close code.
func readAll(t testing.TB, conn *websocket.Conn) ([]string, websocket.StatusCode) {
	t.Helper()
	var frames []string
	for {
		kind, p, err := conn.Read(t.Context())
		if err != nil {
			return frames, websocket.CloseStatus(err)
		}
		if kind != websocket.MessageText {
			t.Errorf("frame of kind %v, want text", kind)
		}
		frames = append(frames, string(p))
	}
}

func readFrame(t testing.TB, conn *websocket.Conn) string {
	t.Helper()
	_, p, err := conn.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestTail_final(t *testing.T) {
	t.Parallel()
	lines := strings.Repeat(strings.Repeat("x", 70)+"ü\n", 30000)
	long := strings.Repeat("ü€😀", 1<<19)
	tests := []struct{ name, content, want string }{
		{"short", "one\ntwo", "one\ntwo"},
		{"many lines", lines, lines},
		{"one line of 4.5 MiB", long, long},
		{"not UTF-8", "a\xffb\n\xe2\x82", "a\ufffdb\n\ufffd\ufffd"},
		{"all bytes invalid", strings.Repeat("\xff", 100000), strings.Repeat("\ufffd", 100000)},
		{"carriage returns and escapes stay", "a\r\n\x1b[1mb\x00", "a\r\n\x1b[1mb\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t, tt.content)
			l.finish(t)
			frames, code := readAll(t, dial(t, serve(t, newAPI(l.jobs()))))
			if code != websocket.StatusNormalClosure || strings.Join(frames, "") != tt.want {
				t.Fatalf("%d frames of %d bytes, close %d, want %d bytes, close 1000", len(frames), len(strings.Join(frames, "")), code, len(tt.want))
			}
			for i, f := range frames {
				if len(f) > 32<<10 || f == "" || !utf8.ValidString(f) {
					t.Errorf("frame %d has %d bytes, valid %v", i, len(f), utf8.ValidString(f))
				}
				if tt.name == "many lines" && !strings.HasSuffix(f, "\n") {
					t.Errorf("frame %d ends in mid-line", i)
				}
			}
		})
	}
	t.Run("nothing was written", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "")
		l.set(logfile.State{Final: true}, nil)
		if frames, code := readAll(t, dial(t, serve(t, newAPI(l.jobs())))); len(frames) != 0 || code != websocket.StatusNormalClosure {
			t.Errorf("%q, close %d, want nothing, close 1000", frames, code)
		}
	})
}

func TestTail_grows(t *testing.T) {
	t.Parallel()
	l := newLog(t, "")
	conn := dial(t, serve(t, newAPI(l.jobs())))
	for _, step := range []struct{ write, want string }{
		{"one\n", "one\n"},
		{"partial", "partial"},
		{"x\xe2\x82", "x"}, // the half character waits
		{"\xac\n", "€\n"},
	} {
		l.write(t, step.write)
		if got := readFrame(t, conn); got != step.want {
			t.Fatalf("after %q: frame %q, want %q", step.write, got, step.want)
		}
	}
	l.write(t, "last")
	l.finish(t)
	if frames, code := readAll(t, conn); strings.Join(frames, "") != "last" || code != websocket.StatusNormalClosure {
		t.Errorf("%q, close %d, want the last line, close 1000", frames, code)
	}
}

func TestTail_closeCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(l *fakeLog)
		want websocket.StatusCode
	}{
		{"deleted as in Ray", func(l *fakeLog) { l.set(logfile.State{Gone: true}, nil) }, websocket.StatusNormalClosure},
		{"trouble", func(l *fakeLog) { l.set(logfile.State{}, errors.New("boom")) }, websocket.StatusInternalError},
		{"shorter than it was", func(l *fakeLog) { l.set(logfile.State{Final: true, Size: 100}, nil) }, websocket.StatusInternalError},
		{"not ready", func(l *fakeLog) { l.set(logfile.State{}, rayapi.ErrUnavailable) }, websocket.StatusTryAgainLater},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t, "first\n")
			conn := dial(t, serve(t, newAPI(l.jobs())))
			if got := readFrame(t, conn); got != "first\n" {
				t.Fatalf("frame %q", got)
			}
			tt.end(l)
			if _, code := readAll(t, conn); code != tt.want {
				t.Errorf("close %d, want %d", code, tt.want)
			}
		})
	}
}

func TestTail_shutdown(t *testing.T) {
	t.Parallel()
	t.Run("Close", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		api := newAPI(l.jobs())
		srv := serve(t, api)
		conn := dial(t, srv)
		readFrame(t, conn)
		closed := make(chan error, 1)
		go func() { closed <- api.Close(t.Context()) }()
		if _, code := readAll(t, conn); code != websocket.StatusTryAgainLater {
			t.Errorf("close %d, want 1013", code)
		}
		if err := <-closed; err != nil {
			t.Errorf("Close = %v", err)
		}
		if got := handshake(t, srv); got.status != http.StatusServiceUnavailable || got.body != "The server is closing: try again later." {
			t.Errorf("after Close: %d %q, want 503", got.status, got.body)
		}
	})
	t.Run("the server's context ends", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		ctx, cancel := context.WithCancel(t.Context())
		api := newAPI(l.jobs())
		srv := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			api.ServeHTTP(w, r.WithContext(ctx))
		}))
		conn := dial(t, srv)
		readFrame(t, conn)
		cancel()
		if _, code := readAll(t, conn); code != websocket.StatusTryAgainLater {
			t.Errorf("close %d, want 1013", code)
		}
	})
	t.Run("Close ends with its context", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		api := newAPI(l.jobs())
		conn := dial(t, serve(t, api)) // never reads, so never answers the close frame
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := api.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Close = %v, want Canceled", err)
		}
		_ = conn.CloseNow()
	})
}

// handshake asks for the tail of job j as a WebSocket client does.
func handshake(t testing.TB, srv *httptest.Server, header ...string) answer {
	t.Helper()
	return send(t, srv, "GET", "/api/jobs/j/logs/tail", "", append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==",
	}, header...)...)
}

func TestTail_handshake(t *testing.T) {
	t.Parallel()
	l := newLog(t, "x")
	l.finish(t)
	srv := serve(t, newAPI(l.jobs()))
	t.Run("unknown job", func(t *testing.T) {
		t.Parallel()
		_, res, err := websocket.Dial(t.Context(), srv.URL+"/api/jobs/none/logs/tail", nil)
		if err == nil || res == nil || res.StatusCode != http.StatusNotFound {
			t.Errorf("Dial = %v, %v, want 404", res, err)
		}
		if res != nil {
			res.Body.Close()
		}
	})
	t.Run("plain GET", func(t *testing.T) {
		t.Parallel()
		got := send(t, srv, "GET", "/api/jobs/j/logs/tail", "")
		if got.status != http.StatusUpgradeRequired || !strings.Contains(got.body, "is a WebSocket") {
			t.Errorf("GET = %d %q, want 426", got.status, got.body)
		}
	})
	t.Run("bad version", func(t *testing.T) {
		t.Parallel()
		got := send(t, srv, "GET", "/api/jobs/j/logs/tail", "", "Connection", "upgrade", "Upgrade", "WebSocket", "Sec-WebSocket-Version", "8")
		if got.status != http.StatusBadRequest {
			t.Errorf("GET = %d %q, want 400", got.status, got.body)
		}
	})
	t.Run("compression is declined", func(t *testing.T) {
		t.Parallel()
		conn, res, err := websocket.Dial(t.Context(), srv.URL+"/api/jobs/j/logs/tail", &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			t.Fatal(err)
		}
		if res.Body != nil {
			defer res.Body.Close()
		}
		defer func() { _ = conn.CloseNow() }()
		if ext := res.Header.Get("Sec-WebSocket-Extensions"); ext != "" {
			t.Errorf("extensions %q, want none", ext)
		}
		if frames, code := readAll(t, conn); strings.Join(frames, "") != "x" || code != websocket.StatusNormalClosure {
			t.Errorf("%q, close %d", frames, code)
		}
	})
}

func TestTail_clientFrames(t *testing.T) {
	t.Parallel()
	t.Run("are ignored, and pings answered", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "")
		conn := dial(t, serve(t, newAPI(l.jobs())))
		for range 3 {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
				t.Fatal(err)
			}
		}
		got := make(chan string, 1)
		go func() {
			frames, _ := readAll(t, conn)
			got <- strings.Join(frames, "")
		}()
		if err := conn.Ping(t.Context()); err != nil {
			t.Fatalf("Ping = %v", err)
		}
		l.write(t, "text")
		l.finish(t)
		if text := <-got; text != "text" {
			t.Errorf("log = %q", text)
		}
	})
	t.Run("large ones end the tail", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, serve(t, newAPI(newLog(t, "").jobs())))
		if err := conn.Write(t.Context(), websocket.MessageText, make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
		if _, code := readAll(t, conn); code != websocket.StatusMessageTooBig {
			t.Errorf("close %d, want 1009", code)
		}
	})
	t.Run("a close is answered at once and frees the place", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		api := newAPI(l.jobs())
		conn := dial(t, serve(t, api))
		readFrame(t, conn)
		if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("Close = %v, want an answered close", err)
		}
		if err := api.Close(t.Context()); err != nil { // waits for the follower
			t.Errorf("Close = %v", err)
		}
	})
	t.Run("a dropped connection frees the place", func(t *testing.T) {
		t.Parallel()
		l := newLog(t, "first\n")
		api := newAPI(l.jobs())
		conn := dial(t, serve(t, api))
		readFrame(t, conn)
		_ = conn.CloseNow()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := api.Close(ctx); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
}
