package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/events"
	"dray/tui/help"
	"dray/tui/notify"
	"dray/tui/palette"
	"dray/tui/screen"
)

// The smallest window in which the pages are drawn.
const (
	minWidth  = 60
	minHeight = 15
)

// page is a screen on the stack. Its id tells its messages from those of pages
// that are gone.
type page struct {
	id     int
	screen screen.Screen
}

// model is the root: the stack of pages and what lies around them.
type model struct {
	env   *screen.Env
	guard *guard
	crash *crash
	// copy writes text to the terminal's clipboard and says how.
	copy func(text string) (how string, err error)
	keys globalKeys
	tty  tty
	lent func(on bool) // says that a program has the terminal, or nil

	w, h     int
	pages    []page // the last one is on top; never empty
	lastID   int
	hold     hold
	poll     poll
	notice   notice
	question *question
	help     *help.Model
	palette  *palette.Model
	// typedLines are those of the palette, the newest last.
	typedLines []string
	events     []events.Event // never written to; the newest last
	unread     int
	themeName  string
	picker     *picker
	watcher    notify.Watcher
	toldAnswer int    // of the list, that the watcher has seen
	title      string // of the terminal
	// write sends a sequence to the terminal between two frames; nil: none can.
	write    func(seq string) (int, error)
	restyler restyler // nil: the theme cannot be changed
	held     []held   // confirmed, and not sent yet; the newest last
	lastHeld int
	leaving  bool // only what is held keeps the program

	pagesOf    func(*screen.Env) screen.Pages
	programCtx context.Context // of all servers; nil: env.Ctx
	leave      func()          // ends what was begun for this server; nil: nothing does
	wanted     int             // number of the last connection that was asked for
	root       int             // who asks for the root: another one for each server, never above 0
	oldest     int             // the first page of this server
	mouseOn    bool
	watched    map[string]bool // never written to, only replaced
	ray        string          // the server's Ray, once known
}

// notice is the sentence on the message line.
type notice struct {
	id    int
	level screen.Level
	text  string
}

// noticeTime is how long a notice stays, unless the page changes or the next
// key that acts takes it away.
const noticeTime = 10 * time.Second

type (
	noticeGoneMsg struct{ id int }
	versionMsg    struct{ ray, commit string }
	copiedMsg     struct {
		what, how string
		err       error
	}
)

func newModel(env *screen.Env, g *guard, c *crash, first screen.Screen) model {
	m := model{
		env: env, guard: g, crash: c,
		keys:  newGlobalKeys(env.Styles.Glyphs, env.Settings.Keys),
		pages: []page{{id: 1, screen: first}}, lastID: 1,
		poll:    poll{env: env, now: env.Now(), timer: after},
		mouseOn: env.Settings.Mouse, themeName: env.Settings.Theme, pagesOf: pages,
	}
	return m
}

// Init starts the first page; the poll starts with the first size.
func (m model) Init() tea.Cmd {
	return tea.Batch(
		m.run(m.top().id, m.top().screen.Init()),
		m.run(0, func() tea.Msg { return startMsg{} }),
		m.run(0, unanswered(m.env)),
		m.mouseMode(),
	)
}

// startMsg begins the polling: Init cannot change the model.
type startMsg struct{}

// update handles one message.
func (m model) update(msg tea.Msg) (model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		return m.resize(msg.Width, msg.Height).askGauges()
	case tea.KeyMsg:
		return m.typed(msg)
	case ledMsg:
		return m.led(msg)
	case tea.MouseMsg:
		return m.mouse(msg)
	case returnedMsg:
		return m.returned(msg)
	case leaveMsg:
		return m.quit()
	case tea.FocusMsg:
		return m.focus(true)
	case tea.BlurMsg:
		return m.focus(false)
	case tea.ResumeMsg:
		m, cmd := m.refresh()
		return m, tea.Batch(cmd, m.mouseMode())
	case pageMsg:
		return m.handlePage(msg.page, msg.msg)
	}
	return m, nil
}

