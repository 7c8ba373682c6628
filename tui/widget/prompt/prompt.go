// Package prompt is a line of text being typed in a place where a whole input
// field would be too much: a filter.
package prompt

import (
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// maxLength bounds the text, in characters; a paste is cut to it.
const maxLength = 200

// Model is the text and the place in it. The zero value is empty.
type Model struct {
	text []rune
	at   int
}

// New returns a prompt that holds text, with the cursor at its end.
func New(text string) Model {
	return Model{text: []rune(text), at: len([]rune(text))}
}

// Text is what has been typed.
func (m Model) Text() string { return string(m.text) }

// Split returns the text before the cursor, under it (a blank at the end), and
// after it.
func (m Model) Split() (before, under, after string) {
	if m.at == len(m.text) {
		return string(m.text), " ", ""
	}
	return string(m.text[:m.at]), string(m.text[m.at]), string(m.text[m.at+1:])
}

// Update handles a key and reports whether it was one of the prompt's.
func (m Model) Update(k tea.KeyMsg) (Model, bool) {
	if k.Alt {
		return m, false
	}
	switch k.Type {
	case tea.KeyRunes, tea.KeySpace:
		return m.insert(k.Runes), true
	case tea.KeyBackspace, tea.KeyCtrlH:
		return m.cut(m.at-1, m.at), true
	case tea.KeyDelete, tea.KeyCtrlD:
		return m.cut(m.at, m.at+1), true
	case tea.KeyCtrlU:
		return m.cut(0, m.at), true
	case tea.KeyCtrlK:
		return m.cut(m.at, len(m.text)), true
	case tea.KeyCtrlW:
		return m.cut(m.word(), m.at), true
	case tea.KeyLeft, tea.KeyCtrlB:
		m.at = max(0, m.at-1)
	case tea.KeyRight, tea.KeyCtrlF:
		m.at = min(len(m.text), m.at+1)
	case tea.KeyHome, tea.KeyCtrlA:
		m.at = 0
	case tea.KeyEnd, tea.KeyCtrlE:
		m.at = len(m.text)
	default:
		return m, false
	}
	return m, true
}

// insert takes pasted line breaks as blanks and drops control characters.
func (m Model) insert(runes []rune) Model {
	added := []rune(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, string(runes)))
	added = added[:min(len(added), max(0, maxLength-len(m.text)))]
	text := make([]rune, 0, len(m.text)+len(added))
	text = append(append(append(text, m.text[:m.at]...), added...), m.text[m.at:]...)
	return Model{text, m.at + len(added)}
}

func (m Model) cut(from, to int) Model {
	from, to = max(0, from), min(len(m.text), to)
	if from >= to {
		return m
	}
	text := append(append(make([]rune, 0, len(m.text)), m.text[:from]...), m.text[to:]...)
	return Model{text, from}
}

// word is where the word before the cursor starts.
func (m Model) word() int {
	i := m.at
	for i > 0 && m.text[i-1] == ' ' {
		i--
	}
	for i > 0 && m.text[i-1] != ' ' {
		i--
	}
	return i
}
