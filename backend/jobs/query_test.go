//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"dray/backend/rayapi"
)

// page returns the ids that a query shows, and the cursor behind them.
func (r *rig) page(q rayapi.JobQuery) (ids []string, next string) {
	r.tb.Helper()
	next, err := r.m.Page(context.Background(), q, func(row []byte) error {
		var j rayapi.Job
		if err := json.Unmarshal(row, &j); err != nil {
			return err
		}
		ids = append(ids, j.ID())
		return nil
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	return ids, next
}

// Pages together are the whole list, also when the job at their border is
// deleted meanwhile.
func TestPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	var all []string
	for i := range 7 {
		id := r.submit(rayapi.SubmitRequest{SubmissionID: fmt.Sprintf("j%d", i), Entrypoint: "exit 0"})
		r.ended(id)
		all = append([]string{id}, all...)
	}
	var got []string
	q := rayapi.JobQuery{Limit: 3}
	for {
		ids, next := r.page(q)
		got = append(got, ids...)
		if next == "" {
			break
		}
		if len(ids) != 3 {
			t.Fatalf("a page of %d jobs has a next one", len(ids))
		}
		if err := m.Delete(t.Context(), ids[2]); err != nil {
			t.Fatal(err)
		}
		q.After = next
	}
	if !slices.Equal(got, all) {
		t.Errorf("pages = %v, want %v", got, all)
	}
	t.Run("behind an id", func(t *testing.T) {
		t.Parallel()
		if ids, next := r.page(rayapi.JobQuery{After: "j3", Limit: 2}); !slices.Equal(ids, []string{"j2", "j0"}) || next != "" {
			t.Errorf("behind j3: %v, next %q", ids, next)
		}
	})
	t.Run("exactly the limit has no next page", func(t *testing.T) {
		t.Parallel()
		if ids, next := r.page(rayapi.JobQuery{Limit: 5}); len(ids) != 5 || next != "" {
			t.Errorf("page = %v, next %q", ids, next)
		}
	})
	for _, after := range []string{"nobody", "j1 ", "seq:", "seq:x", "seq:-1"} {
		_, err := m.Page(t.Context(), rayapi.JobQuery{After: after}, func([]byte) error { return nil })
		if !errors.Is(err, rayapi.ErrInvalid) {
			t.Errorf("after=%q: %v, want ErrInvalid", after, err)
		}
	}
}

func TestPage_statusAndText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.ended(r.submit(rayapi.SubmitRequest{SubmissionID: "good", Entrypoint: "exit 0", Metadata: map[string]string{"team": "vision"}}))
	r.ended(r.submit(rayapi.SubmitRequest{SubmissionID: "bad", Entrypoint: "exit 1"}))
	r.awaitStatus(r.submit(rayapi.SubmitRequest{SubmissionID: "runs", Entrypoint: "train"}), rayapi.StatusRunning)
	r.submit(rayapi.SubmitRequest{SubmissionID: "never", Entrypoint: "exit 0", Resources: map[string]float64{"disk": 9}})
	tests := []struct {
		name string
		q    rayapi.JobQuery
		want []string
	}{
		{"failed", rayapi.JobQuery{Statuses: []rayapi.Status{rayapi.StatusFailed}}, []string{"bad"}},
		{"running", rayapi.JobQuery{Statuses: []rayapi.Status{rayapi.StatusRunning}}, []string{"runs"}},
		{"pending or over", rayapi.JobQuery{Statuses: []rayapi.Status{rayapi.StatusPending, rayapi.StatusSucceeded}}, []string{"never", "good"}},
		{"text of the entrypoint", rayapi.JobQuery{Text: "TRAIN"}, []string{"runs"}},
		{"text of the metadata", rayapi.JobQuery{Text: "vision"}, []string{"good"}},
		{"limit after the status", rayapi.JobQuery{Statuses: []rayapi.Status{rayapi.StatusFailed}, Limit: 1}, []string{"bad"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, next := r.page(tt.q); !slices.Equal(got, tt.want) || next != "" {
				t.Errorf("page = %v, next %q, want %v", got, next, tt.want)
			}
		})
	}
	counts, err := r.m.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []rayapi.Status{rayapi.StatusFailed, rayapi.StatusRunning, rayapi.StatusPending, rayapi.StatusSucceeded} {
		if counts.ByStatus[s] != 1 {
			t.Errorf("%d jobs are %s, want 1", counts.ByStatus[s], s)
		}
	}
	if counts.Queued != 1 {
		t.Errorf("%d jobs wait, want 1", counts.Queued)
	}
}

func TestNode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.start()
	r.awaitStatus(r.submit(rayapi.SubmitRequest{Entrypoint: "train", NumCPUs: 3}), rayapi.StatusRunning)
	for range 2 {
		r.submit(rayapi.SubmitRequest{Entrypoint: "train", NumCPUs: 2})
	}
	n, err := m.Node(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n.Total["CPU"] != 4 || n.Used["CPU"] != 3 || n.Total["disk"] != 1.5 || len(n.ID) != 56 {
		t.Errorf("node = %+v", n)
	}
	if len(n.Demands) != 1 || n.Demands[0].Jobs != 2 || n.Demands[0].Resources["CPU"] != 2 {
		t.Errorf("demands = %+v, want two jobs for two CPUs", n.Demands)
	}
}
