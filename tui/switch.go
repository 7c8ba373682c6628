package tui

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/clusters"
	"dray/tui/joblist"
	"dray/tui/notify"
	"dray/tui/screen"
)

// openClusters opens the list of servers to switch to.
func (m model) openClusters() (model, tea.Cmd) {
	if m.env.Clusters == nil {
		return m.say(screen.Info, "there is no other cluster to switch to here")
	}
	if _, open := m.top().screen.(clusters.Model); open {
		return m, nil
	}
	return m.push(clusters.New(m.env))
}

// connMsg is a connection that was asked for, the nth one.
type connMsg struct {
	n    int
	name string
	conn screen.Conn
	err  error
}

// switchTo asks for a connection to another server. What is about to be sent
// to this one comes first.
func (m model) switchTo(name string) (model, tea.Cmd) {
	if m.env.Clusters == nil {
		return m.openClusters()
	}
	if len(m.held) > 0 {
		return m.say(screen.Bad, fmt.Sprintf("%s is still to be sent: %s takes it back, %s sends it, then switch", m.held[len(m.held)-1].what, m.keyName(m.keys.undo), m.keyName(m.keys.sendNow)))
	}
	m.wanted++
	n, all, ctx := m.wanted, m.env.Clusters, m.ctx()
	return m, m.run(0, func() tea.Msg {
		conn, err := all.Open(ctx, name)
		return connMsg{n, name, conn, err}
	})
}

// ctx is that of the program, not of one server.
func (m model) ctx() context.Context {
	if m.programCtx != nil {
		return m.programCtx
	}
	return m.env.Ctx
}

// connected closes everything that was about the old server and opens the list
// of the new one. Answers that still come from the old one are known by who
// asked, and dropped.
func (m model) connected(msg connMsg) (model, tea.Cmd) {
	switch {
	case msg.n != m.wanted:
		return m, nil
	case msg.err != nil:
		return m.say(screen.Bad, fmt.Sprintf("switch to %s: %v", msg.name, msg.err))
	case len(m.held) > 0:
		return m.switchTo(msg.name) // which says why not
	}
	for _, p := range m.pages {
		p.screen.Close()
	}
	parent := m.ctx()
	env := msg.conn.On(m.env)
	ctx, leave := context.WithCancel(parent)
	if m.leave != nil {
		m.leave() // the questions to the old one
	}
	env.Ctx = ctx
	m.guard = &guard{Jobs: msg.conn.Jobs, server: env.Target.Name, readOnly: env.Target.ReadOnly, prev: m.guard}
	env.Jobs = m.guard
	env.Pages = m.pagesOf(env)
	m.env, m.leave, m.programCtx = env, leave, parent
	m.root--
	m.lastID++
	m.oldest = m.lastID
	m.pages = []page{{m.lastID, joblist.New(env)}}
	m.poll = poll{env: env, now: env.Now(), timer: m.poll.timer, away: m.poll.away}
	m.watcher, m.toldAnswer, m.watched, m.ray = notify.Watcher{}, 0, nil, ""
	m.hold = hold{id: m.hold.id + 1}
	m.question, m.help, m.palette, m.picker = nil, nil, nil, nil
	m = m.resize(m.w, m.h)
	m, said := m.say(screen.Good, "now on "+clean.Text(env.Target.Name)+m.modeWord())
	m, asked := m.refresh()
	return m, tea.Batch(m.run(m.top().id, m.top().screen.Init()), said, asked, m.run(0, unanswered(env)))
}

// modeWord says what is special about the server.
func (m model) modeWord() string {
	switch t := m.env.Target; {
	case t.ReadOnly:
		return ", read-only: nothing can be changed"
	case t.Protected:
		return ", protected: questions want the job's id typed"
	}
	return ""
}

// late reports that a message comes from what was about an old server and must
// not act on this one. What was done there may still be told.
func (m model) late(from int, msg tea.Msg) bool {
	if from == m.root || from > 0 && from >= m.oldest {
		return false
	}
	switch msg.(type) {
	case screen.NoticeMsg, noticeGoneMsg, copiedMsg, savedMsg, heldTickMsg:
		return false
	}
	return true
}

// clusterNames completes ":cluster".
func (m model) clusterNames(string) []string {
	if m.env.Clusters == nil {
		return nil
	}
	list, err := m.env.Clusters.List()
	if err != nil {
		return nil
	}
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.Name
	}
	return names
}

// clusterCommand switches by name; without one it opens the list.
func (m model) clusterCommand(args []string) tea.Cmd {
	if len(args) == 0 {
		return message(globalMsg{m.keys.clusters})
	}
	return message(screen.SwitchMsg{Name: args[0]})
}
