package tui

import (
	"fmt"
	"maps"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/events"
	"dray/tui/screen"
)

// announce puts a notice on the message line and into the list of events.
func (m model) announce(n screen.NoticeMsg) (model, tea.Cmd) {
	all := append(slices.Clone(m.events), events.Of(m.poll.now, n))
	m.events = all[max(0, len(all)-events.Max):]
	told := tea.Cmd(nil)
	if _, open := m.top().screen.(events.Model); open {
		m, told = m.toPage(m.top().id, events.Msg{All: m.events})
	} else if n.Level != screen.Info || len(n.Detail) > 0 {
		m.unread++
	}
	m.notice = notice{id: m.notice.id + 1, level: n.Level, text: clean.Text(n.Text)}
	gone := m.run(0, m.poll.timer(m.env.Ctx, noticeTime, noticeGoneMsg{m.notice.id}))
	return m, tea.Batch(told, gone)
}

func (m model) say(level screen.Level, text string) (model, tea.Cmd) {
	return m.announce(screen.NoticeMsg{Level: level, Text: text})
}

// unreadWord counts the events that were not looked at, for the right end of
// the message line.
func (m model) unreadWord() string {
	switch m.unread {
	case 0:
		return ""
	case 1:
		return "1 event " + m.keyName(m.keys.events)
	}
	return fmt.Sprintf("%d events %s", m.unread, m.keyName(m.keys.events))
}

// watch begins or ends to tell of a job's changes.
func (m model) watch(msg screen.WatchMsg) (model, tea.Cmd) {
	if msg.ID == "" {
		return m, nil
	}
	m.watched = maps.Clone(m.watched)
	if m.watched == nil {
		m.watched = make(map[string]bool, 1)
	}
	text := "no longer watching " + msg.ID
	if msg.On {
		m.watched[msg.ID] = true
		text = "watching " + msg.ID + ": you are told when its state changes"
	} else {
		delete(m.watched, msg.ID)
	}
	m, told := m.tell()
	m, said := m.say(screen.Info, text)
	return m, tea.Batch(told, said)
}

// pause stops asking the server, or goes on.
func (m model) pause() (model, tea.Cmd) {
	m.poll.paused = !m.poll.paused
	if !m.poll.paused {
		m, asked := m.refresh()
		m, said := m.say(screen.Info, "refreshing again")
		return m, tea.Batch(asked, said)
	}
	m, told := m.polled(m.poll.plan())
	m, said := m.say(screen.Info, "refresh is paused; "+m.keyName(m.keys.pause)+" goes on, "+m.keyName(m.keys.refresh)+" asks once")
	return m, tea.Batch(told, said)
}
