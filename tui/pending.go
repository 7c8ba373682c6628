package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/once"
	"dray/tui/clean"
	"dray/tui/screen"
)

// resolveTime bounds the look-ups for submits that got no answer.
const resolveTime = time.Minute

// unanswered finds out, once per start, what became of the submits whose
// answers an earlier dray never saw, and tells the user.
func unanswered(env *screen.Env) tea.Cmd {
	if env.Ledger == nil {
		return nil
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, resolveTime)
		defer cancel()
		// A server that does not answer is on the screen already; the next start
		// asks again.
		list, _ := once.Resolve(ctx, env.Jobs, env.Ledger, env.Target.LedgerKey, env.Now())
		var told tea.BatchMsg
		for _, o := range list {
			text := o.String()
			if text == "" {
				continue
			}
			n := screen.NoticeMsg{Level: screen.Warn, Text: clean.Text(text), Job: o.Entry.Request.SubmissionID}
			if o.Fate == once.Arrived {
				n.Level = screen.Info
			}
			told = append(told, func() tea.Msg { return n })
		}
		if told == nil {
			return nil
		}
		return told
	}
}
