// Package joblist is the dashboard's first page: the table of all jobs, with
// a filter, sorting, and a preview of the job under the cursor where there is
// room.
//
// It is told the list by the root and asks no server. What is done with a job
// is done by the pages and questions of screen.Env.
package joblist

import (
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/widget/prompt"
	"dray/tui/widget/table"
)

// Model is the page.
type Model struct {
	env   *screen.Env
	paint *painter
	size  screen.Size
	list  screen.ListMsg // as the root told it last

	rows    []row
	order   []int32 // places in rows, sorted
	shown   shown
	by      order
	reverse bool

	filter  string // that holds
	typing  bool
	prompt  prompt.Model
	origin  string // the filter before typing, for esc
	homeID  string // the job to stay on while typing, as long as it is shown
	table   table.Model
	want    string // a job submitted from here, to put the cursor on when it comes
	tries   int    // answers in which it may still come
	cols    columns
	preview []string
	noPane  bool // the user has closed the preview

	normal, down, typed []screen.Binding
}

var _ screen.Screen = Model{}

// New returns the page, which knows no jobs until it is told.
func New(env *screen.Env) Model {
	g := env.Styles.Glyphs
	return Model{
		env: env, paint: newPainter(env.Styles),
		normal: listKeys(g, false), down: listKeys(g, true), typed: filterKeys(g),
	}
}

// Init does nothing: the root brings the list.
func (m Model) Init() tea.Cmd { return nil }

// Scope is the page's title in the help overlay.
func (m Model) Scope() string { return "Jobs" }

// Typing reports that a filter is being typed.
func (m Model) Typing() bool { return m.typing }

// Close has nothing to end.
func (m Model) Close() {}

// Bindings are the keys that work now; those that the job under the cursor has
// no use for are off.
func (m Model) Bindings() []screen.Binding {
	all := m.registry()
	if m.typing {
		return all
	}
	job, ok := m.selected()
	return action.Offered(all, job, ok)
}

// registry are the keys of the page, whatever job is under the cursor: one
// that cannot do its work says why.
func (m Model) registry() []screen.Binding {
	switch {
	case m.typing:
		return m.typed
	case m.list.Link.Down():
		return m.down
	}
	return m.normal
}

// Resize lays the page out anew.
func (m Model) Resize(s screen.Size) screen.Screen {
	m.size = s
	m.cols = columns{}
	return m.laidOut()
}

// Update handles one message.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.ListMsg:
		return m.listed(msg), nil
	case screen.JobMsg:
		if _, known := m.table.Select(msg.ID); !known {
			m.want, m.tries = msg.ID, wantTries
		}
		return m, nil
	case tea.KeyMsg:
		return m.handleKey(msg)
	}
	return m, nil
}

// wantTries is in how many answers a job submitted from here is waited for.
const wantTries = 5

// listed takes what the root tells.
func (m Model) listed(msg screen.ListMsg) Model {
	fresh := msg.Answer != m.list.Answer
	m.list = msg
	if !fresh {
		return m.laidOut()
	}
	rows, changed, same := rowsOf(msg.Jobs, m.rows)
	m.rows = rows
	if same && m.by != byDuration { // durations change by themselves
		m.order = merged(rows, m.order, changed, m.compare())
		m = m.pick()
	} else {
		m = m.arrange()
	}
	if m.want != "" {
		t, found := m.table.Select(m.want)
		m.table = t
		if m.tries--; found || m.tries <= 0 {
			m.want = ""
		}
	}
	return m.laidOut()
}

// arrange sorts and filters.
func (m Model) arrange() Model {
	m.order = sorted(m.rows, m.compare())
	return m.pick()
}

func (m Model) compare() func(a, b *row) int {
	return m.by.compare(m.reverse, m.list.Now.UnixMilli())
}

func (m Model) pick() Model {
	m.shown = shown{m.rows, filtered(m.rows, m.order, parseFilter(m.filter))}
	m.table = m.table.Refresh(m.shown)
	return m
}

