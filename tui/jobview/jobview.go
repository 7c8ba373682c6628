// Package jobview is the page about one job: a summary with the reason of a
// failure first, the end of its log, its runtime environment, the raw record,
// and the other jobs with the same command. It looks again whenever the list
// has been answered, so that it follows the job without a key.
//
// Secrets and the values of environment variables are masked in all of it,
// until the user asks for them; then for a minute.
package jobview

import (
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
	"dray/tui/widget/prompt"
)

// Model is the page.
type Model struct {
	env  *screen.Env
	size screen.Size
	list screen.ListMsg // as the root told it last

	job    rayapi.Job
	busy   bool // a look at the job is under way
	gone   bool // the server does not know the job any more
	err    error
	about  about // what this machine knows of it
	supply supply

	tab      tab
	yaml     bool          // the raw record as YAML
	tail     screen.Screen // the end of the log, once there was a place for it
	tailAt   screen.Size
	revealed time.Time // until when secrets are shown; zero: they are masked

	runs  runs
	lines []string // of the body
	top   int      // the first one that can be seen
	find  find
}

var _ screen.Screen = Model{}

// New returns the page with the summary of job.
func New(env *screen.Env, job rayapi.Job) Model {
	return Model{env: env, job: job, list: screen.ListMsg{Now: env.Now()}}
}

// NewRaw returns the page that opens with the raw record of job.
func NewRaw(env *screen.Env, job rayapi.Job) Model {
	m := New(env, job)
	m.tab = tabRaw
	return m
}

// Init reads what this machine knows of the job; the root brings the list,
// which starts the first look.
func (m Model) Init() tea.Cmd { return readAbout(m.env, m.job) }

// Scope is the page's title in the help overlay.
func (m Model) Scope() string { return "Job" }

// Typing is true while a text to find is typed.
func (m Model) Typing() bool { return m.find.typing }

// Close ends the log; a look at the job ends by itself.
func (m Model) Close() {
	if m.tail != nil {
		m.tail.Close()
	}
}

// Bindings are the keys of the page; those that the job has no use for are off.
func (m Model) Bindings() []screen.Binding {
	return action.Offered(m.registry(), m.job, !m.gone)
}

// Resize lays the page out anew.
func (m Model) Resize(s screen.Size) screen.Screen {
	m.size = s
	return m.laidOut()
}

// Current is the job that the page is about, for commands that name none.
func (m Model) Current() (rayapi.Job, bool) { return m.job, true }

// Update handles one message.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.ListMsg:
		return m.listed(msg)
	case gotMsg:
		return m.got(msg)
	case aboutMsg:
		m.about = about(msg)
		return m.laidOut(), nil
	case suppliedMsg:
		return m.supplied(msg), nil
	case screen.JobMsg:
		if msg.ID == m.job.ID() {
			return m.look()
		}
		return m, nil
	case tea.KeyMsg:
		return m.typed(msg)
	case tea.MouseMsg:
		return m.mouse(msg)
	}
	return m.toTail(msg)
}

// toTail hands what is not ours to the log.
func (m Model) toTail(msg tea.Msg) (screen.Screen, tea.Cmd) {
	if m.tail == nil {
		return m, nil
	}
	var cmd tea.Cmd
	m.tail, cmd = m.tail.Update(msg)
	if m.tab == tabSummary {
		m = m.laidOut()
	}
	return m, cmd
}

// listed looks at the job again when the list has a new answer.
func (m Model) listed(msg screen.ListMsg) (screen.Screen, tea.Cmd) {
	fresh := msg.Answer != m.list.Answer
	m.list = msg
	if !m.revealed.IsZero() && !msg.Now.Before(m.revealed) {
		m.revealed = time.Time{}
		m = m.laidOut()
	}
	if m.tab == tabSummary || fresh && m.tab == tabHistory { // the others say nothing of the time
		m = m.laidOut()
	}
	if m.tail != nil {
		m.tail, _ = m.tail.Update(msg)
	}
	if !fresh || m.gone {
		return m, nil
	}
	m, opened := m.openTail()
	m, asked := m.askSupply()
	next, looked := m.look()
	return next, tea.Batch(opened, asked, looked)
}

func (m Model) typed(k tea.KeyMsg) (screen.Screen, tea.Cmd) {
	if m.find.typing {
		return m.typeFind(k), nil
	}
	for _, b := range m.registry() {
		if key.Matches(k, b.Binding) {
			return m.do(b.ID)
		}
	}
	return m, nil
}

// wheelRows is how far one step of the wheel scrolls.
const wheelRows = 3

