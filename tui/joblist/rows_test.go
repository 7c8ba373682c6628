package joblist

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dray/backend/rayapi"
	"dray/tui/jobquery"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// However an answer differs from the last one, bringing the order up to date
// gives what sorting anew gives, and texts stay with their jobs.
func TestListed_equalsSorted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := New(tuitest.Env(t, nil))
		by, err := jobquery.ParseOrder(rapid.SampledFrom([]string{"", "-dur", "dur", "id", "-start", "status"}).Draw(rt, "order"))
		if err != nil {
			rt.Fatal(err)
		}
		m.by = by
		list := screen.ListMsg{AsOf: tuitest.Now(), Now: tuitest.Now()}
		for range 3 {
			list.Answer++
			list.Now = list.Now.Add(time.Minute)
			list.Jobs = answer(rt)
			m, _ = m.listed(list)
			for i := range m.rows {
				if m.rows[i].Text != "" && m.rows[i].Text != "text of "+m.rows[i].ID {
					rt.Fatalf("%s has the text %q", m.rows[i].ID, m.rows[i].Text)
				}
				m.rows[i].Text = "text of " + m.rows[i].ID
			}
			ids := func(places []int32) []string {
				var out []string
				for _, p := range places {
					out = append(out, m.rows[p].ID)
				}
				return out
			}
			if got, want := ids(m.order), ids(jobquery.Sorted(m.rows, by, list.Now)); !slices.Equal(got, want) {
				rt.Fatalf("by %s: %v, sorted %v", by, got, want)
			}
		}
	})
}

// answer lists up to a hundred jobs: in order, a part, turned around, or one of
// them twice.
func answer(rt *rapid.T) []rayapi.Job {
	n := rapid.IntRange(0, 100).Draw(rt, "jobs")
	skip, flip := rapid.IntRange(1, 7).Draw(rt, "skip"), rapid.IntRange(2, 9).Draw(rt, "flip")
	var jobs []rayapi.Job
	for i := range n {
		if skip > 1 && i%skip == 0 {
			continue
		}
		status := rayapi.StatusRunning
		if i%flip == 0 {
			status = rayapi.StatusFailed
		}
		jobs = append(jobs, tuitest.Job(fmt.Sprintf("job-%02d", i), status, "true", time.Duration(i%11)*time.Minute, time.Duration(i)*time.Second))
	}
	switch rapid.IntRange(0, 3).Draw(rt, "shape") {
	case 1:
		slices.Reverse(jobs)
	case 2:
		if k := len(jobs) / 2; k > 0 {
			jobs = append(slices.Clone(jobs[k:]), jobs[:k]...)
		}
	case 3:
		if len(jobs) > 0 {
			jobs = append(jobs, jobs[0])
		}
	}
	return jobs
}
