// Package paint runs a Bubble Tea program whose frames it draws itself: it
// sends the cells that changed instead of the lines, scrolls what moved, and
// asks for a view only when the link to the terminal is free.
//
// Input, modes, signals, suspend and the alternate screen stay Bubble Tea's;
// what is drawn is the model's.
package paint

import (
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"

	tea "github.com/charmbracelet/bubbletea"
)

// File is the terminal to draw on: an *os.File, or what wraps one to write
// other sequences between the frames. Each frame is one Write.
type File interface {
	io.ReadWriteCloser
	Fd() uintptr
}

// Rates of output for NewProgram, in bytes a second.
const (
	LocalRate  = 1 << 20 // a terminal on this machine
	RemoteRate = 32_000  // ssh over a slow line
)

// Rate returns the rate to use in the environment behind getenv. ssh buffers
// far more than a frame before a write blocks, so nothing but the rate keeps a
// key's echo from waiting behind a flood of frames.
func Rate(getenv func(string) string) int {
	if getenv("SSH_CONNECTION") != "" {
		return RemoteRate
	}
	return LocalRate
}

// Program is a tea.Program that draws its model's views. Send, Quit, Kill and
// Wait are those of tea.Program.
type Program struct {
	*tea.Program

	link    link
	display *display
	pace    pace
}

// PanicError is the error of Run after a panic in the drawing.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the panic without its stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic while drawing: %v", e.Value) }

// NewProgram is used in place of tea.NewProgram: it draws on out, in the
// alternate screen, at most rate bytes a second (<= 0 means LocalRate). A rate
// above that of the link lets frames queue in it. Output, frame rate and
// alternate screen need no option; all other options are passed on. A filter
// sees another model than m, and must let unknown messages pass.
//
// A command that takes the terminal (tea.ExecProcess) needs its Stdout and
// Stderr set to the terminal's file, else it gets a pipe.
func NewProgram(m tea.Model, out File, rate int, opts ...tea.ProgramOption) *Program {
	if rate <= 0 {
		rate = LocalRate
	}
	p := &Program{
		link: link{
			dirty:  make(chan struct{}, 1),
			urgent: make(chan struct{}, 1),
			views:  make(chan view, 1),
		},
		display: &display{out: out},
		pace:    pace{rate: rate},
	}
	own := []tea.ProgramOption{
		tea.WithOutput(p.display),
		tea.WithAltScreen(),
		tea.WithFPS(1), // its frames are constant
	}
	all := append(append([]tea.ProgramOption{}, opts...), own...)
	p.Program = tea.NewProgram(root{model: m, link: p.link, epoch: &p.display.epoch}, all...)
	return p
}

// Run runs the program until it ends and returns the last model, as
// tea.Program.Run does. When the terminal can no longer be drawn on, the
// program ends with that error.
func (p *Program) Run() (tea.Model, error) {
	stop := make(chan struct{})
	drawn := make(chan error, 1)
	go func() { drawn <- p.draw(stop) }() // ends when stop is closed
	last, err := func() (tea.Model, error) {
		defer close(stop)
		return p.Program.Run()
	}()
	if r, ok := last.(root); ok {
		last = r.model
	}
	if drawErr := <-drawn; drawErr != nil {
		return last, drawErr // to Bubble Tea all was well
	}
	return last, err
}

// draw is the loop that draws. It ends when stop is closed, or with an error,
// and then it ends the program.
func (p *Program) draw(stop <-chan struct{}) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: debug.Stack()}
		}
		if err != nil {
			p.Quit() // Kill would close the reader of keys at work
		}
	}()
	for {
		select {
		case <-stop:
			return nil
		case <-p.link.dirty:
		}
		p.pace.asked = take(p.link.urgent) // the view below shows what was urgent
		p.Send(drawMsg{})                  // no more than waits when the program has ended
		var v view
		select {
		case <-stop:
			return nil
		case v = <-p.link.views:
		}
		start := now()
		n, again, err := p.display.draw(v)
		if err != nil {
			return fmt.Errorf("write to the terminal: %w", err)
		}
		if again {
			signal(p.link.dirty)
		}
		if !p.pace.wait(start, now(), n, p.link.urgent, stop) {
			return nil
		}
	}
}

// link joins the event loop, where the views are made, to the drawing loop.
// The signals are channels of one: full means signalled.
type link struct {
	dirty  chan struct{} // there may be something new to draw
	urgent chan struct{} // somebody at the keyboard waits for it
	views  chan view     // the answer to a drawMsg; one is asked for at a time
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func take(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// drawMsg asks for a view.
type drawMsg struct{}

// view is what to draw.
type view struct {
	text  string
	w, h  int
	full  bool // the screen's content is unknown
	epoch uint64
}

// root wraps the model. Bubble Tea gets an empty view of it: making the true
// one after each message, as Bubble Tea would, costs most of a burst's time.
type root struct {
	model tea.Model
	link  link
	epoch *atomic.Uint64 // the display's

	size view // what the last WindowSizeMsg said
}

// Init starts the model.
func (r root) Init() tea.Cmd { return r.model.Init() }

// View is constant.
func (r root) View() string { return "" }

// Update passes msg on, or answers it with the model's view.
func (r root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case drawMsg:
		v := r.size
		if v.w > 0 && v.h > 0 {
			v.text = r.model.View()
		}
		r.size.full = false
		r.link.views <- v
		return r, nil
	case tea.WindowSizeMsg:
		// Full also at the old size: shrinking and growing again may come as
		// one message, and the terminal has cut its rows meanwhile.
		r.size = view{w: msg.Width, h: msg.Height, full: true, epoch: r.epoch.Load()}
		signal(r.link.urgent)
	case tea.KeyMsg, tea.MouseMsg:
		signal(r.link.urgent)
	}
	var cmd tea.Cmd
	r.model, cmd = r.model.Update(msg)
	signal(r.link.dirty)
	return r, cmd
}
