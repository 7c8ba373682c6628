package logstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

// patience bounds how long a test waits for what must happen.
const patience = 30 * time.Second

// server is a job and its log, as a session sees them.
type server struct {
	open   func(from int64) (screen.LogStream, error)
	mu     sync.Mutex
	status rayapi.Status
	err    error
}

func (s *server) Follow(_ context.Context, _ string, from int64) (screen.LogStream, error) {
	return s.open(from)
}

func (s *server) Get(context.Context, string) (rayapi.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rayapi.Job{Status: s.status}, s.err
}

func (s *server) set(status rayapi.Status, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.err = status, err
}

// script is a stream that gives chunks and then an error, or waits.
type script struct {
	chunks []client.Chunk
	end    error
}

func (s *script) Next(ctx context.Context) (client.Chunk, error) {
	if len(s.chunks) > 0 {
		c := s.chunks[0]
		s.chunks = s.chunks[1:]
		return c, nil
	}
	if s.end == nil {
		<-ctx.Done()
		return client.Chunk{}, ctx.Err()
	}
	return client.Chunk{}, s.end
}

func (s *script) Close() error { return nil }

// sends returns a server that sends text from the wanted offset on in pieces,
// and then end.
func sends(text string, piece int, end error) *server {
	return &server{open: func(from int64) (screen.LogStream, error) {
		s := &script{end: end}
		for at := from; at < int64(len(text)); {
			to := min(int64(len(text)), at+int64(piece))
			s.chunks = append(s.chunks, client.Chunk{Data: text[at:to], Offset: at})
			at = to
		}
		return s, nil
	}}
}

