// Package logview is the page that shows a job's log and follows it.
//
// The log goes into a store of bounded memory; of that only what is on the
// screen is read, laid out and kept. Reading and layout run as commands, so the
// event loop never waits for a disk, a server or a long line.
//
// Staying connected and delivering each byte once is the client's work; the
// state of the job comes from the list that all pages share.
package logview

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/prompt"
)

// gutter is the width of the column before the text.
const gutter = 2

// Model is the page. Make it with New.
type Model struct {
	env     *screen.Env
	actions []action
	size    screen.Size
	plain   bool // the terminal shall have no colours
	mark    ink

	s      *session
	news   news
	conn   client.State
	job    rayapi.Job
	now    time.Time
	opened time.Time
	gone   bool // the server's list has the job no longer
	// realRay: the server polls its log files, so that lines come late.
	realRay bool
	stop    time.Time

	top     place // of the window wanted
	move    int   // rows to go from top
	follow  bool
	resume  bool  // follow again if the move leads nowhere
	seen    int64 // lines that have been on the screen
	wrap    bool
	pan     int
	anchor  int  // counts jumps, so that an older window does not undo one
	loading bool // a window is under way
	again   bool // and it is old already
	win     window
	winErr  error

	winHeight int // that the window was laid out for

	find   find
	prompt prompt.Model
	typing bool
	origin origin // where the search began
}

// origin is where a search that is given up leads back to.
type origin struct {
	top    place
	follow bool
}

// New returns a page that shows the log of job, following its end. Init opens
// the log; Close gives it up.
func New(env *screen.Env, job rayapi.Job) screen.Screen {
	mark := cell.InkOf(env.Styles.Match)
	return Model{
		env: env, actions: actions(env.Styles.Glyphs),
		plain: cell.InkOf(env.Styles.Failed).On == "",
		mark:  ink{mark.On, mark.Off},
		s:     newSession(env.Ctx, env.Jobs, job.ID()),
		job:   job, now: env.Now(), opened: env.Now(),
		follow: true,
	}
}

// Init opens the log.
func (m Model) Init() tea.Cmd { return tea.Batch(m.s.run, m.s.next) }

// Close gives the log up. It does not wait.
func (m Model) Close() { m.s.stop() }

// Scope is the page's title in the help.
func (m Model) Scope() string { return "Log" }

// Typing reports whether a text to find is being typed.
func (m Model) Typing() bool { return m.typing }

// Resize keeps the line at the top. The window is laid out anew when the
// session's next message comes, which is soon.
func (m Model) Resize(s screen.Size) screen.Screen {
	if s == m.size {
		return m
	}
	if m.wrap && m.size.W > gutter && s.W > gutter {
		m.top.row = m.top.row * (m.size.W - gutter) / (s.W - gutter)
	}
	m.size = s
	m.anchor++
	m.s.poke()
	return m
}

// Update handles a message.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case newsMsg:
		if msg.s == m.s {
			return m.heard(msg.news)
		}
	case windowMsg:
		if msg.s == m.s {
			return m.drawn(msg)
		}
	case foundMsg:
		if msg.s == m.s && msg.id == m.find.id {
			return m.found(msg)
		}
	case screen.ListMsg:
		return m.listed(msg).loadIfStale()
	case tea.KeyMsg:
		return m.key(msg)
	}
	return m, nil
}

// listed takes what the dashboard knows of the job.
func (m Model) listed(msg screen.ListMsg) Model {
	m.now, m.realRay = msg.Now, msg.RealRay
	if m.news.link != linkRetry {
		m.conn = m.s.conn()
	}
	id := m.job.ID()
	m.stop = msg.Stopping[id]
	found := false
	for i := range msg.Jobs {
		if msg.Jobs[i].ID() == id {
			m.job, found = msg.Jobs[i], true
			break
		}
	}
	// A list from before this page was opened may not have a new job yet.
	m.gone = !found && msg.AsOf.After(m.opened)
	return m
}

// loadIfStale lays the window out anew if the screen has another size now.
func (m Model) loadIfStale() (Model, tea.Cmd) {
	if !m.stale() {
		return m, nil
	}
	return m.load()
}

// heard takes news of the log and waits for the next.
func (m Model) heard(n news) (Model, tea.Cmd) {
	m.news = n
	m.conn = m.s.conn()
	if n.link == linkRetry {
		m.conn = client.State{Phase: client.Reconnecting, Retry: m.env.Now().Add(n.pause)}
	}
	cmds := []tea.Cmd{m.s.next}
	var cmd tea.Cmd
	if m.follow || m.win.end || m.stale() {
		m, cmd = m.load()
		cmds = append(cmds, cmd)
	}
	m, cmd = m.search()
	return m, tea.Batch(append(cmds, cmd)...)
}

// stale reports that the window was laid out for another size.
func (m Model) stale() bool {
	return m.win.width != m.textWidth() || m.winHeight != m.bodyHeight()
}

// windowMsg is a window that a load has made.
type windowMsg struct {
	s      *session
	win    window
	height int
	anchor int
	err    error
}

// load reads and lays out what is to be on the screen. One load runs at a
// time; what is wished meanwhile is done after it.
func (m Model) load() (Model, tea.Cmd) {
	if m.loading {
		m.again = true
		return m, nil
	}
	l := look{
		top: m.top, move: m.move, atEnd: m.follow,
		width: m.textWidth(), height: m.bodyHeight(),
		wrap: m.wrap, pan: m.pan, plain: m.plain,
		tail: m.env.Styles.Glyphs.Ellipsis, mark: m.mark, query: m.find.query,
	}
	m.loading, m.again, m.move = true, false, 0
	s, anchor := m.s, m.anchor
	return m, func() tea.Msg {
		w, err := draw(&s.store, l)
		return windowMsg{s: s, win: w, height: l.height, anchor: anchor, err: err}
	}
}

// drawn takes a window.
func (m Model) drawn(msg windowMsg) (Model, tea.Cmd) {
	m.loading = false
	m.win, m.winHeight, m.winErr = msg.win, msg.height, msg.err
	if msg.anchor == m.anchor {
		m.top = msg.win.top
		m.follow = m.follow || m.resume && msg.win.end
		m.resume = false
	}
	if msg.win.lines > 0 {
		m.seen = max(m.seen, msg.win.last+1)
	}
	if m.again || m.move != 0 || m.stale() {
		return m.load()
	}
	return m, nil
}
