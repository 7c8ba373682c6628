package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// Followers of logs at one time: in all, and of one job.
const (
	maxFollowers       = 1000
	maxFollowersPerJob = 100
)

// followers counts those who follow logs. The zero value is ready to use.
type followers struct {
	mu     sync.Mutex
	closed bool
	next   int
	cancel map[int]context.CancelCauseFunc
	perJob map[string]int
	gone   sync.WaitGroup
}

// join adds a follower of job id, which cancel lets go; leave takes it out
// again.
func (f *followers) join(id string, cancel context.CancelCauseFunc) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, &statusError{http.StatusServiceUnavailable, textClosing}
	case len(f.cancel) >= maxFollowers:
		return nil, tooMany("%d followers of logs", maxFollowers)
	case f.perJob[id] >= maxFollowersPerJob:
		return nil, tooMany("%d followers of this job's log", maxFollowersPerJob)
	}
	if f.cancel == nil {
		f.cancel, f.perJob = map[int]context.CancelCauseFunc{}, map[string]int{}
	}
	key := f.next
	f.next++
	f.cancel[key] = cancel
	f.perJob[id]++
	f.gone.Add(1)
	return func() { f.leave(key, id) }, nil
}

// count returns how many follow a log now.
func (f *followers) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.cancel)
}

func tooMany(format string, limit int) error {
	return &statusError{
		http.StatusServiceUnavailable,
		fmt.Sprintf("There are "+format+" already: close one, or try again later.", limit),
	}
}

func (f *followers) leave(key int, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.cancel, key)
	if f.perJob[id]--; f.perJob[id] == 0 {
		delete(f.perJob, id)
	}
	f.gone.Done()
}

// close lets all followers go and waits for them. The goroutine that waits
// ends with the last follower, which is at most writeTimeout and the close
// handshake away.
func (f *followers) close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	for _, cancel := range f.cancel {
		cancel(errClosing)
	}
	f.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		f.gone.Wait()
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the followers of logs: %w", ctx.Err())
	}
}