// handlePage handles what the root's or a page's command has brought.
func (m model) handlePage(from int, msg tea.Msg) (model, tea.Cmd) {
	if m.late(from, msg) {
		return m, nil
	}
	switch msg := msg.(type) {
	case startMsg:
		return m.refresh()
	case listedMsg:
		p, cmd := m.poll.answered(msg)
		ended := endedStop(m.poll.stopping, p)
		m, told := m.polled(p, cmd)
		m, news := m.changed()
		told = tea.Batch(told, news)
		m, asked := m.askVersion()
		m, gauges := m.askGauges()
		asked = tea.Batch(asked, gauges)
		if ended == "" {
			return m, tea.Batch(told, asked)
		}
		m, said := m.say(screen.Good, ended)
		return m, tea.Batch(told, asked, said)
	case singleMsg:
		p, news := m.poll.single(msg)
		if !news {
			m.poll = p
			return m, nil
		}
		ended := endedStop(m.poll.stopping, p)
		m, told := m.polled(p, nil)
		m, changed := m.changed()
		if ended == "" {
			return m, tea.Batch(told, changed)
		}
		m, said := m.say(screen.Good, ended)
		return m, tea.Batch(told, changed, said)
	case tickMsg:
		return m.polled(m.poll.ticked(msg))
	case versionMsg:
		m.ray = clean.Text(msg.ray)
		m.poll.realRay = msg.commit != "" && !strings.HasPrefix(msg.commit, drayCommit)
		return m.tell()
	case gaugedMsg:
		m.poll = m.poll.gauged(msg)
		return m.tell()
	case noticeGoneMsg:
		if msg.id == m.notice.id {
			m.notice.text = ""
		}
		return m, nil
	case copiedMsg:
		return m.copied(msg)
	case heldTickMsg:
		return m.heldTicked(msg)
	}
	return m.ordered(from, msg)
}

// navigate handles the messages by which pages speak to the root.
func (m model) navigate(from int, msg tea.Msg) (model, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.PushMsg:
		return m.push(msg.Screen)
	case screen.PopMsg:
		return m.closePage(from)
	case screen.ReplaceMsg:
		m, told := m.closePage(from)
		m, started := m.push(msg.Screen)
		return m, tea.Batch(told, started)
	case screen.NoticeMsg:
		return m.announce(msg)
	case screen.AskMsg:
		return m.ask(from, msg)
	case screen.CopyMsg:
		return m, m.run(0, copyText(m.copy, msg))
	case screen.StoppingMsg:
		return m.polled(m.poll.stop(msg), nil)
	case screen.ExecMsg:
		return m.lend(from, msg)
	case screen.WatchMsg:
		return m.watch(msg)
	case screen.JobMsg:
		return m.jobChanged(msg)
	case screen.SwitchMsg:
		return m.switchTo(msg.Name)
	case connMsg:
		return m.connected(msg)
	}
	return m.toPage(from, msg)
}

// jobChanged tells all pages, and asks the server at once.
func (m model) jobChanged(msg screen.JobMsg) (model, tea.Cmd) {
	m.poll = m.poll.began(msg.ID)
	m, cmd := m.refresh()
	cmds := []tea.Cmd{cmd}
	for _, p := range slices.Clone(m.pages) {
		m, cmd = m.toPage(p.id, msg)
		cmds = append(cmds, cmd)
	}
	return m, tea.Batch(cmds...)
}

func (m model) refresh() (model, tea.Cmd) { return m.polled(m.poll.ask()) }

// polled takes the poll's new state and tells the page on top.
func (m model) polled(p poll, cmd tea.Cmd) (model, tea.Cmd) {
	boxed, height := m.boxed(), m.boxHeight()
	m.poll = p
	m.guard.offline.Store(p.link == screen.Offline)
	if m.boxed() != boxed || boxed && m.boxHeight() != height {
		m = m.resize(m.w, m.h)
	}
	m, told := m.tell()
	return m, tea.Batch(m.run(0, cmd), told)
}

