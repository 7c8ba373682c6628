// Package submit is the form by which a job is submitted, rerun with changes,
// or rerun as it was.
//
// The form checks while one types and sends nothing that is known to be wrong;
// one confirmation makes at most one job, whatever happens to the answer. What
// may be in a request is said by package rayapi, what a rerun consists of by
// package ledger, what a runtime environment is by package renv.
package submit

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
	"dray/tui/submit/renv"
	"dray/tui/widget/form"
)

// Model is the form. Its Close ends the look at the working dir and an upload.
type Model struct {
	env      *screen.Env
	keys     keyMap
	form     form.Model
	size     screen.Size
	title    string
	name     string     // of the draft
	parent   rayapi.Job // of which this is a rerun; the zero job for none
	origin   rayapi.SubmitRequest
	base     base
	pristine draft // what the fields hold when nothing was typed
	restored bool
	first    tea.Cmd // what Init runs

	step    int
	view    int             // of the runtime environment
	textErr *renv.TextError // why its text cannot be read
	scroll  int             // first line of the review that is drawn
	peek    bool            // the sheet is drawn over the fields
	over    overlay         // what lies over the form, nil for nothing

	dir      workDir
	dirGen   int
	dirStop  context.CancelFunc
	dirSteps <-chan client.Preflight
	mods     modules

	python    string
	pythons   map[string]string // by the name that is typed
	history   []string          // entrypoints, newest first
	recent    []recent          // runtime environments, newest first
	resources []client.Resource // of the cluster, as far as it tells
	missing   string            // the file that the command runs and the working dir has not
	scriptGen int
	dropText  bool // another esc drops the text that cannot be read
	recall    recall
	note      string // what could not be known about a rerun
	filled    []string
	plan      plan                   // of variants
	variants  []rayapi.SubmitRequest // made of the plan; nil after an edit
	request   rayapi.SubmitRequest
	problems  []problem
	warnings  []problem
	preview   []string        // the request, as it is drawn beside or below the fields
	touched   map[string]bool // fields whose problems are shown
	revealed  bool
	veil      int // generation of revealed
	editing   editing
	wrongLine int // of the file in the editor
	template  string
	agreed    bool // to send to a protected server
	copied    int  // how often the job was copied since it was changed
	narrow    bool // the sheet beside the fields is taken away
	saved     time.Time
	unsaved   bool
	failure   string // the server's sentence
	unsent    bool   // failure is that nothing could be sent
	link      screen.Link
	known     []rayapi.Job // as the root told it last
	taken     string       // the id that the server refused as taken
	sending   sending
	doubt     string // the id of a request that may have arrived
	ended     bool   // submitted: nothing is kept
	saveGen   int
}

var (
	_ screen.Screen    = Model{}
	_ screen.Commander = Model{}
)

// New returns an empty form, or the one that was left before.
func New(env *screen.Env) screen.Screen {
	return newModel(env, "New job", "new", rayapi.Job{}, rayapi.SubmitRequest{}, nil)
}

// Edit returns a form filled with the request of job, to be changed and
// submitted as another job.
func Edit(env *screen.Env, job rayapi.Job) screen.Screen {
	r, notes := ledger.Original(job, nil)
	m := newModel(env, "Edit and rerun "+job.ID(), "edit "+job.ID(), job, withParent(r, job), notes)
	m.first = tea.Batch(m.first, loadEntry(env, job))
	return m
}

// withParent names the job of which another is a rerun, where there is room.
func withParent(r rayapi.SubmitRequest, job rayapi.Job) rayapi.SubmitRequest {
	r.SubmissionID = ""
	r.Metadata = maps.Clone(r.Metadata)
	if r.Metadata == nil {
		r.Metadata = make(map[string]string, 1)
	}
	if _, has := r.Metadata[ledger.ParentKey]; has || len(r.Metadata) < rayapi.MaxMetadataKeys {
		r.Metadata[ledger.ParentKey] = job.ID()
	}
	return r
}

func newModel(env *screen.Env, title, name string, parent rayapi.Job, r rayapi.SubmitRequest, notes []string) Model {
	m := Model{env: env, keys: newKeyMap(env.Styles.Glyphs), title: title, name: name, parent: parent, origin: r, touched: map[string]bool{}}
	var d draft
	d, m.base = fromRequest(r)
	if parent.ID() == "" && env.Target.Embedded && env.Cwd != "" {
		d[fieldDir] = inPlace + env.Cwd
	}
	if len(notes) > 0 {
		m.note = notes[0]
	}
	m = m.fill(d)
	m.pristine = m.draft()
	if kept := draft(env.Drafts.Fields(name)); kept != nil {
		m = m.restore(kept)
	}
	m, m.first = m.look()
	if env.LookPython != nil {
		m.first = tea.Batch(m.first, lookPython(env))
	}
	m, seek := m.seek()
	m.first = tea.Batch(m.first, m.loadKept(), m.askResources(), seek)
	return m.checked()
}

// restore fills the form with a draft that was kept.
func (m Model) restore(kept draft) Model {
	if v, err := renv.ParseJSON([]byte(kept[draftOrigin])); err == nil && len(v) > 0 {
		b := newBase()
		maps.Copy(b.kept, m.base.kept)
		maps.Copy(b.hidden, m.base.hidden)
		b.origin = v
		b.spread(v)
		m.base = b
	}
	m = m.fill(kept)
	m.restored = true
	for view, entry := range map[int]string{viewYAML: draftYAML, viewJSON: draftJSON} {
		if text := kept[entry]; text != "" {
			m.view = view
			m.form = m.form.SetValue(fieldText, text)
			m, _ = m.readText()
		}
	}
	m.plan = planOf(kept[draftPlan])
	return m.doubting(kept[draftDoubt])
}

