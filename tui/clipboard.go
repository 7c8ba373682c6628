package tui

import (
	"errors"
	"os"
	"sync"

	"github.com/charmbracelet/x/ansi"
)

// output is the terminal. Its writes are serialised, so that a sequence for
// the clipboard never lands in the middle of a frame.
type output struct {
	*os.File
	mu sync.Mutex
}

// Write writes p as one piece.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.File.Write(p)
}

// WriteString writes s as one piece.
func (o *output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// maxCopy bounds what is sent to the clipboard: longer sequences are dropped
// by many terminals without a word.
const maxCopy = 64 << 10

// screenChunk is the longest string that GNU screen passes through at once.
const screenChunk = 76

// copier returns a function that puts text on the clipboard of the terminal
// that the user sits at, through tmux and screen, and says which way it took.
func (o *output) copier(getenv func(string) string) func(text string) (string, error) {
	return func(text string) (string, error) {
		if len(text) > maxCopy {
			return "", errors.New("too long for a terminal's clipboard")
		}
		seq, how := clipboard(text, getenv)
		_, err := o.WriteString(seq)
		return how, err
	}
}

func clipboard(text string, getenv func(string) string) (seq, how string) {
	seq = ansi.SetSystemClipboard(text)
	switch {
	case getenv("TMUX") != "":
		// tmux takes the plain form with set-clipboard on, and passes the
		// wrapped one with allow-passthrough on; which is set cannot be seen.
		return seq + ansi.TmuxPassthrough(seq), "OSC 52, also through tmux"
	case getenv("STY") != "":
		return ansi.ScreenPassthrough(seq, screenChunk), "OSC 52 through screen"
	}
	return seq, "OSC 52"
}
