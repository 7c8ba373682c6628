//go:build linux

package pump

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a FIFO, its writing end and a log.
type rig struct {
	dir  jobdir.Dir
	w    *os.File
	grew atomic.Int64
	head chan struct{}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: jobdir.Open(t.TempDir()), head: make(chan struct{}, 2)}
	if err := unix.Mkfifo(r.dir.FIFO(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.dir.Log(), []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(r.dir.FIFO(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	t.Cleanup(func() { _ = w.Close() })
	return r
}

func (r *rig) pump(t *testing.T, head string) *Pump {
	t.Helper()
	fd, err := OpenFIFO(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{
		FIFO: fd, Log: r.dir.Log(), Head: []byte(head),
		Grew:     r.grew.Store,
		Blocked:  func(reason string) { t.Errorf("blocked: %q", reason) },
		HeadDone: func() { r.head <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs the pump beside the test.
func run(ctx context.Context, p *Pump) <-chan func() (Result, error) {
	c := make(chan func() (Result, error), 1)
	go func() {
		r, err := p.Run(ctx)
		c <- func() (Result, error) { return r, err }
	}()
	return c
}

func noise(n int) []byte {
	b := make([]byte, n)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestRun_byteExact(t *testing.T) {
	t.Parallel()
	for name, noSplice := range map[string]bool{"splice": false, "read and write": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := r.pump(t, "head\n")
			p.noSplice = noSplice
			done := run(t.Context(), p)
			want := noise(5 << 20)
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 70001)
				if _, err := r.w.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			_ = r.w.Close()
			res, err := (<-done)()
			got, _ := os.ReadFile(r.dir.Log())
			if !bytes.Equal(got, append([]byte("old\nhead\n"), want...)) {
				t.Error("the log differs from what was written")
			}
			if err != nil || !res.EOF || res.Late || res.Error != nil || res.Size != int64(len(got)) || r.grew.Load() != res.Size {
				t.Errorf("Run() = %+v, %v; grew %d", res, err, r.grew.Load())
			}
		})
	}
}

// Finish ends a pump whose pipe others still hold, after what is in it.
func TestRun_finish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.pump(t, "")
	if _, err := r.w.WriteString("in the pipe"); err != nil {
		t.Fatal(err)
	}
	done := run(t.Context(), p)
	<-r.head
	p.Finish()
	res, err := (<-done)()
	got, _ := os.ReadFile(r.dir.Log())
	if err != nil || res.EOF || string(got) != "old\nin the pipe" {
		t.Errorf("Run() = %+v, %v; log %q", res, err, got)
	}
}

// A pump that is given up leaves the rest to the next one.
func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hold, err := OpenFIFO(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(hold)
	ctx, cancel := context.WithCancel(t.Context())
	done := run(ctx, r.pump(t, ""))
	if _, err := r.w.WriteString("first "); err != nil {
		t.Fatal(err)
	}
	for r.grew.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if _, err := (<-done)(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want Canceled", err)
	}
	if _, err := r.w.WriteString("second"); err != nil {
		t.Fatal(err)
	}
	_ = r.w.Close()
	if res, err := (<-run(t.Context(), r.pump(t, "")))(); err != nil || !res.EOF {
		t.Errorf("Run() = %+v, %v", res, err)
	}
	if got, _ := os.ReadFile(r.dir.Log()); string(got) != "old\nfirst second" {
		t.Errorf("log %q", got)
	}
}

func TestRun_nobodyWrites(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_ = r.w.Close()
	if res, err := (<-run(t.Context(), r.pump(t, "")))(); err != nil || !res.Late {
		t.Errorf("Run() = %+v, %v, want Late", res, err)
	}
}

// A log that cannot grow is told, and the writer is held up.
func TestRun_blocked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	fd, err := OpenFIFO(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	blocked := make(chan string, 1)
	p, err := New(Config{
		FIFO: fd, Log: "/dev/full", Head: []byte("head"),
		Grew:    func(size int64) { t.Errorf("grew to %d", size) },
		Blocked: func(reason string) { blocked <- reason },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := run(ctx, p)
	if reason := <-blocked; reason != "the disk is full" {
		t.Errorf("blocked: %q", reason)
	}
	cancel()
	if _, err := (<-done)(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want Canceled", err)
	}
}

func TestNew_noLog(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	fd, err := OpenFIFO(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{FIFO: fd, Log: filepath.Join(r.dir.Path(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("New = %v, want ErrNotExist", err)
	}
}
