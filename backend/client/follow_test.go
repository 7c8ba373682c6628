package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dray/backend/rayapi"
)

// sampleLog has characters of one to four bytes, lines long and short.
const sampleLog = "INFO start\nzwölf Boxkämpfer\n日本語のログ\n🙂🙃\n\x1b[31mred\x1b[0m\nlast line without end"

// collect follows to the end and checks that every byte comes once, in order.
func collect(ctx context.Context, f *Follower, from int64) (string, error) {
	var b strings.Builder
	for {
		chunk, err := f.Next(ctx)
		if err != nil {
			return b.String(), err
		}
		if chunk.Gap {
			return b.String(), fmt.Errorf("a gap at %d", chunk.Offset)
		}
		if chunk.Data == "" {
			return b.String(), errors.New("an empty chunk")
		}
		if chunk.Offset != from+int64(b.Len()) {
			return b.String(), fmt.Errorf("offset %d, want %d", chunk.Offset, from+int64(b.Len()))
		}
		if !utf8.ValidString(chunk.Data) {
			return b.String(), fmt.Errorf("a character was cut in %q", chunk.Data)
		}
		b.WriteString(chunk.Data)
	}
}

func follow(t *testing.T, c *Client, from int64) *Follower {
	t.Helper()
	f, err := c.Follow(t.Context(), "j", from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func wantComplete(t *testing.T, f *Follower, from int64, want string) {
	t.Helper()
	got, err := collect(t.Context(), f, from)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("the log ended with %v after %q, want io.EOF", err, got)
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := f.State(); s.Phase != Complete || s.Words(time.Time{}) != "complete" {
		t.Errorf("state %+v, want complete", s)
	}
	if _, err := f.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("Next after the end = %v, want io.EOF again", err)
	}
}

// TestFollower_everyCut drops the first connection after each number of bytes:
// in a header, in a character, between frames, in the close frame.
func TestFollower_everyCut(t *testing.T) {
	t.Parallel()
	var whole []byte
	for line := range strings.SplitAfterSeq(sampleLog, "\n") {
		whole = append(whole, frame(opText, []byte(line))...)
		whole = append(whole, frame(opPing, []byte("?"))...)
		whole = append(whole, frame(opBinary, []byte("not log"))...)
	}
	whole = append(whole, closeFrame(1000)...)
	for _, running := range []bool{true, false} {
		for cut := range len(whole) + 1 {
			job := &fakeJob{status: rayapi.StatusSucceeded, log: sampleLog}
			job.onTail = func(n int, w http.ResponseWriter, r *http.Request) {
				if n == 0 {
					stream(w, r, whole, cut)
					return
				}
				stream(w, r, whole, -1)
			}
			job.onGet = func(n int, w http.ResponseWriter) bool {
				if running && n == 0 {
					writeJSON(w, rayapi.Job{Status: rayapi.StatusRunning})
					return true
				}
				return false
			}
			t.Run(fmt.Sprintf("running %t, %d bytes", running, cut), func(t *testing.T) {
				t.Parallel()
				c := connect(t, serveUnix(t, job.mux()))
				wantComplete(t, follow(t, c, 0), 0, sampleLog)
			})
		}
	}
}

// TestFollower_longMessage reads a message of more than the buffer's size in
// pieces, cut at any byte.
func TestFollower_longMessage(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x日🙂é", 30000)
	job := &fakeJob{status: rayapi.StatusSucceeded, log: text}
	job.onTail = func(_ int, w http.ResponseWriter, r *http.Request) {
		conn, rw, err := upgrade(w, r)
		if err != nil {
			return
		}
		defer conn.Close()
		for out := append(frame(opText, []byte(text)), closeFrame(1000)...); len(out) > 0; {
			n := min(len(out), 4093)
			_, _ = rw.Write(out[:n])
			_ = rw.Flush()
			out = out[n:]
		}
	}
	c := connect(t, serveUnix(t, job.mux()))
	wantComplete(t, follow(t, c, 0), 0, text)
}

// TestFollower_contextOfEachCall reads one message over calls whose contexts
// end when they return: the connection must live on.
func TestFollower_contextOfEachCall(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcdef", 1<<16)
	job := &fakeJob{status: rayapi.StatusRunning, log: text}
	tails := make(chan int, 100)
	job.onTail = func(n int, w http.ResponseWriter, r *http.Request) {
		tails <- n
		stream(w, r, append(frame(opText, []byte(text)), closeFrame(1000)...), -1)
	}
	f := follow(t, connect(t, serveUnix(t, job.mux())), 0)
	var got strings.Builder
	for {
		ctx, cancel := context.WithCancel(t.Context())
		chunk, err := f.Next(ctx)
		cancel()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		if got.WriteString(chunk.Data); got.Len() == len(text) {
			job.set(rayapi.StatusSucceeded, text)
		}
	}
	if got.String() != text || len(tails) != 1 {
		t.Errorf("%d bytes over %d connections, want %d over one", got.Len(), len(tails), len(text))
	}
}

func TestFollower_endings(t *testing.T) {
	t.Parallel()
	const text = "one\ntwo\n"
	status := func(code int, body string) func(int, http.ResponseWriter) bool {
		return func(_ int, w http.ResponseWriter) bool {
			http.Error(w, body, code)
			return true
		}
	}
	tests := []struct {
		name  string
		job   *fakeJob
		from  int64
		want  string // delivered
		is    error
		says  string
		phase Phase
	}{
		{
			"tail is missing from the socket", &fakeJob{status: rayapi.StatusSucceeded, log: text, onTail: short("one\n")},
			0, text, io.EOF, "", Complete,
		},
		{"nothing came", &fakeJob{status: rayapi.StatusFailed, log: text, onTail: short("")}, 0, text, io.EOF, "", Complete},
		{"empty log", &fakeJob{status: rayapi.StatusStopped}, 0, "", io.EOF, "", Complete},
		{"from the end", &fakeJob{status: rayapi.StatusSucceeded, log: text}, int64(len(text)), "", io.EOF, "", Complete},
		{
			"record deleted", &fakeJob{log: text, onGet: status(404, "Job j does not exist")},
			0, text, rayapi.ErrNotFound, "deleted while its log was followed", Failed,
		},
		{"token withdrawn", &fakeJob{log: text, onGet: status(401, "no")}, 0, text, ErrUnauthorized, "RAY_AUTH_TOKEN", Failed},
		{
			"not UTF-8", &fakeJob{status: rayapi.StatusFailed, log: text, onLogs: status(500, "Traceback (most recent call last):\n  File\nUnicodeDecodeError: 'utf-8' codec")},
			0, text, ErrTailUnconfirmed, "utf-8", Unconfirmed,
		},
		{
			"log is gone", &fakeJob{status: rayapi.StatusFailed, log: text, onLogs: func(_ int, w http.ResponseWriter) bool {
				writeJSON(w, rayapi.LogsResponse{})
				return true
			}},
			0, text, ErrTailUnconfirmed, "no longer has the log", Unconfirmed,
		},
		{"too long to prove", &fakeJob{status: rayapi.StatusSucceeded, log: text}, maxProof + 1, "", ErrTailUnconfirmed, "64 MiB", Unconfirmed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mux := tt.job.mux()
			mux.HandleFunc("GET /api/version", answer(200, "application/json", `{"ray_commit":"b7f4259e"}`))
			c, _ := serve(t, mux)
			f := follow(t, c, tt.from)
			got, err := collect(t.Context(), f, tt.from)
			if got != tt.want || !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %q and %v, want %q and %v with %q", got, err, tt.want, tt.is, tt.says)
			}
			if p := f.State().Phase; p != tt.phase {
				t.Errorf("phase %d, want %d", p, tt.phase)
			}
		})
	}
}

