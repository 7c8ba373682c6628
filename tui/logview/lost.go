package logview

import (
	"slices"
	"time"

	"dray/backend/client"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

const (
	// maxCuts bounds the lines of ours about lost connections, and whyWidth the
	// reason in one.
	maxCuts  = 50
	whyWidth = 60
)

// lost is a connection that was lost and has not come back.
type lost struct {
	since time.Time // zero: it is there
	off   int64     // how much of the log had come
	gaps  int
	why   string
}

// joined takes how the connection is now. Once it is back, a line of ours in the
// log says that it was gone, and that nothing is missing for it.
func (m Model) joined(conn client.State, now time.Time) Model {
	m.conn = conn
	switch {
	case conn.Phase == client.Reconnecting && m.lost.since.IsZero():
		m.lost = lost{since: now, off: m.news.Size, gaps: m.news.Gaps, why: m.errText()}
	case conn.Phase == client.Live && !m.lost.since.IsZero():
		was := m.lost
		m.lost = lost{}
		if was.off == 0 {
			break
		}
		text := "connection lost: " + cell.Cut(was.why, whyWidth, m.env.Styles.Glyphs.Ellipsis)
		text += "; back after " + jobtext.Duration(now.Sub(was.since))
		if m.news.Gaps == was.gaps {
			text += ", no line lost"
		}
		cuts := append(slices.Clone(m.cuts), rule{off: was.off, text: text, bad: true})
		m.cuts = cuts[max(0, len(cuts)-maxCuts):]
	}
	return m
}
