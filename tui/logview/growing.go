package logview

import (
	"bytes"
	"maps"
	"slices"
)

// growing is a fold at the end of the log, as far as its lines have an end, so
// that a bar which is followed is not read anew for each of its states.
type growing struct {
	block
	at   map[string]int // where the bar of a key is among the entries
	last int64          // the span that the fold ends in at the latest
}

// begin returns the fold that begins with a bar, as far as it is known.
func (w *walker) begin(it item, b block) (growing, error) {
	if w.known != nil && w.known.part.at != nil && w.known.part.off == it.Off {
		return w.known.part.clone(), nil
	}
	g := growing{block: b, at: map[string]int{}, last: it.Off / w.span}
	w.add(&g.block, g.at, it.Line)
	more, err := w.continues(it.Line)
	if !more {
		g.last++
	}
	return g, err
}

// keep remembers a fold that may go on.
func (w *walker) keep(g growing) {
	if w.known != nil && !g.open {
		w.known.part = g.clone()
	}
}

// grows reports whether the bar at off belongs to the fold that is remembered,
// and that one may go on into a span.
func (w *walker) grows(off, span int64) bool {
	if w.known == nil || w.known.part.at == nil {
		return false
	}
	p := &w.known.part
	return off >= p.off && off < p.end && span <= p.last
}

// clone returns a fold that can be added to while the other stays as it is.
func (g growing) clone() growing {
	g.at, g.entries = maps.Clone(g.at), slices.Clone(g.entries)
	for i := range g.entries {
		g.entries[i].line.Text = bytes.Clone(g.entries[i].line.Text)
	}
	return g
}
