// Package jobtext puts what is known of a job into words, for every view that
// shows jobs: its state, times, exit code and runtime environment.
//
// Every text it returns is safe to draw. It asks no server and keeps nothing.
package jobtext

import (
	"github.com/charmbracelet/lipgloss"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/clean"
)

// Kind is how a job is shown: Ray's status, told apart where the status alone
// would mislead.
type Kind int

// The kinds of jobs.
const (
	Pending Kind = iota
	Running
	Succeeded
	Failed
	Stopped
	Ended   // a driver that is gone: Ray calls it SUCCEEDED whatever happened
	Ghost   // a deleted job's record, written again by Ray
	Unknown // a status that this program does not know
	Kinds   // how many there are
)

// KindOf tells how job is shown.
func KindOf(job *rayapi.Job) Kind {
	switch {
	case job.IsGhost():
		return Ghost
	case job.Type == rayapi.TypeDriver && job.Status.IsTerminal():
		return Ended
	}
	switch job.Status {
	case rayapi.StatusPending:
		return Pending
	case rayapi.StatusRunning:
		return Running
	case rayapi.StatusSucceeded:
		return Succeeded
	case rayapi.StatusFailed:
		return Failed
	case rayapi.StatusStopped:
		return Stopped
	default:
		return Unknown
	}
}

// Active reports whether the job waits or runs.
func (k Kind) Active() bool { return k == Pending || k == Running }

// Word names the kind in at most nine letters.
func (k Kind) Word() string {
	switch k {
	case Pending:
		return string(rayapi.StatusPending)
	case Running:
		return string(rayapi.StatusRunning)
	case Succeeded:
		return string(rayapi.StatusSucceeded)
	case Failed:
		return string(rayapi.StatusFailed)
	case Stopped:
		return string(rayapi.StatusStopped)
	case Ended:
		return "ENDED"
	case Ghost:
		return "GHOST"
	default:
		return "UNKNOWN"
	}
}

// Glyph is the sign of the kind.
func (k Kind) Glyph(g *theme.Glyphs) string {
	switch k {
	case Pending:
		return g.Pending
	case Running:
		return g.Running
	case Succeeded:
		return g.Succeeded
	case Failed:
		return g.Failed
	case Stopped:
		return g.Stopped
	case Ended:
		return g.Ended
	default:
		return g.Unknown
	}
}

// Style is the colour of the kind.
func (k Kind) Style(s *theme.Styles) lipgloss.Style {
	switch k {
	case Pending:
		return s.Pending
	case Running:
		return s.Running
	case Succeeded:
		return s.Succeeded
	case Failed:
		return s.Failed
	case Stopped:
		return s.Stopped
	default:
		return s.Ended
	}
}

// Entrypoint is the job's command in one line, of which no more than limit
// bytes are looked at.
func Entrypoint(job *rayapi.Job, limit int) string {
	switch {
	case job.IsGhost():
		return "record of a deleted job, written again by Ray"
	case job.Type == rayapi.TypeDriver && (job.Entrypoint == "" || job.Entrypoint == "unknown"):
		return "driver, command not known"
	}
	return clean.Text(head(job.Entrypoint, limit))
}

// head returns at most n bytes of s, and whole characters.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// ID is the job's id as it is shown.
func ID(job *rayapi.Job) string { return clean.Text(job.ID()) }
