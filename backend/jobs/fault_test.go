//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
	"dray/backend/store"
)

// flakyStore fails writes with an error of the test's choice.
type flakyStore struct {
	*store.Store
	err *atomic.Pointer[error]
}

func (s flakyStore) fail() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (s flakyStore) Insert(ctx context.Context, r store.Row) error {
	if err := s.fail(); err != nil {
		return err
	}
	return s.Store.Insert(ctx, r)
}

func (s flakyStore) Update(ctx context.Context, r store.Row, from ...store.Phase) error {
	if err := s.fail(); err != nil {
		return err
	}
	return s.Store.Update(ctx, r, from...)
}

// A device that fails, a quota that is used up: what happens meanwhile is
// shown, and stored when that is possible again; nothing is made up.
func TestFault13_flakyDevice(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{unix.EIO, unix.EDQUOT, unix.EROFS} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			t.Log("by fail point: the error is made where the store writes")
			r := newRig(t)
			var broken atomic.Pointer[error]
			r.tune = func(c *jobs.Config) {
				s, ok := c.Store.(*store.Store)
				if !ok {
					t.Fatal("no store")
				}
				c.Store = flakyStore{s, &broken}
			}
			m := r.start()
			id := r.run("sleep")
			r.awaitStatus(id, rayapi.StatusRunning)
			broken.Store(&cause)
			if _, err := m.Submit(t.Context(), rayapi.SubmitRequest{SubmissionID: "refused", Entrypoint: "exit 0"}); err == nil {
				t.Error("a submit was acknowledged that is not on disk")
			}
			if _, err := os.Stat(filepath.Join(r.root(), "refused")); !os.IsNotExist(err) || r.exists("refused") {
				t.Errorf("a refused submit left something: %v", err)
			}
			r.world.end(id, 7)
			if j := r.awaitStatus(id, rayapi.StatusFailed); *j.DriverExitCode != 7 {
				t.Errorf("the end of a job on a broken disk: %+v", j)
			}
			broken.Store(nil)
			r.ended(id)
			r.restart()
			if j := r.job(id); j.DriverExitCode == nil || *j.DriverExitCode != 7 {
				t.Errorf("what was stored: %+v", j)
			}
			r.ended(r.submit(rayapi.SubmitRequest{SubmissionID: "refused", Entrypoint: "exit 0"}))
		})
	}
}

// A file system that becomes read-only: the jobs can be read, and all goes on
// when it can be written again.
func TestFault13_readOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := unix.Mount("tmpfs", r.dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("NOT TESTED: a file system that becomes read-only: mounting a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(r.dir, 0); err != nil {
			t.Errorf("unmount %s: %v", r.dir, err)
		}
	})
	m := r.start()
	id := r.run("exit 4")
	r.ended(id)
	// A remount is refused while files are open for writing; the jobs' folder
	// alone can be made so by a mount of its own.
	if err := unix.Mount(r.root(), r.root(), "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", r.root(), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "exit 0"}); !errors.Is(err, unix.EROFS) {
		t.Errorf("Submit = %v, want EROFS", err)
	}
	if len(allRows(t, m)) != 1 || *r.job(id).DriverExitCode != 4 {
		t.Errorf("rows: %v", allRows(t, m))
	}
	if err := unix.Unmount(r.root(), 0); err != nil {
		t.Fatal(err)
	}
	r.ended(r.run("exit 0"))
}

// A burst of submits: all are run, and never more than eight are being
// started.
func TestFault23_burst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	const many, clients = 320, 16 // BenchmarkTrivialJobs runs a thousand, with real processes
	var wg sync.WaitGroup
	ids := make([][]string, clients)
	for c := range clients {
		wg.Go(func() {
			for range many / clients {
				id, err := m.Submit(context.Background(), rayapi.SubmitRequest{Entrypoint: "exit 0"})
				if err != nil {
					t.Error(err)
				}
				ids[c] = append(ids[c], id)
			}
		})
	}
	wg.Wait()
	for _, id := range slices.Concat(ids...) {
		if j := r.ended(id); j.Status != rayapi.StatusSucceeded {
			t.Errorf("%s: %s", id, j.MessageText())
		}
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	if r.world.maxIn > 8 {
		t.Errorf("%d were being started at once", r.world.maxIn)
	}
}

