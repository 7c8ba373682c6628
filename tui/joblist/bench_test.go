package joblist_test

import (
	"fmt"
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
		b.Run(fmt.Sprintf("dray/%d", n), func(b *testing.B) {
			s := page(env(b), 140, 37, told(many(n)))
			keys := []tea.KeyMsg{tuitest.Key("j"), tuitest.Key("j"), tuitest.Key("ctrl+f"), tuitest.Key("k")}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s, _ = s.Update(keys[i%len(keys)])
				_ = s.View()
			}
		})
		b.Run(fmt.Sprintf("bubbles/%d", n), func(b *testing.B) {
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
		b.Run(fmt.Sprintf("dray/%d", n), func(b *testing.B) {
			s := joblist.New(env(b)).Resize(screen.Size{W: 140, H: 37})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				msg := answers[i%2]
				msg.Answer = i + 1
				s, _ = s.Update(msg)
				_ = s.View()
			}
		})
		b.Run(fmt.Sprintf("bubbles/%d", n), func(b *testing.B) {
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
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := press(b, page(env(b), 140, 37, told(many(n))), "/", "s", "e", "e")
			keys := []tea.KeyMsg{tuitest.Key("d"), tuitest.Key("backspace")}
			for i := 0; b.Loop(); i++ {
				s, _ = s.Update(keys[i%2])
				_ = s.View()
			}
		})
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
