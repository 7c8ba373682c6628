package tui

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// guard is the one place through which the dashboard changes anything. It
// refuses while the server is offline, and lets a request that is under way
// finish when the user quits right after saying yes.
type guard struct {
	screen.Jobs
	server   string
	readOnly bool
	prev     *guard // of the server before; nil: it is the first one
	offline  atomic.Bool
	held     holding // what Run must know of what is about to be sent

	mu     sync.Mutex // for closed, so that no write begins after wait
	closed bool
	writes sync.WaitGroup
}

// grace bounds how long a write goes on after the program's end.
const grace = 5 * time.Second

// probeTime is how long a server that was offline may take to show that it is
// back.
const probeTime = 5 * time.Second

// refusal is what a write gets while the server does not answer.
func (g *guard) refusal() error {
	return fmt.Errorf("%s does not answer: %w; try again when it is back", g.server, screen.ErrNotSent)
}

// locked is what a write gets when the server is for reading only. The client
// would hold it back too.
func (g *guard) locked() error {
	if !g.readOnly {
		return nil
	}
	return fmt.Errorf("%s is read-only here: %w", g.server, screen.ErrNotSent)
}

// back asks a server that was offline once more, so that a form need not wait
// for the next try of the poll.
func (g *guard) back(ctx context.Context) error {
	if err := g.locked(); err != nil {
		return err
	}
	if !g.offline.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if _, err := g.List(ctx); err != nil {
		return g.refusal()
	}
	g.offline.Store(false)
	return nil
}

func (g *guard) begin(ctx context.Context) (context.Context, func(), error) {
	if err := g.locked(); err != nil {
		return nil, nil, err
	}
	if g.offline.Load() {
		return nil, nil, g.refusal()
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, nil, context.Canceled
	}
	g.writes.Add(1)
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return inner, func() {
		stop()
		cancel()
		g.writes.Done()
	}, nil
}

// holding counts what is held. Only the first guard's is known to Run.
func (g *guard) holding() *holding {
	for g.prev != nil {
		g = g.prev
	}
	return &g.held
}

// wait lets no more writes begin and waits for those under way, to servers
// before this one too; each ends within the grace period once its context has
// ended.
func (g *guard) wait() {
	if g.prev != nil {
		g.prev.wait()
	}
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.writes.Wait()
}

// Submit sends the request unless the server is offline, which it asks first.
func (g *guard) Submit(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
	if err := g.back(ctx); err != nil {
		return "", err
	}
	ctx, done, err := g.begin(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return g.Jobs.Submit(ctx, r)
}

// Stop stops the job unless the server is offline.
func (g *guard) Stop(ctx context.Context, id string) (bool, error) {
	ctx, done, err := g.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	return g.Jobs.Stop(ctx, id)
}

// StopWith stops the job as asked unless the server is offline.
func (g *guard) StopWith(ctx context.Context, id string, how rayapi.StopOptions) (bool, error) {
	ctx, done, err := g.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	return g.Jobs.StopWith(ctx, id, how)
}

// Delete deletes the job unless the server is offline.
func (g *guard) Delete(ctx context.Context, id string) error {
	ctx, done, err := g.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	return g.Jobs.Delete(ctx, id)
}

// Upload sends the package unless the server is offline. It ends with ctx: a
// form that is left wants it no more.
func (g *guard) Upload(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (string, error) {
	if err := g.back(ctx); err != nil {
		return "", err
	}
	return g.Jobs.Upload(ctx, path, excludes, progress)
}

// UploadModule sends one of py_modules, likewise.
func (g *guard) UploadModule(ctx context.Context, path string, excludes []string, progress func(done, total int64)) (string, error) {
	if err := g.back(ctx); err != nil {
		return "", err
	}
	return g.Jobs.UploadModule(ctx, path, excludes, progress)
}
