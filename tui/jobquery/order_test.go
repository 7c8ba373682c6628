package jobquery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dray/backend/rayapi"
	"dray/tui/jobquery"
	"dray/tui/tuitest"
)

func TestSorted_byType(t *testing.T) {
	t.Parallel()
	tests := []struct{ order, want string }{
		{"", "Sweep-lr-0.03 wait killed - train-1 02000000 etl-9"},
		{"dur", "killed - train-1 Sweep-lr-0.03 02000000 etl-9 wait"},
		{"-dur", "etl-9 02000000 Sweep-lr-0.03 train-1 - killed wait"},
		{"-start", "killed Sweep-lr-0.03 - train-1 02000000 etl-9 wait"},
		{"exit", "etl-9 train-1 killed Sweep-lr-0.03 - 02000000 wait"},
		{"meta.team", "train-1 Sweep-lr-0.03 killed - 02000000 etl-9 wait"},
		{"-meta.team", "Sweep-lr-0.03 train-1 killed - 02000000 etl-9 wait"},
		{"status", "wait Sweep-lr-0.03 etl-9 killed train-1 - 02000000"},
	}
	for _, tt := range tests {
		t.Run(tt.order, func(t *testing.T) {
			t.Parallel()
			o, err := jobquery.ParseOrder(tt.order)
			if err != nil {
				t.Fatal(err)
			}
			rows := some()
			var ids []string
			for _, p := range jobquery.Sorted(rows, o, tuitest.Now()) {
				id := rows[p].ID
				if id == "" {
					id = "-"
				}
				ids = append(ids, id)
			}
			if got := strings.Join(ids, " "); got != tt.want {
				t.Errorf("sorted by %q: %s\nwant %s", tt.order, got, tt.want)
			}
		})
	}
}

func TestParseOrder_unknownColumn(t *testing.T) {
	t.Parallel()
	if _, err := jobquery.ParseOrder("-durr"); err == nil || !strings.Contains(err.Error(), `no column "durr"; there are status id`) {
		t.Errorf("err = %v", err)
	}
	if _, err := jobquery.ParseColumns("id, nope"); err == nil || !strings.Contains(err.Error(), `"nope"`) {
		t.Errorf("err = %v", err)
	}
}

// Keys only save comparisons, and merging what has changed into the last order
// is the same as sorting anew.
func TestOrder_property(t *testing.T) {
	t.Parallel()
	columns := append([]string{""}, jobquery.ColumnNames()...)
	columns[len(columns)-1] = "meta.lr"
	rapid.Check(t, func(rt *rapid.T) {
		o, err := jobquery.ParseOrder(rapid.SampledFrom(columns).Draw(rt, "column"))
		if err != nil {
			rt.Fatal(err)
		}
		o = o.Reverse(rapid.Bool().Draw(rt, "reverse"))
		var rows []jobquery.Row
		make := func(i int) jobquery.Row {
			status := rapid.SampledFrom([]rayapi.Status{rayapi.StatusPending, rayapi.StatusRunning, rayapi.StatusFailed}).Draw(rt, "status")
			id := fmt.Sprintf("%s%02d", rapid.SampledFrom([]string{"raysubmit_", "", "z", "ray"}).Draw(rt, "head"), i)
			j := tuitest.Job(id, status, rapid.SampledFrom([]string{"python a", "python ab", "sh", "", "9", "10", "pyz"}).Draw(rt, "cmd"),
				time.Duration(rapid.IntRange(0, 5).Draw(rt, "age"))*time.Minute, time.Second)
			j.Metadata = map[string]string{"lr": rapid.SampledFrom([]string{"", "9", "10", "1e-3", "x", "w"}).Draw(rt, "lr")}
			return jobquery.NewRow(&j)
		}
		for i := range rapid.IntRange(0, 20).Draw(rt, "jobs") {
			rows = append(rows, make(i))
		}
		plain := func() []int32 {
			places := []int32{}
			for i := range rows {
				places = append(places, int32(i))
			}
			compare := o.Compare(tuitest.Now())
			slices.SortFunc(places, func(a, b int32) int { return compare(&rows[a], &rows[b]) })
			return places
		}
		last := jobquery.Sorted(rows, o, tuitest.Now())
		if want := plain(); !slices.Equal(last, want) {
			rt.Fatalf("by %s: with keys %v, without %v", o, last, want)
		}
		var moved []int32
		for i := range rows {
			if rapid.IntRange(0, 4).Draw(rt, "change") == 0 {
				rows[i] = make(i)
				moved = append(moved, int32(i))
			}
		}
		for range rapid.IntRange(0, 3).Draw(rt, "new") {
			moved = append(moved, int32(len(rows)))
			rows = append(rows, make(len(rows)))
		}
		if got, want := jobquery.Merged(rows, last, moved, o, tuitest.Now()), plain(); !slices.Equal(got, want) {
			rt.Fatalf("by %s: merged %v, sorted %v", o, got, want)
		}
	})
}
