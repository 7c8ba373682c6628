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
	boxLines   = 5  // of the box that explains the outage
	smallBox   = 1  // where the window is too low for it
	roomForBox = 20 // lines of window
)

// boxed reports that the list is drawn above a box about the outage.
func (m model) boxed() bool { return len(m.pages) == 1 && m.poll.link.Down() }

func (m model) boxHeight() int {
	if m.h < roomForBox {
		return smallBox
	}
	return boxLines
}

// refusedWord tells why a server that answers cannot be used.
func (m model) refusedWord() string {
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
	inner := m.w - 6
	wrapped := cell.Wrap(reason, inner)
	if len(wrapped) > 2 {
		wrapped = []string{wrapped[0], cell.Cut(strings.Join(wrapped[1:], " "), inner, s.Glyphs.Ellipsis)}
	}
	wrapped = cell.Lines(wrapped, 2)
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
