//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// doomedStore is the store of a backend that is killed after so many changes:
// from then on nothing it does has an effect.
type doomedStore struct {
	*store.Store
	left *atomic.Int64
}

func (s doomedStore) dead() bool { return s.left.Load() <= 0 }

func (s doomedStore) spend() error {
	if s.left.Add(-1) < 0 {
		return errKilled
	}
	return nil
}

func (s doomedStore) Insert(ctx context.Context, r store.Row) error {
	if err := s.spend(); err != nil {
		return err
	}
	return s.Store.Insert(ctx, r)
}

func (s doomedStore) Update(ctx context.Context, r store.Row, from ...store.Phase) error {
	if err := s.spend(); err != nil {
		return err
	}
	return s.Store.Update(ctx, r, from...)
}

func (s doomedStore) Forget(ctx context.Context, id string) error {
	if err := s.spend(); err != nil {
		return err
	}
	return s.Store.Forget(ctx, id)
}

// known is what the model knows of a job.
type known struct {
	status    rayapi.Status // the last one seen
	message   string
	exit      *int
	stopped   bool // a stop was answered with true
	mayDelete bool // a delete was under way at a kill: it may be gone
}

// model runs random operations, kills included, and remembers what was
// promised.
type model struct {
	t    *rapid.T
	r    *rig
	left *atomic.Int64
	jobs map[string]*known
	next int
}

func (m *model) kill() {
	m.left.Store(0)
	closeAll(m.r.tb, m.r.m, m.r.store)
	m.left.Store(1 << 40)
	m.r.start()
	for _, k := range m.jobs {
		if !k.status.IsTerminal() { // until its supervisor is heard of, a job is where the store left it
			k.status = rayapi.StatusPending
		}
	}
}

// killed reports whether an error only says that the backend is no more.
func killed(err error) bool { return errors.Is(err, errKilled) }

func (m *model) submit(t *rapid.T) {
	m.next++
	id := fmt.Sprint("job-", m.next)
	req := rayapi.SubmitRequest{
		SubmissionID: id,
		Entrypoint:   rapid.SampledFrom([]string{"exit 0", "exit 4", "sleep", "sleep", "cannot start", "dies 1"}).Draw(t, "entrypoint"),
		NumCPUs:      rapid.SampledFrom([]float64{0, 0, 1, 3, 9}).Draw(t, "cpus"),
	}
	if rapid.Bool().Draw(t, "environment") {
		req.RuntimeEnv = json.RawMessage(`{"env_vars":{"K":"value"}}`)
	}
	switch _, err := m.r.m.Submit(context.Background(), req); {
	case err == nil:
		m.jobs[id] = &known{status: rayapi.StatusPending}
	case !killed(err):
		t.Fatalf("submit %s: %v", id, err)
	default:
		m.kill() // it was not accepted; check will see that it is not there
	}
}

func (m *model) pick(t *rapid.T) string {
	ids := make([]string, 0, len(m.jobs))
	for id := range m.jobs {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		t.Skip("no job yet")
	}
	slices.Sort(ids)
	return rapid.SampledFrom(ids).Draw(t, "job")
}

func (m *model) stop(t *rapid.T) {
	id := m.pick(t)
	stopped, err := m.r.m.Stop(context.Background(), id)
	if err != nil {
		t.Fatalf("stop %s: %v", id, err)
	}
	k := m.jobs[id]
	if stopped && k.status.IsTerminal() {
		t.Fatalf("stop %s: true, though it was %s", id, k.status)
	}
	if stopped && m.left.Load() > 0 {
		k.stopped = true
	}
}

func (m *model) end(t *rapid.T) { m.r.world.end(m.pick(t), rapid.IntRange(0, 2).Draw(t, "code")) }

func (m *model) delete(t *rapid.T) {
	id := m.pick(t)
	k := m.jobs[id]
	err := m.r.m.Delete(context.Background(), id)
	var state *rayapi.StateError
	switch {
	case err == nil:
		delete(m.jobs, id)
	case errors.As(err, &state):
		if k.status.IsTerminal() {
			t.Fatalf("delete %s: %v, though it was %s", id, err, k.status)
		}
	case killed(err):
		k.mayDelete = true
		m.kill()
	default:
		t.Fatalf("delete %s: %v", id, err)
	}
}

