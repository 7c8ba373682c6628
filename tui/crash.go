package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// crash turns the first panic into a file and ends the program. Bubble Tea by
// itself prints the trace while the alternate screen is up, where it is lost.
type crash struct {
	dir  string
	now  func() time.Time
	stop context.CancelFunc // ends the program, which restores the terminal

	mu   sync.Mutex
	what string
	path string
	left []string
}

// complain keeps what went wrong while the user was leaving, for err.
func (c *crash) complain(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = append(c.left, what)
}

// catch is deferred by whatever must not panic.
func (c *crash) catch() {
	if r := recover(); r != nil {
		c.record(r, debug.Stack())
	}
}

func (c *crash) record(r any, stack []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.what == "" {
		c.what = fmt.Sprint(r)
		c.path = writeCrash(c.dir, c.now(), c.what, stack)
	}
	c.stop()
}

// writeCrash returns the path of the file, or "" if none could be written.
func writeCrash(dir string, at time.Time, what string, stack []byte) string {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ""
	}
	path := filepath.Join(dir, "crash-"+at.UTC().Format("20060102-150405")+".txt")
	if err := os.WriteFile(path, fmt.Appendf(nil, "%s\n\n%s", what, stack), 0o600); err != nil {
		return ""
	}
	return path
}

// err is what the user is told once the screen is restored, or nil.
func (c *crash) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.what == "" && len(c.left) > 0:
		return errors.New(strings.Join(c.left, "\n"))
	case c.what == "":
		return nil
	case c.path == "":
		return fmt.Errorf("the dashboard crashed: %s (no crash file could be written to %s); jobs are not touched by this", c.what, c.dir)
	}
	return fmt.Errorf("the dashboard crashed: %s; jobs are not touched by this; please report it with %s", c.what, c.path)
}

// safe wraps the model so that a panic in it ends in the crash file.
type safe struct {
	model
}

// Init starts the model.
func (s safe) Init() tea.Cmd {
	defer s.crash.catch()
	return s.model.Init()
}

// Update returns the unchanged model after a panic: the program is ending.
func (s safe) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := s.try(msg)
	return s, cmd
}

func (s *safe) try(msg tea.Msg) (cmd tea.Cmd) {
	defer s.crash.catch()
	s.model, cmd = s.update(msg)
	return cmd
}

// View returns what could be drawn.
func (s safe) View() string {
	defer s.crash.catch()
	return s.model.View()
}

// pageMsg is a message for one page, so that an answer that comes late cannot
// reach another page of the same kind.
type pageMsg struct {
	page int
	msg  tea.Msg
}

// run returns cmd for the program: its panics are caught and its messages are
// addressed to the page from which it came.
func (m model) run(page int, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	c := m.crash
	if page == 0 {
		page = m.root
	}
	return func() (msg tea.Msg) {
		defer c.catch()
		return address(c, page, cmd())
	}
}

// address keeps the messages that the program itself must see, and the groups
// of commands, whose members it wraps in turn.
func address(c *crash, page int, msg tea.Msg) tea.Msg {
	if msg == nil {
		return nil
	}
	v := reflect.ValueOf(msg)
	if v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[tea.Cmd]() {
		wrapped := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			cmd, _ := v.Index(i).Interface().(tea.Cmd)
			wrapped.Index(i).Set(reflect.ValueOf(model{crash: c}.run(page, cmd)))
		}
		return wrapped.Interface()
	}
	if v.Type().PkgPath() == reflect.TypeFor[tea.QuitMsg]().PkgPath() {
		return msg
	}
	return pageMsg{page, msg}
}
