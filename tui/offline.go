package tui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"dray/backend/client"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
)

const (
	boxFrame   = 3  // lines of the box that explains the outage, without its reason
	minReason  = 2  // lines of the reason
	maxReason  = 4  // where there is room
	smallBox   = 1  // where the window is too low for it
	roomForBox = 20 // lines of window
	// roomForReason is from how many lines of window the box may grow.
	roomForReason = 24
	boxSides      = 6 // cells at both sides of the text
)

// boxed reports that the list is drawn above a box about the outage.
func (m model) boxed() bool { return len(m.pages) == 1 && m.poll.link.Down() }

func (m model) boxHeight() int {
	if m.h < roomForBox {
		return smallBox
	}
	lines := len(m.reason())
	if m.h < roomForReason {
		lines = minReason
	}
	return boxFrame + min(maxReason, max(minReason, lines))
}

// reason is what the poll has met, wrapped for the box.
func (m model) reason() []string {
	if m.poll.err == nil {
		return nil
	}
	return cell.Wrap(clean.Text(m.poll.err.Error()), m.w-boxSides)
}

// refusedWord tells why a server that answers cannot be used.
func (m model) refusedWord() string {
	if errors.Is(m.poll.err, client.ErrNoHeaders) {
		return "NO LOGIN"
	}
	if errors.Is(m.poll.err, client.ErrUnauthorized) {
		return "NO ACCESS"
	}
	return "NO LIST"
}

// downTitle names the outage.
func (m model) downTitle() string {
	name := clean.Text(m.env.Target.Name)
	switch {
	case m.poll.link == screen.Offline:
		return "Cannot reach " + name
	case errors.Is(m.poll.err, client.ErrNoHeaders):
		return "Cannot log in to " + name
	case errors.Is(m.poll.err, client.ErrUnauthorized):
		return name + " refuses access"
	}
	return name + " answers, but not with jobs"
}

// nextTry is the visible clock of the back-off.
func (m model) nextTry() string {
	p := m.poll
	if p.busy {
		return fmt.Sprintf("try %d under way", p.failures+1)
	}
	wait := p.due.Sub(p.now).Round(time.Second)
	return fmt.Sprintf("try %d in %ds", p.failures+1, max(0, int(wait/time.Second)))
}

// offlineBox says what is wrong, what the program does about it, and what the
// user can do.
func (m model) offlineBox() []string {
	s := m.env.Styles
	reason := ""
	if m.poll.err != nil {
		reason = clean.Text(m.poll.err.Error())
	}
	if m.boxHeight() == smallBox {
		return []string{" " + s.Error.Render(cell.Cut(m.downTitle()+": "+reason, m.w-2, s.Glyphs.Ellipsis))}
	}
	inner, room := m.w-boxSides, m.boxHeight()-boxFrame
	wrapped := m.reason()
	if len(wrapped) > room {
		wrapped = append(wrapped[:room-1:room-1], cell.Cut(strings.Join(wrapped[room-1:], " "), inner, s.Glyphs.Ellipsis))
	}
	wrapped = cell.Lines(wrapped, room)
	last := "no answer yet"
	if !m.poll.asOf.IsZero() {
		last = "last good answer " + m.poll.asOf.In(m.poll.now.Location()).Format("15:04:05")
	}
	off := ""
	if m.poll.link == screen.Offline {
		off = "   changes are off until then"
	}
	lines := append(wrapped, s.Muted.Render(cell.Cut(m.nextTry()+"   "+last+off, inner, "")))
	box := frame(s, m.downTitle(), lines, inner)
	for i := range box {
		box[i] = " " + box[i]
	}
	return box
}
