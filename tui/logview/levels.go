package logview

import (
	"bytes"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/loglevel"
	"dray/tui/logstore"
)

const (
	// mapFrom is the width from which the page has a map of the levels.
	mapFrom = 130
	// buckets is the width of the map.
	buckets = 50
	// sample is how much of each part of the log is looked at.
	sample = 32 << 10
)

// levels is a map of where a log warns and tells of errors.
type levels struct {
	size     int64 // of the log when it was made
	loading  bool
	bad      [buckets]int // errors of each part
	warn     [buckets]int
	sampled  bool // not all of the log was looked at
	errors   int
	warnings int
}

// levelsMsg is a new map.
type levelsMsg struct {
	s      *logstore.Session
	levels levels
}

func (m Model) hasMap() bool { return m.size.W >= mapFrom && m.size.H >= 20 && !m.bare && !m.zoom }

// look makes the map anew when the log has grown by a bucket.
func (m Model) look() (Model, tea.Cmd) {
	size := m.news.Size
	if !m.hasMap() || m.levels.loading || size == m.levels.size ||
		m.levels.size > 0 && size > m.levels.size && size-m.levels.size < m.levels.size/buckets && !m.news.Link.Final() {
		return m, nil
	}
	m.levels.loading = true
	s := m.s
	return m, func() tea.Msg {
		l, err := mapLevels(s.Store().Reader())
		if err != nil {
			return levelsMsg{s, levels{}}
		}
		return levelsMsg{s, l}
	}
}

// mapLevels looks at a sample of each part of the log: what it costs does not
// depend on the log's size.
func mapLevels(r *logstore.Reader) (levels, error) {
	out := levels{size: r.Size(), sampled: r.Size() > buckets*sample}
	for i := range int64(buckets) {
		from, to := out.size*i/buckets, out.size*(i+1)/buckets
		end := min(to, from+sample)
		if from >= end {
			continue
		}
		l, ok, err := r.At(from)
		if ok && l.Off < from {
			l, ok, err = r.Next(l)
		}
		for ; ok && err == nil && l.Off < end; l, ok, err = r.Next(l) {
			switch level := loglevel.Of(bytes.TrimLeft(l.Text, "\r")); {
			case level >= loglevel.Error:
				out.bad[i]++
				out.errors++
			case level == loglevel.Warn:
				out.warn[i]++
				out.warnings++
			}
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}
