package tui

import (
	"reflect"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
)

// hold keeps back what is typed after a key that leads elsewhere, until it has
// led there: commands run beside the loop that reads the keys, and a key that
// overtook one would act on the page, and the job, that the user has left.
type hold struct {
	id   int  // of the last key that was waited for
	on   bool // its command has not answered yet
	keys []tea.KeyMsg
}

// ledMsg is the answer to a key that leads elsewhere.
type ledMsg struct {
	id  int
	msg tea.Msg
}

// typed takes what the terminal sends. Quitting waits for nothing.
func (m model) typed(k tea.KeyMsg) (model, tea.Cmd) {
	if k.Type == tea.KeyRunes && !k.Paste && strings.HasPrefix(string(k.Runes), lateAnswer) {
		return m, nil
	}
	if m.hold.on && !key.Matches(k, m.keys.quit.Binding) {
		m.hold.keys = append(slices.Clone(m.hold.keys), k)
		return m, nil
	}
	return m.handleKeys(k)
}

// keyToPage gives the page on top a key.
func (m model) keyToPage(k tea.KeyMsg) (model, tea.Cmd) {
	at, leads := len(m.pages)-1, m.leads(k)
	id := m.pages[at].id
	next, cmd := m.pages[at].screen.Update(k)
	m.pages = slices.Clone(m.pages)
	m.pages[at].screen = next
	cmd = m.run(id, cmd)
	if !leads || cmd == nil {
		return m, cmd
	}
	m.hold.id++
	m.hold.on = true
	holdID := m.hold.id
	return m, func() tea.Msg { return ledMsg{holdID, cmd()} }
}

// leads reports that k opens, closes or asks something. A binding that is off
// counts too: the page may explain it.
func (m model) leads(k tea.KeyMsg) bool {
	return slices.ContainsFunc(m.top().screen.Bindings(), func(b screen.Binding) bool {
		return b.Leads && slices.Contains(b.Keys(), k.String())
	})
}

// led goes where a key has led, and gives the keys typed since to what is
// there. Where it led nowhere they are dropped: they were meant for a page or
// a question that did not open.
func (m model) led(msg ledMsg) (model, tea.Cmd) {
	if msg.id != m.hold.id {
		return m, nil
	}
	keys := m.hold.keys
	m.hold.on, m.hold.keys = false, nil
	top, asks := m.top().id, m.covered()
	var cmds []tea.Cmd
	if v := reflect.ValueOf(msg.msg); v.IsValid() && v.Kind() == reflect.Slice {
		cmds = append(cmds, func() tea.Msg { return msg.msg }) // a group of commands is the program's
	} else {
		next, cmd := m.update(msg.msg)
		m, cmds = next, append(cmds, cmd)
	}
	if m.top().id == top && m.covered() == asks {
		return m, tea.Batch(cmds...)
	}
	for _, k := range keys {
		next, cmd := m.typed(k)
		m, cmds = next, append(cmds, cmd)
	}
	return m, tea.Batch(cmds...)
}
