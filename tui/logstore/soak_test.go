package logstore

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"dray/tui/clean"
)

// paint does what one key costs: a screen of lines is read and cleaned. It
// returns how long that took.
func paint(t *testing.T, s *Store, from func(*Reader) (Line, bool, error)) time.Duration {
	t.Helper()
	began := time.Now()
	r := s.Reader()
	var screen []byte
	l, ok, err := from(r)
	for n := 0; n < 60 && ok && err == nil; n++ {
		screen = clean.LogPlain(screen, l.Text)
		l, ok, err = r.Next(l)
	}
	if err != nil || len(screen) == 0 {
		t.Fatalf("a screen of %d bytes, %v", len(screen), err)
	}
	return time.Since(began)
}

// TestSoak reads, counts, searches and follows a log of 10 GiB: memory stays
// flat, and a screen is painted within 50 ms throughout. It runs if DRAY_SOAK
// is set, and needs that much room in the folder for temporary files.
func TestSoak(t *testing.T) {
	if os.Getenv("DRAY_SOAK") == "" {
		t.Skip("takes minutes and 10 GiB of disk: set DRAY_SOAK=1")
	}
	const size, limit, bound = 10 << 30, 64 << 20, 50 * time.Millisecond
	f := newLogFile(t)
	file, err := os.Create(f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	written := writeLog(t, file, size)
	s := start(t, f.options())
	rng := rand.New(rand.NewPCG(5, 6))
	var took []time.Duration
	peak := uint64(0)
	look := func(what string) {
		for _, from := range []func(*Reader) (Line, bool, error){
			func(r *Reader) (Line, bool, error) { return r.At(r.Size() - 9000) },
			(*Reader).First,
			func(r *Reader) (Line, bool, error) { return r.At(rng.Int64N(r.Size() - 9000)) },
		} {
			d := paint(t, s.Store(), from)
			took = append(took, d)
			if d > bound {
				t.Errorf("%s: a screen took %v", what, d)
			}
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapInuse > peak {
			peak = m.HeapInuse
		}
	}
	await(t, s, "log", func(n News) bool { return n.Size >= size })
	began := time.Now()
	for !s.Store().Extent().Exact() {
		look("counting")
		if _, ok := s.Next(); !ok {
			t.Fatal("the session ended")
		}
	}
	t.Logf("counted in %v", time.Since(began))
	began = time.Now()
	finder := NewFinder(s.Store(), Literal("Loss=nan"), 0)
	for p := finder.Progress(); !p.Done; look("searching") {
		if p, err = finder.Step(t.Context(), 40*time.Millisecond, true); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("searched in %v: %d hits", time.Since(began), finder.Progress().Hits)
	hit, ok, err := finder.NextHit(context.Background(), 0)
	if err != nil || !ok || finder.Progress().Hits != 1 {
		t.Errorf("hit at %d (%v), %v", hit, ok, err)
	}
	for range 100 {
		written += writeLog(t, file, 1<<20)
		await(t, s, "growth", func(n News) bool { return n.Size == written && n.Exact() })
		look("following")
	}
	slices.Sort(took)
	t.Logf("%d screens: median %v, p99 %v, longest %v; heap %d MiB at most", len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], peak>>20)
	if peak > limit {
		t.Errorf("the heap took %d MiB", peak>>20)
	}
}