// start runs a session; the test's end stops it and waits.
func start(t testing.TB, o Options) *Session {
	t.Helper()
	s := New(t.Context(), o)
	ended := make(chan struct{})
	go func() { s.Run(); close(ended) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	return s
}

// await takes news until it is as wanted.
func await(t testing.TB, s *Session, what string, ready func(News) bool) News {
	t.Helper()
	timer := time.AfterFunc(patience, s.Stop)
	defer timer.Stop()
	for {
		n, ok := s.Next()
		if !ok {
			t.Fatalf("no %s; the last news is %+v", what, s.Latest())
		}
		if ready(n) {
			return n
		}
	}
}

func content(t testing.TB, s *Store) string {
	t.Helper()
	var b strings.Builder
	if err := s.Copy(t.Context(), &b, 0, s.Extent().Size, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func isFinal(n News) bool { return n.Link.Final() }

// flood is a log that has as much to say as is asked for.
type flood struct {
	text  string
	sent  atomic.Int64
	limit int64
}

func (f *flood) Next(ctx context.Context) (client.Chunk, error) {
	if f.sent.Load() >= f.limit {
		<-ctx.Done()
		return client.Chunk{}, ctx.Err()
	}
	at := f.sent.Add(int64(len(f.text))) - int64(len(f.text))
	return client.Chunk{Data: f.text, Offset: at}, nil
}

func (f *flood) Close() error { return nil }

// While nobody takes news, no more than maxAhead is read, and all goes on when
// somebody does, in few pieces.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	f := &flood{text: strings.Repeat("0123456789abcde\n", 1<<12), limit: 4 * maxAhead}
	s := start(t, Options{ID: "id", Jobs: &server{open: func(int64) (screen.LogStream, error) { return f, nil }}})
	await(t, s, "news", func(News) bool { return true })
	for s.ahead() <= maxAhead { // until the reader has run into the bound
		if t.Context().Err() != nil {
			t.Fatal("the reader never stops")
		}
		time.Sleep(time.Millisecond) // there is no event to wait for
	}
	s.mu.Lock()
	told := s.told
	s.mu.Unlock()
	if got := f.sent.Load() - told; got > maxAhead+2*int64(len(f.text)) {
		t.Errorf("%d bytes were read ahead, the bound is %d", got, maxAhead)
	}
	pieces := 0
	n := await(t, s, "all", func(n News) bool { pieces++; return n.Size == f.limit })
	if n.Lines != f.limit/16 {
		t.Errorf("%d lines, want %d", n.Lines, f.limit/16)
	}
	if pieces > 100 {
		t.Errorf("%d pieces of news for %d lines", pieces, n.Lines)
	}
}

func TestRetryGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var opened []int64
	srv := &server{open: func(from int64) (screen.LogStream, error) {
		mu.Lock()
		defer mu.Unlock()
		opened = append(opened, from)
		if len(opened) == 1 {
			return &script{chunks: []client.Chunk{{Data: "one\ntw"}}, end: &client.Error{Op: "follow", Message: "refused", Err: client.ErrUnreachable}}, nil
		}
		return &script{chunks: []client.Chunk{{Data: "o\nthree\n", Offset: 6}}, end: io.EOF}, nil
	}}
	s := start(t, Options{ID: "id", Jobs: srv})
	n := await(t, s, "retry", func(n News) bool { return n.Link == Retry })
	if n.Pause != firstRetry || !errors.Is(n.Err, client.ErrUnreachable) {
		t.Errorf("news %+v", n)
	}
	n = await(t, s, "end", isFinal)
	if n.Link != Complete || n.Lines != 3 || content(t, s.Store()) != "one\ntwo\nthree\n" {
		t.Errorf("news %+v of %q", n, content(t, s.Store()))
	}
	if diff := cmp.Diff([]int64{0, 6}, opened); diff != "" {
		t.Errorf("offsets of the attempts (-want +got):\n%s", diff)
	}
}

func TestGaps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		chunk client.Chunk
		want  string
		gap   Gap
	}{
		{"bytes are lost", client.Chunk{Data: "xyz\n", Offset: 100, Gap: true}, "a\nbc\nxyz\n", Gap{Off: 5, Line: 2, At: 100}},
		{"the log began anew", client.Chunk{Data: "new\n", Gap: true}, "a\nbc\nnew\n", Gap{Off: 5, Line: 2, Anew: true}},
		{"the log is shorter", client.Chunk{Offset: 4, Gap: true}, "a\nbc\n", Gap{Off: 5, Line: 2, Anew: true, At: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := &server{open: func(int64) (screen.LogStream, error) {
				return &script{chunks: []client.Chunk{{Data: "a\nbc"}, tt.chunk}, end: io.EOF}, nil
			}}
			s := start(t, Options{ID: "id", Jobs: srv})
			n := await(t, s, "end", isFinal)
			if got := content(t, s.Store()); got != tt.want || n.Gaps != 1 {
				t.Errorf("%q with %d gaps, want %q", got, n.Gaps, tt.want)
			}
			if diff := cmp.Diff(tt.gap, n.Gap); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStopBeforeTheLogIsOpen(t *testing.T) {
	t.Parallel()
	s := New(t.Context(), Options{ID: "id", Jobs: sends("", 1, nil)})
	s.Stop()
	s.Run()
	if _, err := s.Store().ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("the store is still open: %v", err)
	}
	if n, ok := s.Next(); ok {
		t.Errorf("after the end comes %+v", n)
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this system has no /dev/full: ", err)
	}
	s := New(t.Context(), Options{ID: "id", Jobs: sends(numbered(0, 100_000), 60_000, nil)})
	s.store.file = full // closed by the store
	ended := make(chan struct{})
	go func() { s.Run(); close(ended) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	n := await(t, s, "end", isFinal)
	if n.Link != Broken || !strings.HasPrefix(n.Err.Error(), "no room for more of the log: keep the log on disk: no space left on device") {
		t.Errorf("news %+v", n)
	}
	l, ok, err := s.Store().Reader().First()
	checkLine(t, l, ok, err, "line 0")
}

func TestEndedMeans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want Link
	}{
		{"complete", io.EOF, Complete},
		{"unconfirmed", fmt.Errorf("log: %w", client.ErrTailUnconfirmed), Unconfirmed},
		{"deleted", fmt.Errorf("log: %w", rayapi.ErrNotFound), Broken},
		{"no token", &client.Error{Code: 401, Err: client.ErrUnauthorized}, Broken},
		{"a driver has no log", &client.Error{Code: 400}, Broken},
		{"disk full", fmt.Errorf("%w: %w", ErrNoRoom, errors.New("no space left on device")), Broken},
		{"offline", &client.Error{Err: client.ErrUnreachable}, Retry},
		{"server trouble", &client.Error{Code: 503}, Retry},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ended(tt.err); got != tt.want {
				t.Errorf("ended(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

// A log that was kept is shown at once, compared from its beginning, and goes
// on where it ended; another log under the same name takes its place.
func TestCache(t *testing.T) {
	t.Parallel()
	text := numbered(0, 100_000)
	tests := []struct {
		name, kept, now string
	}{
		{"the same", text, text},
		{"longer now", text[:500_000], text},
		{"shorter now", text, text[:300_000]},
		{"another", text, strings.ReplaceAll(text, "line 777", "LINE 777")},
		{"another from the first byte", text, "x" + text},
		{"empty now", text, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := Options{ID: "id", Server: "head", CacheDir: filepath.Join(t.TempDir(), "logs"), Jobs: sends(tt.kept, 7777, io.EOF)}
			first := New(t.Context(), o)
			ran := make(chan struct{})
			go func() { first.Run(); close(ran) }()
			await(t, first, "end", isFinal)
			first.Stop()
			<-ran
			o.Jobs = sends(tt.now, 5555, io.EOF)
			again := New(t.Context(), o)
			again.openCache()
			if got := content(t, again.Store()); got != tt.kept {
				t.Fatalf("%d bytes were kept, want %d", len(got), len(tt.kept))
			}
			if err := again.Store().Close(); err != nil {
				t.Fatal(err)
			}
			s := start(t, o)
			n := await(t, s, "end", isFinal)
			if got := content(t, s.Store()); got != tt.now || n.Checking {
				t.Errorf("%d bytes at the end, want %d; checking %v", len(got), len(tt.now), n.Checking)
			}
			if n.Lines != int64(len(wantLines(tt.now))) || !n.Exact() {
				t.Errorf("%d lines", n.Lines)
			}
			if err := s.Store().Flush(); err != nil {
				t.Fatal(err)
			}
			if file, err := os.ReadFile(s.Store().Path()); err != nil || string(file) != tt.now {
				t.Errorf("the file has %d bytes, %v", len(file), err)
			}
		})
	}
}

// Two sessions of one log do not write into each other's file.
func TestCacheIsForOne(t *testing.T) {
	t.Parallel()
	o := Options{ID: "id", Server: "head", CacheDir: t.TempDir(), Jobs: sends(numbered(0, 1000), 100, io.EOF)}
	one := start(t, o)
	await(t, one, "end", isFinal)
	two := start(t, o)
	await(t, two, "end", isFinal)
	if a, b := content(t, one.Store()), content(t, two.Store()); a != b || one.Store().Path() == "" || two.Store().Path() != "" {
		t.Errorf("%d and %d bytes in %q and %q", len(a), len(b), one.Store().Path(), two.Store().Path())
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, name := range []string{"old.log", "new.log", "note.txt"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, maxCached-100); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(1000+i), 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	prune(dir, filepath.Join(dir, "other.log"))
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 || filepath.Base(left[0]) != "new.log" {
		t.Errorf("left are %v, %v", left, err)
	}
}
