package tui

import (
	"fmt"
	"os"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
)

// pageTop is the line of the window in which a page begins.
const pageTop = 1

// mouse hands wheel and presses to the page on top, in its own lines. Over a
// question or a list of ours they are for nobody.
func (m model) mouse(msg tea.MouseMsg) (model, tea.Cmd) {
	if m.tooSmall() || m.covered() || m.hold.on {
		return m, nil
	}
	msg.Y -= pageTop
	if msg.Y < 0 || msg.Y >= m.pageSize(len(m.pages)).H {
		return m, nil
	}
	at := len(m.pages) - 1
	return m.toPage(m.pages[at].id, msg)
}

// mouseMode asks the terminal for the mouse, or leaves it to it.
func (m model) mouseMode() tea.Cmd {
	if m.mouseOn {
		return tea.EnableMouseCellMotion
	}
	return tea.DisableMouse
}

// toggleMouse lends the mouse to the terminal, which then marks text.
func (m model) toggleMouse() (model, tea.Cmd) {
	m.mouseOn = !m.mouseOn
	text := "the mouse is the terminal's: drag to mark text, M takes it back"
	if m.mouseOn {
		text = "the mouse is dray's: wheel and rows; M lets the terminal mark text"
	}
	m, said := m.say(screen.Info, text)
	return m, tea.Batch(m.mouseMode(), said)
}

// tty is the terminal for programs that get it for a while.
type tty struct{ in, out *os.File }

// returnedMsg says that a program which had the terminal has ended.
type returnedMsg struct {
	page int
	msg  tea.Msg
	err  error
	name string
}

// lend gives the terminal to a program of the user's. Its output is set here:
// Bubble Tea would put a pipe in between.
func (m model) lend(page int, msg screen.ExecMsg) (model, tea.Cmd) {
	if msg.Cmd == nil {
		return m, nil
	}
	if msg.Cmd.Stdin == nil && m.tty.in != nil {
		msg.Cmd.Stdin = m.tty.in
	}
	if msg.Cmd.Stdout == nil && m.tty.out != nil {
		msg.Cmd.Stdout = m.tty.out
	}
	if msg.Cmd.Stderr == nil && m.tty.out != nil {
		msg.Cmd.Stderr = m.tty.out
	}
	tell := m.lent
	if tell == nil {
		tell = func(bool) {}
	}
	tell(true)
	return m, tea.ExecProcess(msg.Cmd, func(err error) tea.Msg {
		tell(false)
		r := returnedMsg{page: page, err: err, name: msg.Cmd.Path}
		if msg.Done != nil {
			r.msg = msg.Done(err)
		}
		return r
	})
}

// returned takes the terminal back. The program may have left anything in it.
func (m model) returned(msg returnedMsg) (model, tea.Cmd) {
	cmds := []tea.Cmd{tea.ClearScreen, m.mouseMode()}
	if msg.msg != nil {
		next, cmd := m.handlePage(msg.page, msg.msg)
		m, cmds = next, append(cmds, cmd)
	} else if msg.err != nil {
		next, cmd := m.say(screen.Bad, fmt.Sprintf("%s: %v", msg.name, msg.err))
		m, cmds = next, append(cmds, cmd)
	}
	return m, tea.Batch(cmds...)
}