// doubting takes over that the request of id was sent and never answered.
func (m Model) doubting(id string) Model {
	if m.doubt = id; id != "" {
		m.note = "the last submit of this form got no answer: submit again, and the same id is used, so that there will be one job"
	}
	return m
}

func lookPython(env *screen.Env) tea.Cmd {
	return func() tea.Msg {
		msg := pythonMsg{path: env.LookPython(), named: make(map[string]string, 2)}
		for _, name := range []string{"python", "python3"} {
			path, err := exec.LookPath(name)
			if err != nil {
				path = ""
			}
			msg.named[name] = path
		}
		return msg
	}
}

// pythonMsg brings the python that a job will find, and what each name of it
// leads to; "" is none.
type pythonMsg struct {
	path  string
	named map[string]string
}

// entryMsg brings what this machine recorded of the job that is edited.
type entryMsg struct {
	id    string
	entry ledger.Entry
	err   error
}

func loadEntry(env *screen.Env, job rayapi.Job) tea.Cmd {
	if env.Ledger == nil {
		return nil
	}
	return func() tea.Msg {
		e, err := env.Ledger.Get(env.Target.LedgerKey, job.ID())
		return entryMsg{job.ID(), e, err}
	}
}

func (m Model) st() *theme.Styles { return m.env.Styles }

// Init starts the first look at the working dir.
func (m Model) Init() tea.Cmd { return m.first }

// Scope names the page in the help overlay.
func (m Model) Scope() string { return "Submit form" }

// Bindings lists the keys of the form.
func (m Model) Bindings() []screen.Binding { return m.bindings() }

// Typing reports that printable keys go into a field.
func (m Model) Typing() bool {
	if m.over != nil {
		return true
	}
	return !m.peek && m.form.Typing() || m.sending.phase != idle || m.ended
}

// Resize sets the space that View fills.
func (m Model) Resize(s screen.Size) screen.Screen {
	m.size = s
	if m.over != nil {
		m.over = m.over.resize(s.H - 2)
	}
	return m.previewed().laidOut()
}

// laidOut gives the fields the space that the status leaves.
func (m Model) laidOut() Model {
	m.form = m.form.Resize(m.fieldsSize())
	return m
}

// Close ends the look at the working dir and an upload, and keeps what was
// typed. A request that is on its way is not taken back.
func (m Model) Close() {
	m.dirStop()
	m.mods.stop()
	m.sending.stop()
	m.keepDraft()
	if m.over != nil {
		m.over.close()
	}
	if m.editing.path != "" {
		os.Remove(m.editing.path)
	}
	if m.sending.phase != idle {
		return // what sends it keeps it
	}
	if cmd := m.save(); cmd != nil && m.unsaved && !m.ended {
		cmd() // one small file; the program may end before the pause does
	}
}

func (m Model) keepDraft() {
	d := m.draft()
	early := m.sending.phase == asking && m.sending.id == "" && m.store() != nil // the draft on disk will know the id
	if m.ended || early || d.equal(m.pristine) {
		d = nil
	}
	m.env.Drafts.Keep(m.name, d)
}

// Update takes keys and the answers of what the form has started.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.KeyMsg:
		m, cmd = m.handleKey(msg)
	case tea.MouseMsg:
		m, cmd = m.handleMouse(msg)
	case dirPauseMsg:
		if msg.gen == m.dirGen {
			m, cmd = m.inspect()
		}
	case dirStepMsg:
		if msg.gen == m.dirGen && m.dir.pending {
			m.dir.files, m.dir.bytes, m.dir.flight = msg.flight.Files, msg.flight.Bytes, msg.flight
			m = m.checked()
		}
		cmd = nextStep(msg.gen, m.dirSteps)
		if msg.gen != m.dirGen {
			cmd = nil
		}
	case dirMsg:
		if msg.gen == m.dirGen {
			m.dir = msg.dir
			m, cmd = m.checked().sendIfWanted()
			m.scriptGen++
			m.missing = ""
			cmd = tea.Batch(cmd, m.sought(scriptPauseMsg{m.scriptGen}))
		}
	case screen.ListMsg:
		m = m.told(msg)
	case pythonMsg:
		m.python, m.pythons = msg.path, msg.named
		if m.python == "" {
			m.python = noPython
		}
		m = m.checked()
	case entryMsg:
		m, cmd = m.withEntry(msg)
	case progressMsg:
		m, cmd = m.progressed(msg)
	case sentMsg:
		m, cmd = m.sent(msg)
	default:
		m, cmd = m.updateMore(msg)
	}
	return m.laidOut(), cmd
}

// revealTime is how long secrets are shown.
const revealTime = 60 * time.Second

// revealMsg is the palette's reveal.
type revealMsg struct{}

// Commands lists what the palette can do here beside the keys.
func (m Model) Commands() []screen.Command {
	return []screen.Command{{
		Name: "reveal", Help: "show secrets for 60 s, or hide them",
		Run: func([]string) tea.Cmd { return func() tea.Msg { return revealMsg{} } },
	}}
}

// veilMsg ends the time for which secrets are shown.
type veilMsg struct{ gen int }

// switchVeil shows secrets for a minute, or hides them again.
func (m Model) switchVeil() (Model, tea.Cmd) {
	m.revealed = !m.revealed
	m.veil++
	gen := m.veil
	m = m.masked().previewed()
	if !m.revealed {
		return m, nil
	}
	return m, tea.Tick(revealTime, func(time.Time) tea.Msg { return veilMsg{gen} })
}