// doom lets the backend die some changes later.
func (m *model) doom(t *rapid.T) {
	m.left.Store(int64(rapid.IntRange(0, 6).Draw(t, "changes until the kill")))
}

func (m *model) restart(*rapid.T) { m.kill() }

// check compares what is promised with what is there.
func (m *model) check(t *rapid.T) {
	if m.left.Load() <= 0 {
		m.kill() // what a dying backend says is not to be trusted
	}
	listed := map[string]bool{}
	for _, row := range allRows(m.r.tb, m.r.m) {
		var j rayapi.Job
		if err := json.Unmarshal([]byte(row), &j); err != nil {
			t.Fatal(err)
		}
		listed[j.ID()] = true
	}
	for id, k := range m.jobs {
		j, err := m.r.m.Job(context.Background(), id)
		if errors.Is(err, rayapi.ErrNotFound) && k.mayDelete {
			delete(m.jobs, id)
			continue
		}
		if err != nil || !listed[id] {
			t.Fatalf("job %s is lost: %v, listed %t", id, err, listed[id])
		}
		k.see(t, id, j)
		delete(listed, id)
	}
	if len(listed) > 0 {
		t.Fatalf("records of jobs that were not accepted or were deleted: %v", listed)
	}
}

func order(s rayapi.Status) int {
	return slices.Index([]rayapi.Status{rayapi.StatusPending, rayapi.StatusRunning}, s)
}

// see takes in what is shown of a job, which must follow from what was.
func (k *known) see(t *rapid.T, id string, j rayapi.Job) {
	if k.status.IsTerminal() {
		same := k.exit == nil && j.DriverExitCode == nil || k.exit != nil && j.DriverExitCode != nil && *k.exit == *j.DriverExitCode
		if j.Status != k.status || j.MessageText() != k.message || !same {
			t.Fatalf("%s was %s %q and is %s %q", id, k.status, k.message, j.Status, j.MessageText())
		}
		return
	}
	if !j.Status.IsTerminal() && order(j.Status) < order(k.status) {
		t.Fatalf("%s was %s and is %s", id, k.status, j.Status)
	}
	if (j.EndTime != nil) != j.Status.IsTerminal() || (j.ErrorType != nil) != (j.Status == rayapi.StatusFailed) {
		t.Fatalf("%s is %s with end %v and error %q", id, j.Status, j.EndTime, j.ErrorTypeText())
	}
	k.status, k.message, k.exit = j.Status, j.MessageText(), j.DriverExitCode
}

// settled checks, at the end, that every promise is kept: a stopped job is
// over, and nothing ran twice or in vain.
func (m *model) settled(t *rapid.T) {
	for id, k := range m.jobs {
		if !k.stopped {
			continue
		}
		deadline := time.Now().Add(10 * time.Second)
		for !m.r.job(id).Status.IsTerminal() {
			if time.Now().After(deadline) {
				t.Fatalf("%s was stopped, and is %s", id, m.r.job(id).Status)
			}
			time.Sleep(time.Millisecond)
		}
	}
	m.check(t)
	m.r.world.mu.Lock()
	defer m.r.world.mu.Unlock()
	for id, n := range m.r.world.ran {
		if n > 1 {
			t.Fatalf("%s ran %d times", id, n)
		}
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		m := &model{t: rt, r: r, left: &atomic.Int64{}, jobs: map[string]*known{}}
		m.left.Store(1 << 40)
		r.tune = func(c *jobs.Config) {
			s, ok := c.Store.(*store.Store)
			if !ok {
				rt.Fatal("no store")
			}
			doomed := doomedStore{s, m.left}
			c.Store = doomed
			c.Runner = &backend{w: r.world, cut: doomed.dead}
		}
		r.start()
		defer func() { closeAll(t, r.m, r.store) }()
		rt.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"submit":  m.submit,
			"stop":    m.stop,
			"end":     m.end,
			"delete":  m.delete,
			"doom":    m.doom,
			"restart": m.restart,
		})
		m.kill()
		m.settled(rt)
	})
}
