//go:build linux

package jobs_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// rig is a state folder and what lives in it.
type rig struct {
	tb    testing.TB
	dir   string
	world *world
	envs  *envs
	tune  func(*jobs.Config)

	store *store.Store
	m     *jobs.Manager
}

func newRig(tb testing.TB) *rig {
	return &rig{tb: tb, dir: tb.TempDir(), world: newWorld(), envs: &envs{}}
}

func (r *rig) root() string { return filepath.Join(r.dir, "jobs") }
func (r *rig) db() string   { return filepath.Join(r.dir, "state.db") }

// open starts a backend; start also lets it recover.
func (r *rig) open() *jobs.Manager {
	r.tb.Helper()
	s, err := store.Open(context.Background(), r.db())
	if err != nil {
		r.tb.Fatal(err)
	}
	cfg := jobs.Config{
		Store: s, Root: r.root(), Runner: &backend{w: r.world}, Envs: r.envs,
		BaseEnv: []string{"HOME=/root"}, DefaultDir: "/", CPUs: 4, Memory: 1 << 30,
		Resources: map[string]float64{"disk": 1.5},
	}
	if r.tune != nil {
		r.tune(&cfg)
	}
	r.store, r.m = s, jobs.New(cfg)
	m := r.m
	r.tb.Cleanup(func() { closeAll(r.tb, m, s) })
	return r.m
}

func closeAll(tb testing.TB, m *jobs.Manager, s *store.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := errors.Join(m.Close(ctx), s.Close()); err != nil {
		tb.Error(err)
	}
}

func (r *rig) start() *jobs.Manager {
	r.tb.Helper()
	m := r.open()
	if err := m.Recover(context.Background()); err != nil {
		r.tb.Fatal(err)
	}
	return m
}

// restart closes the backend and starts another.
func (r *rig) restart() *jobs.Manager {
	r.tb.Helper()
	closeAll(r.tb, r.m, r.store)
	return r.start()
}

func (r *rig) submit(req rayapi.SubmitRequest) string {
	r.tb.Helper()
	id, err := r.m.Submit(context.Background(), req)
	if err != nil {
		r.tb.Fatal(err)
	}
	return id
}

func (r *rig) run(entrypoint string) string {
	r.tb.Helper()
	return r.submit(rayapi.SubmitRequest{Entrypoint: entrypoint})
}

func (r *rig) job(id string) rayapi.Job {
	r.tb.Helper()
	j, err := r.m.Job(context.Background(), id)
	if err != nil {
		r.tb.Fatal(err)
	}
	return j
}

// await waits until a job's record is as ok wants it.
func (r *rig) await(id string, ok func(j rayapi.Job) bool) rayapi.Job {
	r.tb.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		j := r.job(id)
		if ok(j) {
			return j
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("job %s stays %s: %s", id, j.Status, j.MessageText())
		}
		time.Sleep(time.Millisecond)
	}
}

func (r *rig) awaitStatus(id string, s rayapi.Status) rayapi.Job {
	r.tb.Helper()
	return r.await(id, func(j rayapi.Job) bool { return j.Status == s || j.Status.IsTerminal() })
}

// ended waits until a job's end is in the store.
func (r *rig) ended(id string) rayapi.Job {
	r.tb.Helper()
	j := r.await(id, func(j rayapi.Job) bool { return j.Status.IsTerminal() })
	deadline := time.Now().Add(10 * time.Second)
	for {
		row, err := r.store.Get(context.Background(), id)
		if err != nil {
			r.tb.Fatal(err)
		}
		if row.Phase.Terminal() {
			return j
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("the end of %s is not stored: %s", id, row.Phase)
		}
		time.Sleep(time.Millisecond)
	}
}

// awaitSpawns waits until a job was started n times.
func (r *rig) awaitSpawns(id string, n int) {
	r.tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		r.world.mu.Lock()
		got := r.world.spawns[id]
		r.world.mu.Unlock()
		switch {
		case got == n:
			return
		case got > n || time.Now().After(deadline):
			r.tb.Fatalf("%s was started %d times, want %d", id, got, n)
		}
		time.Sleep(time.Millisecond)
	}
}
