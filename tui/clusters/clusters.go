// Package clusters is the list of servers to switch to, drawn over the page
// below it: how each answers, what may be done there, and where it is named.
//
// It asks all of them at once, shortly, so that a dead one delays none. How
// they are reached and kept is behind screen.Clusters; the switch itself is
// the root's.
package clusters

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/prompt"
)

// Model is the page. It is a value.
type Model struct {
	env    *screen.Env
	size   screen.Size
	ctx    context.Context // ends with the page
	cancel func()

	list   []screen.Cluster
	err    error  // of the list
	loaded bool   // there was an answer
	at     string // the name under the cursor, which belongs to it
	top    int    // the first row that is drawn
	looks  map[string]look
	gen    int // of the newest questions
	now    time.Time

	filter  prompt.Model
	editing edit
	name    prompt.Model // of the cluster that is added
	address prompt.Model
}

// edit is which text is being typed.
type edit int

const (
	nothing edit = iota
	filtering
	naming
	addressing
)

// look is how a cluster answers.
type look struct {
	asking bool
	answer screen.Answer
	err    error
}

// New returns the page; Init asks.
func New(env *screen.Env) Model {
	ctx, cancel := context.WithCancel(env.Ctx)
	return Model{env: env, ctx: ctx, cancel: cancel, at: env.Target.Name, looks: map[string]look{}, now: env.Now()}
}

type (
	// listedMsg is the list, read for the questions of gen.
	listedMsg struct {
		gen  int
		list []screen.Cluster
		err  error
	}
	// answeredMsg is what one cluster said.
	answeredMsg struct {
		gen    int
		name   string
		answer screen.Answer
		err    error
	}
	// changedMsg is the end of a change to the config file.
	changedMsg struct {
		text   string
		err    error
		at     string // the name to put the cursor on
		reopen bool   // the server in use has changed
	}
)

// Init reads the list.
func (m Model) Init() tea.Cmd { return m.load() }

func (m Model) load() tea.Cmd {
	all, gen := m.env.Clusters, m.gen
	if all == nil {
		return nil
	}
	return func() tea.Msg {
		list, err := all.List()
		return listedMsg{gen, list, err}
	}
}

// Scope names the page in the help.
func (m Model) Scope() string { return "Clusters" }

// Typing reports that a text is being typed.
func (m Model) Typing() bool { return m.editing != nothing }

// Close ends the questions.
func (m Model) Close() { m.cancel() }

// Resize sets the part of the window for the page.
func (m Model) Resize(s screen.Size) screen.Screen {
	m.size = s
	return m.scrolled()
}

// Update handles keys and answers.
func (m Model) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case listedMsg:
		return m.listed(msg)
	case answeredMsg:
		if msg.gen == m.gen {
			m = m.looked(msg.name, look{answer: msg.answer, err: msg.err})
		}
	case changedMsg:
		return m.changed(msg)
	case screen.ListMsg:
		m.now = msg.Now
	case tea.MouseMsg:
		return m.mouse(msg)
	case tea.KeyMsg:
		if m.Typing() {
			return m.typed(msg)
		}
		return m.key(msg)
	}
	return m, nil
}

// listed takes the list and asks each of its clusters.
func (m Model) listed(msg listedMsg) (screen.Screen, tea.Cmd) {
	if msg.gen != m.gen {
		return m, nil
	}
	m.loaded, m.err = true, msg.err
	if msg.err != nil {
		return m, nil
	}
	m.list = msg.list
	cmds := make([]tea.Cmd, 0, len(m.list))
	for _, c := range m.list {
		if c.Embedded {
			continue // ours: it answers when it is opened
		}
		m = m.looked(c.Name, look{asking: true})
		cmds = append(cmds, m.ask(c.Name))
	}
	return m.scrolled(), tea.Batch(cmds...)
}

func (m Model) ask(name string) tea.Cmd {
	all, ctx, gen := m.env.Clusters, m.ctx, m.gen
	return func() tea.Msg {
		answer, err := all.Probe(ctx, name)
		return answeredMsg{gen, name, answer, err}
	}
}

func (m Model) looked(name string, l look) Model {
	looks := make(map[string]look, len(m.looks)+1)
	for k, v := range m.looks {
		looks[k] = v
	}
	looks[name] = l
	m.looks = looks
	return m
}

// changed tells of a change, and reads the list again.
func (m Model) changed(msg changedMsg) (screen.Screen, tea.Cmd) {
	if msg.err != nil {
		return m, screen.Notice(screen.Bad, clean.Text(msg.err.Error()))
	}
	if msg.at != "" {
		m.at = msg.at
	}
	m.gen++
	cmds := []tea.Cmd{m.load()}
	if msg.text != "" {
		cmds = append(cmds, screen.Notice(screen.Good, clean.Text(msg.text)))
	}
	if msg.reopen {
		name := msg.at
		cmds = append(cmds, func() tea.Msg { return screen.SwitchMsg{Name: name} })
	}
	return m, tea.Batch(cmds...)
}

// shown are the clusters that match the filter.
func (m Model) shown() []screen.Cluster {
	words := strings.Fields(strings.ToLower(m.filter.Text()))
	if len(words) == 0 {
		return m.list
	}
	return slices.DeleteFunc(slices.Clone(m.list), func(c screen.Cluster) bool {
		text := strings.ToLower(c.Name + " " + c.Address + " " + c.Source)
		return slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	})
}

// index is the row under the cursor; the first one if its cluster is not
// shown.
func (m Model) index() int {
	return max(0, slices.IndexFunc(m.shown(), func(c screen.Cluster) bool { return c.Name == m.at }))
}

func (m Model) current() (screen.Cluster, bool) {
	shown := m.shown()
	if len(shown) == 0 {
		return screen.Cluster{}, false
	}
	return shown[m.index()], true
}

// inUse reports that the dashboard talks to c now.
func (m Model) inUse(c screen.Cluster) bool { return c.Name == m.env.Target.Name }

// move puts the cursor on another row.
func (m Model) move(by int) Model {
	shown := m.shown()
	if len(shown) == 0 {
		return m
	}
	m.at = shown[max(0, min(m.index()+by, len(shown)-1))].Name
	return m.scrolled()
}

// scrolled keeps the cursor in sight.
func (m Model) scrolled() Model {
	rows, at := m.rows(), m.index()
	m.top = min(m.top, at)
	m.top = max(m.top, at-rows+1, 0)
	m.top = max(0, min(m.top, len(m.shown())-rows))
	return m
}
