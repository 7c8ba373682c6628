//go:build unix

package paint

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// recorder is a terminal that keeps each write.
type recorder struct {
	mu     sync.Mutex
	writes []string
	on     func(string) error // says what a write returns
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, string(p))
	if r.on != nil {
		if err := r.on(string(p)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.writes)
}

func (r *recorder) Read([]byte) (int, error) { return 0, io.EOF }
func (r *recorder) Close() error             { return errors.New("closed by the painter") }
func (r *recorder) Fd() uintptr              { return ^uintptr(0) }

// text is a model that shows its last message that is a string.
type text string

func (text) Init() tea.Cmd  { return nil }
func (s text) View() string { return string(s) }
func (s text) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if msg, ok := msg.(string); ok {
		return text(msg), nil
	}
	return s, nil
}

// noTerminal are the options of a program that is driven by Send.
func noTerminal() []tea.ProgramOption {
	return []tea.ProgramOption{tea.WithInput(nil), tea.WithoutSignalHandler()}
}

// TestBubbleTea_writesWholeSequences guards what display relies on: that
// Bubble Tea's renderer writes each of these alone, and each frame at once.
func TestBubbleTea_writesWholeSequences(t *testing.T) {
	t.Parallel()
	out := &recorder{}
	p := tea.NewProgram(text("frame"), append(noTerminal(), tea.WithOutput(out), tea.WithAltScreen(), tea.WithMouseCellMotion())...)
	go func() { // ends with the messages
		p.Send(tea.WindowSizeMsg{Width: 20, Height: 5})
		p.Send(tea.ClearScreen())
		p.Send("other frame\nof two lines")
		p.Send(tea.ExitAltScreen())
		p.Send(tea.EnterAltScreen())
		p.Send(tea.SetWindowTitle("title")())
		p.Quit()
	}()
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	framed := false
	for _, w := range out.all() {
		for _, seq := range []string{"\x1b[?1049h", "\x1b[?1049l", "\x1b[2J"} {
			if strings.Contains(w, seq) && w != seq {
				t.Errorf("%q is a part of the write %q", seq, w)
			}
		}
		isFrame := strings.Contains(w, "frame") || strings.Contains(w, "lines")
		if isFrame != (len(w) > 3 && strings.HasPrefix(w, "\x1b[H")) {
			t.Errorf("the write %q is a frame: %t", w, isFrame)
		}
		framed = framed || isFrame
	}
	if !framed || !slices.Contains(out.all(), "\x1b[?1049h") || !slices.Contains(out.all(), "\x1b[2J") {
		t.Errorf("the renderer wrote %q", out.all())
	}
}

func TestDisplay_write(t *testing.T) {
	t.Parallel()
	const enter, leave = "\x1b[?1049h", "\x1b[?1049l"
	for _, tt := range []struct {
		name         string
		writes, want []string
	}{
		{"entering stops wrapping", []string{enter}, []string{enter + "\x1b[?7l"}},
		{"leaving wraps again", []string{enter, leave}, []string{enter + "\x1b[?7l", "\x1b[?7h" + leave}},
		{"a frame is swallowed", []string{enter, "\x1b[H \x1b[K\x1b[1;1H"}, []string{enter + "\x1b[?7l"}},
		{"the home sequence passes", []string{enter, "\x1b[H"}, []string{enter + "\x1b[?7l", "\x1b[H"}},
		{"a frame on the main screen passes", []string{"\x1b[Hx"}, []string{"\x1b[Hx"}},
		{"all else passes", []string{"\x1b[?25l", "\x1b]2;t\a", "\x1b[2J"}, []string{"\x1b[?25l", "\x1b]2;t\a", "\x1b[2J"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := &recorder{}
			d := &display{out: out}
			for _, w := range tt.writes {
				if n, err := d.Write([]byte(w)); n != len(w) || err != nil {
					t.Errorf("Write(%q) = %d, %v", w, n, err)
				}
			}
			if got := out.all(); !slices.Equal(got, tt.want) {
				t.Errorf("wrote %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDisplay_draw(t *testing.T) {
	t.Parallel()
	first := view{text: "one", w: 20, h: 5, full: true, epoch: 1}
	again := view{text: "onE", w: 20, h: 5, epoch: 1}
	const cleared = "\x1b[m\x1b[r\x1b[2J"
	for _, tt := range []struct {
		name   string
		writes []string // before the second view
		second view
		want   string // what the second view writes
	}{
		{"what changed", nil, again, "\x1b[1;3HE"},
		{"all after an erasure", []string{ansi.EraseEntireScreen}, again, cleared + "\x1b[1;1HonE"},
		{"nothing when the screen is not ours", []string{"\x1b[?1049l"}, again, ""},
		{"nothing before the new size", []string{"\x1b[?1049l", "\x1b[?1049h"}, again, ""},
		{"all after the new size", []string{"\x1b[?1049l", "\x1b[?1049h"}, view{text: "onE", w: 9, h: 2, epoch: 2}, cleared + "\x1b[1;1HonE"},
		{"nothing without a size", nil, view{text: "onE", epoch: 1}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := &recorder{}
			d := &display{out: out}
			_, _ = d.Write([]byte("\x1b[?1049h"))
			if n, _, err := d.draw(first); err != nil || n == 0 {
				t.Fatalf("the first view: %d, %v", n, err)
			}
			for _, w := range tt.writes {
				_, _ = d.Write([]byte(w))
			}
			before := len(out.all())
			n, _, err := d.draw(tt.second)
			if err != nil || n != len(tt.want) {
				t.Errorf("draw = %d, %v", n, err)
			}
			if got := strings.Join(out.all()[before:], ""); got != tt.want {
				t.Errorf("wrote %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDisplay_drawErrors(t *testing.T) {
	t.Parallel()
	var fail error
	out := &recorder{on: func(string) error { return fail }}
	d := &display{out: out}
	_, _ = d.Write([]byte("\x1b[?1049h"))
	v := view{text: "one", w: 20, h: 5, full: true, epoch: 1}
	fail = &os.PathError{Op: "write", Path: "tty", Err: syscall.EAGAIN}
	if _, again, err := d.draw(v); !again || err != nil {
		t.Errorf("a terminal that takes nothing now: again %t, %v", again, err)
	}
	fail = nil
	v.full = false
	if n, again, err := d.draw(v); n == 0 || again || err != nil {
		t.Errorf("all is drawn anew: %d, again %t, %v", n, again, err)
	}
	fail = syscall.EIO
	v.text = "two"
	if _, again, err := d.draw(v); again || !errors.Is(err, syscall.EIO) {
		t.Errorf("a terminal that is gone: again %t, %v", again, err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("the caller's file was closed: %v", err)
	}
}
