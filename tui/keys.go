package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/screen"
	"dray/tui/settings"
)

// globalKeys are the keys that work on every page.
type globalKeys struct {
	help, back, refresh, retry, redraw, suspend, quit screen.Binding
	command, events, theme, mouse, pause, clusters    screen.Binding
	undo, sendNow                                     screen.Binding // while something is held
}

// newGlobalKeys are the global keys as the user has put them. Ctrl-c quits
// whatever the settings say.
func newGlobalKeys(g theme.Glyphs, user map[string][]string) globalKeys {
	app := func(id, show, desc string, keys ...string) screen.Binding {
		return rebound(user, g, scopeApp, screen.Binding{
			Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, desc)),
			ID:      id, Group: "APP",
		})
	}
	k := globalKeys{
		help:    app("app.help", "?", "help", "?"),
		back:    app("app.back", "q", "back, quit at the list", "q"),
		refresh: app("app.refresh", g.Ctrl+"r", "refresh now", "ctrl+r"),
		retry:   app("app.retry", g.Enter, "try again now", "enter"),
		redraw:  app("app.redraw", g.Ctrl+"l", "redraw", "ctrl+l"),
		suspend: app("app.suspend", g.Ctrl+"z", "suspend", "ctrl+z"),
		quit:    app("app.quit", g.Ctrl+"c", "quit", "ctrl+c"),
		command: app("app.command", ":", "command", ":"),
		events:  app("app.events", "!", "events", "!"),
		theme:   app("app.theme", "T", "theme", "T"),
		mouse:   app("app.mouse", "M", "mouse on/off", "M"),
		pause:   app("app.pause", "P", "pause refresh", "P"),

		clusters: app("app.clusters", g.Ctrl+"k", "clusters", "ctrl+k"),
		undo:     app("app.undo", "u", "take back", "u"),
		sendNow:  app("app.now", g.Enter, "send now", "enter"),
	}
	if !slices.Contains(k.quit.Keys(), "ctrl+c") {
		k.quit.SetKeys(append(k.quit.Keys(), "ctrl+c")...)
		k.quit.SetEnabled(true)
	}
	return k
}

func (k globalKeys) list() []screen.Binding {
	return []screen.Binding{k.command, k.events, k.clusters, k.refresh, k.pause, k.theme, k.mouse, k.redraw, k.suspend, k.help, k.back, k.quit}
}

// bindings are all keys that work now: those of the page on top, and the
// global ones that it leaves.
func (m model) bindings() []screen.Binding {
	top := m.top().screen
	own := slices.Clone(top.Bindings())
	for i := range own {
		own[i] = m.rebound(top.Scope(), own[i])
		if len(m.held) > 0 && !top.Typing() {
			own[i] = without(m.env.Styles.Glyphs, own[i], m.keys.undo, m.keys.sendNow)
		}
	}
	all := own
	if len(m.held) > 0 && !top.Typing() {
		all = append(all, m.keys.undo, m.keys.sendNow)
	}
	if m.boxed() && len(m.held) == 0 {
		retry := m.keys.retry
		retry.Rank = 1
		all = append(all, retry)
	}
	for _, b := range m.keys.list() {
		if b.ID == m.keys.back.ID && len(m.pages) == 1 {
			b.SetHelp(b.Help().Key, "quit")
			b.Rank = quitRank
		} else if b.ID == m.keys.back.ID {
			b.SetHelp(b.Help().Key, "back")
		}
		if b.ID == m.keys.clusters.ID && m.boxed() && m.env.Clusters != nil {
			b.Rank = 2 // another one may answer
		}
		if !slices.ContainsFunc(own, func(o screen.Binding) bool { return o.Enabled() && shareKey(o, b) }) || m.reserved(b) {
			all = append(all, b)
		}
	}
	for _, h := range m.env.Settings.Hotkeys {
		all = append(all, hotkeyBinding(m.env.Styles.Glyphs, h))
	}
	return all
}

// quitRank is the place of q in the list's hint line, after all else.
const quitRank = 20

// reserved are the keys that no page may have.
func (m model) reserved(b screen.Binding) bool {
	return b.ID == m.keys.quit.ID || b.ID == m.keys.help.ID || b.ID == m.keys.command.ID
}

func shareKey(a, b screen.Binding) bool {
	return slices.ContainsFunc(a.Keys(), func(k string) bool { return slices.Contains(b.Keys(), k) })
}

// splitKeys takes a burst of letters apart: typed fast, or over a slow link,
// they arrive as one message that no binding would match.
func splitKeys(k tea.KeyMsg) []tea.KeyMsg {
	if k.Type != tea.KeyRunes || k.Paste || len(k.Runes) < 2 {
		return []tea.KeyMsg{k}
	}
	keys := make([]tea.KeyMsg, len(k.Runes))
	for i, r := range k.Runes {
		keys[i] = tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: k.Alt}
	}
	return keys
}

