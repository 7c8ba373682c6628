package logview

import (
	"fmt"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/logstore"
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
	groupHand = "HAND OVER"
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
	all := append(findActions(), viewActions()...)
	return append(append(append(all, handActions(g)...), jobActions()...), moveActions(g)...)
}

func findActions() []action {
	all := []action{
		bind("log.follow", groupView, 1, "F", "follow on/off", Model.toggleFollow, "F"),
		bind("log.find", groupView, 2, "/", "find", Model.openFind, "/"),
		bind("log.next", groupView, 3, "n", "next hit", Model.nextHit, "n").only(Model.finding),
		bind("log.prev", groupView, 0, "N", "previous hit", Model.prevHit, "N").only(Model.finding),
		bind("log.only", groupView, 4, "&", "only hits", Model.toggleOnly, "&"),
		bind("log.error", groupView, 6, "e", "next error", Model.nextError, "e"),
		bind("log.preverror", groupView, 0, "E", "previous error", Model.prevError, "E"),
		bind("log.level", groupView, 0, "L", "warnings and errors only, errors only", Model.nextLevel, "L"),
		bind("log.mark", groupView, 0, "m", "mark line", Model.mark, "m"),
		bind("log.nextmark", groupView, 0, "'", "next mark", Model.nextMark, "'").only(Model.marked),
	}
	for n := range logstore.MaxContext + 1 {
		d := fmt.Sprint(n)
		desc := fmt.Sprintf("%d lines around each hit", n)
		all = append(all, bind("log.context"+d, groupView, 0, d, desc,
			func(m Model) (Model, tea.Cmd) { return m.setContext(n) }, d).only(Model.filtering))
	}
	return all
}

func viewActions() []action {
	return []action{
		bind("log.wrap", groupView, 5, "w", "wrap", Model.toggleWrap, "w"),
		bind("log.fold", groupView, 0, "o", "fold or open progress bars", Model.toggleFold, "o"),
		bind("log.times", groupView, 0, "t", "arrival time", Model.toggleTimes, "t"),
		bind("log.json", groupView, 0, "p", "pretty JSON", Model.togglePretty, "p"),
		bind("log.numbers", groupView, 0, "#", "line numbers", Model.toggleNumbers, "#"),
		bind("log.zoom", groupView, 0, "z", "zoom: the text alone", Model.toggleZoom, "z"),
		bind("log.again", groupView, 1, "R", "fetch again", Model.fetchAgain, "R").only(Model.doubtful),
		bind("log.stop", groupView, 1, "esc", "end it", Model.endJob, "esc").only(Model.busy),
		bind("log.unselect", groupView, 2, "esc", "end selection", Model.endSelect, "esc").only(Model.selecting),
		bind("log.clear", groupView, 13, "esc", "clear find", Model.endFind, "esc").only(Model.clearing),
		bind("log.back", groupView, 13, "esc", "back", Model.back, "esc").only(Model.leaving).leading(),
	}
}

func handActions(g theme.Glyphs) []action {
	return []action{
		bind("log.edit", groupHand, 9, "v", "editor", Model.edit, "v").leading(),
		bind("log.pipe", groupHand, 0, "|", "pipe to a command", Model.askPipe, "|"),
		bind("log.save", groupHand, 8, g.Ctrl+"s", "save", Model.askSave, "ctrl+s"),
		bind("log.copy", groupHand, 10, "c", "copy", Model.copyLines, "c"),
		bind("log.select", groupHand, 0, "V", "select lines", Model.startSelect, "V"),
	}
}

func jobActions() []action {
	return []action{
		bind("job.stop", groupJob, 7, "x", "stop", Model.askStop, "x").only(Model.canStop).leading(),
		bind("job.rerun", groupJob, 11, "r", "rerun", Model.askRerun, "r").only(Model.canRerun).leading(),
		bind("job.detail", groupJob, 12, "d", "detail", Model.openDetail, "d").leading(),
	}
}

func moveActions(g theme.Glyphs) []action {
	return []action{
		bind("move.down", groupMove, 0, "j "+g.KeyDown, "down", move(func(Model) int { return 1 }), "j", "down", "enter"),
		bind("move.up", groupMove, 0, "k "+g.KeyUp, "up", move(func(Model) int { return -1 }), "k", "up"),
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

// inputBindings are the keys while text is typed; the rest is text.
func inputBindings(g theme.Glyphs, what input) []screen.Binding {
	all := []screen.Binding{
		bind("find.keep", groupView, 1, g.Enter, map[bool]string{true: "keep", false: "do it"}[what.finds()], nil, "enter").Binding,
		bind("find.cancel", groupView, 2, "esc", "cancel", nil, "esc").Binding,
	}
	if what.finds() {
		all = append(all,
			bind("find.regex", groupView, 3, g.Ctrl+"x", "regular expression", nil, "ctrl+x").Binding,
			bind("find.older", groupView, 4, g.KeyUp+"/"+g.KeyDown, "history", nil, "up", "down").Binding)
	}
	return all
}

func (m Model) busy() bool      { return m.job1.done != nil }
func (m Model) selecting() bool { return !m.busy() && m.sel.on }
func (m Model) clearing() bool  { return !m.busy() && !m.sel.on && m.find.active() }
func (m Model) leaving() bool   { return !m.busy() && !m.sel.on && !m.find.active() }
func (m Model) finding() bool   { return m.find.active() }
func (m Model) filtering() bool { return m.find.active() && m.find.only }
func (m Model) marked() bool    { return len(m.marks) > 0 }
func (m Model) canPan() bool    { return !m.wrap }
func (m Model) doubtful() bool {
	return m.news.Link == logstore.Unconfirmed || m.news.Link == logstore.Broken && !m.gone
}

func (m Model) canStop() bool {
	return !m.gone && !m.job.Status.IsTerminal() && m.job.Type != rayapi.TypeDriver
}

func (m Model) canRerun() bool {
	return m.job.Type != rayapi.TypeDriver && !m.job.IsGhost()
}

// endJob ends what runs for the user.
func (m Model) endJob() (Model, tea.Cmd) {
	m.job1.cancel()
	return m, nil
}

// Bindings returns the registry as it is now.
func (m Model) Bindings() []screen.Binding {
	if m.input != inputNone {
		return inputBindings(m.env.Styles.Glyphs, m.input)
	}
	all := make([]screen.Binding, len(m.actions))
	for i, a := range m.actions {
		all[i] = a.Binding
		all[i].SetEnabled(a.enabled(m))
	}
	return all
}

// key does what is bound to a key. A search that is under way ends with any
// other than those for more hits.
func (m Model) key(msg tea.KeyMsg) (Model, tea.Cmd) {
	if m.input != inputNone {
		return m.inputKey(msg)
	}
	if msg.Paste {
		return m, nil
	}
	m.toError = false // who moves does not want to be moved
	for _, a := range m.actions {
		if key.Matches(msg, a.Binding.Binding) && a.enabled(m) {
			if m.job1.running() && m.job1.done == nil && a.ID != "log.next" && a.ID != "log.prev" {
				m.job1.cancel()
				m.job1, m.queue = m.job1.none(), nil
			}
			return a.do(m)
		}
	}
	return m, nil
}
