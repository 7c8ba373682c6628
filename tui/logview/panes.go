package logview

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/cell"
)

// maxPanes is how many logs fit side by side.
const maxPanes = 3

// Panes are several logs side by side. Make them with NewPanes.
type Panes struct {
	env   *screen.Env
	size  screen.Size
	panes []Model
	at    int  // the one that gets the keys
	all   bool // or all get them
	zoom  bool // it has the page to itself
}

// NewPanes returns a page that shows the logs of two or three jobs side by
// side.
func NewPanes(env *screen.Env, jobs []rayapi.Job) screen.Screen {
	p := Panes{env: env}
	for _, j := range jobs[:min(len(jobs), maxPanes)] {
		p.panes = append(p.panes, newModel(env, j))
	}
	return p
}

// Init opens the logs.
func (p Panes) Init() tea.Cmd {
	cmds := make([]tea.Cmd, 0, len(p.panes))
	for _, m := range p.panes {
		cmds = append(cmds, m.Init())
	}
	return tea.Batch(cmds...)
}

// Close gives the logs up. It does not wait.
func (p Panes) Close() {
	for _, m := range p.panes {
		m.Close()
	}
}

// Scope is the page's title in the help.
func (p Panes) Scope() string { return "Logs" }

// Typing reports whether text is being typed.
func (p Panes) Typing() bool { return p.panes[p.at].Typing() }

// Bindings are those of the focused log and of the panes.
func (p Panes) Bindings() []screen.Binding {
	all := p.panes[p.at].Bindings()
	if p.Typing() {
		return all
	}
	for i := range all {
		if all[i].ID == "log.zoom" {
			all[i].SetHelp("z", "zoom this log")
		}
	}
	return append(all,
		bind("logs.next", groupView, 1, "tab", "next log", nil, "tab").Binding,
		bind("logs.prev", groupView, 0, "shift-tab", "previous log", nil, "shift+tab").Binding,
		bind("logs.all", groupView, 2, "=", "keys go to all logs", nil, "=").Binding)
}

// Commands are those of the focused log.
func (p Panes) Commands() []screen.Command { return p.panes[p.at].Commands() }

// Resize shares the width out.
func (p Panes) Resize(s screen.Size) screen.Screen {
	p.size = s
	return p.share()
}

// share gives each log its part of the page.
func (p Panes) share() Panes {
	p.panes = append([]Model(nil), p.panes...)
	for i := range p.panes {
		if m, ok := p.panes[i].Resize(screen.Size{W: p.width(i), H: p.size.H}).(Model); ok {
			p.panes[i] = m
		}
	}
	return p
}

// width is that of a pane: a bar stands between two, and the last gets what is
// left.
func (p Panes) width(i int) int {
	n := len(p.panes)
	if p.zoom && i == p.at {
		return p.size.W
	}
	w := (p.size.W - (n - 1)) / n
	if i == n-1 {
		w = p.size.W - (n-1)*(w+1)
	}
	return max(0, w)
}

// Update hands keys to the focused log, or to all, and everything else to all:
// each knows its own.
func (p Panes) Update(msg tea.Msg) (screen.Screen, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		return p.key(msg)
	case tea.MouseMsg:
		if p.zoom {
			return p.to(msg, p.at)
		}
		for i := range p.panes {
			if msg.X < p.width(i) || i == len(p.panes)-1 {
				p.at = i
				return p.to(msg, i)
			}
			msg.X -= p.width(i) + 1
		}
	}
	return p.to(msg, -1)
}

func (p Panes) key(msg tea.KeyMsg) (screen.Screen, tea.Cmd) {
	if !p.Typing() && !msg.Paste {
		switch msg.String() {
		case "tab":
			p.at = (p.at + 1) % len(p.panes)
			return p.share(), nil
		case "shift+tab":
			p.at = (p.at + len(p.panes) - 1) % len(p.panes)
			return p.share(), nil
		case "z":
			p.zoom = !p.zoom
			return p.share(), nil
		case "=":
			p.all = !p.all
			return p, nil
		}
	}
	if p.all && p.shared(msg) {
		return p.to(msg, -1)
	}
	return p.to(msg, p.at)
}

// shared reports whether a key makes sense in all logs at once: moving, looking
// and finding, but nothing that leads elsewhere or acts on a job.
func (p Panes) shared(msg tea.KeyMsg) bool {
	m := p.panes[p.at]
	if m.input != inputNone {
		return m.input.finds()
	}
	for _, a := range m.actions {
		for _, k := range a.Keys() {
			if k == msg.String() && a.enabled(m) {
				return (a.Group == groupMove || a.Group == groupView) && a.ID != "log.back"
			}
		}
	}
	return false
}

// to hands msg to a pane, or to all of them when i is negative.
func (p Panes) to(msg tea.Msg, i int) (screen.Screen, tea.Cmd) {
	p.panes = append([]Model(nil), p.panes...)
	var cmds []tea.Cmd
	for k := range p.panes {
		if i >= 0 && k != i {
			continue
		}
		next, cmd := p.panes[k].Update(msg)
		if m, ok := next.(Model); ok {
			p.panes[k] = m
		}
		cmds = append(cmds, cmd)
	}
	return p, tea.Batch(cmds...)
}

// View draws the logs side by side; a sign stands before those that get the
// keys.
func (p Panes) View() string {
	if p.size.W <= 0 || p.size.H <= 0 {
		return ""
	}
	if p.zoom {
		return p.panes[p.at].View()
	}
	st := p.env.Styles
	parts := make([][]string, len(p.panes))
	for i, m := range p.panes {
		parts[i] = cell.Lines(strings.Split(m.View(), "\n"), p.size.H)
	}
	bar := st.Border.Render(st.Glyphs.Bar)
	lines := make([]string, p.size.H)
	for y := range lines {
		var b strings.Builder
		for i := range parts {
			if i > 0 {
				b.WriteString(bar)
			}
			text := parts[i][y]
			if y == 0 && (p.all || i == p.at) {
				text = st.Accent.Render(st.Glyphs.Cursor) + strings.TrimPrefix(text, " ")
			}
			b.WriteString(cell.Pad(text, p.width(i)))
		}
		lines[y] = b.String()
	}
	return strings.Join(lines, "\n")
}