// handleKeys gives each key of a message to whom it belongs. As soon as one of
// them opens a field, the rest is text.
func (m model) handleKeys(k tea.KeyMsg) (model, tea.Cmd) {
	var cmds []tea.Cmd
	keys := splitKeys(k)
	for i, one := range keys {
		if !m.covered() && m.top().screen.Typing() {
			one.Runes = k.Runes[min(i, len(k.Runes)):]
			next, cmd := m.handleKey(one)
			return next, tea.Batch(append(cmds, cmd)...)
		}
		next, cmd := m.handleKey(one)
		m = next
		cmds = append(cmds, cmd)
		if rest := keys[i+1:]; m.hold.on && len(rest) > 0 {
			m.hold.keys = append(slices.Clone(m.hold.keys), tea.KeyMsg{Type: k.Type, Runes: k.Runes[i+1:], Alt: k.Alt})
			break
		}
	}
	return m, tea.Batch(cmds...)
}

// handleKey asks in turn: the open question, the help, the global keys, the
// page.
func (m model) handleKey(k tea.KeyMsg) (model, tea.Cmd) {
	switch {
	case key.Matches(k, m.keys.quit.Binding):
		return m.quit()
	case m.tooSmall():
		if key.Matches(k, m.keys.back.Binding) {
			return m.quit()
		}
		return m, nil
	case m.question != nil:
		return m.answer(k)
	case m.help != nil:
		next, open := m.help.Update(k)
		m.help = &next
		if !open {
			m.help = nil
		}
		return m, nil
	case m.palette != nil:
		return m.paletteKey(k)
	case m.picker != nil:
		return m.pick(k)
	case key.Matches(k, m.keys.suspend.Binding):
		if !canSuspend() {
			return m.say(screen.Warn, "ctrl-z is off: no shell started dray that could bring it back")
		}
		return m, tea.Suspend
	case m.top().screen.Typing():
		return m.translated(k)
	case k.Paste:
		return m, nil
	case len(m.held) > 0 && key.Matches(k, m.keys.undo.Binding):
		return m.undo()
	case len(m.held) > 0 && key.Matches(k, m.keys.sendNow.Binding):
		return m.sendNow()
	}
	return m.handleCommand(k)
}

// handleCommand runs the binding of a key that is no text.
func (m model) handleCommand(k tea.KeyMsg) (model, tea.Cmd) {
	for _, b := range m.bindings() {
		if !b.Enabled() || !key.Matches(k, b.Binding) {
			continue
		}
		if b.Group != "MOVE" {
			m.notice.text = ""
		}
		if b.Group == "APP" {
			return m.global(b, k)
		}
		if b.Group == hotkeyGroup {
			return m.hotkeyNamed(b.Keys()[0])
		}
	}
	return m.translated(k)
}

// translated gives the page on top the key that it knows for what was typed.
func (m model) translated(k tea.KeyMsg) (model, tea.Cmd) {
	k, ok := m.translate(k)
	if !ok {
		return m, nil
	}
	return m.keyToPage(k)
}

// covered reports that something of the root's own takes the keys.
func (m model) covered() bool {
	return m.question != nil || m.help != nil || m.palette != nil || m.picker != nil
}

// without takes from b the keys that others have for now.
func without(g theme.Glyphs, b screen.Binding, others ...screen.Binding) screen.Binding {
	for _, o := range others {
		if !shareKey(b, o) {
			continue
		}
		b.SetKeys(slices.DeleteFunc(slices.Clone(b.Keys()), func(k string) bool { return slices.Contains(o.Keys(), k) })...)
		b.SetEnabled(b.Enabled() && len(b.Keys()) > 0)
		var left []string
		for _, k := range b.Keys() {
			left = append(left, showKey(g, k))
		}
		b.SetHelp(strings.Join(left, " "), b.Help().Desc)
	}
	return b
}

// hotkeyGroup is the heading of the user's own keys in the help.
const hotkeyGroup = "YOURS"

func hotkeyBinding(g theme.Glyphs, h settings.Hotkey) screen.Binding {
	return screen.Binding{
		Binding: key.NewBinding(key.WithKeys(h.Key), key.WithHelp(showKey(g, h.Key), h.Name)),
		ID:      "yours." + h.Key, Group: hotkeyGroup,
	}
}

func (m model) hotkeyNamed(name string) (model, tea.Cmd) {
	for _, h := range m.env.Settings.Hotkeys {
		if h.Key == name {
			return m.hotkey(h)
		}
	}
	return m, nil
}

// keyName is a key as the hints write it.
func (m model) keyName(b screen.Binding) string { return b.Help().Key }

func (m model) global(b screen.Binding, k tea.KeyMsg) (model, tea.Cmd) {
	switch b.ID {
	case m.keys.help.ID:
		return m.openHelp(), nil
	case m.keys.back.ID:
		if len(m.pages) == 1 {
			return m.quit()
		}
		return m.closePage(m.top().id)
	case m.keys.refresh.ID, m.keys.retry.ID:
		return m.refresh()
	case m.keys.redraw.ID:
		return m, tea.ClearScreen
	case m.keys.command.ID:
		return m.openPalette(), nil
	case m.keys.events.ID:
		return m.openEvents()
	case m.keys.theme.ID:
		return m.openPicker(), nil
	case m.keys.clusters.ID:
		return m.openClusters()
	case m.keys.mouse.ID:
		return m.toggleMouse()
	case m.keys.pause.ID:
		return m.pause()
	}
	return m.keyToPage(k)
}
