//go:build linux

package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/jobdir"
	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/runner"
)

func retrying(entrypoint, retries, delay string) rayapi.SubmitRequest {
	return rayapi.SubmitRequest{
		SubmissionID: "try", Entrypoint: entrypoint,
		Metadata: map[string]string{jobs.MetaRetries: retries, jobs.MetaDelay: delay, "mine": "kept"},
	}
}

func (r *rig) exists(id string) bool {
	r.tb.Helper()
	_, err := r.m.Job(r.tb.Context(), id)
	if err != nil && !errors.Is(err, rayapi.ErrNotFound) {
		r.tb.Fatal(err)
	}
	return err == nil
}

// Each attempt is a job with an id and a log of its own.
func TestRetry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.submit(retrying("exit 3", "2", "0.01"))
	for i, id := range []string{"try", "try-a2", "try-a3"} {
		if i > 0 {
			deadline := time.Now().Add(10 * time.Second)
			for !r.exists(id) {
				if time.Now().After(deadline) {
					t.Fatalf("%s is not tried", id)
				}
				time.Sleep(time.Millisecond)
			}
		}
		j := r.ended(id)
		next := "Attempt " + string(rune('2'+i)) + " of 3 follows in "
		if j.Status != rayapi.StatusFailed || *j.DriverExitCode != 3 || strings.Contains(j.MessageText(), next) != (i < 2) {
			t.Errorf("%s: %s %q", id, j.Status, j.MessageText())
		}
		if j.Metadata["mine"] != "kept" || i > 0 && (j.Metadata[jobs.MetaRetryOf] != "try" || j.Metadata[jobs.MetaAttempt] != string(rune('1'+i))) {
			t.Errorf("%s: metadata %v", id, j.Metadata)
		}
		log, err := os.ReadFile(filepath.Join(r.root(), id, "log"))
		if err != nil || !strings.Contains(string(log), "output of "+id+"\n") {
			t.Errorf("%s: log %q, %v", id, log, err)
		}
	}
	if r.exists("try-a4") {
		t.Error("it was tried once more than was asked for")
	}
}

func TestRetry_notWanted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		req  rayapi.SubmitRequest
		stop bool
	}{
		{"succeeded", retrying("exit 0", "2", "0"), false},
		{"stopped", retrying("sleep", "2", "0"), true},
		{"not asked for", retrying("exit 1", "0", "0"), false},
		{"cannot start", retrying("cannot start", "2", "0"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start()
			id := r.submit(tt.req)
			if tt.stop {
				r.awaitStatus(id, rayapi.StatusRunning)
				stop(t, r, id, true)
			}
			if j := r.ended(id); strings.Contains(j.MessageText(), "Attempt") || r.exists("try-a2") {
				t.Errorf("%s %q is tried again", j.Status, j.MessageText())
			}
		})
	}
}

// A retry that waits for its time says so, survives a restart, and can be
// stopped.
func TestRetry_backoff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.ended(r.submit(retrying("exit 3", "1", "3600")))
	r.restart()
	j := r.job("try-a2")
	if j.Status != rayapi.StatusPending || !strings.Contains(j.MessageText(), "Attempt 2 of 2 waits until ") {
		t.Errorf("%s %q", j.Status, j.MessageText())
	}
	if err := r.m.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	stop(t, r, "try-a2", true)
	checkStopped(t, r, "try-a2")
	if r.world.spawns["try-a2"] != 0 {
		t.Error("it was started")
	}
}

// The id of a retry can be taken by a stranger; then the message says so.
func TestRetry_idTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.submit(rayapi.SubmitRequest{SubmissionID: "try-a2", Entrypoint: "exit 0"})
	if j := r.ended(r.submit(retrying("exit 3", "1", "0"))); !strings.Contains(j.MessageText(), "could not be done") {
		// The note is added after the end is seen.
		r.await("try", func(j rayapi.Job) bool { return strings.Contains(j.MessageText(), "could not be done") })
	}
}

