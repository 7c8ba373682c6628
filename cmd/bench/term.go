//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// term is a program in a pseudo-terminal whose output is stamped, counted and,
// if asked for, taken off the line slowly. What dray draws goes through a
// terminal emulator, because it sends the changed cells alone; a peer's text
// is looked for in what it writes, which costs the peer nothing.
type term struct {
	cmd  *exec.Cmd
	pty  *os.File
	vt   vt10x.Terminal // nil for a peer
	rate int            // bytes per second; 0: as fast as it comes

	mu      sync.Mutex
	out     []byte // since the last reset
	total   int64
	changed chan struct{} // closed and replaced at every output
	done    chan struct{}
}

// size is a terminal's, in cells.
type size struct{ cols, rows uint16 }

// slowBuffer is how much of a slow line is under way: what one read takes.
const slowBuffer = 1024

// startTerm runs a command in a terminal. Close it.
func startTerm(ctx context.Context, s size, env []string, name string, args ...string) (*term, error) {
	return start(ctx, s, nil, 0, env, name, args...)
}

func start(ctx context.Context, s size, vt vt10x.Terminal, rate int, env []string, name string, args ...string) (*term, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "LESS=", "LESSHISTFILE=-")
	cmd.Env = append(cmd.Env, env...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: s.cols, Rows: s.rows})
	if err != nil {
		return nil, fmt.Errorf("start %s in a terminal: %w", name, err)
	}
	t := &term{cmd: cmd, pty: f, vt: vt, rate: rate, changed: make(chan struct{}), done: make(chan struct{})}
	go t.read() // ends when the program's side is closed
	return t, nil
}

func (t *term) read() {
	defer close(t.done)
	n := 64 << 10
	if t.rate > 0 {
		n = slowBuffer
	}
	buf := make([]byte, n)
	for {
		got, err := t.pty.Read(buf)
		if t.rate > 0 && got > 0 { // the time that these bytes take on the line
			time.Sleep(time.Duration(got) * time.Second / time.Duration(t.rate))
		}
		t.mu.Lock()
		if t.vt != nil {
			_, _ = t.vt.Write(buf[:got])
		} else {
			t.out = append(t.out, buf[:got]...)
		}
		t.total += int64(got)
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// errNotSeen is wrapped when a text did not come in time.
var errNotSeen = errors.New("not on the screen in time")

// wait returns when marker is on the screen or, with a peer, has come since the
// last reset.
func (t *term) wait(marker string, limit time.Duration) error {
	return t.until(marker, true, limit)
}

// gone returns when marker is on the screen no more.
func (t *term) gone(marker string, limit time.Duration) error {
	return t.until(marker, false, limit)
}

func (t *term) until(marker string, want bool, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	from := 0 // what is before was looked through
	for {
		t.mu.Lock()
		from = min(from, len(t.out))
		seen := t.vt != nil && strings.Contains(t.vt.String(), marker) || bytes.Contains(t.out[from:], []byte(marker))
		from = max(0, len(t.out)-len(marker))
		changed := t.changed
		t.mu.Unlock()
		if seen == want {
			return nil
		}
		select {
		case <-changed:
		case <-t.done:
			return fmt.Errorf("%q: the program has ended: %w\n%s", marker, errNotSeen, t.tail())
		case <-timer.C:
			return fmt.Errorf("%q: %w\n%s", marker, errNotSeen, t.tail())
		}
	}
}

// quiet returns when nothing has come for d.
func (t *term) quiet(d, limit time.Duration) {
	end := time.Now().Add(limit)
	for time.Now().Before(end) {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
		case <-t.done:
			return
		case <-time.After(d):
			return
		}
	}
}

func (t *term) tail() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.vt != nil {
		return t.vt.String()
	}
	return fmt.Sprintf("%q", t.out[max(0, len(t.out)-2000):])
}

// reset forgets what has come so far.
func (t *term) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out = t.out[:0]
}

// bytes is how many have come since the start.
func (t *term) bytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

func (t *term) send(keys string) error {
	_, err := t.pty.WriteString(keys)
	return err
}

// timed sends keys and returns how long marker took to come.
func (t *term) timed(keys, marker string, limit time.Duration) (time.Duration, error) {
	t.reset()
	start := time.Now()
	if err := t.send(keys); err != nil {
		return 0, err
	}
	err := t.wait(marker, limit)
	return time.Since(start), err
}

// logPage stands in the place line of the log's page, and nowhere before it.
const logPage = "▸ logs"

// openPage opens the log of the job under the cursor and returns how long text
// took to be on its page. The list shows the end of the log beside it, which
// does not count.
func (t *term) openPage(text string) (time.Duration, error) {
	began := time.Now()
	if _, err := t.timed("l", logPage, atLast); err != nil {
		return 0, err
	}
	err := t.wait(text, atLast)
	return time.Since(began), err
}

func (t *term) pid() int { return t.cmd.Process.Pid }

// close ends the program and waits for it.
func (t *term) close() {
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(2*time.Second, func() { _ = t.cmd.Process.Kill() })
	_ = t.cmd.Wait()
	kill.Stop()
	_ = t.pty.Close()
	<-t.done
}
