package clusters

import (
	"fmt"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/handoff"
	"dray/tui/screen"
	"dray/tui/widget/prompt"
)

func bind(id, group string, rank int, show, desc string, keys ...string) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
		ID:      "clusters." + id, Group: group, Rank: rank,
	}
}

// Bindings are the keys of the page.
func (m Model) Bindings() []screen.Binding {
	g := m.env.Styles.Glyphs
	switch m.editing {
	case filtering:
		return []screen.Binding{
			bind("keep", "VIEW", 1, g.Enter, "keep the filter", "enter"), bind("clear", "VIEW", 2, "esc", "clear", "esc"),
		}
	case naming, addressing:
		return []screen.Binding{
			bind("next", "VIEW", 1, g.Enter, "next", "enter"), bind("cancel", "VIEW", 2, "esc", "cancel", "esc"),
		}
	case nothing:
	}
	return []screen.Binding{
		bind("down", "MOVE", 0, "j "+g.Down, "down", "j", "down", "ctrl+n"),
		bind("up", "MOVE", 0, "k "+g.Up, "up", "k", "up", "ctrl+p"),
		bind("page-down", "MOVE", 0, g.Ctrl+"d pgdn", "page down", "ctrl+d", "pgdown", "ctrl+f"),
		bind("page-up", "MOVE", 0, g.Ctrl+"u pgup", "page up", "ctrl+u", "pgup", "ctrl+b"),
		bind("first", "MOVE", 0, "g", "first", "g", "home"),
		bind("last", "MOVE", 0, "G", "last", "G", "end"),
		bind("switch", "CLUSTER", 1, g.Enter, "switch", "enter").Leading(),
		bind("add", "CLUSTER", 2, "a", "add", "a"),
		bind("edit", "CLUSTER", 3, "e", "edit file", "e").Leading(),
		bind("test", "CLUSTER", 4, "t", "test", "t"),
		bind("read-only", "CLUSTER", 5, "r", "read-only", "r").Leading(),
		bind("forget", "CLUSTER", 7, "d", "forget", "d").Leading(),
		bind("copy", "CLUSTER", 8, "x", "copy address", "x"),
		bind("filter", "VIEW", 9, "/", "filter", "/"),
		bind("close", "VIEW", 6, "esc", "close", "esc", "ctrl+k").Leading(),
	}
}

func (m Model) key(k tea.KeyMsg) (screen.Screen, tea.Cmd) {
	page := max(1, m.rows()-1)
	switch k.String() {
	case "j", "down", "ctrl+n":
		return m.move(1), nil
	case "k", "up", "ctrl+p":
		return m.move(-1), nil
	case "ctrl+d", "pgdown", "ctrl+f":
		return m.move(page), nil
	case "ctrl+u", "pgup", "ctrl+b":
		return m.move(-page), nil
	case "g", "home":
		return m.move(-len(m.list)), nil
	case "G", "end":
		return m.move(len(m.list)), nil
	case "/":
		m.editing = filtering
		return m, nil
	case "a":
		m.editing, m.name, m.address = naming, prompt.Model{}, prompt.New("http://")
		if c, ok := m.current(); ok && !c.Saved && !c.Embedded {
			m.address = prompt.New(c.Address)
		}
		return m, nil
	case "t":
		m.gen++
		return m, m.load()
	case "e":
		return m, m.edit()
	case "esc", "ctrl+k":
		if k.Type == tea.KeyEsc && m.filter.Text() != "" {
			m.filter = prompt.Model{}
			return m.scrolled(), nil
		}
		return m, screen.Pop
	}
	if c, ok := m.current(); ok {
		return m.act(k, c)
	}
	return m, nil
}

// act does something with the cluster under the cursor.
func (m Model) act(k tea.KeyMsg, c screen.Cluster) (screen.Screen, tea.Cmd) {
	switch k.String() {
	case "enter":
		if m.inUse(c) {
			return m, screen.Pop
		}
		return m, func() tea.Msg { return screen.SwitchMsg{Name: c.Name} }
	case "x":
		return m, func() tea.Msg { return screen.CopyMsg{Text: c.Address, What: "address"} }
	case "r":
		return m, m.readOnly(c)
	case "d":
		return m, m.forget(c)
	}
	return m, nil
}

// unsaved explains why a cluster that no file names cannot be changed.
func unsaved(c screen.Cluster) tea.Cmd {
	if c.Embedded {
		return screen.Notice(screen.Warn, clean.Text(c.Name)+" is built in, and stays as it is")
	}
	return screen.Notice(screen.Warn, clean.Text(c.Name)+" is from "+clean.Text(c.Source)+", not from the config file: a adds it there")
}

