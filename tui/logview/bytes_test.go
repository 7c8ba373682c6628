//go:build unix

package logview

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/creack/pty"

	"dray/backend/rayapi"
	"dray/tui/paint"
	"dray/tui/screen"
	"dray/tui/terminal"
	"dray/tui/tuitest"
)

// wire is a terminal that notes what is written to it.
type wire struct {
	*os.File
	wrote chan []byte
}

func (w *wire) Write(p []byte) (int, error) {
	w.wrote <- bytes.Clone(p)
	return len(p), nil
}

// alone is the page without the rest of the dashboard.
type alone struct{ m Model }

func (a alone) Init() tea.Cmd { return a.m.Init() }
func (a alone) View() string  { return a.m.View() }
func (a alone) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	next, cmd := a.m.Update(msg)
	a.m = next.(Model) //nolint:forcetypeassert // it is one
	return a, cmd
}

func appended(i int) string {
	return fmt.Sprintf("14:%02d:%02d INFO  train  epoch %04d loss 0.%05d lr 1.0e-3 img/s 10,%03d mem 61.2\n", i/60%60, i%60, i, i*7919%100000, i*31%1000)
}

// An appended line must not cost much more on the wire than it costs less,
// which shows nothing besides it.
func TestBytesOfAnAppendedLine(t *testing.T) {
	const lines = 8
	theirs := bytesOfLess(t, lines)
	ours := bytesOfPage(t, lines)
	t.Logf("an appended line of 80x24: %d bytes, less sends %d", ours, theirs)
	if float64(ours) > 1.2*float64(theirs) {
		t.Errorf("an appended line is %d bytes on the wire; less sends %d", ours, theirs)
	}
}

func bytesOfPage(t *testing.T, lines int) int {
	t.Helper()
	tty, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	defer slave.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	f := newFeed()
	env := tuitest.Env(t, &tuitest.Jobs{T: t, FollowFn: f.open})
	m, ok := New(env, job(rayapi.StatusRunning)).Resize(screen.Size{W: 80, H: 24}).(Model)
	if !ok {
		t.Fatal("Resize returns another page")
	}
	w := &wire{File: slave, wrote: make(chan []byte, 4096)}
	p := paint.NewProgram(alone{m}, w, 0, tea.WithInput(nil), tea.WithoutSignalHandler())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	defer func() {
		m.Close()
		p.Quit()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	sum := func(text string) int {
		n := 0
		timeout := time.After(patience)
		for {
			select {
			case b := <-w.wrote:
				n += len(b)
				if strings.Contains(string(b), text) {
					return n
				}
			case <-timeout:
				t.Fatalf("%q is not drawn", text)
			}
		}
	}
	var all strings.Builder // in one piece, so that the line waited for is drawn whole
	for i := range 100 {
		all.WriteString(appended(i))
	}
	f.print(t, all.String())
	sum("epoch 0099")
	n := 0
	for i := range lines {
		f.print(t, appended(100+i))
		n += sum(fmt.Sprintf("epoch %04d", 100+i))
	}
	return n / lines
}

func bytesOfLess(t *testing.T, lines int) int {
	t.Helper()
	less, err := exec.LookPath("less")
	if err != nil {
		t.Skipf("NOT CHECKED: less is not installed: %v", err)
	}
	file := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(i int) {
		if _, err := f.WriteString(appended(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		write(i)
	}
	cmd := exec.CommandContext(t.Context(), less, "-S", "+F", file)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LESS=")
	term, err := terminal.Start(cmd, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = term.Close() }()
	await := func(i int) int {
		text := fmt.Sprintf("epoch %04d", i)
		if err := term.Await(t.Context(), patience, text, func(s string) bool {
			return strings.Contains(s, text) && strings.Contains(s, "Waiting for data")
		}); err != nil {
			t.Fatal(err)
		}
		return len(term.Raw())
	}
	before := await(99)
	after := before
	for i := range lines {
		write(100 + i)
		after = await(100 + i)
	}
	return (after - before) / lines
}
