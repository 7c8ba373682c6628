package client

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"dray/backend/rayapi"
)

// faults is how many random courses TestFollower_faults runs.
var faults = flag.Int("faults", 10_000, "random courses of a server that cuts, stalls and splits a log")

// faulty is a server's log of one job, and how it fails: each connection sends
// the log from its first byte, in frames and writes of any size, stalls, and is
// cut at any byte.
type faulty struct {
	mu   sync.Mutex
	rng  *rand.Rand
	log  string
	seen int // how much is printed
	end  int // the connection after which the job has ended
	job  *fakeJob
}

func newFaulty(seed uint64) *faulty {
	f := &faulty{rng: rand.New(rand.NewPCG(seed, 7))}
	f.log = randomText(f.rng, f.rng.IntN(120))
	f.end = f.rng.IntN(4)
	f.job = &fakeJob{onTail: f.tail, onGet: f.get}
	f.job.log = f.log
	return f
}

// writes returns what one connection sends, cut into writes, of which some are
// followed by a stall.
func (f *faulty) writes(n int) (pieces [][]byte, stall []bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n >= f.end {
		f.seen = len(f.log)
	} else {
		f.seen += f.rng.IntN(len(f.log) - f.seen + 1)
		for f.seen < len(f.log) && !utf8.RuneStart(f.log[f.seen]) {
			f.seen++
		}
	}
	var out []byte
	for text := f.log[:f.seen]; len(text) > 0; {
		cut := min(1+f.rng.IntN(40), len(text))
		for cut < len(text) && !utf8.RuneStart(text[cut]) {
			cut++
		}
		out = append(out, frame(opText, []byte(text[:cut]))...)
		text = text[cut:]
	}
	out = append(out, closeFrame([]uint16{1000, 1001, 1011, 1013}[f.rng.IntN(4)])...)
	if f.rng.IntN(3) > 0 {
		out = out[:f.rng.IntN(len(out)+1)]
	}
	most := []int{1, 3, 1000}[f.rng.IntN(3)] // 1: split at every byte
	for len(out) > 0 {
		cut := min(1+f.rng.IntN(most), len(out))
		pieces, stall = append(pieces, out[:cut]), append(stall, f.rng.IntN(40) == 0)
		out = out[cut:]
	}
	return pieces, stall
}

func (f *faulty) tail(n int, w http.ResponseWriter, r *http.Request) {
	pieces, stall := f.writes(n)
	conn, _, err := upgrade(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	for i, p := range pieces {
		if _, err := conn.Write(p); err != nil {
			return
		}
		if stall[i] {
			time.Sleep(time.Millisecond)
		} else {
			runtime.Gosched()
		}
	}
}

func (f *faulty) get(_ int, w http.ResponseWriter) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.job.mu.Lock()
	over := f.job.tails > f.end
	f.job.mu.Unlock()
	if f.rng.IntN(12) == 0 {
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return true
	}
	status := rayapi.StatusRunning
	if over {
		status = rayapi.StatusFailed
	}
	writeJSON(w, rayapi.Job{Status: status})
	return true
}

// TestFollower_faults follows many logs of a server that cuts, stalls, splits
// and replays: what arrives is the log, once and whole.
func TestFollower_faults(t *testing.T) {
	t.Parallel()
	courses := *faults
	if testing.Short() {
		courses = min(courses, 500)
	}
	const workers = 4
	servers := make([]*faulty, workers)
	var mu sync.Mutex
	mux := http.NewServeMux()
	route := func(pick func(*fakeJob) http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var worker, seed int
			if _, err := fmt.Sscanf(r.PathValue("id"), "job-%d-%d", &worker, &seed); err != nil {
				http.NotFound(w, r)
				return
			}
			mu.Lock()
			f := servers[worker]
			mu.Unlock()
			pick(f.job)(w, r)
		}
	}
	mux.HandleFunc("GET /api/jobs/{id}", route(func(j *fakeJob) http.HandlerFunc { return j.get }))
	mux.HandleFunc("GET /api/jobs/{id}/logs", route(func(j *fakeJob) http.HandlerFunc { return j.logs }))
	mux.HandleFunc("GET /api/jobs/{id}/logs/tail", route(func(j *fakeJob) http.HandlerFunc { return j.tail }))
	c := connect(t, serveUnix(t, mux))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for seed := worker; seed < courses; seed += workers {
				f := newFaulty(uint64(seed))
				mu.Lock()
				servers[worker] = f
				mu.Unlock()
				if err := runFaulty(ctx, c, fmt.Sprintf("job-%d-%d", worker, seed), f); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	wg.Wait()
}

func runFaulty(ctx context.Context, c *Client, id string, f *faulty) error {
	var follower *Follower
	for { // a connection can fail before it is one
		var err error
		if follower, err = c.Follow(ctx, id, 0); err == nil {
			break
		}
		if ctx.Err() != nil {
			return err
		}
	}
	defer follower.Close()
	got, err := collect(ctx, follower, 0)
	if got != f.log || !errors.Is(err, io.EOF) {
		return fmt.Errorf("the log differs: got %q, want %q, ended with %w", got, f.log, err)
	}
	return nil
}
