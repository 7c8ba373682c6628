//go:build unix

package paint

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	_ "dray/theme/background" // see there: without it each start waits for an answer
)

// programVar makes the test binary run a program to be watched in a terminal.
const programVar = "DRAY_PAINT_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVar) != "" {
		os.Exit(runProgram())
	}
	goleak.VerifyTestMain(m)
}

func runProgram() int {
	out := &bomb{File: os.Stdout}
	last, err := NewProgram(lines{out: out}, out, Rate(os.Getenv)).Run()
	var p *PanicError
	if errors.As(err, &p) && len(p.Stack) > 0 {
		fmt.Fprintln(os.Stderr, "with a stack")
	}
	n := -1
	if l, ok := last.(lines); ok {
		n = l.n
	}
	fmt.Fprintf(os.Stderr, "ended with %d: %v\n", n, err)
	return 0
}

// bomb is a terminal whose Write panics once it is armed.
type bomb struct {
	*os.File
	armed atomic.Bool
}

func (b *bomb) Write(p []byte) (int, error) {
	if b.armed.CompareAndSwap(true, false) {
		panic("boom in the loop")
	}
	return b.File.Write(p)
}

// lines is a program that shows what it has been told.
type lines struct {
	out  *bomb
	w, h int
	n    int // lines appended
	keys string
	view bool // panic in View
}

func (l lines) Init() tea.Cmd { return nil }

func (l lines) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		l.w, l.h = msg.Width, msg.Height
	case tea.ResumeMsg:
		l.keys += "resumed"
	case error:
		l.keys += msg.Error()
	case tea.KeyMsg:
		var cmds []tea.Cmd
		for _, r := range msg.String() {
			var cmd tea.Cmd
			l, cmd = l.key(string(r))
			cmds = append(cmds, cmd)
		}
		return l, tea.Batch(cmds...)
	}
	return l, nil
}

func (l lines) key(k string) (lines, tea.Cmd) {
	l.keys = k
	switch k {
	case "a":
		l.n++
	case "p":
		l.n += l.h
	case "c":
		return l, tea.ClearScreen
	case "t":
		return l, tea.SetWindowTitle("a title")
	case "e":
		cmd := exec.Command("sh", "-c", "test -t 0 && test -t 1 && printf '\\033[7mchild has'\\ a\\ tty; read x")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return l, tea.ExecProcess(cmd, func(error) tea.Msg { return errors.New("returned") })
	case "z":
		return l, tea.Suspend
	case "q":
		return l, tea.Quit
	case "U":
		panic("boom in Update")
	case "V":
		l.view = true
	case "C":
		return l, func() tea.Msg { panic("boom in a command") }
	case "L":
		l.out.armed.Store(true)
	}
	return l, nil
}

func (l lines) View() string {
	if l.view {
		panic("boom in View")
	}
	return "\x1b[1m" + strings.Join(shown(l.w, l.h, l.n, l.keys), "\x1b[0m\n\x1b[3m")
}

// shown is what lines shows.
func shown(w, h, n int, keys string) []string {
	rows := []string{fmt.Sprintf("%dx%d lines %d", w, h, n)}
	for y := range max(0, h-2) {
		rows = append(rows, fmt.Sprintf("%d is a row of %d", n+y, n+y))
	}
	return append(rows, fmt.Sprintf("keys %s.", keys))
}
