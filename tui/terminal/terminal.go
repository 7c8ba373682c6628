//go:build unix

// Package terminal drives a program in a pseudo-terminal and reads its screen
// through a terminal emulator, for end-to-end tests and for pictures.
//
// What the program is, and what its screen should show, is the caller's
// business.
package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// Terminal is a running program and its screen.
type Terminal struct {
	cmd *exec.Cmd
	pty *os.File
	vt  vt10x.Terminal

	mu      sync.Mutex
	raw     bytes.Buffer
	changed chan struct{} // closed and replaced at every output
	closed  bool          // the program's side is gone
	done    chan struct{} // the reader has ended
	exit    error
}

// Start runs cmd in a terminal of the given size. Close it.
func Start(cmd *exec.Cmd, cols, rows int) (*Terminal, error) {
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		return nil, fmt.Errorf("start %s in a terminal: %w", cmd.Path, err)
	}
	t := &Terminal{
		cmd: cmd, pty: f,
		vt:      vt10x.New(vt10x.WithSize(cols, rows)),
		changed: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go t.read() // ends when the program's side is closed
	return t, nil
}

func (t *Terminal) read() {
	defer close(t.done)
	buf := make([]byte, 32*1024)
	for {
		n, err := t.pty.Read(buf)
		t.mu.Lock()
		if n > 0 {
			t.raw.Write(buf[:n])
			_, _ = t.vt.Write(buf[:n])
		}
		t.closed = err != nil
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			t.exit = t.cmd.Wait()
			return
		}
	}
}

// Send types keys.
func (t *Terminal) Send(keys string) error {
	if _, err := t.pty.WriteString(keys); err != nil {
		return fmt.Errorf("type %q: %w", keys, err)
	}
	return nil
}

// Screen is what the terminal shows: lines without trailing blanks.
func (t *Terminal) Screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen()
}

func (t *Terminal) screen() string {
	lines := strings.Split(t.vt.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \x00")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// Raw returns all bytes that the program has written so far.
func (t *Terminal) Raw() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.raw.Bytes())
}

// AltScreen reports whether the program holds the alternate screen.
func (t *Terminal) AltScreen() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.vt.Mode()&vt10x.ModeAltScreen != 0
}

// Await waits until ready says yes of the screen. The error shows the screen.
func (t *Terminal) Await(ctx context.Context, limit time.Duration, what string, ready func(screen string) bool) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		t.mu.Lock()
		screen, changed, closed := t.screen(), t.changed, t.closed
		t.mu.Unlock()
		if ready(screen) {
			return nil
		}
		if closed {
			return fmt.Errorf("the program ended before %s; the screen was:\n%s", what, screen)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return fmt.Errorf("no %s within %s; the screen is:\n%s", what, limit, screen)
		}
	}
}

// AwaitText waits until the screen shows text.
func (t *Terminal) AwaitText(ctx context.Context, limit time.Duration, text string) error {
	return t.Await(ctx, limit, fmt.Sprintf("%q", text), func(s string) bool { return strings.Contains(s, text) })
}

// Resize changes the terminal's size, of which the program is told.
func (t *Terminal) Resize(cols, rows int) error {
	t.mu.Lock()
	t.vt.Resize(cols, rows)
	t.mu.Unlock()
	if err := pty.Setsize(t.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		return fmt.Errorf("resize the terminal: %w", err)
	}
	return nil
}

// Signal sends sig to the program.
func (t *Terminal) Signal(sig os.Signal) error { return t.cmd.Process.Signal(sig) }

// PTY is the caller's end of the terminal, for its settings.
func (t *Terminal) PTY() *os.File { return t.pty }

// Wait waits for the program's end and returns what exec.Cmd.Wait said.
func (t *Terminal) Wait(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.done:
		return t.exit
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("the program did not end within %s; the screen is:\n%s", limit, t.Screen())
	}
}

// Close kills the program if it still runs, and frees the terminal.
func (t *Terminal) Close() error {
	err := t.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	closeErr := t.pty.Close()
	<-t.done
	return errors.Join(err, closeErr)
}