// tell hands the shared list to the page on top.
func (m model) tell() (model, tea.Cmd) {
	shared := m.poll.shared()
	shared.Watched = m.watched
	return m.toPage(m.top().id, shared)
}

// drayCommit begins the commit that a dray names as Ray's.
const drayCommit = "dray-"

// unknownRay stands for a version that has been asked for in vain.
const unknownRay = "?"

// versioner is a server that says what it is.
type versioner interface {
	Version(ctx context.Context) (rayapi.Version, error)
}

// askVersion asks a remote server for its Ray, once it answers.
func (m model) askVersion() (model, tea.Cmd) {
	v, ok := m.guard.Jobs.(versioner)
	if !ok || m.ray != "" || m.poll.link.Down() || m.env.Target.Embedded {
		return m, nil
	}
	ctx := m.env.Ctx
	m.ray = unknownRay // one answer, or none, is enough
	return m, m.run(0, func() tea.Msg {
		got, err := v.Version(ctx)
		if err != nil {
			return versionMsg{ray: unknownRay}
		}
		return versionMsg{got.RayVersion, got.RayCommit}
	})
}

func (m model) top() page { return m.pages[len(m.pages)-1] }

// toPage gives msg to a page, if it is still there.
func (m model) toPage(id int, msg tea.Msg) (model, tea.Cmd) {
	i := slices.IndexFunc(m.pages, func(p page) bool { return p.id == id })
	if i < 0 {
		return m, nil
	}
	next, cmd := m.pages[i].screen.Update(msg)
	m.pages = slices.Clone(m.pages)
	m.pages[i].screen = next
	return m, m.run(id, cmd)
}

func (m model) push(s screen.Screen) (model, tea.Cmd) {
	m.lastID++
	id := m.lastID
	m.notice.text = ""
	m.pages = append(slices.Clone(m.pages), page{id, s.Resize(m.pageSize(len(m.pages) + 1))})
	m.help = nil
	started := m.run(id, s.Init())
	m, told := m.tell()
	return m, tea.Batch(started, told)
}

// closePage takes a page off the stack; the first one stays.
func (m model) closePage(id int) (model, tea.Cmd) {
	i := slices.IndexFunc(m.pages, func(p page) bool { return p.id == id })
	if i <= 0 {
		return m, nil
	}
	m.pages[i].screen.Close()
	m.notice.text = ""
	m.pages = slices.Delete(slices.Clone(m.pages), i, i+1)
	m.help = nil
	m = m.resize(m.w, m.h)
	return m.tell()
}

// resize gives every page its part of a window of w by h.
func (m model) resize(w, h int) model {
	m.w, m.h = w, h
	m.pages = slices.Clone(m.pages)
	for i := range m.pages {
		m.pages[i].screen = m.pages[i].screen.Resize(m.pageSize(i + 1))
	}
	if m.help != nil {
		next := m.help.Resize(m.pageSize(len(m.pages)))
		m.help = &next
	}
	return m
}

func copyText(write func(string) (string, error), msg screen.CopyMsg) tea.Cmd {
	return func() tea.Msg {
		how, err := write(msg.Text)
		return copiedMsg{what: msg.What, how: how, err: err}
	}
}

func (m model) copied(msg copiedMsg) (model, tea.Cmd) {
	if msg.err != nil {
		return m.say(screen.Bad, fmt.Sprintf("copy %s: %v", msg.what, msg.err))
	}
	return m.say(screen.Good, msg.what+" "+msg.how)
}

// openHelp lists the keys that work now.
func (m model) openHelp() model {
	h := help.New(m.env.Styles, m.top().screen.Scope(), m.bindings()).Signs(m.signs()).Resize(m.pageSize(len(m.pages)))
	m.help = &h
	return m
}
