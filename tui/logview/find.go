package logview

import (
	"context"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/loglevel"
	"dray/tui/logstore"
	"dray/tui/screen"
)

// countTime is how long one step of counting hits takes.
const countTime = 60 * time.Millisecond

// find is a search through the log.
type find struct {
	text    string
	regex   bool
	err     error // of the expression
	query   logstore.Query
	finder  *logstore.Finder
	running bool  // a step of counting is under way
	later   bool  // counting goes on when the hit is on the screen
	at      int64 // the line that was jumped to last, or -1
	hit     bool  // it is one of the hits, not an error
	rank    int64 // of that hit, or 0
	ranking bool  // that is being counted
	only    bool  // nothing but hits is shown, with some lines of context
	context int
	level   loglevel.Level // what is found are lines of this level and above; None: a text
}

func (f find) active() bool { return !f.query.Empty() }

// countedMsg is the end of a step of counting.
type countedMsg struct {
	f   *logstore.Finder
	err error
}

// rankMsg says which of the hits a line is; 0: not known yet.
type rankMsg struct {
	f         *logstore.Finder
	off, rank int64
	looked    int64 // how much was counted when it was asked
}

// setQuery searches for text from where the prompt was opened.
func (m Model) setQuery(text string, regex bool) (Model, tea.Cmd) {
	f := find{text: text, regex: regex, at: -1, only: m.find.only && m.find.level == loglevel.None, context: m.find.context}
	if regex {
		f.query, f.err = logstore.Regexp(text)
	} else {
		f.query = logstore.Literal(text)
	}
	if !f.query.Empty() {
		f.finder = logstore.NewFinder(m.s.Store(), f.query, m.origin.top.off)
	}
	m.job1.cancel()
	m.job1 = m.job1.none()
	m.find = f
	m, load := m.load()
	if !f.active() {
		return m, load
	}
	m, seek := m.seek()
	return m, tea.Batch(load, seek)
}

// soughtMsg is the end of the way to the first hit.
type soughtMsg struct {
	s   *logstore.Session
	f   *logstore.Finder
	id  int
	err error
}

// seek counts up to the first hit. It can be cancelled by any key, and the next
// letter does: were jump and count to run side by side, and those of letters
// that are out of date too, each would take from the others.
func (m Model) seek() (Model, tea.Cmd) {
	ctx, cancel := context.WithCancel(m.s.Context())
	m.job1 = job1{id: m.job1.id + 1, what: "searching", stop: cancel}
	m.find.running = true
	s, id, f, final := m.s, m.job1.id, m.find.finder, m.news.Link.Final()
	run := func() tea.Msg {
		defer cancel()
		_, err := f.Seek(ctx, final)
		return soughtMsg{s, f, id, err}
	}
	return m, tea.Batch(run, m.job1.tick(s))
}

// sought goes to the hit, and counts on.
func (m Model) sought(msg soughtMsg) (Model, tea.Cmd) {
	current := msg.id == m.job1.id
	if msg.f != m.find.finder {
		if current { // the log began anew
			m.job1 = m.job1.none()
		}
		return m, nil
	}
	if !current || msg.err != nil {
		return m.counted(countedMsg{msg.f, msg.err})
	}
	m.find.running, m.find.later = false, true // counting shall not hold the jump up
	return m.jump(hitHere, m.origin.top.off, msg.f)
}

// count takes the next step of counting if there is one to take.
func (m Model) count() (Model, tea.Cmd) {
	if m.find.active() && m.find.finder == nil { // the log began anew
		m.find.finder = logstore.NewFinder(m.s.Store(), m.find.query, 0)
		m.find.at, m.find.hit, m.find.rank, m.find.running, m.find.ranking = -1, false, 0, false, false
	}
	f := m.find.finder
	if f == nil || m.find.running || !m.uncounted() {
		return m, nil
	}
	m.find.running = true
	ctx, final := m.s.Context(), m.news.Link.Final()
	return m, func() tea.Msg {
		_, err := f.Step(ctx, countTime, final)
		return countedMsg{f, err}
	}
}

// uncounted reports that there is a part of the log that was not looked at, or
// that may have changed since.
func (m Model) uncounted() bool {
	p := m.find.finder.Progress()
	return !p.Done || p.Seen < m.news.Size || m.news.Link.Final() && p.Size < m.news.Size
}

func (m Model) counted(msg countedMsg) (Model, tea.Cmd) {
	m.find.running = false
	switch {
	case errors.Is(msg.err, logstore.ErrCut) || errors.Is(msg.err, context.Canceled):
		return m, nil
	case msg.err != nil:
		m.winErr = msg.err
		return m, nil
	}
	m, more := m.count()
	m, rank := m.rank()
	return m, tea.Batch(more, rank)
}

// rank asks which of the hits the current one is.
func (m Model) rank() (Model, tea.Cmd) {
	if !m.find.hit || m.find.rank > 0 || m.find.ranking {
		return m, nil
	}
	m.find.ranking = true
	f, off := m.find.finder, m.find.at
	return m, func() tea.Msg {
		looked := f.Progress().Looked
		n, ok, err := f.Rank(off)
		if !ok || err != nil {
			n = 0
		}
		return rankMsg{f, off, n, looked}
	}
}

// ranked takes the answer, and asks again if it was too early or is of another
// hit.
func (m Model) ranked(msg rankMsg) (Model, tea.Cmd) {
	m.find.ranking = false
	if msg.off == m.find.at {
		m.find.rank = msg.rank
	}
	if msg.off == m.find.at && msg.looked == msg.f.Progress().Looked {
		return m, nil
	}
	return m.rank()
}

