//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobdir"
	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/store"
)

func TestRecover_running(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	lives, ends := r.run("sleep"), r.run("sleep")
	r.awaitStatus(lives, rayapi.StatusRunning)
	r.awaitStatus(ends, rayapi.StatusRunning)
	before := r.job(lives)
	closeAll(t, r.m, r.store)
	r.world.end(ends, 7)
	r.start()
	if diff := cmp.Diff(before, r.job(lives)); diff != "" {
		t.Errorf("a job that runs changed: %s", diff)
	}
	if j := r.ended(ends); j.Status != rayapi.StatusFailed || *j.DriverExitCode != 7 {
		t.Errorf("the end while no backend lived: %s %q", j.Status, j.MessageText())
	}
	stop(t, r, lives, true)
	checkStopped(t, r, lives)
	if n := r.world.spawns[lives] + r.world.spawns[ends]; n != 2 {
		t.Errorf("%d spawns, want 2", n)
	}
}

// Reads are answered before Recover, everything else waits for it.
func TestRecover_reads(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	closeAll(t, r.m, r.store)
	m := r.open()
	if j := r.job(id); j.ID() != id || len(allRows(t, m)) != 1 {
		t.Errorf("Job before Recover: %+v", j)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Stop(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop before Recover = %v", err)
	}
	done := make(chan error)
	go func() {
		_, err := m.Submit(context.Background(), rayapi.SubmitRequest{Entrypoint: "exit 0"})
		done <- err
	}()
	if err := m.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Submit that waited for Recover = %v", err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Submit(t.Context(), rayapi.SubmitRequest{}); !errors.Is(err, rayapi.ErrUnavailable) {
		t.Errorf("Submit after Close = %v", err)
	}
}

func TestRecover_queue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.submit(rayapi.SubmitRequest{SubmissionID: "holder", Entrypoint: "sleep", NumCPUs: 4})
	r.awaitStatus("holder", rayapi.StatusRunning)
	for _, id := range []string{"a", "b", "c"} {
		r.submit(rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "sleep", NumCPUs: 4})
	}
	r.restart()
	running, queued, err := r.m.Summary(t.Context())
	if diff := cmp.Diff([][]string{{"holder"}, {"a", "b", "c"}}, [][]string{running, queued}); diff != "" || err != nil {
		t.Fatalf("%v %s", err, diff)
	}
	for _, id := range []string{"holder", "a", "b", "c"} {
		r.awaitStatus(id, rayapi.StatusRunning)
		r.world.end(id, 0)
	}
	r.ended("c")
	if diff := cmp.Diff([]string{"holder", "a", "b", "c"}, r.world.started); diff != "" {
		t.Error(diff)
	}
}

// A stop that was on record when the backend was killed is sent by the next.
func TestFault22_stopSurvivesAKill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	running := r.run("sleep")
	r.awaitStatus(running, rayapi.StatusRunning)
	queued := r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", NumCPUs: 9})
	closeAll(t, r.m, r.store)
	s, err := store.Open(t.Context(), r.db())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{running, queued} {
		row, err := s.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		from := row.Phase
		row.StopAsked = time.Now().UnixMilli()
		if err := s.Update(t.Context(), row, from); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r.start()
	checkStopped(t, r, running)
	checkStopped(t, r, queued)
	if r.world.spawns[queued] != 0 {
		t.Error("a stopped job was started")
	}
}

