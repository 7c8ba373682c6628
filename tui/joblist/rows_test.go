package joblist

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dray/backend/rayapi"
	"dray/tui/tuitest"
)

// Merging what has changed into the last order is the same as sorting anew.
func TestMerged_equalsSorted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		by := order(rapid.IntRange(0, int(orders)-1).Draw(rt, "order"))
		if by == byDuration {
			by = byLive
		}
		compare := by.compare(rapid.Bool().Draw(rt, "reverse"), tuitest.Now().UnixMilli())
		var jobs []rayapi.Job
		add := func(n int) {
			for range n {
				status := rapid.SampledFrom([]rayapi.Status{rayapi.StatusPending, rayapi.StatusRunning, rayapi.StatusFailed}).Draw(rt, "status")
				jobs = append(jobs, tuitest.Job(fmt.Sprintf("job-%02d", len(jobs)), status, "true", time.Duration(rapid.IntRange(0, 5).Draw(rt, "age"))*time.Minute, time.Second))
			}
		}
		add(rapid.IntRange(0, 20).Draw(rt, "jobs"))
		rows, _, _ := rowsOf(jobs, nil)
		last := sorted(rows, compare)
		jobs = slices.Clone(jobs)
		for i := range jobs {
			if rapid.IntRange(0, 4).Draw(rt, "change") == 0 {
				jobs[i].Status = rayapi.StatusSucceeded
			}
		}
		add(rapid.IntRange(0, 3).Draw(rt, "new"))
		rows, changed, same := rowsOf(jobs, rows)
		if !same {
			rt.Fatal("rows that only changed or came count as moved")
		}
		if got, want := merged(rows, last, changed, compare), sorted(rows, compare); !slices.Equal(got, want) {
			rt.Fatalf("merged %v, sorted %v", got, want)
		}
	})
}

func TestRowsOf_tellsMovedRows(t *testing.T) {
	t.Parallel()
	jobs := tuitest.Jobs20()
	rows, _, _ := rowsOf(jobs, nil)
	slices.Reverse(jobs)
	if _, _, same := rowsOf(jobs, rows); same {
		t.Error("reversed rows count as unmoved")
	}
	if _, _, same := rowsOf(jobs[:3], rows); same {
		t.Error("rows that went count as unmoved")
	}
}

func TestFilter_match(t *testing.T) {
	t.Parallel()
	job := tuitest.Job("Sweep-7", rayapi.StatusRunning, "python Train.py --lr 3e-4", time.Minute, 0)
	job.Metadata = map[string]string{"team": "Vision"}
	rows, _, _ := rowsOf([]rayapi.Job{job}, nil)
	tests := []struct {
		text string
		want bool
	}{
		{"", true},
		{"sweep", true},
		{"TRAIN.py", true},
		{"running", true},
		{"team=vision", true},
		{"train 3e-4", true},
		{"train 3e-5", false},
		{"!failed", true},
		{"train !running", false},
		{"!", true},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			own := slices.Clone(rows)
			if got := len(filtered(own, []int32{0}, parseFilter(tt.text))) == 1; got != tt.want {
				t.Errorf("filter %q matches %t, want %t", tt.text, got, tt.want)
			}
		})
	}
}