// way is how to look for a hit.
type way int

const (
	hitHere way = iota // the first at or after a place, else the last before it
	hitNext            // the first after it, or from the start again
	hitPrev            // the last before it, or from the end again
)

// jumpedMsg is the hit that a jump has found.
type jumpedMsg struct {
	s     *logstore.Session
	id    int
	off   int64
	ok    bool
	round bool // it went past an end of the log
	hit   bool // of the search, not an error
	err   error
}

// jump looks for a hit of f. It can be cancelled by any key.
func (m Model) jump(w way, from int64, f *logstore.Finder) (Model, tea.Cmd) {
	m.job1.cancel()
	ctx, cancel := context.WithCancel(m.s.Context())
	m.job1 = job1{id: m.job1.id + 1, what: "searching", stop: cancel}
	s, id, hit, size := m.s, m.job1.id, f == m.find.finder, m.news.Size
	return m, func() tea.Msg {
		defer cancel()
		msg := jumpedMsg{s: s, id: id, hit: hit}
		if hit {
			msg.off, msg.ok, msg.round, msg.err = hitOf(ctx, f, w, from, size)
		} else {
			msg.off, msg.ok, msg.round, msg.err = errorOf(ctx, s.Store(), f, w, from, size)
		}
		return msg
	}
}

func hitOf(ctx context.Context, f *logstore.Finder, w way, from, size int64) (off int64, ok, round bool, err error) {
	switch w {
	case hitHere:
		if off, ok, err = f.NextHit(ctx, from); !ok && err == nil {
			off, ok, err = f.PrevHit(ctx, from)
		}
	case hitNext:
		if off, ok, err = f.NextHit(ctx, from+1); !ok && err == nil {
			off, ok, err = f.NextHit(ctx, 0)
			round = true
		}
	case hitPrev:
		if off, ok, err = f.PrevHit(ctx, from); !ok && err == nil {
			off, ok, err = f.PrevHit(ctx, size)
			round = true
		}
	}
	return off, ok, round, err
}

// jumped goes to the hit.
func (m Model) jumped(msg jumpedMsg) (Model, tea.Cmd) {
	m.job1 = m.job1.none()
	switch {
	case errors.Is(msg.err, context.Canceled) || errors.Is(msg.err, logstore.ErrClosed):
		return m, nil
	case msg.err != nil:
		return m, screen.Notice(screen.Bad, "search the log: "+msg.err.Error())
	case !msg.ok && !msg.hit:
		return m, screen.Notice(screen.Info, "no error in this log")
	case !msg.ok:
		return m.count()
	}
	var said tea.Cmd
	if msg.round {
		said = screen.Notice(screen.Info, "went round: that was the last one in this direction")
	}
	m.find.at, m.find.hit, m.find.rank = msg.off, msg.hit, 0
	if len(m.queue) > 0 {
		w := m.queue[0]
		m.queue = m.queue[1:]
		return m.jump(w, msg.off, m.find.finder)
	}
	m, rank := m.rank()
	if msg.off >= m.win.from && msg.off < m.win.to && len(m.win.rows) > 0 && !m.follow {
		m, count := m.count()
		return m, tea.Batch(said, rank, count) // it is on the screen; only the signs change
	}
	m, load := m.goTo(place{off: msg.off}, -m.bodyHeight()/3, false)
	return m, tea.Batch(said, rank, load)
}

func (m Model) nextHit() (Model, tea.Cmd) { return m.hop(hitNext) }
func (m Model) prevHit() (Model, tea.Cmd) { return m.hop(hitPrev) }

// maxQueue bounds the jumps that wait for the one under way.
const maxQueue = 100

// hop goes to another hit, after the one that is being looked for.
func (m Model) hop(w way) (Model, tea.Cmd) {
	if m.job1.running() && m.job1.done == nil {
		if len(m.queue) < maxQueue {
			m.queue = append(m.queue[:len(m.queue):len(m.queue)], w)
		}
		return m, nil
	}
	return m.jump(w, m.hitFrom(w), m.find.finder)
}

// hitFrom is where to go on: the last hit, or the screen if that was left.
func (m Model) hitFrom(w way) int64 {
	switch {
	case m.find.at >= 0 && (m.loading || m.find.at >= m.win.from && m.find.at < m.win.to):
		return m.find.at
	case w == hitNext:
		return m.win.from - 1
	}
	return m.win.from
}

// toggleOnly shows nothing but the hits, then these with context, then all
// again.
func (m Model) toggleOnly() (Model, tea.Cmd) {
	switch {
	case !m.find.active():
		m.find.only, m.find.context = true, 0
		return m.openInput(inputOnly, "")
	case !m.find.only:
		m.find.only, m.find.context = true, 0
	case m.find.context == 0:
		m.find.context = usualContext
	default:
		m.find.only = false
	}
	return m.jumpTo(place{off: m.win.top.off}, m.follow)
}

// usualContext is how many lines around a hit the filter's key shows; a digit
// sets another number.
const usualContext = 3

func (m Model) setContext(n int) (Model, tea.Cmd) {
	m.find.context = n
	return m.jumpTo(place{off: m.win.top.off}, m.follow)
}

// endFind takes the marks and the filter away.
func (m Model) endFind() (Model, tea.Cmd) {
	m.find = find{at: -1}
	return m.jumpTo(place{off: m.win.top.off}, m.follow)
}