// What the supervisor's side finds at the adoption of a job.
func TestFault21_adoption(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		state  jobs.State
		status rayapi.Status
		want   string // in the message
		exit   *int
	}{
		{
			"lost",
			jobs.State{Over: runner.OverLost, Detail: "nobody saw it end"},
			rayapi.StatusFailed, "Job supervisor actor died: exit code unknown: nobody saw it end", nil,
		},
		{
			"reboot",
			jobs.State{Over: runner.OverReboot},
			rayapi.StatusFailed, "exit code unknown: the machine was restarted", nil,
		},
		{
			"reboot after the end",
			jobs.State{Over: runner.OverReboot, LogIncomplete: "power cut", Slot: jobdir.Slot{Exit: &jobdir.Exit{Code: 0}}},
			rayapi.StatusSucceeded, "Job finished successfully. The log may be incomplete: power cut.", new(int),
		},
		{"killed before the gate", jobs.State{Over: runner.OverNeverRan}, rayapi.StatusRunning, rayapi.MessageRunning, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start()
			id := r.run("sleep")
			r.awaitStatus(id, rayapi.StatusRunning)
			closeAll(t, r.m, r.store)
			r.world.become(id, func(s *jobs.State) {
				slot := tt.state.Slot
				slot.Leader = s.Slot.Leader
				*s = tt.state
				s.Slot = slot
			})
			r.start()
			j := r.await(id, func(j rayapi.Job) bool { return j.Status == tt.status })
			if !strings.Contains(j.MessageText(), tt.want) {
				t.Errorf("%q, want %q", j.MessageText(), tt.want)
			}
			if diff := cmp.Diff(tt.exit, j.DriverExitCode); diff != "" {
				t.Error(diff)
			}
			if tt.state.Over == runner.OverNeverRan {
				r.awaitSpawns(id, 2)
			}
		})
	}
}

// A backend that dies between two steps of a submit or delete leaves what the
// next one clears away.
func TestRecover_leftovers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	done := r.run("exit 0")
	r.ended(done)
	closeAll(t, r.m, r.store)

	unacknowledged, err := jobdir.Create(r.root(), jobdir.Spec{Version: 1, Request: rayapi.SubmitRequest{SubmissionID: "orphan", Entrypoint: "exit 0"}},
		jobdir.Secret{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	old, young, trash := filepath.Join(r.root(), ".new-1"), filepath.Join(r.root(), ".new-2"), filepath.Join(r.root(), ".trash", "7")
	for _, dir := range []string{old, young, trash} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Minute)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), r.db())
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.Get(t.Context(), done)
	if err != nil {
		t.Fatal(err)
	}
	row.Phase = store.Deleted
	if err := errors.Join(s.Update(t.Context(), row, store.Succeeded), s.Close()); err != nil {
		t.Fatal(err)
	}

	m := r.start()
	for _, gone := range []string{unacknowledged.Path(), old, trash, filepath.Join(r.root(), done)} {
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("a folder that may be in the making is gone: %v", err)
	}
	if rows := allRows(t, m); len(rows) != 0 {
		t.Errorf("rows: %s", rows)
	}
	for _, id := range []string{"orphan", done} { // both ids are free again
		r.ended(r.submit(rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "exit 0"}))
	}
}

