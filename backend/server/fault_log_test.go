package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/coder/websocket"

	"dray/backend/logfile"
	"dray/backend/server"
)

// Fault 28, in short: followers that come and go, and some that never read, do
// not keep the others from every byte.
func TestFault28_followers(t *testing.T) {
	t.Parallel()
	const readers, stalled, comers, lines = 40, 5, 5, 400
	l := newLog(t, "")
	srv := serve(t, newAPI(l.jobs()))
	for range stalled {
		dial(t, srv)
	}
	ctx, stop := context.WithCancel(t.Context())
	var coming, reading sync.WaitGroup
	for range comers {
		coming.Go(func() {
			for ctx.Err() == nil {
				conn, res, err := websocket.Dial(ctx, srv.URL+"/api/jobs/j/logs/tail", nil)
				if err != nil {
					return
				}
				if res.Body != nil {
					res.Body.Close()
				}
				_, _, _ = conn.Read(ctx)
				_ = conn.CloseNow()
			}
		})
	}
	sums := make([][32]byte, readers)
	for i := range readers {
		conn := dial(t, srv)
		reading.Go(func() {
			frames, code := readAll(t, conn)
			if code != websocket.StatusNormalClosure {
				t.Errorf("follower %d: close code %d", i, code)
			}
			sums[i] = sha256.Sum256([]byte(strings.Join(frames, "")))
		})
	}
	var all strings.Builder
	for i := range lines {
		line := fmt.Sprintf("%d %s\n", i, strings.Repeat("x", 200))
		all.WriteString(line)
		l.write(t, line)
	}
	l.finish(t)
	reading.Wait()
	stop()
	coming.Wait()
	want := sha256.Sum256([]byte(all.String()))
	for i, sum := range sums {
		if sum != want {
			t.Errorf("follower %d did not get the log byte by byte", i)
		}
	}
}

// Fault 29: one line of 64 MiB with NULs, bytes that are not UTF-8 and half a
// character at the end. Raw it is byte-exact; as text it is valid, in frames
// that every client takes.
func TestFault29_longLine(t *testing.T) {
	t.Parallel()
	l := newLog(t, "")
	sum := writeLongLine(t, l.path)
	l.finish(t)
	srv := serve(t, newAPI(l.jobs()))
	t.Run("raw", func(t *testing.T) {
		t.Parallel()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/jobs/j/logs/raw", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		h := sha256.New()
		if _, err := io.Copy(h, resp.Body); err != nil || !bytes.Equal(h.Sum(nil), sum) {
			t.Errorf("not byte-exact, %v", err)
		}
	})
	t.Run("tail", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, srv)
		total, nuls, replaced := 0, 0, 0
		for {
			_, p, err := conn.Read(t.Context())
			if err != nil {
				if code := websocket.CloseStatus(err); code != websocket.StatusNormalClosure {
					t.Errorf("closed with %d", code)
				}
				break
			}
			if len(p) > 32<<10 || !utf8.Valid(p) {
				t.Fatalf("a frame of %d bytes, valid %v", len(p), utf8.Valid(p))
			}
			total += utf8.RuneCount(p)
			nuls += bytes.Count(p, []byte{0})
			replaced += bytes.Count(p, []byte("\ufffd"))
		}
		// Each MiB has a NUL and a byte that is not UTF-8; the end is two bytes
		// of a character of three.
		if nuls != 64 || replaced != 64+2 || total != 64<<20+2 {
			t.Errorf("%d characters, %d NULs, %d replaced", total, nuls, replaced)
		}
	})
}

func writeLongLine(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	out := io.MultiWriter(f, h)
	block := bytes.Repeat([]byte("x"), 1<<20)
	block[1000], block[70000] = 0, 0xff
	for range 64 {
		if _, err := out.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := out.Write([]byte("\xe2\x82")); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)
}

// edgeLog ends while a follower looks whether it has.
type edgeLog struct {
	*fakeLog
	looks atomic.Int32
	end   func()
	late  bool // ends after the look, else before it
}

func (l *edgeLog) State(ctx context.Context) (logfile.State, error) {
	now := l.looks.Add(1) == 2
	if now && !l.late {
		l.end()
	}
	st, err := l.fakeLog.State(ctx)
	if now && l.late {
		l.end()
	}
	return st, err
}

// Fault 30: a job that ends exactly between "there is no more" and "is it
// over?" does not lose its last line.
func TestFault30_lastLine(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[edgeLog]
	jobs := &fakeJobs{log: func(string) (logfile.Source, error) { return current.Load(), nil }}
	srv := serve(t, server.Guard(newAPI(jobs), server.GuardConfig{Unix: true, Log: quiet()}))
	for i := range 100 {
		l := &edgeLog{fakeLog: newLog(t, "first\n"), late: i%2 == 0}
		l.end = func() {
			l.write(t, "last\n")
			l.finish(t)
		}
		current.Store(l)
		conn := dial(t, srv)
		if got := readFrame(t, conn); got != "first\n" {
			t.Fatalf("first frame %q", got)
		}
		l.set(logfile.State{}, nil) // wakes the follower: it looks again
		frames, code := readAll(t, conn)
		if got := strings.Join(frames, ""); got != "last\n" || code != websocket.StatusNormalClosure {
			t.Fatalf("round %d: then %q, closed with %d", i, got, code)
		}
	}
}
