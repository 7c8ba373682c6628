package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/notify"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

// maxOneByOne is how many changes of one answer are told each by itself.
const maxOneByOne = 3

// changed tells of the watched jobs that the newest answer shows in a new
// state.
func (m model) changed() (model, tea.Cmd) {
	if m.poll.answer == m.toldAnswer || m.poll.asOf.IsZero() {
		return m, nil
	}
	m.toldAnswer = m.poll.answer
	w, changes := m.watcher.Next(m.poll.jobs, m.isWatched, m.env.Target.Name, m.poll.now)
	m.watcher = w
	cmds := []tea.Cmd{m.titleCmd()}
	if len(changes) > maxOneByOne {
		n := screen.NoticeMsg{Level: screen.Good, Text: fmt.Sprintf("%d watched jobs have changed", len(changes))}
		for _, c := range changes {
			n.Level = max(n.Level, levelOf(c.Status))
			n.Detail = append(n.Detail, c.Text())
		}
		next, cmd := m.announce(n)
		m, cmds = next, append(cmds, cmd)
	}
	for _, c := range changes {
		if len(changes) <= maxOneByOne {
			next, cmd := m.announce(screen.NoticeMsg{Level: levelOf(c.Status), Text: m.outcome(c.ID, c.Text()), Job: c.ID})
			m, cmds = next, append(cmds, cmd)
		}
		cmds = append(cmds, m.outside(c)...)
	}
	p, ended := m.poll.ended(changes)
	m.poll = p
	for _, job := range ended {
		id := job.ID()
		next, cmd := m.announce(screen.NoticeMsg{Level: levelOf(job.Status), Text: m.outcome(id, id), Job: id})
		m, cmds = next, append(cmds, cmd)
	}
	return m, tea.Batch(cmds...)
}

func levelOf(s rayapi.Status) screen.Level {
	switch s {
	case rayapi.StatusSucceeded:
		return screen.Good
	case rayapi.StatusFailed:
		return screen.Bad
	case rayapi.StatusStopped:
		return screen.Warn
	default:
		return screen.Info
	}
}

func (m model) isWatched(j rayapi.Job) bool {
	if m.watched[j.ID()] {
		return true
	}
	switch m.env.Settings.Notify.Watch {
	case "all":
		return true
	case "mine":
		return m.env.User != "" && jobtext.Owner(&j) == m.env.User
	default:
		return false
	}
}

// outside are the ways of telling that leave the dashboard.
func (m model) outside(c notify.Change) []tea.Cmd {
	n, ctx, dir := m.env.Settings.Notify, m.env.Ctx, m.env.Cwd
	var cmds []tea.Cmd
	if seq := notify.Sequence(n, m.env.Getenv, c); seq != "" {
		cmds = append(cmds, m.toTerminal(seq))
	}
	failed := func(err error) tea.Msg {
		if err == nil {
			return nil
		}
		return screen.NoticeMsg{Level: screen.Bad, Text: err.Error(), Job: c.ID}
	}
	if n.Command != "" {
		cmds = append(cmds, m.run(0, func() tea.Msg { return failed(notify.Command(ctx, n.Command, dir, c)) }))
	}
	if n.Webhook != "" {
		cmds = append(cmds, m.run(0, func() tea.Msg { return failed(notify.Webhook(ctx, n.Webhook, c)) }))
	}
	return cmds
}

// toTerminal writes a sequence between two frames.
func (m model) toTerminal(seq string) tea.Cmd {
	write := m.write
	if write == nil {
		return nil
	}
	return m.run(0, func() tea.Msg {
		if _, err := write(seq); err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: fmt.Sprintf("write to the terminal: %v", err)}
		}
		return nil
	})
}

// titleCmd puts the counts into the terminal's title when they have changed.
func (m *model) titleCmd() tea.Cmd {
	if !m.env.Settings.Notify.Title {
		return nil
	}
	text := []string{"dray " + m.env.Target.Name + ":"}
	for _, c := range []struct {
		word string
		kind jobtext.Kind
	}{{"running", jobtext.Running}, {"pending", jobtext.Pending}, {"failed", jobtext.Failed}} {
		if n := m.poll.counts[c.kind]; n > 0 {
			text = append(text, fmt.Sprintf("%d %s", n, c.word))
		}
	}
	if len(text) == 1 {
		text = append(text, "idle")
	}
	title := strings.Join(text, " ")
	if title == m.title {
		return nil
	}
	m.title = title
	return m.toTerminal(notify.Title(title))
}
