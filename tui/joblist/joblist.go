// Package joblist is the dashboard's first page: the table of all jobs, with
// a filter, sorting, marks, saved views, and a preview of the job under the
// cursor where there is room.
//
// It is told the list by the root and asks no server. What is done with a job
// is done by the pages and questions of screen.Env.
package joblist

import (
	"errors"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/jobquery"
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

	rows   []jobquery.Row
	order  []int32 // places in rows, sorted
	shown  shown
	by     jobquery.Order
	look   look
	past   []look // before this one, for "["
	future []look // after it, for "]"

	typing  bool
	prompt  prompt.Model
	origin  look   // before typing, for esc
	homeID  string // the job to stay on while typing, as long as it is shown
	wrong   error  // what is wrong with the filter as it is typed
	recall  recall // filters of before
	offers  offers // how the filter can go on
	query   jobquery.Query
	words   []string
	loosely bool // no job matched exactly: these are similar

	marks marks
	fresh fresh // what changed and has not been seen
	menu  bool  // the copy menu is open

	table  table.Model
	want   string // a job submitted from here, to put the cursor on when it comes
	tries  int    // answers in which it may still come
	custom bool   // the columns are the user's choice
	chosen []jobquery.Column
	cols   columns
	wide   bool
	pan    int
	noPane bool // the user has closed the preview
	zoom   bool // it has the whole page

	reading pane

	preview preview
	// complaint is what is wrong with columns and order in the settings, of
	// which the usual ones take the place.
	complaint error

	normal, down, typed, copying []screen.Binding
}

var _ screen.Screen = Model{}

// New returns the page, which knows no jobs until it is told.
func New(env *screen.Env) Model {
	g, set := env.Styles.Glyphs, env.Settings
	m := Model{
		env: env, paint: newPainter(env.Styles), chosen: jobquery.Columns(),
		normal: listKeys(g, set.Views, false), down: listKeys(g, set.Views, true),
		typed: filterKeys(g), copying: menuKeys(env.LogFile != nil),
	}
	columns, err := jobquery.ParseColumns(join(set.Columns))
	if len(columns) > 0 && err == nil {
		m.chosen, m.custom = columns, true
	}
	by, wrongSort := jobquery.ParseOrder(set.Sort)
	if wrongSort == nil {
		m.by = by
	}
	m.look.sort = m.by.String()
	m.complaint = errors.Join(err, wrongSort)
	return m
}

// Init says what of the settings is of no use; the root brings the list.
func (m Model) Init() tea.Cmd {
	if m.complaint == nil {
		return nil
	}
	return screen.Notice(screen.Bad, "settings: "+strings.ReplaceAll(m.complaint.Error(), "\n", "; "))
}

// Scope is the page's title in the help overlay.
func (m Model) Scope() string { return "Jobs" }

// Typing reports that a filter is being typed.
func (m Model) Typing() bool { return m.typing }

// Close ends the log of the preview.
func (m Model) Close() { m.preview.close() }

// Bindings are the keys that work now; those that the job under the cursor has
// no use for are off.
func (m Model) Bindings() []screen.Binding {
	all := m.registry()
	if m.typing || m.menu {
		return all
	}
	all = m.useful(all)
	if m.marks.present > 0 {
		return m.bulkBindings(all)
	}
	job, ok := m.selected()
	return action.Offered(all, job, ok)
}

// useful takes out the way to another pane where there is none, and from the
// hint line what an empty list has no use for.
func (m Model) useful(all []screen.Binding) []screen.Binding {
	all = slices.Clone(all)
	_, _, pane := m.paneSize()
	for i := range all {
		b := &all[i]
		if b.ID == actPane {
			b.SetEnabled(pane)
		}
		if len(m.rows) == 0 && (b.Group == "VIEW" || b.Group == "MARK") {
			b.Rank = 0
		}
	}
	return all
}

// registry are the keys of the page, whatever job is under the cursor: one
// that cannot do its work says why.
func (m Model) registry() []screen.Binding {
	switch {
	case m.typing:
		return m.typed
	case m.menu:
		return m.copying
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
	next, cmd := m.handle(msg)
	next, rest := next.follow()
	return next.laidOut(), tea.Batch(cmd, rest)
}

func (m Model) handle(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case screen.ListMsg:
		m, cmd := m.listed(msg)
		m.preview, _ = m.preview.update(msg)
		return m, cmd
	case screen.JobMsg:
		if _, known := m.table.Select(msg.ID); !known {
			m.want, m.tries = msg.ID, wantTries
		}
		return m, nil
	case tea.KeyMsg:
		return m.handleKey(msg)
	case tea.MouseMsg:
		return m.handleMouse(msg)
	case textsMsg:
		return m.indexed(msg), nil
	case restMsg:
		return m.rested(msg)
	case commandMsg:
		return msg.apply(m), nil
	case screen.ThemeMsg:
		m.paint = newPainter(m.env.Styles)
		m.preview, _ = m.preview.update(msg)
		return m, nil
	}
	var cmd tea.Cmd
	m.preview, cmd = m.preview.update(msg)
	return m, cmd
}

// wantTries is in how many answers a job submitted from here is waited for.
const wantTries = 5

// listed takes what the root tells.
func (m Model) listed(msg screen.ListMsg) (Model, tea.Cmd) {
	first := m.list.AsOf.IsZero()
	answered := msg.Answer != m.list.Answer
	m.list = msg
	m.fresh = m.fresh.dimmed(msg.Now)
	if !answered {
		return m, nil
	}
	u := updated(msg.Jobs, m.rows)
	order := m.merged(u)
	if first {
		order = jobquery.Sorted(u.rows, m.by, msg.Now)
	}
	m.rows, m.order = u.rows, order
	if !first {
		m.fresh = m.fresh.came(u, m.env.Settings.Animation, msg.Now)
	}
	m = m.pick()
	if m.want != "" {
		t, found := m.table.Select(m.want)
		m.table = t
		if m.tries--; found || m.tries <= 0 {
			m.want = ""
		}
	}
	return m, m.index()
}

// arrange sorts and filters.
func (m Model) arrange() Model {
	m.order = jobquery.Sorted(m.rows, m.by, m.list.Now)
	return m.pick()
}

func (m Model) handleKey(k tea.KeyMsg) (Model, tea.Cmd) {
	for _, b := range m.registry() {
		if key.Matches(k, b.Binding) {
			m.want = ""
			return m.do(b.ID)
		}
	}
	if !m.typing {
		return m, nil
	}
	return m.typeFilter(k), nil
}

// Current is the job under the cursor, for commands that name none.
func (m Model) Current() (rayapi.Job, bool) { return m.selected() }

// selected is the job under the cursor.
func (m Model) selected() (rayapi.Job, bool) {
	if i := m.table.Cursor(); i >= 0 {
		return *m.shown.row(i).Job, true
	}
	return rayapi.Job{}, false
}