// The clock jumps by a day while jobs wait and run: nothing times out early,
// and times do not run backwards.
func TestFault27_clockJumps(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var off atomic.Int64
			r.tune = func(c *jobs.Config) {
				c.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
			}
			r.start()
			waits := r.submit(rayapi.SubmitRequest{SubmissionID: "waits", Entrypoint: "exit 0", NumCPUs: 9})
			timed := r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", Metadata: map[string]string{jobs.MetaDeadline: "3600"}})
			r.awaitStatus(timed, rayapi.StatusRunning)
			off.Store(int64(jump))
			later := r.run("exit 0")
			j := r.ended(later)
			if *j.EndTime < *j.StartTime {
				t.Errorf("it ended %d ms before it began", *j.StartTime-*j.EndTime)
			}
			r.world.end(timed, 0)
			if j := r.ended(timed); j.Status != rayapi.StatusSucceeded || *j.EndTime < *j.StartTime {
				t.Errorf("%s %q", j.Status, j.MessageText())
			}
			if s := r.job(waits).Status; s != rayapi.StatusPending {
				t.Errorf("a job that waits is %s", s)
			}
			rows := allRows(t, r.m)
			if len(rows) != 3 || !strings.Contains(rows[0], later) || !strings.Contains(rows[2], waits) {
				t.Errorf("order: %v", rows)
			}
		})
	}
}

// A backend that is killed while it builds an environment: the next one builds
// it anew, from nothing.
func TestFault35_killedInSetup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	building := make(chan struct{}, 2)
	var builds atomic.Int32
	r.envs.build = func(ctx context.Context, work string, _ io.Writer) (runtimeenv.Built, error) {
		if entries, err := os.ReadDir(work); err != nil || len(entries) > 0 {
			t.Errorf("build %d begins with %v, %v", builds.Load()+1, entries, err)
		}
		if err := os.WriteFile(filepath.Join(work, "half"), nil, 0o600); err != nil {
			t.Error(err)
		}
		building <- struct{}{}
		if builds.Add(1) == 1 {
			<-ctx.Done()
			return runtimeenv.Built{}, ctx.Err()
		}
		return runtimeenv.Built{Dir: work}, nil
	}
	r.start()
	id := r.submit(rayapi.SubmitRequest{Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"pip":["x"]}`)})
	<-building
	r.restart()
	if j := r.ended(id); j.Status != rayapi.StatusSucceeded || builds.Load() != 2 || r.world.spawns[id] != 1 {
		t.Errorf("%s %q after %d builds and %d starts", j.Status, j.MessageText(), builds.Load(), r.world.spawns[id])
	}
}

// Fifty jobs that need an environment at once: each gets it, few are set up at
// a time, and a delete of one harms no other.
func TestFault36_manySetups(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var now, most atomic.Int32
	r.envs.build = func(_ context.Context, work string, log io.Writer) (runtimeenv.Built, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		fmt.Fprintln(log, "building")
		return runtimeenv.Built{Dir: work}, nil
	}
	m := r.start()
	var ids []string
	for i := range 50 {
		ids = append(ids, r.submit(rayapi.SubmitRequest{
			SubmissionID: fmt.Sprint("env-", i), Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"pip":["x"]}`),
		}))
	}
	r.ended(ids[0])
	if err := m.Delete(t.Context(), ids[0]); err != nil {
		t.Error(err)
	}
	for _, id := range ids[1:] {
		if j := r.ended(id); j.Status != rayapi.StatusSucceeded {
			t.Errorf("%s: %s %q", id, j.Status, j.MessageText())
		}
	}
	if n := most.Load(); n > 8 {
		t.Errorf("%d environments were built at once", n)
	}
}

