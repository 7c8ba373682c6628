package logview

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/logstore"
	"dray/tui/widget/jobtext"
)

const (
	// pastFile keeps what was searched for, a text a line, the newest last.
	pastFile = "find-history"
	// maxPastText is how long a text may be that is kept.
	maxPastText = 200
)

// pastMsg is what was searched for in earlier logs.
type pastMsg struct {
	s     *logstore.Session
	texts []string
}

// recallPast reads the history. Without one there is none.
func (m Model) recallPast() tea.Cmd {
	if m.bare || m.env.DataDir == "" {
		return nil
	}
	s, path := m.s, filepath.Join(m.env.DataDir, pastFile)
	return func() tea.Msg {
		texts, err := readPast(path)
		if err != nil {
			return nil // searching works without
		}
		return pastMsg{s, texts}
	}
}

func readPast(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	texts := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	return texts[max(0, len(texts)-maxHistory):], nil
}

// keepPast adds a text to the history that later logs have too, unless it looks
// like a secret.
func (m Model) keepPast(text string) tea.Cmd {
	if m.env.DataDir == "" || text == "" || len(text) > maxPastText || strings.ContainsAny(text, "\r\n") || jobtext.Secret("", text) {
		return nil
	}
	dir := m.env.DataDir
	return func() tea.Msg {
		_ = writePast(dir, text) // a text that cannot be kept can be typed again
		return nil
	}
}

// writePast takes in what other dashboards have written meanwhile.
func writePast(dir, text string) error {
	path := filepath.Join(dir, pastFile)
	texts, err := readPast(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, pastFile+"-*") // for its owner alone
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(withText(texts, text), "\n") + "\n")
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it never became the history
	}
	return err
}

// withText returns texts with one more, which is there once and last.
func withText(texts []string, text string) []string {
	all := slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return t == text })
	all = append(all, text)
	return all[max(0, len(all)-maxHistory):]
}
