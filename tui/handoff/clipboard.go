package handoff

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

const (
	// maxOSC bounds what is sent through the terminal: longer sequences are
	// dropped by many without a word.
	maxOSC = 64 << 10
	// maxTool bounds what is given to a clipboard program.
	maxTool = 8 << 20
	// toolTime is how long a clipboard program may take: one that waits for a
	// display that does not answer shall not hold the copy.
	toolTime = 2 * time.Second
	// screenChunk is the longest string that GNU screen passes through at once.
	screenChunk = 76
)

// Clipboard puts text where the user can paste it.
type Clipboard struct {
	Terminal io.Writer // takes each write as one piece
	Getenv   func(string) string
	Dir      string // where a text goes that no clipboard takes; "" for the system's folder
}

// tool is a program that takes a text on its standard input and says by its
// exit whether it has it.
type tool struct {
	args []string
	said string
}

// Copy copies text by the first way that works and says which one it was. A
// program of the desktop or tmux tells that it has the text; a terminal does
// not. A text too long for a terminal goes into a file.
func (c Clipboard) Copy(ctx context.Context, text string) (said string, err error) {
	if len(text) <= maxTool {
		for _, t := range c.tools() {
			if c.give(ctx, t, text) {
				return t.said, nil
			}
		}
	}
	if len(text) > maxOSC {
		return c.keep(text)
	}
	seq, how := sequence(text, c.Getenv)
	if _, err := io.WriteString(c.Terminal, seq); err != nil {
		return "", err
	}
	return "sent to the terminal's clipboard (" + how + ")", nil
}

// tools are the programs that reach the clipboard of the user's own desk: tmux
// that of its terminal, the others only when the user sits at this machine.
func (c Clipboard) tools() []tool {
	if c.Getenv("TMUX") != "" {
		return []tool{{[]string{"tmux", "load-buffer", "-w", "-"}, "copied (tmux's buffer, and its terminal's clipboard)"}}
	}
	if c.Getenv("SSH_CONNECTION") != "" || c.Getenv("SSH_TTY") != "" {
		return nil
	}
	var all []tool
	if c.Getenv("WAYLAND_DISPLAY") != "" {
		all = append(all, tool{[]string{"wl-copy"}, "copied (wl-copy)"})
	}
	if c.Getenv("DISPLAY") != "" {
		all = append(all,
			tool{[]string{"xclip", "-selection", "clipboard"}, "copied (xclip)"},
			tool{[]string{"xsel", "--clipboard", "--input"}, "copied (xsel)"})
	}
	if c.Getenv("__CF_USER_TEXT_ENCODING") != "" { // a desktop session of macOS
		all = append(all, tool{[]string{"pbcopy"}, "copied (pbcopy)"})
	}
	return all
}

func (c Clipboard) give(ctx context.Context, t tool, text string) bool {
	path, err := exec.LookPath(t.args[0])
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, t.args[1:]...)
	cmd.Stdin = strings.NewReader(text)
	cmd.Env = append(os.Environ(), "TMUX="+c.Getenv("TMUX"))
	cmd.WaitDelay = time.Second
	return cmd.Run() == nil
}

// keep puts the text into a file, for its owner alone.
func (c Clipboard) keep(text string) (string, error) {
	dir := c.Dir
	if dir == "" {
		dir = os.TempDir()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("too long for a clipboard, and no file could be made: %w", err)
	}
	f, err := os.CreateTemp(dir, "copied-*.txt")
	if err != nil {
		return "", fmt.Errorf("too long for a clipboard, and no file could be made: %w", err)
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(f.Name()) // half of a text is of no use
		return "", fmt.Errorf("too long for a clipboard, and the file could not be written: %w", err)
	}
	return "too long for a clipboard, written to " + filepath.Clean(f.Name()), nil
}

// sequence is OSC 52 for the terminal that the user sits at, through tmux or
// screen.
func sequence(text string, getenv func(string) string) (seq, how string) {
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
