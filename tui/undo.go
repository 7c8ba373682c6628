package tui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/screen"
)

// held is a confirmed action that can still be taken back.
type held struct {
	id   int
	page int     // that asked
	what string  // "stop sweep-lr-0.03"
	cmd  tea.Cmd // does it
	left int     // seconds
}

type (
	// heldTickMsg takes a second off the time of a held action.
	heldTickMsg struct{ id int }
	// leaveMsg asks to quit as a key would.
	leaveMsg struct{}
)

// confirm does what was agreed to, or holds it for UndoTime.
func (m model) confirm(q question) (model, tea.Cmd) {
	cmd := q.msg.Do
	if q.msg.DoWith != nil {
		cmd = q.msg.DoWith(q.picked)
	}
	if q.msg.Hold == "" {
		return m, m.run(q.page, cmd)
	}
	m.lastHeld++
	h := held{id: m.lastHeld, page: q.page, what: clean.Text(q.msg.Hold), cmd: cmd, left: int(screen.UndoTime / time.Second)}
	m.held = append(slices.Clone(m.held), h)
	m.guard.holding().Store(int32(len(m.held)))
	m.notice.text = ""
	return m, m.heldTick(h.id)
}

func (m model) heldTick(id int) tea.Cmd {
	return m.run(0, m.poll.timer(m.env.Ctx, time.Second, heldTickMsg{id}))
}

// heldTicked counts down and sends what is due.
func (m model) heldTicked(msg heldTickMsg) (model, tea.Cmd) {
	i := slices.IndexFunc(m.held, func(h held) bool { return h.id == msg.id })
	if i < 0 {
		return m, nil
	}
	m.held = slices.Clone(m.held)
	if m.held[i].left--; m.held[i].left > 0 {
		return m, m.heldTick(msg.id)
	}
	return m.release(i)
}

// release sends a held action. While the server does not answer it is not
// sent, now or later: who comes back to it has other things in mind.
func (m model) release(i int) (model, tea.Cmd) {
	h := m.held[i]
	m = m.drop(i)
	if m.poll.link == screen.Offline {
		return m.say(screen.Bad, fmt.Sprintf("not sent: %s; %s does not answer, ask again when it is back", h.what, m.env.Target.Name))
	}
	return m, m.run(h.page, h.cmd)
}

func (m model) drop(i int) model {
	m.held = slices.Delete(slices.Clone(m.held), i, i+1)
	m.guard.holding().Store(int32(len(m.held)))
	return m
}

// undo takes the newest held action back.
func (m model) undo() (model, tea.Cmd) {
	i := len(m.held) - 1
	what := m.held[i].what
	return m.drop(i).say(screen.Info, "taken back, nothing was sent: "+what)
}

// sendNow sends the newest held action without waiting.
func (m model) sendNow() (model, tea.Cmd) { return m.release(len(m.held) - 1) }

// heldLine tells what is about to be done.
func (m model) heldLine() string {
	h := m.held[len(m.held)-1]
	keys := fmt.Sprintf(", %s undo, %s now", m.keyName(m.keys.undo), m.keyName(m.keys.sendNow))
	if m.top().screen.Typing() {
		keys = ""
	}
	more := ""
	if n := len(m.held) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("%s in %ds%s%s", h.what, h.left, more, keys)
}

// quit ends the program; Run closes the pages. What is held was agreed to, so
// it is sent first and waited for; a second quit does not wait.
func (m model) quit() (model, tea.Cmd) {
	if m.leaving || len(m.held) == 0 {
		return m, tea.Quit
	}
	if m.poll.link == screen.Offline {
		for _, h := range m.held {
			m.crash.complain(h.what + ": not sent, " + m.env.Target.Name + " does not answer")
		}
		return m, tea.Quit
	}
	m.leaving = true
	held, c := m.held, m.crash
	m.notice = notice{id: m.notice.id + 1, level: screen.Warn, text: fmt.Sprintf("leaving as soon as this is sent: %s", m.held[0].what)}
	m.held = nil
	return m, func() tea.Msg {
		defer c.catch()
		var wg sync.WaitGroup
		for _, h := range held {
			wg.Go(func() {
				defer c.catch()
				drain(h.cmd, func(n screen.NoticeMsg) {
					if n.Level == screen.Bad || n.Level == screen.Warn {
						c.complain(strings.Join(append([]string{n.Text}, n.Detail...), "\n  "))
					}
				})
			})
		}
		wg.Wait()
		return tea.QuitMsg{}
	}
}

// drain runs cmd and the commands that it leads to, in order, where no program
// is left to do it, and hands over what they want to say.
func drain(cmd tea.Cmd, said func(screen.NoticeMsg)) {
	if cmd == nil {
		return
	}
	msg := cmd()
	if n, ok := msg.(screen.NoticeMsg); ok {
		said(n)
		return
	}
	v := reflect.ValueOf(msg)
	if msg == nil || v.Kind() != reflect.Slice {
		return
	}
	for i := range v.Len() {
		if next, ok := v.Index(i).Interface().(tea.Cmd); ok {
			drain(next, said)
		}
	}
}

// holding counts the held actions for those outside the event loop.
type holding = atomic.Int32