func (m Model) mouse(msg tea.MouseMsg) (screen.Screen, tea.Cmd) {
	switch {
	case msg.Button == tea.MouseButtonWheelDown:
		return m.scroll(m.top + wheelRows), nil
	case msg.Button == tea.MouseButtonWheelUp:
		return m.scroll(m.top - wheelRows), nil
	case msg.Button == tea.MouseButtonLeft && msg.Action == tea.MouseActionPress && msg.Y == tabLine:
		if t, ok := m.tabAt(msg.X); ok {
			return m.open(t)
		}
	case msg.Button == tea.MouseButtonLeft && msg.Action == tea.MouseActionPress && m.tab == tabHistory:
		return m.pressRun(m.top + msg.Y - tabLine - 1)
	}
	return m, nil
}

func (m Model) do(id string) (screen.Screen, tea.Cmd) {
	if m.tab == tabLog && m.tail != nil && ofLines(id) {
		return m, screen.Notice(screen.Info, "this is the end of the log; l opens all of it, to scroll and to search")
	}
	if next, ok := m.walk(id); ok {
		return next, nil
	}
	if top, ok := m.moved(id); ok {
		return m.scroll(top), nil
	}
	if id == actLogError {
		if cmd, ok := m.openRun(); ok {
			return m, cmd
		}
	}
	if t, ok := tabOf(id); ok {
		return m.open(t)
	}
	switch id {
	case actBack:
		if m.find.query != "" {
			m.find = find{}
			return m.laidOut(), nil
		}
		return m, screen.Pop
	case actNextTab:
		return m.open((m.tab + 1) % tabs)
	case actPrevTab:
		return m.open((m.tab + tabs - 1) % tabs)
	case actRaw:
		return m.toggleRaw()
	case actFind:
		m.find = find{typing: true, from: m.top, prompt: prompt.New("")}
		return m, nil
	case actNext:
		return m.findNext(1)
	case actPrev:
		return m.findNext(-1)
	case actReveal:
		return m.reveal()
	case actCopy:
		text := m.job.ID()
		return m, func() tea.Msg { return screen.CopyMsg{Text: text, What: "submission id"} }
	case actCopyAll:
		return m, m.copyRecord()
	case actWatch:
		watch := screen.WatchMsg{ID: m.job.ID(), On: !m.list.Watched[m.job.ID()]}
		return m, func() tea.Msg { return watch }
	}
	return m, m.doJob(id)
}

// ofLines reports that an action needs the lines of the page, which the end of
// a log has not.
func ofLines(id string) bool {
	_, motion := Model{}.moved(id)
	return motion || id == actFind || id == actNext || id == actPrev
}

// moved returns the line to which a motion leads.
func (m Model) moved(id string) (top int, ok bool) {
	page := max(1, m.bodySize().H)
	switch id {
	case actDown:
		return m.top + 1, true
	case actUp:
		return m.top - 1, true
	case actHalfDn:
		return m.top + page/2, true
	case actHalfUp:
		return m.top - page/2, true
	case actPageDn:
		return m.top + page, true
	case actPageUp:
		return m.top - page, true
	case actFirst:
		return 0, true
	case actLast:
		return len(m.lines), true
	}
	return 0, false
}

func (m Model) doJob(id string) tea.Cmd {
	if m.gone {
		return screen.Notice(screen.Warn, jobtext.ID(&m.job)+" is gone from the server")
	}
	pages := m.env.Pages
	use := action.Resubmit
	if id == actLog || id == actLogError {
		use = action.ReadLog
	}
	switch why := action.Explain(m.job, use); {
	case id == actStop:
		return pages.Stop(m.job)
	case id == actDelete:
		return pages.Delete(m.job)
	case why != nil:
		return why
	case id == actLogError && m.job.Status == rayapi.StatusFailed && pages.LogError != nil:
		return screen.Push(pages.LogError(m.job))
	case id == actLog, id == actLogError:
		return screen.Push(pages.Log(m.job))
	case id == actEdit:
		return screen.Push(pages.Edit(m.job))
	case id == actRerun:
		return pages.Rerun(m.job)
	}
	return nil
}

func (m Model) scroll(top int) Model {
	m.top = max(0, min(top, len(m.lines)-m.bodySize().H))
	return m
}

// revealTime is how long secrets stay readable.
const revealTime = time.Minute

// reveal shows the values that are masked, or masks them again. The list, which
// comes every few seconds, tells when their time is over.
func (m Model) reveal() (screen.Screen, tea.Cmd) {
	if !m.revealed.IsZero() {
		m.revealed = time.Time{}
		return m.laidOut(), nil
	}
	m.revealed = m.list.Now.Add(revealTime)
	return m.laidOut(), screen.Notice(screen.Warn, "secrets are shown for a minute; copies leave them out")
}

func (m Model) copyRecord() tea.Cmd {
	lines := jobtext.JSON(&m.job)
	if m.yaml {
		lines = jobtext.YAML(&m.job)
	}
	return func() tea.Msg { return screen.CopyMsg{Text: joined(lines), What: "record (secrets masked)"} }
}
