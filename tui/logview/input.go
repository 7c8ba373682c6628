package logview

import (
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/screen"
	"dray/tui/widget/prompt"
)

// input is what is being typed.
type input int

const (
	inputNone input = iota
	inputFind
	inputOnly // to find, and to show nothing else
	inputSave
	inputPipe
)

// finds reports that the text is to be found.
func (i input) finds() bool { return i == inputFind || i == inputOnly }

// maxHistory bounds the texts that are remembered.
const maxHistory = 100

// history are the texts that were searched for, here and in earlier logs, the
// newest last, and which one is shown.
type history struct {
	texts []string
	at    int // from the end; 0: the one being typed
	typed string
}

func (h history) add(text string) history {
	if text == "" {
		return history{texts: h.texts}
	}
	return history{texts: withText(h.texts, text)}
}

// step goes to an older or newer text.
func (h history) step(by int, now string) (history, string, bool) {
	at := h.at + by
	if at < 0 || at > len(h.texts) {
		return h, "", false
	}
	if h.at == 0 {
		h.typed = now
	}
	h.at = at
	if at == 0 {
		return h, h.typed, true
	}
	return h, h.texts[len(h.texts)-at], true
}

// openFind starts to type a text to find, beginning where the screen is.
func (m Model) openFind() (Model, tea.Cmd) { return m.openInput(inputFind, "") }

func (m Model) openInput(what input, text string) (Model, tea.Cmd) {
	m.input = what
	m.prompt = prompt.New(text)
	if !what.finds() {
		return m, nil
	}
	m.origin = origin{m.win.top, m.follow, m.find}
	m.past = history{texts: m.past.texts}
	return m.setQuery("", m.find.regex)
}

// inputKey handles a key while text is typed.
func (m Model) inputKey(msg tea.KeyMsg) (Model, tea.Cmd) {
	switch msg.Type {
	case tea.KeyEsc:
		return m.cancelInput()
	case tea.KeyEnter:
		return m.enterInput()
	case tea.KeyCtrlX:
		if m.input.finds() {
			return m.setQuery(m.prompt.Text(), !m.find.regex)
		}
	case tea.KeyUp, tea.KeyDown:
		if m.input.finds() {
			return m.recall(map[tea.KeyType]int{tea.KeyUp: 1, tea.KeyDown: -1}[msg.Type])
		}
	default:
	}
	p, ok := m.prompt.Update(msg)
	if !ok {
		return m, nil
	}
	before := m.prompt.Text()
	m.prompt = p
	if p.Text() == before || !m.input.finds() {
		return m, nil
	}
	return m.setQuery(p.Text(), m.find.regex)
}

// recall puts an older or newer text into the prompt.
func (m Model) recall(by int) (Model, tea.Cmd) {
	past, text, ok := m.past.step(by, m.prompt.Text())
	if !ok {
		return m, nil
	}
	m.past, m.prompt = past, prompt.New(text)
	return m.setQuery(text, m.find.regex)
}

// cancelInput goes back to where a search began.
func (m Model) cancelInput() (Model, tea.Cmd) {
	finds := m.input.finds()
	m.input = inputNone
	if !finds {
		return m, nil
	}
	m.job1.cancel()
	m.job1 = m.job1.none()
	m.find = m.origin.find
	m.find.finder, m.find.running, m.find.ranking = nil, false, false // its step may still be at work
	if m.origin.find.only && !m.find.active() {
		m.find.only = false
	}
	m, load := m.jumpTo(m.origin.top, m.origin.follow)
	m, count := m.count()
	return m, tea.Batch(load, count)
}

func (m Model) enterInput() (Model, tea.Cmd) {
	what, text := m.input, m.prompt.Text()
	switch {
	case what.finds() && m.find.err != nil:
		return m, screen.Notice(screen.Warn, m.find.err.Error())
	case what.finds() && !m.find.active():
		return m.cancelInput()
	}
	m.input = inputNone
	switch what {
	case inputFind, inputOnly:
		m.past = m.past.add(text)
		return m, m.keepPast(text)
	case inputSave:
		return m.saveTo(text, false)
	case inputPipe:
		return m.pipeTo(text)
	case inputNone:
	}
	return m, nil
}