// An environment whose setup floods its output: all of it is in the log, and
// the job's own log lines follow.
func TestFault37_setupFloods(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const lines = 50000
	r.envs.build = func(_ context.Context, work string, log io.Writer) (runtimeenv.Built, error) {
		for i := range lines {
			fmt.Fprintf(log, "setup line %d\n", i)
		}
		return runtimeenv.Built{Dir: work}, nil
	}
	r.start()
	id := r.submit(rayapi.SubmitRequest{Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"pip":["x"]}`)})
	r.ended(id)
	log, err := os.ReadFile(filepath.Join(r.root(), id, "log"))
	if err != nil || strings.Count(string(log), "setup line ") != lines || !strings.HasSuffix(string(log), "output of "+id+"\n") {
		t.Errorf("%d bytes of log, %v", len(log), err)
	}
}

// The ballast is given back when a write finds the disk full, and a submit
// below the reserve is refused before it writes anything.
func TestFullDisk_guard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var broken atomic.Pointer[error]
	g := &fakeDisk{}
	r.tune = func(c *jobs.Config) {
		s, ok := c.Store.(*store.Store)
		if !ok {
			t.Fatal("no store")
		}
		c.Store, c.Disk = flakyStore{s, &broken}, g
	}
	m := r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	if g.released.Load() > 0 {
		t.Error("the ballast was given back without need")
	}
	full := fmt.Errorf("insert: %w", rayapi.ErrNoSpace)
	broken.Store(&full)
	stop(t, r, id, true)
	r.awaitStatus(id, rayapi.StatusStopped)
	if g.released.Load() == 0 {
		t.Error("the ballast was not given back")
	}
	broken.Store(nil)
	r.ended(id)
	g.low.Store(true)
	if _, err := m.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "exit 0"}); !errors.Is(err, rayapi.ErrNoSpace) {
		t.Errorf("Submit below the reserve = %v, want ErrNoSpace", err)
	}
}

type fakeDisk struct {
	released atomic.Int32
	low      atomic.Bool
}

func (d *fakeDisk) Check() error {
	if d.low.Load() {
		return rayapi.ErrNoSpace
	}
	return nil
}

func (d *fakeDisk) Release() error { d.released.Add(1); return nil }
func (d *fakeDisk) Refill() error  { return nil }

// A power cut takes what was not flushed of a job that was about to start: its
// launch is made again, its environment too, and it runs.
func TestFault14_launchLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var builds atomic.Int32
	r.envs.build = func(_ context.Context, work string, _ io.Writer) (runtimeenv.Built, error) {
		builds.Add(1)
		return runtimeenv.Built{Dir: work}, nil
	}
	r.start()
	r.world.hold = make(chan struct{})
	id := r.submit(rayapi.SubmitRequest{Entrypoint: "exit 3", RuntimeEnv: json.RawMessage(`{"env_vars":{"K":"v"}}`)})
	r.awaitSpawns(id, 1)
	closeAll(t, r.m, r.store)
	dir := filepath.Join(r.root(), id)
	r.world.mu.Lock()
	delete(r.world.procs, id)
	close(r.world.hold) // the lost supervisor's goroutine ends; nobody hears of it
	r.world.hold = nil
	r.world.mu.Unlock()
	r.awaitRan(id, 1)
	for _, f := range []struct {
		name string
		size int64
	}{{"launch.json", 0}, {"environ.secret.json", 0}, {"slot", 0}, {"slot", 4096}} {
		if err := os.Truncate(filepath.Join(dir, f.name), f.size); err != nil {
			t.Fatal(err)
		}
	}
	r.start()
	if j := r.ended(id); j.DriverExitCode == nil || *j.DriverExitCode != 3 || builds.Load() != 2 {
		t.Errorf("%s %q after %d builds", j.Status, j.MessageText(), builds.Load())
	}
}

// awaitRan waits until a job's entrypoint has run n times.
func (r *rig) awaitRan(id string, n int) {
	r.tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		r.world.mu.Lock()
		got := r.world.ran[id]
		r.world.mu.Unlock()
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("%s ran %d times, want %d", id, got, n)
		}
		time.Sleep(time.Millisecond)
	}
}
