package joblist_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/charmbracelet/bubbles/table"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/joblist"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func sizes() []int { return []int{10_000, 100_000} }

// BenchmarkKey is one cursor key and the frame after it.
func BenchmarkKey(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("%d/dray", n), func(b *testing.B) {
			s := page(env(b), 140, 37, told(many(n)))
			keys := []tea.KeyMsg{tuitest.Key("j"), tuitest.Key("j"), tuitest.Key("ctrl+f"), tuitest.Key("k")}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s, _ = s.Update(keys[i%len(keys)])
				_ = s.View()
			}
		})
		b.Run(fmt.Sprintf("%d/bubbles,1of20", n), func(b *testing.B) {
			m := bubble(many(n))
			b.ReportAllocs()
			for b.Loop() {
				m, _ = m.Update(tuitest.Key("j"))
				_ = m.View()
			}
		})
	}
}

// BenchmarkRefresh is a new answer in which one job in a hundred has changed,
// and the frame after it.
func BenchmarkRefresh(b *testing.B) {
	for _, n := range sizes() {
		answers := [2]screen.ListMsg{told(many(n)), told(many(n))}
		for i := 0; i < n; i += 100 {
			answers[1].Jobs[i].Status = rayapi.StatusSucceeded
		}
		b.Run(fmt.Sprintf("%d/dray", n), func(b *testing.B) {
			s := joblist.New(env(b)).Resize(screen.Size{W: 140, H: 37})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				msg := answers[i%2]
				msg.Answer = i + 1
				s, _ = s.Update(msg)
				_ = s.View()
			}
		})
		b.Run(fmt.Sprintf("%d/bubbles", n), func(b *testing.B) {
			m := bubble(answers[0].Jobs)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.SetRows(bubbleRows(answers[i%2].Jobs))
				_ = m.View()
			}
		})
	}
}

// BenchmarkFilter is one letter typed into the filter, and taken back.
func BenchmarkFilter(b *testing.B) {
	for _, n := range sizes() {
		jobs := many(n)
		b.Run(fmt.Sprintf("%d/dray", n), func(b *testing.B) {
			s, _ := press(b, page(env(b), 140, 37, told(jobs)), "/", "s", "e", "e")
			keys := []tea.KeyMsg{tuitest.Key("d"), tuitest.Key("backspace")}
			for i := 0; b.Loop(); i++ {
				s, _ = s.Update(keys[i%2])
				_ = s.View()
			}
		})
		b.Run(fmt.Sprintf("%d/ToLower", n), func(b *testing.B) {
			hits := 0
			for b.Loop() {
				for i := range jobs {
					if strings.Contains(strings.ToLower(jobs[i].ID()), "seed") || strings.Contains(strings.ToLower(jobs[i].Entrypoint), "seed") {
						hits++
					}
				}
			}
		})
	}
}

// BenchmarkSort is one press of "o" and the frame after it, and the same order
// made in the plain way.
func BenchmarkSort(b *testing.B) {
	for _, n := range sizes() {
		jobs := many(n)
		b.Run(fmt.Sprintf("%d/dray", n), func(b *testing.B) {
			s := page(env(b), 140, 37, told(jobs))
			for b.Loop() {
				s, _ = s.Update(tuitest.Key("o"))
				_ = s.View()
			}
		})
		b.Run(fmt.Sprintf("%d/sort.Slice,1of2", n), func(b *testing.B) {
			for b.Loop() {
				own := slices.Clone(jobs)
				sort.Slice(own, func(i, j int) bool { return own[i].ID() < own[j].ID() })
			}
		})
	}
}

// BenchmarkFirstKey is the first letter of a filter, before and after the texts
// have been made beside the event loop, and a whole query at once.
func BenchmarkFirstKey(b *testing.B) {
	list := told(many(100_000))
	for _, bm := range []struct {
		name, text string
		indexed    bool
	}{{"cold", "s", false}, {"indexed", "s", true}, {"field", "status:running age<2d", true}, {"regexp", "cmd~seed.1", true}} {
		b.Run(bm.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := page(env(b), 100, 37) // no preview, whose rest would be waited for
				s, cmd := s.Update(list)
				if bm.indexed {
					s, _ = s.Update(cmd())
				}
				s, _ = press(b, s, "/")
				b.StartTimer()
				s, _ = s.Update(tuitest.Key(bm.text))
				_ = s.View()
			}
		})
	}
}

// Of many jobs the texts are made beside the event loop, and found in.
func TestFilter_ofManyJobsIsPrepared(t *testing.T) {
	t.Parallel()
	s, cmd := page(env(t), 80, 21).Update(told(many(6000)))
	if cmd == nil {
		t.Fatal("no texts are made")
	}
	s, _ = s.Update(cmd())
	s, _ = press(t, s, "/", `"seed 4711"`, "enter")
	contains(t, s.View(), "Jobs 1 of 6000")
}

// What a key costs does not depend on how many jobs there are, and a refresh
// makes a few large pieces of memory, none per job.
func TestAllocations(t *testing.T) {
	list := told(many(20_000))
	s := page(env(t), 140, 37, list)
	key := tuitest.Key("j")
	if got := testing.AllocsPerRun(50, func() {
		s, _ = s.Update(key)
		_ = s.View()
	}); got > 700 {
		t.Errorf("a key takes %.0f allocations, want at most 700", got)
	}
	if got := testing.AllocsPerRun(10, func() {
		list.Answer++
		s, _ = s.Update(list)
		_ = s.View()
	}); got > 800 {
		t.Errorf("an answer takes %.0f allocations, want at most 800", got)
	}
}

// bubble is the table that everybody uses, over the same jobs.
func bubble(jobs []rayapi.Job) table.Model {
	return table.New(table.WithFocused(true), table.WithHeight(35), table.WithRows(bubbleRows(jobs)), table.WithColumns([]table.Column{
		{Title: "STATUS", Width: 11},
		{Title: "SUBMISSION ID", Width: 20},
		{Title: "ENTRYPOINT", Width: 27},
		{Title: "START", Width: 13},
		{Title: "EXIT", Width: 4},
	}))
}

func bubbleRows(jobs []rayapi.Job) []table.Row {
	rows := make([]table.Row, len(jobs))
	for i := range jobs {
		rows[i] = table.Row{string(jobs[i].Status), jobs[i].ID(), jobs[i].Entrypoint, fmt.Sprint(*jobs[i].StartTime), "0"}
	}
	return rows
}
