// Package logview is the page that shows a job's log and follows it; with
// several logs side by side, and with the end of one as a part of other pages.
//
// What is on the screen is read, folded and laid out in commands, so the event
// loop never waits for a disk, a server or a long line. Keeping, counting,
// searching and following a log is the work of package logstore; the state of
// the job comes from the list that all pages share.
package logview

import (
	"context"
	"path/filepath"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/logstore"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/prompt"
)

// Model is the page. Make it with New.
type Model struct {
	env     *screen.Env
	actions []action
	size    screen.Size
	bare    bool // the end of the log alone, as a part of another page

	s      *logstore.Session
	news   logstore.News
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
	anchor  int   // counts jumps, so that an older window does not undo one
	loading bool  // a window is under way
	again   bool  // and it is old already
	win     window
	known   *folds
	winErr  error

	wrap, fold, pretty, numbers, times bool
	zoom                               bool // nothing but the text and the state
	pan                                int

	find    find
	sel     selection
	marks   []rule
	cuts    []rule // where the connection was lost, and came back
	lost    lost
	input   input
	prompt  prompt.Model
	past    history
	origin  origin // where the search began
	job1    job1   // what is under way: a save, a jump
	queue   []way  // hits to go to after that
	levels  levels
	toError bool // go to the last error when the log is there
}

// origin is where a search that is given up leads back to.
type origin struct {
	top    place
	follow bool
	find   find
}

// New returns a page that shows the log of job, following its end. Init opens
// the log; Close gives it up.
func New(env *screen.Env, job rayapi.Job) screen.Screen { return newModel(env, job) }

// NewAtError returns a page that shows the log of job at its last error or
// traceback.
func NewAtError(env *screen.Env, job rayapi.Job) screen.Screen {
	m := newModel(env, job)
	m.toError = true
	return m
}

// NewTail returns the end of the log of job without a place line, state or
// keys.
func NewTail(env *screen.Env, job rayapi.Job) screen.Screen {
	m := newModel(env, job)
	m.bare, m.actions = true, nil
	m.numbers, m.times, m.wrap = false, false, false
	return m
}

func newModel(env *screen.Env, job rayapi.Job) Model {
	m := Model{
		env: env, actions: actions(env.Styles.Glyphs),
		s:   newSession(env, job.ID()),
		job: job, now: env.Now(), opened: env.Now(),
		follow: true, fold: true, find: find{at: -1}, known: newFolds(),
	}
	if s := env.Settings; s != nil {
		m.wrap, m.numbers, m.times = s.Logs.Wrap, s.Logs.Numbers, s.Logs.Times
	}
	return m
}

func newSession(env *screen.Env, id string) *logstore.Session {
	o := logstore.Options{Jobs: env.Jobs, ID: id, File: env.LogFile, Server: env.Target.LedgerKey, Now: env.Now}
	if env.DataDir != "" {
		o.CacheDir = filepath.Join(env.DataDir, "logs")
	}
	return logstore.New(env.Ctx, o)
}

// depth is how many of a line's own colours the terminal has.
func depth(p termenv.Profile) clean.Depth {
	switch p {
	case termenv.TrueColor:
		return clean.TrueColour
	case termenv.ANSI256:
		return clean.Colours256
	case termenv.ANSI:
		return clean.Colours16
	case termenv.Ascii:
	}
	return clean.NoColour
}

// Init opens the log.
func (m Model) Init() tea.Cmd { return tea.Batch(run(m.s), m.next(), m.recallPast()) }

// run reads the log until the session is stopped.
func run(s *logstore.Session) tea.Cmd {
	return func() tea.Msg {
		s.Run()
		return nil
	}
}

// newsMsg tells of progress.
type newsMsg struct {
	s    *logstore.Session
	news logstore.News
	now  time.Time
}

// next waits for news of the log.
func (m Model) next() tea.Cmd {
	s, now := m.s, m.env.Now
	return func() tea.Msg {
		n, ok := s.Next()
		if !ok {
			return nil
		}
		return newsMsg{s, n, now()}
	}
}

// Close gives the log up. It does not wait.
func (m Model) Close() {
	m.s.Stop()
	m.job1.cancel()
}

// Scope is the page's title in the help.
func (m Model) Scope() string { return "Log" }

// Typing reports whether text is being typed.
func (m Model) Typing() bool { return m.input != inputNone }

// Resize keeps the line at the top. The window is laid out anew when the
// session's next message comes, which is soon.
func (m Model) Resize(s screen.Size) screen.Screen {
	if s == m.size {
		return m
	}
	m.size = s
	if m.wrap || m.pretty {
		m.top.row = 0
	}
	m.anchor++
	m.s.Poke()
	return m
}

