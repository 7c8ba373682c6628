package logview

import (
	"sort"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
)

const (
	// sliceBytes is how much log one step of a search looks through.
	sliceBytes = 4 << 20
	// maxHits bounds the memory of a search.
	maxHits = 250_000
)

// find is a search through the log: what has been found so far. It is a
// value; the hits are shared and only ever appended to.
type find struct {
	id      int // of this search: answers to others are dropped
	query   query
	hits    []int64 // lines, in order
	next    int64   // the first line that has not been looked at
	running bool    // a step is under way
	jump    jump    // where to go when a hit is known
	from    int64   // the line that the jump begins at
	at      int64   // the hit that was jumped to last
}

// jump is a wish to go to a hit.
type jump int

const (
	jumpNone jump = iota
	jumpHere      // the first at or after from, else the last before it
	jumpNext      // the first after from
	jumpPrev      // the last before from
)

func (f find) active() bool { return !f.query.empty() }

// full reports that no more hits are kept.
func (f find) full() bool { return len(f.hits) >= maxHits }

// foundMsg is the answer of one step.
type foundMsg struct {
	s    *session
	id   int
	hits []int64
	next int64
	err  error
}

// step looks through the next part of the log. Only lines before end count: the
// last one may still grow.
func (f find) step(s *session, end int64) tea.Cmd {
	id, q, from, room := f.id, f.query, f.next, maxHits-len(f.hits)
	return func() tea.Msg {
		msg := foundMsg{s: s, id: id, next: from}
		r := newLineReader(&s.store)
		end = min(end, r.lines)
		var scratch []byte
		for looked := int64(0); msg.next < end && looked < sliceBytes && len(msg.hits) < room; msg.next++ {
			if s.ctx.Err() != nil {
				return nil
			}
			l, err := r.line(msg.next)
			if err != nil {
				msg.err = err
				return msg
			}
			scratch = clean.LogPlain(scratch[:0], l.text)
			if q.matches(scratch) {
				msg.hits = append(msg.hits, msg.next)
			}
			looked += int64(len(l.text)) + 1
		}
		return msg
	}
}

// target returns the hit that the jump leads to, if it is known already.
// Otherwise it says whether looking on can still find one.
func (f find) target(done bool) (line int64, ok, wait bool) {
	after := sort.Search(len(f.hits), func(i int) bool { return f.hits[i] > f.from })
	switch f.jump {
	case jumpNone:
	case jumpHere:
		at := sort.Search(len(f.hits), func(i int) bool { return f.hits[i] >= f.from })
		if at < len(f.hits) {
			return f.hits[at], true, false
		}
		if done && at > 0 {
			return f.hits[at-1], true, false
		}
	case jumpNext:
		if after < len(f.hits) {
			return f.hits[after], true, false
		}
		if done && len(f.hits) > 0 {
			return f.hits[0], true, false
		}
	case jumpPrev:
		before := sort.Search(len(f.hits), func(i int) bool { return f.hits[i] >= f.from })
		if before > 0 && (done || f.next >= f.from) {
			return f.hits[before-1], true, false
		}
		if done && len(f.hits) > 0 {
			return f.hits[len(f.hits)-1], true, false
		}
	}
	return 0, false, !done
}

// rank is the place of line among the hits, from 1, or 0 when it is none.
func (f find) rank(line int64) int {
	i := sort.Search(len(f.hits), func(i int) bool { return f.hits[i] >= line })
	if i < len(f.hits) && f.hits[i] == line {
		return i + 1
	}
	return 0
}