func TestWishes_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	for _, req := range []rayapi.SubmitRequest{
		{Metadata: map[string]string{jobs.MetaDeadline: "soon"}},
		{SubmissionID: strings.Repeat("a", 198), Metadata: map[string]string{jobs.MetaRetries: "1"}},
	} {
		req.Entrypoint = "exit 0"
		if _, err := m.Submit(t.Context(), req); !errors.Is(err, rayapi.ErrInvalid) {
			t.Errorf("Submit = %v, want ErrInvalid", err)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		restart bool
	}{{"seen by the backend that started it", false}, {"seen by the next backend", true}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start()
			meta := map[string]string{jobs.MetaDeadline: "0.3", jobs.MetaRetries: "3"}
			id := r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", Metadata: meta})
			r.awaitStatus(id, rayapi.StatusRunning)
			if tt.restart {
				r.restart()
			}
			j := r.ended(id)
			if j.Status != rayapi.StatusFailed || !strings.Contains(j.MessageText(), "deadline of 300ms") || *j.DriverExitCode != -15 {
				t.Errorf("%s %q", j.Status, j.MessageText())
			}
			if r.exists(id + "-a2") {
				t.Error("it was tried again")
			}
		})
	}
}

// A job that is stopped in time is STOPPED, and one that ends in time keeps
// its end.
func TestDeadline_notReached(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	meta := map[string]string{jobs.MetaDeadline: "3600"}
	stopped, ended := r.submit(rayapi.SubmitRequest{Entrypoint: "sleep", Metadata: meta}), r.submit(rayapi.SubmitRequest{Entrypoint: "exit 2", Metadata: meta})
	r.awaitStatus(stopped, rayapi.StatusRunning)
	stop(t, r, stopped, true)
	checkStopped(t, r, stopped)
	if j := r.ended(ended); j.DriverExitCode == nil || *j.DriverExitCode != 2 {
		t.Errorf("%s %q", j.Status, j.MessageText())
	}
}

// What a caller says about a stop is where the supervisor looks.
func TestStopWith(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	r.world.mu.Lock()
	r.world.procs[id].deaf = true // so that the job goes on for a while
	r.world.mu.Unlock()
	grace := time.Minute
	if ok, err := m.StopWith(t.Context(), id, rayapi.StopOptions{Signal: "SIGINT", Grace: &grace}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	d := jobdir.Open(filepath.Join(r.root(), id))
	launch, err := d.Launch()
	if err != nil {
		t.Fatal(err)
	}
	if got := d.StopRule(launch); got != (jobdir.StopRule{Signal: 2, Grace: time.Minute}) {
		t.Errorf("rule %+v", got)
	}
	if ok, err := m.StopWith(t.Context(), id, rayapi.StopOptions{Signal: "SIGKILL"}); !ok || err != nil { // sent at once, not when the first is tried again
		t.Fatal(ok, err)
	}
	checkStopped(t, r, id)
}

func TestGPUs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.tune = func(c *jobs.Config) { c.GPUIDs = []string{"4", "GPU-b", "6"} }
	r.start()
	ask := func(id string, gpus float64) {
		r.submit(rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "sleep", NumGPUs: gpus})
	}
	check := func(id, want string) {
		t.Helper()
		r.awaitStatus(id, rayapi.StatusRunning)
		environ, err := jobdir.Open(filepath.Join(r.root(), id)).Environ()
		if err != nil || !strings.Contains(strings.Join(environ, "\n")+"\n", "\nCUDA_VISIBLE_DEVICES="+want+"\n") {
			t.Errorf("%s: %q, %v, want %s", id, environ, err, want)
		}
	}
	ask("half", 0.5)
	check("half", "4")
	ask("quarter", 0.25)
	check("quarter", "4")
	ask("two", 2)
	check("two", "GPU-b,6")
	ask("one", 1)
	if m := r.job("one").MessageText(); !strings.HasSuffix(m, "Waits for 1 GPU: 0.25 of 3 free.") {
		t.Errorf("waiting: %q", m)
	}
	r.restart()
	r.world.end("half", 0)
	r.world.end("quarter", 0)
	check("one", "4")
	ask("odd", 1.5)
	if m := r.job("odd").MessageText(); !strings.HasSuffix(m, "more than one must be a whole number.") {
		t.Errorf("odd: %q", m)
	}
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	environ, err := jobdir.Open(filepath.Join(r.root(), id)).Environ()
	if err != nil || strings.Contains(strings.Join(environ, "\n"), "\nCUDA_VISIBLE_DEVICES=") {
		t.Errorf("none asked: %q, %v", environ, err)
	}
}

// Processes that outlived the entrypoint are counted in the record.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	r.world.become(id, func(s *jobs.State) {
		s.Slot.Phase, s.Slot.Exit, s.Slot.Leftovers = jobdir.PhaseSealed, &jobdir.Exit{}, 2
		s.Over = runner.OverSealed
	})
	if j := r.ended(id); j.MessageText() != rayapi.MessageSucceeded+"\nProcesses left behind by the entrypoint: 2." {
		t.Errorf("%q", j.MessageText())
	}
}
