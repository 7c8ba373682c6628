//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
)

// Jobs start in the order in which they were accepted, whoever submitted
// them, and no more than allowed are between queue and entrypoint.
func TestFault23_order(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.tune = func(c *jobs.Config) { c.MaxStarting = 1 } // more would start side by side
	m := r.start()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 10 {
				if _, err := m.Submit(context.Background(), rayapi.SubmitRequest{Entrypoint: "exit 0"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var newestFirst []string
	for _, row := range allRows(t, m) {
		var j rayapi.Job
		if err := json.Unmarshal([]byte(row), &j); err != nil {
			t.Fatal(err)
		}
		newestFirst = append(newestFirst, j.ID())
		if end := r.ended(j.ID()); end.Status != rayapi.StatusSucceeded {
			t.Errorf("%s: %s", j.ID(), end.MessageText())
		}
	}
	var want []string
	for i := len(newestFirst) - 1; i >= 0; i-- {
		want = append(want, newestFirst[i])
	}
	if diff := cmp.Diff(want, r.world.started); diff != "" {
		t.Error(diff)
	}
}

func TestQueue_maxStarting(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	r.world.hold = make(chan struct{})
	var ids []string
	for range 30 {
		ids = append(ids, r.run("exit 0"))
	}
	for { // until as many as may have arrived where they are held
		r.world.mu.Lock()
		n := r.world.inStart
		r.world.mu.Unlock()
		if n == 8 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	running, queued, err := m.Summary(t.Context())
	if len(running) != 8 || len(queued) != 22 || err != nil {
		t.Errorf("%d started, %d queued, %v, want 8 and 22", len(running), len(queued), err)
	}
	close(r.world.hold)
	for _, id := range ids {
		r.ended(id)
	}
	if r.world.maxIn != 8 {
		t.Errorf("%d were starting at once, want 8", r.world.maxIn)
	}
}

func TestQueue_maxRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.tune = func(c *jobs.Config) { c.MaxRunning = 2 }
	r.start()
	a, b, c := r.run("sleep"), r.run("sleep"), r.run("sleep")
	r.awaitStatus(a, rayapi.StatusRunning)
	r.awaitStatus(b, rayapi.StatusRunning)
	if j := r.job(c); j.Status != rayapi.StatusPending {
		t.Errorf("third job: %s", j.Status)
	}
	r.world.end(a, 0)
	r.awaitStatus(c, rayapi.StatusRunning)
}

// The first job whose resources are taken keeps those behind it waiting, jobs
// that ask for nothing pass, and so do all when the first can never start.
func TestQueue_resources(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	ask := func(id string, cpus float64) string {
		return r.submit(rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "sleep", NumCPUs: cpus})
	}
	ask("never", 5)
	ask("first", 3)
	r.awaitStatus("first", rayapi.StatusRunning)
	ask("head", 2)
	ask("small", 0.5) // would fit, but must not overtake
	ask("free", 0)
	r.awaitStatus("free", rayapi.StatusRunning)
	if err := m.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	running, queued, err := m.Summary(t.Context())
	if diff := cmp.Diff([][]string{{"first", "free"}, {"never", "head", "small"}}, [][]string{running, queued}); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for id, want := range map[string]string{
		"never": "It asks for 5 CPUs, this machine has 4 CPUs.",
		"head":  "Waits for 2 CPUs: 1 of 4 free.",
	} {
		message := r.job(id).MessageText()
		if !strings.HasPrefix(message, rayapi.MessagePending(true, false)) || !strings.HasSuffix(message, want) {
			t.Errorf("%s: %q", id, message)
		}
	}
	r.world.end("first", 0)
	r.awaitStatus("head", rayapi.StatusRunning)
	r.awaitStatus("small", rayapi.StatusRunning)
	if s := r.job("never").Status; s != rayapi.StatusPending {
		t.Errorf("never: %s", s)
	}
}

func TestQueue_units(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	for i := range 41 {
		r.submit(rayapi.SubmitRequest{SubmissionID: fmt.Sprint("j", i), Entrypoint: "sleep", NumCPUs: 0.1})
	}
	r.awaitStatus("j39", rayapi.StatusRunning) // forty tenths of four CPUs
	if s := r.job("j40").Status; s != rayapi.StatusPending {
		t.Errorf("the 41st tenth of 4 CPUs is %s", s)
	}
}

func TestQueue_timeout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		req  rayapi.SubmitRequest
		want string
	}{
		{"resources", rayapi.SubmitRequest{Resources: map[string]float64{"disk": 2}}, "It asks for 2 disk, this machine has 1.5 disk."},
		{"labels", rayapi.SubmitRequest{LabelSelector: map[string]string{"zone": "in(a, b)"}}, "labels that it asks for: zone=in(a, b)."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.tune = func(c *jobs.Config) { c.BaseEnv = []string{"RAY_JOB_START_TIMEOUT_SECONDS=0.2"} }
			r.start()
			tt.req.Entrypoint = "exit 0"
			id := r.submit(tt.req)
			if j := r.job(id); j.Status != rayapi.StatusPending || !strings.Contains(j.MessageText(), tt.want) {
				t.Errorf("waiting: %s %q", j.Status, j.MessageText())
			}
			j := r.ended(id)
			want := "Job supervisor actor failed to start within 0.2 seconds."
			if j.ErrorTypeText() != rayapi.ErrStartTimeout || !strings.HasPrefix(j.MessageText(), want) || !strings.HasSuffix(j.MessageText(), tt.want) {
				t.Errorf("%s %q", j.ErrorTypeText(), j.MessageText())
			}
		})
	}
}

// A job that waits for its environment does not hold up those behind it.
func TestQueue_preparing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	building := make(chan struct{})
	r.envs.build = func(ctx context.Context, _ string, _ io.Writer) (runtimeenv.Built, error) {
		close(building)
		<-ctx.Done()
		return runtimeenv.Built{}, ctx.Err()
	}
	m := r.start()
	slow := r.submit(rayapi.SubmitRequest{Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"x":1}`)})
	<-building
	r.ended(r.run("exit 0"))
	if s := r.job(slow).Status; s != rayapi.StatusPending {
		t.Errorf("slow job: %s", s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Settle while an environment is built = %v", err)
	}
	// Close ends the builder, and the job is prepared again by the next backend.
	r.envs.build = nil
	r.restart()
	if j := r.ended(slow); j.Status != rayapi.StatusSucceeded {
		t.Errorf("after a restart: %s %q", j.Status, j.MessageText())
	}
}

func TestFault24_sameID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	var mu sync.Mutex
	var won, refused int
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			_, err := m.Submit(context.Background(), rayapi.SubmitRequest{SubmissionID: "same", Entrypoint: "exit 0"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, rayapi.ErrExists):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.ended("same")
	if won != 1 || refused != 31 || len(allRows(t, m)) != 1 || r.world.spawns["same"] != 1 {
		t.Errorf("%d won, %d refused, %d rows, %d spawns", won, refused, len(allRows(t, m)), r.world.spawns["same"])
	}
}
