//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/store"
)

func prunedIDs(all []jobs.Pruned) []string {
	var ids []string
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestPrune(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	now := time.Now()
	r.tune = func(c *jobs.Config) { c.Now = func() time.Time { return now } }
	m := r.start()
	r.run("sleep") // the oldest, and not over
	for i := range 5 {
		req := rayapi.SubmitRequest{
			SubmissionID: fmt.Sprint("job-", i), Entrypoint: "exit 0", RuntimeEnv: json.RawMessage(`{"env_vars":{"TOKEN":"s3cret-value"}}`),
		}
		if i == 1 {
			req.Metadata = map[string]string{jobs.MetaPin: "true"}
		}
		r.ended(r.submit(req))
	}
	tests := []struct {
		name string
		o    jobs.PruneOptions
		want []string
	}{
		{"no bound", jobs.PruneOptions{}, nil},
		{"young", jobs.PruneOptions{MaxAge: time.Hour}, nil},
		{"count", jobs.PruneOptions{MaxCount: 2}, []string{"job-2", "job-0"}},
		{"bytes", jobs.PruneOptions{MaxBytes: 1}, []string{"job-4", "job-3", "job-2", "job-0"}},
	}
	for _, tt := range tests {
		tt.o.DryRun = true
		got, err := m.Prune(t.Context(), tt.o)
		if diff := cmp.Diff(tt.want, prunedIDs(got)); diff != "" || err != nil {
			t.Errorf("%s: %v %s", tt.name, err, diff)
		}
		for _, p := range got {
			if p.Bytes == 0 || p.Reason == "" {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
	}
	if n := len(allRows(t, m)); n != 6 {
		t.Fatalf("%d records after dry runs", n)
	}
	if got, err := m.Prune(t.Context(), jobs.PruneOptions{MaxCount: 2}); err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if r.exists("job-0") || r.exists("job-2") || !r.exists("job-1") {
		t.Error("the wrong jobs are left")
	}
	if _, err := os.Stat(filepath.Join(r.root(), "job-0")); !os.IsNotExist(err) {
		t.Errorf("folder of a pruned job: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(r.dir, "archive", now.UTC().Format("jobs-2006-01")+".jsonl"))
	if err != nil || strings.Count(string(data), "\n") != 2 || strings.Contains(string(data), "s3cret-value") {
		t.Errorf("archive: %q, %v", data, err)
	}
	for line := range strings.Lines(string(data)) {
		var a struct{ Job rayapi.Job }
		if err := json.Unmarshal([]byte(line), &a); err != nil || a.Job.Status != rayapi.StatusSucceeded {
			t.Errorf("archived %q: %v", line, err)
		}
	}
	now = now.Add(48 * time.Hour)
	if got, err := m.Prune(t.Context(), jobs.PruneOptions{MaxAge: time.Hour, DryRun: true}); err != nil || len(got) != 2 {
		t.Errorf("by age: %v, %v", got, err)
	}
}

// A backend clears away by itself what is beyond its bounds.
func TestPrune_atStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	for range 3 {
		r.ended(r.run("exit 0"))
	}
	r.tune = func(c *jobs.Config) { c.Retention = jobs.PruneOptions{MaxCount: 1} }
	m := r.restart()
	deadline := time.Now().Add(20 * time.Second)
	for len(allRows(t, m)) != 1 {
		if time.Now().After(deadline) {
			t.Fatalf("%d records are left", len(allRows(t, m)))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// slowRows is a store in which a look at all records takes until it is told to
// go on.
type slowRows struct {
	jobs.Store
	armed         atomic.Bool
	looking, goOn chan struct{}
}

func (s *slowRows) Rows(ctx context.Context, yield func(page []store.Row) error) error {
	if s.armed.CompareAndSwap(true, false) {
		close(s.looking)
		<-s.goOn
	}
	return s.Store.Rows(ctx, yield)
}

// A process that is the backend for a dry run only does not remove what it is
// about to tell, however long that takes.
func TestPrune_dryRunDelaysTheHouse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := &slowRows{looking: make(chan struct{}), goOn: make(chan struct{})}
	r.tune = func(c *jobs.Config) {
		slow.Store = c.Store
		c.Store = slow
	}
	m := r.start()
	slow.armed.Store(true)
	dry, quiet := make(chan error, 1), make(chan bool, 1)
	go func() {
		_, err := m.Prune(context.Background(), jobs.PruneOptions{MaxCount: 1, DryRun: true})
		dry <- err
	}()
	<-slow.looking
	go func() { quiet <- m.AwaitQuiet(10 * time.Millisecond) }()
	select {
	case <-quiet:
		t.Error("the house is kept while a dry run is under way")
	case <-time.After(100 * time.Millisecond):
	}
	close(slow.goOn)
	if err := <-dry; err != nil {
		t.Error(err)
	}
	if !<-quiet {
		t.Error("the house is not kept after it")
	}
}