// The records come back from the folders when the database is lost, and
// nothing runs twice.
func TestFault15_databaseLost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(path string) error
	}{
		{"garbled", func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage", 5000)), 0o600) }},
		{"cut", func(path string) error { return os.Truncate(path, 5000) }},
		{"removed", os.Remove},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.envs.check = func(raw json.RawMessage) error {
				if strings.Contains(string(raw), "bad") {
					return errors.New("bad environment")
				}
				return nil
			}
			r.start()
			ids := []string{
				r.run("exit 0"), r.run("exit 3"), r.run("cannot start"), r.run("no supervisor"),
				r.submit(rayapi.SubmitRequest{Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"bad":1,"env_vars":{"K":"v"}}`)}),
				r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", NumCPUs: 9}),
				r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", NumCPUs: 9, Metadata: map[string]string{"a": "b"}}),
				r.run("sleep"),
			}
			for _, id := range ids[:5] {
				r.ended(id)
			}
			stop(t, r, ids[5], true)
			r.ended(ids[5])
			r.awaitStatus(ids[7], rayapi.StatusRunning)
			want := map[string]rayapi.Job{}
			for _, id := range ids {
				want[id] = r.job(id)
			}
			closeAll(t, r.m, r.store)
			if err := errors.Join(os.Remove(r.db()+"-wal"), tt.spoil(r.db())); err != nil {
				t.Fatal(err)
			}
			m := r.start()
			for _, id := range ids {
				got := r.awaitStatus(id, want[id].Status)
				if got.EndTime != nil && want[id].EndTime != nil { // for those without an exit it was not kept
					got.EndTime = want[id].EndTime
				}
				if diff := cmp.Diff(want[id], got); diff != "" {
					t.Errorf("%s (%s): %s", id, want[id].Entrypoint, diff)
				}
			}
			if n := len(allRows(t, m)); n != len(ids) {
				t.Errorf("%d rows, want %d", n, len(ids))
			}
			for id, n := range r.world.spawns {
				if n != 1 {
					t.Errorf("%s was started %d times", id, n)
				}
			}
		})
	}
}

// One damaged folder is one failed job; the others are untouched.
func TestFault15_damagedFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	for _, id := range []string{"bad", "good"} {
		r.submit(rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "exit 0", NumCPUs: 4, Resources: map[string]float64{"disk": 9}})
	}
	closeAll(t, r.m, r.store)
	if err := os.WriteFile(filepath.Join(r.root(), "bad", "spec.json"), []byte(`{"trunc`), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start()
	if j := r.ended("bad"); j.Status != rayapi.StatusFailed || !strings.Contains(j.MessageText(), "the job's folder is damaged") {
		t.Errorf("damaged job: %s %q", j.Status, j.MessageText())
	}
	if j := r.job("good"); j.Status != rayapi.StatusPending {
		t.Errorf("other job: %s %q", j.Status, j.MessageText())
	}
}

// brokenStore refuses changes of rows while broken is set.
type brokenStore struct {
	*store.Store
	broken *atomic.Bool
}

func (s brokenStore) Update(ctx context.Context, r store.Row, from ...store.Phase) error {
	if s.broken.Load() {
		return rayapi.ErrNoSpace
	}
	return s.Store.Update(ctx, r, from...)
}

// While the disk is full jobs end and are stopped all the same, everybody sees
// how, and the store hears of it when there is space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var full atomic.Bool
	r.tune = func(c *jobs.Config) {
		s, ok := c.Store.(*store.Store)
		if !ok {
			t.Fatal("no store")
		}
		c.Store = brokenStore{s, &full}
	}
	m := r.start()
	ends, stopped := r.run("sleep"), r.run("sleep")
	r.awaitStatus(ends, rayapi.StatusRunning)
	r.awaitStatus(stopped, rayapi.StatusRunning)
	full.Store(true)
	r.world.end(ends, 5)
	stop(t, r, stopped, true)
	r.awaitStatus(ends, rayapi.StatusFailed)
	r.awaitStatus(stopped, rayapi.StatusStopped)
	waits := r.run("exit 0") // is accepted, but cannot be started
	if rows := strings.Join(allRows(t, m), "\n"); !strings.Contains(rows, `"STOPPED"`) || !strings.Contains(rows, `"driver_exit_code":5`) {
		t.Errorf("rows on a full disk: %s", rows)
	}
	if err := m.Delete(t.Context(), ends); !errors.Is(err, rayapi.ErrNoSpace) {
		t.Errorf("Delete on a full disk = %v", err)
	}
	if r.world.spawns[waits] != 0 {
		t.Error("a job was started that the store does not know as started")
	}
	full.Store(false)
	for id, want := range map[string]rayapi.Status{ends: rayapi.StatusFailed, stopped: rayapi.StatusStopped, waits: rayapi.StatusSucceeded} {
		if j := r.ended(id); j.Status != want {
			t.Errorf("%s: %s, want %s", id, j.Status, want)
		}
	}
	closeAll(t, r.m, r.store)
	r.tune = nil
	r.start()
	if j := r.job(ends); *j.DriverExitCode != 5 {
		t.Errorf("after a restart: %+v", j)
	}
}
