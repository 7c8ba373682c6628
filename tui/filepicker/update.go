package filepicker

import (
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// Update takes a key or a message of the picker's own.
func (m Model) Update(msg tea.Msg) (Model, tea.Cmd, Event) {
	switch msg := msg.(type) {
	case ListMsg:
		next, cmd := m.listed(msg)
		return next, cmd, None
	case tea.KeyMsg:
		return m.key(msg)
	}
	return m, nil, None
}

func (m Model) key(k tea.KeyMsg) (Model, tea.Cmd, Event) {
	switch k.Type {
	case tea.KeyEsc:
		return m, nil, Canceled
	case tea.KeyUp, tea.KeyCtrlP:
		m.at = max(0, m.at-1)
	case tea.KeyDown, tea.KeyCtrlN:
		m.at = min(m.at+1, max(0, len(m.shown)+m.rows0()-1))
	case tea.KeyPgUp:
		m.at = max(0, m.at-m.room())
	case tea.KeyPgDown:
		m.at = min(m.at+m.room(), max(0, len(m.shown)+m.rows0()-1))
	case tea.KeyCtrlT:
		m.hidden = !m.hidden
		m = m.sifted()
	case tea.KeyEnter, tea.KeyTab:
		return m.enter()
	case tea.KeyRight:
		if i := m.selected(); i >= 0 && m.entries[i].folder {
			return m.enter()
		}
	case tea.KeyLeft:
		return m.parent()
	case tea.KeyBackspace:
		if m.filter.Text() == "" {
			return m.parent()
		}
		return m.typed(k)
	default:
		return m.typed(k)
	}
	return m.scrolled(), nil, None
}

// typed sifts; a path that ends in a slash goes there.
func (m Model) typed(k tea.KeyMsg) (Model, tea.Cmd, Event) {
	var mine bool
	if m.filter, mine = m.filter.Update(k); !mine {
		return m, nil, None
	}
	text := m.filter.Text()
	switch {
	case text == "/" || strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/"):
		next, cmd := m.open(text)
		return next, cmd, None
	case text == "~/":
		if home, err := os.UserHomeDir(); err == nil {
			next, cmd := m.open(home)
			return next, cmd, None
		}
	case strings.HasSuffix(text, "/"):
		next, cmd := m.open(filepath.Join(m.dir, text))
		return next, cmd, None
	}
	m.at, m.top = 0, 0
	return m.sifted().scrolled(), nil, None
}

func (m Model) parent() (Model, tea.Cmd, Event) {
	next, cmd := m.open(filepath.Dir(m.dir))
	return next, cmd, None
}

func (m Model) enter() (Model, tea.Cmd, Event) {
	i := m.selected()
	if i < 0 {
		if m.rows0() == 1 && m.wrong == "" {
			m.path = m.dir
			return m, nil, Picked
		}
		return m, nil, None
	}
	e := m.entries[i]
	path := filepath.Join(m.dir, e.name)
	switch {
	case e.folder:
		next, cmd := m.open(path)
		return next, cmd, None
	case e.wrong == "" && (m.fits(e) || !m.want.Only):
		m.path = path
		return m, nil, Picked
	}
	return m, nil, None
}

func (m Model) room() int { return max(1, m.h-2) }

func (m Model) scrolled() Model {
	m.top = max(0, min(m.top, m.at))
	if m.at >= m.top+m.room() {
		m.top = m.at - m.room() + 1
	}
	return m
}

// Resize sets how many lines View returns.
func (m Model) Resize(h int) Model {
	m.h = max(3, h)
	return m.scrolled()
}
