package logview

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// flood is a log that has as much to say as is asked for.
type flood struct {
	text  string
	sent  atomic.Int64
	limit int64
}

func (f *flood) open(context.Context, string, int64) (screen.LogStream, error) { return f, nil }

func (f *flood) Next(ctx context.Context) (client.Chunk, error) {
	if f.sent.Load() >= f.limit {
		<-ctx.Done()
		return client.Chunk{}, ctx.Err()
	}
	at := f.sent.Add(int64(len(f.text))) - int64(len(f.text))
	return client.Chunk{Data: f.text, Offset: at}, nil
}

func (f *flood) Close() error { return nil }

// A million lines must reach the screen in few messages.
func TestFlood(t *testing.T) {
	t.Parallel()
	const lines = 1_000_000
	text := strings.Repeat("0123456789abcde\n", 1000)
	f := &flood{text: text, limit: lines * 16}
	p := openIn(t, tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open}), job(rayapi.StatusRunning), 80, 24)
	p.lines(lines)
	if got := len(p.body()); got != 22 {
		t.Errorf("%d rows of text, want 22", got)
	}
}

// While nobody takes messages, no more than maxAhead is read, and all goes on
// when somebody does.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcde\n", 1<<12)
	f := &flood{text: text, limit: 4 * maxAhead}
	ctx, cancel := context.WithCancel(t.Context())
	s := newSession(ctx, &tuitest.Jobs{T: t, FollowFn: f.open}, "id")
	ended := make(chan struct{})
	go func() { s.run(); close(ended) }()
	if _, ok := s.next().(newsMsg); !ok {
		t.Fatal("no message")
	}
	for s.ahead() <= maxAhead { // until the reader has run into the bound
		if ctx.Err() != nil {
			t.Fatal("the reader never stops")
		}
	}
	if got := f.sent.Load() - s.toldSize(); got > maxAhead+2*int64(len(text)) {
		t.Errorf("%d bytes were read ahead, the bound is %d", got, maxAhead)
	}
	for {
		n, ok := s.next().(newsMsg)
		if !ok {
			t.Fatal("the messages end")
		}
		if n.size == f.limit {
			break
		}
	}
	cancel()
	<-ended
	if msg := s.next(); msg != nil {
		t.Errorf("after the end comes %#v", msg)
	}
}

func (s *session) toldSize() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

func TestRetryGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 80, 12)
	f.print(t, "one\ntw")
	p.lines(2)
	f.finish(t, &client.Error{Op: "follow", Message: "connection refused", Err: client.ErrUnreachable})
	p.until("retry", func(m Model) bool { return m.news.link == linkRetry })
	p.wantState("reconnecting in 1 s")
	if !strings.Contains(p.m.View(), "connection refused") {
		t.Errorf("the reason is not shown:\n%s", p.m.View())
	}
	f.print(t, "o\nthree\n")
	p.lines(3)
	p.wantState("live")
	if diff := cmp.Diff([]string{"one", "two", "three"}, p.body()); diff != "" {
		t.Error(diff)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff([]int64{0, 6}, f.opened); diff != "" {
		t.Errorf("offsets of the attempts (-want +got):\n%s", diff)
	}
}

func TestGapInsideALine(t *testing.T) {
	t.Parallel()
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 80, 12)
	f.print(t, "abc")
	f.give(t, client.Chunk{Data: "xyz\n", Offset: 100, Gap: true})
	p.lines(2)
	if diff := cmp.Diff([]string{"abc", "xyz"}, p.body()); diff != "" {
		t.Error(diff)
	}
	f.finish(t, errors.New("cut"))
	f.print(t, "")
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff([]int64{0, 104}, f.opened); diff != "" {
		t.Errorf("offsets of the attempts (-want +got):\n%s", diff)
	}
}

func TestCloseBeforeTheLogIsOpen(t *testing.T) {
	t.Parallel()
	s := newSession(t.Context(), &tuitest.Jobs{T: t}, "id")
	s.stop()
	if msg := s.run(); msg != nil {
		t.Errorf("run returns %#v", msg)
	}
	if _, err := s.store.readAt(make([]byte, 1), 0); !errors.Is(err, errClosed) {
		t.Errorf("the store is still open: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := newFeed()
	p := open(t, f, job(rayapi.StatusRunning), 80, 12)
	p.m.s.store.mu.Lock()
	p.m.s.store.file = full // closed by the store
	p.m.s.store.mu.Unlock()
	f.print(t, numbered(0, 100))
	f.print(t, strings.Repeat("x\n", spillAt))
	p.until("end", func(m Model) bool { return m.news.link == linkBroken })
	p.wantState("log not reachable")
	if !strings.Contains(p.m.View(), "no room for more of the log") {
		t.Errorf("the reason is not shown:\n%s", p.m.View())
	}
	p.keys("g")
	p.wantRows("line 0", "line 8")
}

// A line of 100 MB is shown in part, and keys still work on it.
func TestGiantLine(t *testing.T) {
	t.Parallel()
	const size = 100 << 20
	f := &flood{text: strings.Repeat("0123456789abcdef", 4096), limit: size}
	p := openIn(t, tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open}), job(rayapi.StatusRunning), 80, 12)
	p.until("all of it", func(m Model) bool { return m.news.size == size && m.win.size == size })
	if got := p.body(); len(got) != 1 || !strings.HasPrefix(got[0], "0123456789abcdef") {
		t.Fatalf("rows are %.100q", got)
	}
	p.keys("w", "G")
	rows := p.body()
	if last := rows[len(rows)-1]; !strings.HasSuffix(last, "99.9 MiB more in this line") {
		t.Errorf("the last row is %q", last)
	}
	p.keys("g", " ", "w", "right", "/", "zz", "enter", "esc")
	if got := p.m.size.H; strings.Count(p.m.View(), "\n") != got-1 {
		t.Errorf("the view is not %d lines", got)
	}
}
