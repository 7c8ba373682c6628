//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"dray/backend/jobdir"
	"dray/backend/jobs"
	"dray/backend/logfile"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/runtimeenv"
)

func stop(t *testing.T, r *rig, id string, want bool) {
	t.Helper()
	if got, err := r.m.Stop(t.Context(), id); got != want || err != nil {
		t.Errorf("Stop(%s) = %t, %v, want %t", id, got, err, want)
	}
}

func checkStopped(t *testing.T, r *rig, id string) {
	t.Helper()
	j := r.ended(id)
	if j.Status != rayapi.StatusStopped || j.MessageText() != rayapi.MessageStopped || j.DriverExitCode != nil || j.ErrorType != nil {
		t.Errorf("%s %q exit %v type %s", j.Status, j.MessageText(), j.DriverExitCode, j.ErrorTypeText())
	}
	stop(t, r, id, false)
}

func TestStop_running(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	stop(t, r, id, true)
	checkStopped(t, r, id)
}

// A stop that cannot be delivered is sent again.
func TestStop_undelivered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	r.world.mu.Lock()
	r.world.procs[id].deaf = true
	r.world.mu.Unlock()
	stop(t, r, id, true)
	stop(t, r, id, true)
	checkStopped(t, r, id)
}

func TestFault22_stopQueued(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	for _, req := range []rayapi.SubmitRequest{
		{SubmissionID: "big", NumCPUs: 4},
		{SubmissionID: "waits", NumCPUs: 1},
		{SubmissionID: "never", NumCPUs: 9},
	} {
		req.Entrypoint = "sleep"
		r.submit(req)
	}
	r.awaitStatus("big", rayapi.StatusRunning)
	for _, id := range []string{"waits", "never"} {
		stop(t, r, id, true)
		checkStopped(t, r, id)
		if r.world.spawns[id] != 0 {
			t.Errorf("%s was started", id)
		}
	}
}

func TestFault22_stopPreparing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	building := make(chan struct{})
	r.envs.build = func(ctx context.Context, _ string, _ io.Writer) (runtimeenv.Built, error) {
		close(building)
		<-ctx.Done()
		return runtimeenv.Built{}, errors.New("cut short")
	}
	r.start()
	id := r.submit(rayapi.SubmitRequest{Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"x":1}`)})
	<-building
	stop(t, r, id, true)
	checkStopped(t, r, id)
	if r.world.spawns[id] != 0 {
		t.Error("it was started")
	}
}

func TestFault22_stopStarting(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.world.hold = make(chan struct{})
	id := r.run("sleep")
	r.awaitSpawns(id, 1)
	stop(t, r, id, true)
	close(r.world.hold)
	checkStopped(t, r, id)
}

// An entrypoint that ends while it is being stopped is STOPPED; one that had
// ended before keeps its own end.
func TestFault22_stopMeetsTheEnd(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixMilli()
	tests := []struct {
		name string
		slot jobdir.Slot
		want rayapi.Status
	}{
		{"left with 0 when told", jobdir.Slot{StopSeen: true, Exit: &jobdir.Exit{Code: 0, At: now + 60000}}, rayapi.StatusStopped},
		{"left with 1 when told", jobdir.Slot{StopSeen: true, Exit: &jobdir.Exit{Code: 1, At: now + 60000}}, rayapi.StatusStopped},
		{"killed after its supervisor", jobdir.Slot{Exit: &jobdir.Exit{Code: -15, At: now + 60000}}, rayapi.StatusStopped},
		{"ended before", jobdir.Slot{Exit: &jobdir.Exit{Code: 0, At: now - 60000}}, rayapi.StatusSucceeded},
		{"failed before", jobdir.Slot{Exit: &jobdir.Exit{Code: 2, At: now - 60000}}, rayapi.StatusFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.start()
			r.world.hold = make(chan struct{}) // so that the stop is not acted on
			defer close(r.world.hold)
			id := r.run("sleep")
			r.awaitSpawns(id, 1)
			stop(t, r, id, true)
			r.world.become(id, func(s *jobs.State) {
				s.Slot = tt.slot
				s.Slot.Phase, s.Slot.Leader = jobdir.PhaseSealed, &jobdir.Process{PID: 42}
				s.Over = runner.OverSealed
			})
			if j := r.ended(id); j.Status != tt.want {
				t.Errorf("%s %q, want %s", j.Status, j.MessageText(), tt.want)
			}
		})
	}
}

func TestStop_unknown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	if _, err := m.Stop(t.Context(), "nobody"); !errors.Is(err, rayapi.ErrNotFound) {
		t.Errorf("Stop = %v, want ErrNotFound", err)
	}
	if _, err := m.Job(t.Context(), "nobody"); !errors.Is(err, rayapi.ErrNotFound) {
		t.Errorf("Job = %v, want ErrNotFound", err)
	}
	if _, err := m.Log(t.Context(), "nobody"); !errors.Is(err, rayapi.ErrNotFound) {
		t.Errorf("Log = %v, want ErrNotFound", err)
	}
	if err := m.Delete(t.Context(), "nobody"); !errors.Is(err, rayapi.ErrNotFound) {
		t.Errorf("Delete = %v, want ErrNotFound", err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	id := r.submit(rayapi.SubmitRequest{SubmissionID: "again", Entrypoint: "sleep"})
	r.awaitStatus(id, rayapi.StatusRunning)
	var state *rayapi.StateError
	if err := m.Delete(t.Context(), id); !errors.As(err, &state) || state.Status != rayapi.StatusRunning {
		t.Errorf("Delete of a running job = %v", err)
	}
	r.world.end(id, 0)
	r.awaitStatus(id, rayapi.StatusSucceeded)
	log, err := m.Log(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Delete(t.Context(), id); err != nil { // at once, perhaps before its end is stored
		t.Fatal(err)
	}
	if rows := allRows(t, m); len(rows) != 0 {
		t.Errorf("rows after the delete: %s", rows)
	}
	if _, err := os.Stat(jobdir.Open(r.root() + "/" + id).Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder after the delete: %v", err)
	}
	if err := m.Delete(t.Context(), id); !errors.Is(err, rayapi.ErrNotFound) {
		t.Errorf("second Delete = %v", err)
	}
	r.ended(r.submit(rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "exit 0"}))
	if st, err := log.State(t.Context()); !st.Gone || err != nil {
		t.Errorf("log of the deleted job: %+v, %v, though a new job has its id", st, err)
	}
}

// A follower that begins when the job is accepted gets all of its log and the
// end of it.
func TestLog(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	id := r.run("sleep")
	src, err := m.Log(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := src.State(t.Context()); st != (logfile.State{}) || err != nil {
		t.Errorf("State of a live job = %+v, %v", st, err)
	}
	var got []byte
	done := make(chan error, 1)
	go func() {
		done <- logfile.Follow(t.Context(), src, 0, func(p []byte) error {
			got = append(got, p...)
			return nil
		})
	}()
	r.awaitStatus(id, rayapi.StatusRunning)
	r.world.end(id, 0)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if j := r.job(id); !j.Status.IsTerminal() {
		t.Errorf("the log ended while the job is %s", j.Status)
	}
	want, err := os.ReadFile(src.Path())
	if err != nil || string(got) != string(want) || len(want) == 0 {
		t.Errorf("followed %q, file %q, %v", got, want, err)
	}
}
