package tui

import (
	"context"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/tuitest"
)

// A new plan ends the timer of the old one, which would wake the program and
// have it draw for nothing.
func TestPoll_oneTimer(t *testing.T) {
	t.Parallel()
	env := tuitest.Env(t, &tuitest.Jobs{})
	var timers []context.Context
	p := poll{env: env, now: env.Now(), timer: func(ctx context.Context, _ time.Duration, _ tea.Msg) tea.Cmd {
		timers = append(timers, ctx)
		return nil
	}}
	p, _ = p.ask()
	p, _ = p.answered(listedMsg{seq: p.seq})
	p, _ = p.plan()
	if len(timers) != 3 {
		t.Fatalf("%d timers, want 3", len(timers))
	}
	for i, ctx := range timers {
		if ended := ctx.Err() != nil; ended != (i < 2) {
			t.Errorf("timer %d ended: %t", i+1, ended)
		}
	}
	if msg := after(timers[0], time.Hour, tickMsg{})(); msg != nil {
		t.Errorf("an ended timer sent %v", msg)
	}
	p.forget()
}