// readOnly makes a cluster read-only at once, and takes that back after a
// question.
func (m Model) readOnly(c screen.Cluster) tea.Cmd {
	if !c.Saved {
		return unsaved(c)
	}
	all, on, inUse := m.env.Clusters, !c.ReadOnly, m.inUse(c)
	set := func() tea.Msg {
		text := c.Name + " is read-only from now on: nothing can be changed from here"
		if !on {
			text = c.Name + " is not read-only any more"
		}
		return changedMsg{text: text, err: all.SetReadOnly(c.Name, on), at: c.Name, reopen: inUse}
	}
	if on {
		return set
	}
	return func() tea.Msg {
		return screen.AskMsg{
			Title: "Allow changes?", Yes: "Allow", Do: set, Local: true,
			Lines: []string{"cluster  " + clean.Text(c.Name), "address  " + clean.Text(c.Address), "", "Jobs there can be stopped, deleted and submitted then."},
		}
	}
}

// forget takes a cluster out of the config file, after a question.
func (m Model) forget(c screen.Cluster) tea.Cmd {
	switch {
	case !c.Saved:
		return unsaved(c)
	case m.inUse(c):
		return screen.Notice(screen.Warn, clean.Text(c.Name)+" is in use: switch to another one first")
	}
	all := m.env.Clusters
	return func() tea.Msg {
		return screen.AskMsg{
			Title: "Forget cluster?", Yes: "Forget", Local: true,
			Lines: []string{"cluster  " + clean.Text(c.Name), "address  " + clean.Text(c.Address), "", "It is taken out of " + clean.Text(all.File()) + ".", "Its jobs are not touched."},
			Do:    func() tea.Msg { return changedMsg{text: c.Name + " is forgotten", err: all.Forget(c.Name)} },
		}
	}
}

// edit opens the config file at the cluster.
func (m Model) edit() tea.Cmd {
	file := m.env.Clusters.File()
	if file == "" {
		return screen.Notice(screen.Warn, "there is no folder for a config file: HOME and XDG_CONFIG_HOME are not set")
	}
	c, _ := m.current()
	env := m.env
	return func() tea.Msg {
		return screen.ExecMsg{
			Cmd: handoff.Editor(env.Ctx, env.Getenv, file, max(1, c.Line)),
			Done: func(err error) tea.Msg {
				if err != nil {
					err = fmt.Errorf("edit %s: %w", file, err)
				}
				return changedMsg{err: err}
			},
		}
	}
}

// typed handles a key while a text is being typed.
func (m Model) typed(k tea.KeyMsg) (screen.Screen, tea.Cmd) {
	switch {
	case k.Type == tea.KeyEsc:
		if m.editing == filtering {
			m.filter = prompt.Model{}
		}
		m.editing = nothing
		return m.scrolled(), nil
	case k.Type == tea.KeyEnter:
		return m.entered()
	case m.editing == filtering && (k.Type == tea.KeyDown || k.Type == tea.KeyUp):
		m.editing = nothing
		return m.key(k)
	}
	field := map[edit]*prompt.Model{filtering: &m.filter, naming: &m.name, addressing: &m.address}[m.editing]
	*field, _ = field.Update(k)
	if m.editing == filtering {
		if c, ok := m.current(); ok {
			m.at = c.Name
		}
	}
	return m.scrolled(), nil
}

// entered ends a text.
func (m Model) entered() (screen.Screen, tea.Cmd) {
	switch m.editing {
	case naming:
		m.editing = addressing
		return m, nil
	case addressing:
		m.editing = nothing
		all, name, address := m.env.Clusters, m.name.Text(), m.address.Text()
		return m, func() tea.Msg {
			return changedMsg{text: name + " is in " + all.File(), err: all.Add(name, address), at: name}
		}
	default:
		m.editing = nothing
		return m.scrolled(), nil
	}
}

// wheel is how many rows a turn of the wheel moves.
const wheel = 3

func (m Model) mouse(msg tea.MouseMsg) (screen.Screen, tea.Cmd) {
	switch {
	case msg.Button == tea.MouseButtonWheelDown:
		return m.move(wheel), nil
	case msg.Button == tea.MouseButtonWheelUp:
		return m.move(-wheel), nil
	case msg.Button != tea.MouseButtonLeft || msg.Action != tea.MouseActionPress || m.Typing():
		return m, nil
	}
	row := msg.Y - m.firstRow()
	shown := m.shown()
	if row < 0 || row >= m.rows() || m.top+row >= len(shown) {
		return m, nil
	}
	if c := shown[m.top+row]; c.Name == m.at {
		return m.act(tea.KeyMsg{Type: tea.KeyEnter}, c)
	}
	m.at = shown[m.top+row].Name
	return m.scrolled(), nil
}
