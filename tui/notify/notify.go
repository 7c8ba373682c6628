// Package notify tells the user of a job's change by the ways that leave the
// dashboard: the terminal's bell, its notifications and title, a command, a
// web address.
//
// When to tell is Watcher's part; what stands on the screen is the root's.
package notify

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"dray/backend/rayapi"
	"dray/tui/settings"
)

// Change is a watched job in a new state.
type Change struct {
	ID         string        `json:"submission_id"`
	From       rayapi.Status `json:"from"`
	Status     rayapi.Status `json:"status"`
	Entrypoint string        `json:"entrypoint"`
	Message    string        `json:"message,omitempty"`
	ExitCode   *int          `json:"driver_exit_code,omitempty"`
	Server     string        `json:"server"`
	At         time.Time     `json:"at"`
}

// Text says the change in one line. It may hold anything that a server put
// into an id: Plain makes it safe.
func (c Change) Text() string {
	return c.ID + " " + strings.ToLower(string(c.Status))
}

// Watcher finds the changes between answers. A state that it has told once is
// not told again, whatever the connection does meanwhile. It is a value.
type Watcher struct {
	seen map[string]rayapi.Status
	told map[string]rayapi.Status // the last that was told, by id
}

// Next compares the newest answer with the one before. The first answer, and a
// job that was not there before, tell nothing.
func (w Watcher) Next(jobs []rayapi.Job, watched func(rayapi.Job) bool, server string, at time.Time) (Watcher, []Change) {
	next := Watcher{seen: make(map[string]rayapi.Status, len(jobs)), told: w.told}
	var changes []Change
	for i := range jobs {
		j := &jobs[i]
		id := j.ID()
		if id == "" {
			continue
		}
		next.seen[id] = j.Status
		before, known := w.seen[id]
		if !known || before == j.Status || !watched(*j) || next.told[id] == j.Status || before.IsTerminal() {
			continue
		}
		if len(changes) == 0 {
			next.told = clone(w.told)
		}
		next.told[id] = j.Status
		c := Change{ID: id, From: before, Status: j.Status, Entrypoint: j.Entrypoint, Server: server, At: at, ExitCode: j.DriverExitCode}
		if j.Message != nil {
			c.Message = *j.Message
		}
		changes = append(changes, c)
	}
	return next, changes
}

func clone(m map[string]rayapi.Status) map[string]rayapi.Status {
	out := make(map[string]rayapi.Status, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	return out
}

// maxText bounds what is sent to a terminal, in characters.
const maxText = 200

// Plain leaves of text only what is safe within a terminal's sequence: no
// control character, nothing that turns the direction of writing, and no sign
// that ends or splits a sequence.
func Plain(text string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		n++
		switch {
		case n > maxText:
			return -1
		case r < ' ' || r == ';' || r >= 0x7f && r < 0xa0 || r == '\\' || r == 0xfffd:
			return '_'
		case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r >= 0xe0000 && r <= 0xe007f:
			return '_'
		}
		return r
	}, text)
}

// screenChunk is the longest string that GNU screen passes through at once.
const screenChunk = 76

// Sequence returns what is written to the terminal for a change, through tmux
// and screen.
func Sequence(n settings.Notify, getenv func(string) string, c Change) string {
	var b strings.Builder
	if n.OSC {
		text := Plain(c.Text())
		b.WriteString(through(getenv, "\x1b]9;"+text+"\a"))
		b.WriteString(through(getenv, "\x1b]777;notify;dray;"+text+"\a"))
	}
	if n.Bell {
		b.WriteByte('\a')
	}
	return b.String()
}

func through(getenv func(string) string, seq string) string {
	switch {
	case getenv("TMUX") != "":
		return ansi.TmuxPassthrough(seq)
	case getenv("STY") != "":
		return ansi.ScreenPassthrough(seq, screenChunk)
	}
	return seq
}

// Title returns the sequence that sets the terminal's title.
func Title(text string) string { return ansi.SetWindowTitle(Plain(text)) }

// The terminal keeps its title on a stack of its own: these save and restore
// it.
const (
	SaveTitle    = "\x1b[22;2t"
	RestoreTitle = "\x1b[23;2t"
)
