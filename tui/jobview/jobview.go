// Package jobview is the page about one job: all that its server tells, as a
// description or as the raw record. It looks again whenever the list has been
// answered, so that it follows the job without a key.
//
// Values of environment variables are masked in both forms.
package jobview

import (
	"context"
	"errors"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

const getTimeout = 20 * time.Second

// Model is the page.
type Model struct {
	env  *screen.Env
	size screen.Size
	list screen.ListMsg // as the root told it last

	job  rayapi.Job
	raw  bool
	busy bool // a look at the job is under way
	gone bool // the server does not know the job any more
	err  error

	lines []string // of the body
	top   int      // the first one that can be seen
	keys  map[form][]screen.Binding
}

// gotMsg is what a look at the job has brought.
type gotMsg struct {
	job rayapi.Job
	err error
}

// form is what the keys depend on.
type form struct{ raw, active bool }

var _ screen.Screen = Model{}

// New returns the description of job.
func New(env *screen.Env, job rayapi.Job) Model {
	keys := make(map[form][]screen.Binding)
	for _, f := range []form{{}, {raw: true}, {active: true}, {true, true}} {
		keys[f] = viewKeys(env.Styles.Glyphs, f.raw, f.active)
	}
	return Model{env: env, job: job, list: screen.ListMsg{Now: env.Now()}, keys: keys}
}

// NewRaw returns the page that opens with the raw record of job.
func NewRaw(env *screen.Env, job rayapi.Job) Model {
	m := New(env, job)
	m.raw = true
	return m
}

// Init does nothing: the root brings the list, which starts the first look.
func (m Model) Init() tea.Cmd { return nil }

// Scope is the page's title in the help overlay.
func (m Model) Scope() string { return "Job" }

// Typing is never true: the page has no field.
func (m Model) Typing() bool { return false }

// Close has nothing to end: a look ends by itself.
func (m Model) Close() {}

// Bindings are the keys of the page; those that the job has no use for are off.
func (m Model) Bindings() []screen.Binding {
	return action.Offered(m.registry(), m.job, !m.gone)
}

func (m Model) registry() []screen.Binding {
	return m.keys[form{m.raw, !m.job.Status.IsTerminal()}]
}

// Resize lays the page out anew.
func (m Model) Resize(s screen.Size) screen.Screen {
	m.size = s
	return m.laidOut()
}

// Update handles one message.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.ListMsg:
		return m.listed(msg)
	case gotMsg:
		return m.got(msg), nil
	case screen.JobMsg:
		if msg.ID == m.job.ID() {
			return m.look()
		}
	case tea.KeyMsg:
		for _, b := range m.registry() {
			if key.Matches(msg, b.Binding) {
				return m.do(b.ID)
			}
		}
	}
	return m, nil
}

// listed looks at the job again when the list has a new answer.
func (m Model) listed(msg screen.ListMsg) (screen.Screen, tea.Cmd) {
	fresh := msg.Answer != m.list.Answer
	m.list = msg
	if !m.raw { // the record says nothing of the time
		m = m.laidOut()
	}
	if !fresh || m.gone {
		return m, nil
	}
	return m.look()
}

func (m Model) look() (screen.Screen, tea.Cmd) {
	if m.busy {
		return m, nil
	}
	m.busy = true
	return m, get(m.env, m.job.ID())
}

func get(env *screen.Env, id string) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, getTimeout)
		defer cancel()
		job, err := env.Jobs.Get(ctx, id)
		return gotMsg{job, err}
	}
}

// got keeps the old record when the new one could not be had, and says so.
func (m Model) got(msg gotMsg) Model {
	m.busy = false
	m.err = msg.err
	m.gone = errors.Is(msg.err, rayapi.ErrNotFound)
	if msg.err == nil {
		m.job = msg.job
	}
	return m.laidOut()
}

func (m Model) do(id string) (screen.Screen, tea.Cmd) {
	page := max(1, m.bodyHeight())
	switch id {
	case actDown:
		return m.scroll(m.top + 1), nil
	case actUp:
		return m.scroll(m.top - 1), nil
	case actHalfDn:
		return m.scroll(m.top + page/2), nil
	case actHalfUp:
		return m.scroll(m.top - page/2), nil
	case actPageDn:
		return m.scroll(m.top + page), nil
	case actPageUp:
		return m.scroll(m.top - page), nil
	case actFirst:
		return m.scroll(0), nil
	case actLast:
		return m.scroll(len(m.lines)), nil
	case actBack:
		return m, screen.Pop
	case actRaw:
		m.raw, m.top = !m.raw, 0
		return m.laidOut(), nil
	case actCopy:
		text := m.job.ID()
		return m, func() tea.Msg { return screen.CopyMsg{Text: text, What: "submission id"} }
	}
	return m, m.doJob(id)
}

func (m Model) doJob(id string) tea.Cmd {
	if m.gone {
		return screen.Notice(screen.Warn, jobtext.ID(&m.job)+" is gone from the server")
	}
	pages := m.env.Pages
	use := action.Resubmit
	if id == actLog {
		use = action.ReadLog
	}
	switch why := action.Explain(m.job, use); {
	case id == actStop:
		return pages.Stop(m.job)
	case id == actDelete:
		return pages.Delete(m.job)
	case why != nil:
		return why
	case id == actLog:
		return screen.Push(pages.Log(m.job))
	case id == actEdit:
		return screen.Push(pages.Edit(m.job))
	case id == actRerun:
		return pages.Rerun(m.job)
	}
	return nil
}

func (m Model) scroll(top int) Model {
	m.top = max(0, min(top, len(m.lines)-m.bodyHeight()))
	return m
}