func (m Model) handleKey(k tea.KeyMsg) (screen.Screen, tea.Cmd) {
	for _, b := range m.registry() {
		if key.Matches(k, b.Binding) {
			m.want = ""
			next, cmd := m.do(b.ID)
			return next.laidOut(), cmd
		}
	}
	if !m.typing {
		return m, nil
	}
	p, ours := m.prompt.Update(k)
	if !ours {
		return m, nil
	}
	m.prompt = p
	m = m.setFilter(p.Text())
	m.table, _ = m.table.Select(m.homeID)
	return m.laidOut(), nil
}

// setFilter narrows or widens what is shown. A longer text is looked for in
// what the shorter one left.
func (m Model) setFilter(text string) Model {
	narrower := m.filter != "" && strings.HasPrefix(text, m.filter) && !strings.Contains(text, "!")
	m.filter = text
	if !narrower {
		return m.pick()
	}
	m.shown = shown{m.rows, filtered(m.rows, m.shown.places, parseFilter(text))}
	m.table = m.table.Refresh(m.shown)
	return m
}

// do runs an action that needs no job, or else one on the job under the
// cursor.
func (m Model) do(id string) (Model, tea.Cmd) {
	switch id {
	case actDown:
		return m.step(1), nil
	case actUp:
		return m.step(-1), nil
	case actHalfDn:
		m.table = m.table.Page(2)
	case actHalfUp:
		m.table = m.table.Page(-2)
	case actPageDn:
		m.table = m.table.Page(1)
	case actPageUp:
		m.table = m.table.Page(-1)
	case actFirst:
		m.table = m.table.First()
	case actLast:
		m.table = m.table.Last()
	case actSort:
		m.by = (m.by + 1) % orders
		return m.arrange(), nil
	case actReverse:
		m.reverse = !m.reverse
		return m.arrange(), nil
	case actPreview:
		m.noPane = !m.noPane
		m.cols = columns{}
	case actNew:
		return m, screen.Push(m.env.Pages.Submit())
	case actFilter, actKeep, actCancel, actClear:
		return m.doFilter(id), nil
	default:
		return m.doJob(id)
	}
	return m, nil
}

func (m Model) step(n int) Model {
	m.table = m.table.Move(n)
	m.homeID = m.table.ID()
	return m
}

func (m Model) doFilter(id string) Model {
	switch id {
	case actFilter:
		m.typing = true
		m.origin, m.homeID = m.filter, m.table.ID()
		m.prompt = prompt.New(m.filter)
	case actKeep:
		m.typing = false
		m.filter = strings.TrimSpace(m.filter)
	case actCancel:
		m.typing = false
		m = m.setFilter(m.origin)
		m.table, _ = m.table.Select(m.homeID)
	case actClear:
		if m.filter != "" {
			m = m.setFilter("")
		}
	}
	return m
}

// selected is the job under the cursor.
func (m Model) selected() (rayapi.Job, bool) {
	if i := m.table.Cursor(); i >= 0 {
		return *m.shown.row(i).job, true
	}
	return rayapi.Job{}, false
}

func (m Model) doJob(id string) (Model, tea.Cmd) {
	job, ok := m.selected()
	if !ok {
		return m, screen.Notice(screen.Info, "there is no job under the cursor")
	}
	pages := m.env.Pages
	switch id {
	case actOpen:
		return m, screen.Push(pages.Job(job))
	case actRaw:
		return m, screen.Push(pages.Raw(job))
	case actLog:
		if why := action.Explain(job, action.ReadLog); why != nil {
			return m, why
		}
		return m, screen.Push(pages.Log(job))
	case actEdit:
		if why := action.Explain(job, action.Resubmit); why != nil {
			return m, why
		}
		return m, screen.Push(pages.Edit(job))
	case actRerun:
		if why := action.Explain(job, action.Resubmit); why != nil {
			return m, why
		}
		return m, pages.Rerun(job)
	case actStop:
		return m, pages.Stop(job)
	case actDelete:
		return m, pages.Delete(job)
	case actCopy:
		return m, func() tea.Msg { return screen.CopyMsg{Text: job.ID(), What: "submission id"} }
	}
	return m, nil
}

// stoppingFor is how long the job has been stopping, as far as is known here.
func (m Model) stoppingFor(id string) (time.Duration, bool) {
	since, ok := m.list.Stopping[id]
	if !ok {
		return 0, false
	}
	return m.list.Now.Sub(since), true
}
