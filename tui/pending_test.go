package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// What was submitted without an answer before a crash is told at the next
// start, once.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	jobs := &tuitest.Jobs{}
	env := tuitest.Env(t, jobs)
	env.Ledger = ledger.New(t.TempDir())
	there := rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "there"}
	for _, r := range []rayapi.SubmitRequest{there, {Entrypoint: "y", SubmissionID: "gone"}} {
		if err := env.Ledger.Record(env.Target.LedgerKey, r, "", env.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	jobs.GetFn = func(_ context.Context, id string) (rayapi.Job, error) {
		if id == "there" {
			return rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &id, Entrypoint: "x"}, nil
		}
		return rayapi.Job{}, rayapi.ErrNotFound
	}
	batch, ok := unanswered(env)().(tea.BatchMsg)
	if !ok || len(batch) != 2 {
		t.Fatalf("told: %v", batch)
	}
	for _, cmd := range batch {
		n, ok := cmd().(screen.NoticeMsg)
		want, level := "is not on the server", screen.Warn
		if n.Job == "there" {
			want, level = "did arrive", screen.Info
		}
		if !ok || n.Level != level || !strings.Contains(n.Text, want) {
			t.Errorf("notice: %+v", n)
		}
	}
	if again := unanswered(env)(); again != nil {
		t.Errorf("told twice: %v", again)
	}
}
