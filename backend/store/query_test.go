//go:build linux

package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"dray/backend/store"
)

func described(seq int64, phase store.Phase, details string) store.Row {
	r := row(seq, phase)
	r.DetailsJSON = []byte(details)
	return r
}

func TestPage(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	insert(t, s,
		described(1, store.Succeeded, `{"entrypoint":"python Train.py","metadata":{"team":"Vision"}}`),
		described(2, store.Failed, `{"entrypoint":"echo \"quoted\" 100%_","metadata":null,"message":"train went wrong"}`),
		described(3, store.Deleted, `{"entrypoint":"python train.py"}`),
		described(4, store.Running, `{"entrypoint":"sleep 1","metadata":{"purpose":"train"}}`),
		described(5, store.Queued, `{"entrypoint":"sleep 2","metadata":{}}`),
	)
	tests := []struct {
		name string
		q    store.Query
		want []int64
	}{
		{"all", store.Query{Limit: 10}, []int64{5, 4, 2, 1}},
		{"first two", store.Query{Limit: 2}, []int64{5, 4}},
		{"before a deleted one", store.Query{Limit: 10, Before: 3}, []int64{2, 1}},
		{"phases", store.Query{Limit: 10, Phases: []store.Phase{store.Failed, store.Queued}}, []int64{5, 2}},
		{"deleted is never shown", store.Query{Limit: 10, Phases: []store.Phase{store.Deleted}}, nil},
		{"entrypoint and metadata, whatever the case", store.Query{Limit: 10, Text: "tRAIN"}, []int64{4, 1}},
		{"metadata key", store.Query{Limit: 10, Text: "team"}, []int64{1}},
		{"metadata value", store.Query{Limit: 10, Text: "vision"}, []int64{1}},
		{"not the JSON between key and value", store.Query{Limit: 10, Text: `":"`}, nil},
		{"id", store.Query{Limit: 10, Text: "JOB-4"}, []int64{4}},
		{"quotes and wildcards are text", store.Query{Limit: 10, Text: `"quoted" 100%_`}, []int64{2}},
		{"not the message", store.Query{Limit: 10, Text: "went wrong"}, nil},
		{"text and phase", store.Query{Limit: 10, Text: "train", Phases: []store.Phase{store.Succeeded}}, []int64{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := s.Page(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, r := range page {
				got = append(got, r.Seq)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Page(%+v) = %v, want %v", tt.q, got, tt.want)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	insert(t, s, row(1, store.Failed), row(2, store.Failed), row(3, store.Deleted), row(4, store.Running))
	got, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[store.Failed] != 2 || got[store.Running] != 1 {
		t.Errorf("Counts = %v", got)
	}
}

func BenchmarkPage10k(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	fill(b, path, 10000)
	s := openAt(b, path)
	for _, q := range []struct {
		name string
		ask  store.Query
		want int
	}{
		{"newest 100", store.Query{Limit: 100}, 100},
		{"100 in the middle", store.Query{Limit: 100, Before: 5000}, 100},
		{"text that all have", store.Query{Limit: 100, Text: "job-"}, 100},
		{"text that none has", store.Query{Limit: 100, Text: "nobody has this"}, 0},
		{"phase that none is in", store.Query{Limit: 100, Phases: []store.Phase{store.Stopping}}, 0},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				if page, err := s.Page(b.Context(), q.ask); err != nil || len(page) != q.want {
					b.Fatal(fmt.Sprint(len(page)), err)
				}
			}
		})
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Counts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