// Update handles a message.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case newsMsg:
		if msg.s == m.s {
			return m.heard(msg.news, msg.now)
		}
	case windowMsg:
		if msg.s == m.s {
			return m.drawn(msg)
		}
	case countedMsg:
		if msg.f == m.find.finder {
			return m.counted(msg)
		}
	case soughtMsg:
		if msg.s == m.s {
			return m.sought(msg)
		}
	case jumpedMsg:
		if msg.s == m.s && msg.id == m.job1.id {
			return m.jumped(msg)
		}
	case rankMsg:
		if msg.f == m.find.finder {
			return m.ranked(msg)
		}
	case levelsMsg:
		if msg.s == m.s {
			m.levels = msg.levels
		}
	case savedMsg:
		if msg.s == m.s {
			return m.saved(msg)
		}
	case handedMsg:
		if msg.s == m.s {
			return m.handed(msg)
		}
	case tickMsg:
		if msg.s == m.s && msg.id == m.job1.id {
			return m, m.job1.tick(m.s)
		}
	case cmdMsg:
		if msg.s == m.s {
			return msg.do(m)
		}
	case pastMsg:
		if msg.s == m.s {
			m.past.texts = append(msg.texts[:len(msg.texts):len(msg.texts)], m.past.texts...)
		}
	case screen.ListMsg:
		return m.listed(msg).loadIfStale()
	case tea.MouseMsg:
		return m.mouse(msg)
	case tea.KeyMsg:
		return m.key(msg)
	}
	return m, nil
}

// listed takes what the dashboard knows of the job.
func (m Model) listed(msg screen.ListMsg) Model {
	m.now, m.realRay = msg.Now, msg.RealRay
	if m.news.Link != logstore.Retry {
		m = m.joined(m.s.Conn(), msg.Now)
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
func (m Model) heard(n logstore.News, now time.Time) (Model, tea.Cmd) {
	if n.Epoch != m.news.Epoch { // the log began anew: nothing is where it was
		m.top, m.move, m.seen, m.marks, m.sel = place{}, 0, 0, nil, selection{}
		m.cuts, m.lost = nil, lost{}
		m.anchor++
		m.find.finder, m.known = nil, newFolds()
	}
	conn := m.s.Conn()
	if n.Link == logstore.Retry {
		conn = client.State{Phase: client.Reconnecting, Retry: now.Add(n.Pause)}
	}
	m.news.Err = n.Err // what the connection was lost by; the rest of the news came after
	m = m.joined(conn, now)
	m.news = n
	cmds := []tea.Cmd{m.next()}
	var cmd tea.Cmd
	if m.toError && n.Size > 0 && (n.Link.Final() || !m.job.Status.IsTerminal()) {
		m, cmd = m.toTraceback()
		cmds = append(cmds, cmd)
	}
	if m.follow || m.win.end || m.stale() || m.win.rows == nil {
		m, cmd = m.load()
		cmds = append(cmds, cmd)
	}
	m, cmd = m.count()
	cmds = append(cmds, cmd)
	m, cmd = m.look()
	return m, tea.Batch(append(cmds, cmd)...)
}

// stale reports that the window was laid out for another size.
func (m Model) stale() bool {
	return m.win.width != m.textWidth() || m.win.height != m.bodyHeight()
}

// windowMsg is a window that a load has made.
type windowMsg struct {
	s      *logstore.Session
	win    window
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
	st := m.env.Styles
	mark := cell.InkOf(st.Match)
	l := look{
		top: m.top, move: m.move, atEnd: m.follow, cursor: -1,
		width: m.textWidth(), height: m.bodyHeight(),
		wrap: m.wrap, pan: m.pan, depth: depth(st.Profile),
		fold: m.fold, pretty: m.pretty, numbers: m.numbered(), times: m.timed(),
		tail: st.Glyphs.Ellipsis, again: againSign(&st.Glyphs), mark: ink{mark.On, mark.Off},
		query: m.find.query, rules: m.rules(), gaps: m.find.only && m.find.context > 0,
	}
	if m.sel.on {
		l.cursor, l.cursorMove, m.sel.move = m.sel.to.from, m.sel.move, 0
	}
	m.loading, m.again, m.move = true, false, 0
	s, anchor, known := m.s, m.anchor, m.known
	only, finder, lines := m.find.only, m.find.finder, m.find.context
	return m, func() tea.Msg {
		store := s.Store()
		r := store.Reader()
		var c logstore.Cursor = r
		folds := known
		if only && finder != nil {
			ctx, cancel := context.WithTimeout(s.Context(), filterTime)
			defer cancel()
			c, folds = finder.Filter(ctx, r, lines), nil
		}
		w, err := draw(store, r, c, l, folds)
		return windowMsg{s: s, win: w, anchor: anchor, err: err}
	}
}

// filterTime bounds the way to the next hit of a filter that hides nearly all.
const filterTime = 20 * time.Second

// drawn takes a window.
func (m Model) drawn(msg windowMsg) (Model, tea.Cmd) {
	m.loading = false
	m.win, m.winErr = msg.win, msg.err
	if msg.anchor == m.anchor {
		m.top = msg.win.top
		m.follow = m.follow || m.resume && msg.win.end && !m.sel.on
		m.resume = false
	}
	if m.sel.on && msg.win.cursor >= 0 && msg.anchor == m.anchor {
		m.sel.to = extent{msg.win.cursor, msg.win.cursorEnd}
	}
	m.seen = max(m.seen, msg.win.upto)
	if m.again || m.move != 0 || m.sel.move != 0 || m.stale() {
		return m.load()
	}
	if m.find.later {
		m.find.later = false
		return m.count()
	}
	return m, nil
}
