package tui

import (
	"os"
	"sync"

	"dray/tui/handoff"
	"dray/tui/screen"
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

// copier returns a function that puts text on the clipboard of the terminal
// that the user sits at, and says which way it took.
func (o *output) copier(env *screen.Env) func(text string) (string, error) {
	c := handoff.Clipboard{Terminal: o, Getenv: env.Getenv, Dir: env.DataDir}
	return func(text string) (string, error) { return c.Copy(env.Ctx, text) }
}
