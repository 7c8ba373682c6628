package logview

import (
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/widget/prompt"
)

// openFind starts to type a text to find, beginning where the screen is.
func (m Model) openFind() (Model, tea.Cmd) {
	m.typing = true
	m.origin = origin{m.win.top, m.follow}
	m.find.from = m.win.top.line
	m.prompt = prompt.New("")
	return m.setQuery("")
}

// findKey handles a key while a text is typed.
func (m Model) findKey(msg tea.KeyMsg) (Model, tea.Cmd) {
	if msg.Type == tea.KeyEsc {
		return m.cancelFind()
	}
	if msg.Type == tea.KeyEnter {
		if !m.find.active() {
			return m.cancelFind()
		}
		m.typing = false
		return m, nil
	}
	p, ok := m.prompt.Update(msg)
	if !ok {
		return m, nil
	}
	before := m.prompt.Text()
	m.prompt = p
	if p.Text() == before {
		return m, nil
	}
	return m.setQuery(p.Text())
}

// setQuery searches for text from the line on where the prompt was opened.
func (m Model) setQuery(text string) (Model, tea.Cmd) {
	m.find = find{id: m.find.id + 1, query: newQuery(text), jump: jumpHere, from: m.find.from}
	m, load := m.load()
	m, step := m.search()
	return m, tea.Batch(load, step)
}

// cancelFind goes back to where the search began.
func (m Model) cancelFind() (Model, tea.Cmd) {
	m.typing = false
	m.find = find{id: m.find.id + 1}
	return m.jumpTo(m.origin.top, m.origin.follow)
}

// endFind takes the marks away.
func (m Model) endFind() (Model, tea.Cmd) {
	m.find = find{id: m.find.id + 1}
	return m.load()
}

// searchable is the number of lines that cannot change any more.
func (m Model) searchable() int64 {
	if m.news.link.final() {
		return m.news.lines
	}
	return max(0, m.news.lines-1)
}

// searched reports that the search has reached the end of the log, or of its
// memory.
func (m Model) searched() bool {
	return m.find.full() || m.find.next >= m.searchable()
}

// search takes the next step if there is one to take.
func (m Model) search() (Model, tea.Cmd) {
	if !m.find.active() || m.find.running || m.searched() {
		return m, nil
	}
	m.find.running = true
	return m, m.find.step(m.s, m.searchable())
}

// found takes the answer of a step, goes where the user wants to be, and
// searches on.
func (m Model) found(msg foundMsg) (Model, tea.Cmd) {
	m.find.running = false
	if msg.err != nil {
		m.winErr = msg.err
		return m, nil
	}
	m.find.hits = append(m.find.hits, msg.hits...)
	m.find.next = msg.next
	m, step := m.search()
	m, jump := m.leap()
	return m, tea.Batch(step, jump)
}

// leap goes to the hit that is wanted, if it is known.
func (m Model) leap() (Model, tea.Cmd) {
	if m.find.jump == jumpNone {
		return m, nil
	}
	line, ok, wait := m.find.target(m.searched())
	if !ok {
		if !wait {
			m.find.jump = jumpNone
		}
		return m, nil
	}
	m.find.jump = jumpNone
	m.find.at = line
	if line >= m.win.top.line && line <= m.win.last && len(m.win.rows) > 0 && !m.follow {
		return m.load() // it is on the screen; only the marks change
	}
	m.top, m.move = place{line: line}, -m.bodyHeight()/3
	m.follow, m.resume = false, false
	m.anchor++
	return m.load()
}

func (m Model) nextHit() (Model, tea.Cmd) { return m.hitFrom(jumpNext) }
func (m Model) prevHit() (Model, tea.Cmd) { return m.hitFrom(jumpPrev) }

// hitFrom goes on from the last hit, or from the screen if that was left.
func (m Model) hitFrom(j jump) (Model, tea.Cmd) {
	m.find.jump, m.find.from = j, m.find.at
	if m.find.at < m.win.top.line || m.find.at > m.win.last {
		m.find.from = m.win.top.line
		if j == jumpNext {
			m.find.from--
		}
	}
	return m.leap()
}