// short sends less than the log and closes as if that were all.
func short(text string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, r *http.Request) {
		stream(w, r, append(frame(opText, []byte(text)), closeFrame(1000)...), -1)
	}
}

// TestFollower_ownServer proves a long log when the server streams it.
func TestFollower_ownServer(t *testing.T) {
	t.Parallel()
	job := &fakeJob{status: rayapi.StatusSucceeded}
	job.onLogs = func(_ int, w http.ResponseWriter) bool {
		_, _ = io.WriteString(w, `{"logs": "`)
		line := strings.Repeat("x", 1023) + `\n`
		for range 1025 {
			_, _ = io.WriteString(w, line)
		}
		_, _ = io.WriteString(w, `"}`)
		return true
	}
	mux := job.mux()
	mux.HandleFunc("GET /api/version", answer(200, "application/json", `{"ray_commit":"dray-1"}`))
	c := connect(t, serveUnix(t, mux))
	c.maxProof = 1 << 20
	from := c.maxProof + 1000
	wantComplete(t, follow(t, c, from), from, strings.Repeat("x", 23)+"\n")
}

func TestFollower_gaps(t *testing.T) {
	t.Parallel()
	t.Run("cut log", func(t *testing.T) {
		t.Parallel()
		job := &fakeJob{status: rayapi.StatusSucceeded, log: "one\ntwo\n", onLogs: func(_ int, w http.ResponseWriter) bool {
			writeJSON(w, rayapi.LogsResponse{Logs: "one\n"})
			return true
		}}
		c, _ := serve(t, job.mux())
		f := follow(t, c, 0)
		first, err := f.Next(t.Context())
		if err != nil || first.Data != "one\ntwo\n" {
			t.Fatalf("Next = %+v, %v", first, err)
		}
		gap, err := f.Next(t.Context())
		if err != nil || !gap.Gap || gap.Data != "" || gap.Offset != 8 {
			t.Errorf("Next = %+v, %v; want a gap at 8", gap, err)
		}
		if _, err := f.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("Next = %v, want io.EOF", err)
		}
	})
	t.Run("another log", func(t *testing.T) {
		t.Parallel()
		job := &fakeJob{status: rayapi.StatusRunning, log: "the first log\n"}
		c, _ := serve(t, job.mux())
		f := follow(t, c, 0)
		if first, err := f.Next(t.Context()); err != nil || first.Data != "the first log\n" {
			t.Fatalf("Next = %+v, %v", first, err)
		}
		job.set(rayapi.StatusRunning, "the second log, which is longer\n")
		gap, err := f.Next(t.Context())
		if err != nil || !gap.Gap || gap.Data != "the second log, which is longer\n" || gap.Offset != 0 {
			t.Errorf("Next = %+v, %v; want the new log after a gap", gap, err)
		}
		job.set(rayapi.StatusSucceeded, "the second log, which is longer\nand ends\n")
		if end, err := f.Next(t.Context()); err != nil || end.Gap || end.Data != "and ends\n" {
			t.Errorf("Next = %+v, %v; want the rest, and no other gap", end, err)
		}
		if _, err := f.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("Next = %v, want io.EOF", err)
		}
	})
}
