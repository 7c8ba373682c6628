package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"dray/backend/rayapi"
)

// schedule is one random course of events. It is safe for concurrent use by
// the handlers.
type schedule struct {
	mu   sync.Mutex
	rng  *rand.Rand
	log  string
	seen int // how much of the log is printed
	end  int // the connection after which the job has ended
	job  *fakeJob
}

func newSchedule(seed uint64) *schedule {
	s := &schedule{rng: rand.New(rand.NewPCG(seed, 1))}
	s.log = randomText(s.rng, s.rng.IntN(3000))
	s.end = s.rng.IntN(6)
	s.job = &fakeJob{onTail: s.tail, onGet: s.get, onLogs: s.logs}
	return s
}

func randomText(rng *rand.Rand, n int) string {
	letters := []rune("abc \t\n\n\\\"/é€日🙂\u2028\x00\x1b")
	var b strings.Builder
	for b.Len() < n {
		b.WriteRune(letters[rng.IntN(len(letters))])
	}
	return b.String()
}

// print moves the log on and returns what is there, which ends with a whole
// character.
func (s *schedule) print(n int) string {
	if n >= s.end {
		s.seen = len(s.log)
	} else if left := len(s.log) - s.seen; left > 0 {
		s.seen += s.rng.IntN(left + 1)
	}
	for s.seen < len(s.log) && !utf8.RuneStart(s.log[s.seen]) {
		s.seen++
	}
	return s.log[:s.seen]
}

func (s *schedule) tail(n int, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	text := s.print(n)
	var out []byte
	for len(text) > 0 {
		cut := min(1+s.rng.IntN(900), len(text))
		for cut < len(text) && !utf8.RuneStart(text[cut]) {
			cut++
		}
		out = append(out, frame(opText, []byte(text[:cut]))...)
		text = text[cut:]
	}
	codes := []uint16{1000, 1000, 1001, 1011, 1013}
	out = append(out, closeFrame(codes[s.rng.IntN(len(codes))])...)
	cut, refuse := -1, n > 0 && s.rng.IntN(6) == 0
	if s.rng.IntN(2) == 0 {
		cut = s.rng.IntN(len(out) + 1)
	}
	s.mu.Unlock()
	if refuse {
		http.Error(w, "the agent is away", http.StatusInternalServerError)
		return
	}
	stream(w, r, out, cut)
}

func (s *schedule) get(n int, w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.job.mu.Lock()
	over := s.job.tails > s.end
	s.job.mu.Unlock()
	switch {
	case s.rng.IntN(8) == 0:
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
	case over:
		writeJSON(w, rayapi.Job{Status: rayapi.StatusFailed})
	default:
		writeJSON(w, rayapi.Job{Status: rayapi.StatusRunning})
	}
	return true
}

func (s *schedule) logs(_ int, w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := mustJSON(rayapi.LogsResponse{Logs: s.log})
	if s.rng.IntN(3) == 0 { // the answer is cut off
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:s.rng.IntN(len(body))])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
	return true
}

// TestFollower_random runs random courses of events: whatever happens to the
// connections, the log arrives once and whole.
func TestFollower_random(t *testing.T) {
	t.Parallel()
	const courses = 1200
	var mu sync.Mutex
	schedules := map[string]*schedule{}
	mux := http.NewServeMux()
	route := func(pick func(*fakeJob) http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			s := schedules[r.PathValue("id")]
			mu.Unlock()
			pick(s.job)(w, r)
		}
	}
	mux.HandleFunc("GET /api/jobs/{id}", route(func(j *fakeJob) http.HandlerFunc { return j.get }))
	mux.HandleFunc("GET /api/jobs/{id}/logs", route(func(j *fakeJob) http.HandlerFunc { return j.logs }))
	mux.HandleFunc("GET /api/jobs/{id}/logs/tail", route(func(j *fakeJob) http.HandlerFunc { return j.tail }))
	c := connect(t, serveUnix(t, mux))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			for seed := worker; seed < courses; seed += 4 {
				s := newSchedule(seed)
				id := fmt.Sprintf("job%d", seed)
				mu.Lock()
				schedules[id] = s
				mu.Unlock()
				if err := runCourse(ctx, c, id, s); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	wg.Wait()
}

func runCourse(ctx context.Context, c *Client, id string, s *schedule) error {
	s.mu.Lock()
	from := s.rng.IntN(len(s.log)/3 + 1)
	s.mu.Unlock()
	for from < len(s.log) && !utf8.RuneStart(s.log[from]) {
		from++
	}
	f, err := c.Follow(ctx, id, int64(from))
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := collect(ctx, f, int64(from))
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("ended with %w after %d of %d bytes", err, len(got), len(s.log)-from)
	}
	if got != s.log[from:] {
		return fmt.Errorf("the log differs: got %d bytes, want %d", len(got), len(s.log)-from)
	}
	return nil
}
