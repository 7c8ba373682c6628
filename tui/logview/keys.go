package logview

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/screen"
)

// action is one entry of the key registry: hints, help and dispatch are made
// from it.
type action struct {
	screen.Binding
	do   func(Model) (Model, tea.Cmd)
	when func(Model) bool // nil: always
}

const (
	groupMove = "MOVE"
	groupView = "VIEW"
	groupJob  = "JOB"
)

func bind(id, group string, rank int, show, desc string, do func(Model) (Model, tea.Cmd), keys ...string) action {
	return action{
		Binding: screen.Binding{
			Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
			ID:      id, Group: group, Rank: rank,
		},
		do: do,
	}
}

func (a action) only(when func(Model) bool) action {
	a.when = when
	return a
}

// leading marks what opens, closes or asks something.
func (a action) leading() action {
	a.Leads = true
	return a
}

func (a action) enabled(m Model) bool { return a.when == nil || a.when(m) }

// actions returns the registry.
func actions(g theme.Glyphs) []action {
	return append(append(viewActions(), jobActions()...), moveActions(g)...)
}

func viewActions() []action {
	return []action{
		bind("log.follow", groupView, 1, "F", "follow on/off", Model.toggleFollow, "F"),
		bind("log.find", groupView, 2, "/", "find", Model.openFind, "/"),
		bind("log.next", groupView, 3, "n", "next hit", Model.nextHit, "n").only(Model.finding),
		bind("log.prev", groupView, 4, "N", "previous hit", Model.prevHit, "N").only(Model.finding),
		bind("log.wrap", groupView, 5, "w", "wrap", Model.toggleWrap, "w"),
		bind("log.copy", groupView, 9, "c", "copy lines", Model.copyLines, "c"),
		bind("log.clear", groupView, 10, "esc", "clear find", Model.endFind, "esc").only(Model.finding),
		bind("log.back", groupView, 10, "esc", "back", Model.back, "esc").only(Model.notFinding).leading(),
	}
}

func jobActions() []action {
	return []action{
		bind("job.stop", groupJob, 6, "x", "stop", Model.askStop, "x").only(Model.canStop).leading(),
		bind("job.rerun", groupJob, 7, "r", "rerun", Model.askRerun, "r").only(Model.canRerun).leading(),
		bind("job.detail", groupJob, 8, "d", "detail", Model.openDetail, "d").leading(),
	}
}

func moveActions(g theme.Glyphs) []action {
	return []action{
		bind("move.down", groupMove, 0, "j "+g.Down, "down", move(func(Model) int { return 1 }), "j", "down", "enter"),
		bind("move.up", groupMove, 0, "k "+g.Up, "up", move(func(Model) int { return -1 }), "k", "up"),
		bind("move.halfdown", groupMove, 0, g.Ctrl+"d", "half a page down", move(Model.half), "ctrl+d"),
		bind("move.halfup", groupMove, 0, g.Ctrl+"u", "half a page up", move(func(m Model) int { return -m.half() }), "ctrl+u"),
		bind("move.pagedown", groupMove, 0, "space f", "page down", move(Model.page), " ", "f", "pgdown", "ctrl+f"),
		bind("move.pageup", groupMove, 0, "b pgup", "page up", move(func(m Model) int { return -m.page() }), "b", "pgup", "ctrl+b"),
		bind("move.start", groupMove, 0, "g home", "start", Model.toStart, "g", "home"),
		bind("move.end", groupMove, 0, "G end", "end, and follow", Model.toEnd, "G", "end"),
		bind("move.left", groupMove, 0, "h left", "half a screen left", pan(-1), "left", "h").only(Model.canPan),
		bind("move.right", groupMove, 0, "l right", "half a screen right", pan(1), "right", "l").only(Model.canPan),
	}
}

// findBindings are the keys while a text to find is typed; the rest is text.
func findBindings(g theme.Glyphs) []screen.Binding {
	return []screen.Binding{
		bind("find.keep", groupView, 1, g.Enter, "keep", nil, "enter").Binding,
		bind("find.cancel", groupView, 2, "esc", "cancel", nil, "esc").Binding,
	}
}

func (m Model) notFinding() bool { return !m.find.active() }
func (m Model) finding() bool    { return m.find.active() }
func (m Model) canPan() bool     { return !m.wrap }
func (m Model) canStop() bool {
	return !m.gone && !m.job.Status.IsTerminal() && m.job.Type != rayapi.TypeDriver
}

func (m Model) canRerun() bool {
	return m.job.Type != rayapi.TypeDriver && !m.job.IsGhost()
}

// Bindings returns the registry as it is now.
func (m Model) Bindings() []screen.Binding {
	if m.typing {
		return findBindings(m.env.Styles.Glyphs)
	}
	all := make([]screen.Binding, len(m.actions))
	for i, a := range m.actions {
		all[i] = a.Binding
		all[i].SetEnabled(a.enabled(m))
	}
	return all
}

// key does what is bound to a key.
func (m Model) key(msg tea.KeyMsg) (Model, tea.Cmd) {
	if m.typing {
		return m.findKey(msg)
	}
	if msg.Paste {
		return m, nil
	}
	for _, a := range m.actions {
		if key.Matches(msg, a.Binding.Binding) && a.enabled(m) {
			return a.do(m)
		}
	}
	return m, nil
}
