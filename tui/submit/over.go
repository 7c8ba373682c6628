package submit

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/filepicker"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/prompt"
)

// overlay lies over the form and takes its keys until it is done.
type overlay interface {
	// update returns the next overlay, nil when it is done, and what is to be
	// done with the form then.
	update(msg tea.Msg) (overlay, tea.Cmd, func(Model) (Model, tea.Cmd))
	view(st *theme.Styles, w, h int) []string
	resize(h int) overlay
	bindings() []screen.Binding
	close()
}

// item is one line of a chooser.
type item struct {
	text   string // what is searched and drawn
	detail string // at the right
	value  string // what the item stands for
	wrong  string // why it cannot be chosen
}

// chooser is a list that is searched by typing. With free set, what is typed
// can be taken as it stands, by enter when nothing matches, or by ctrl+s.
type chooser struct {
	title, hint string
	items       []item
	shown       []int
	filter      prompt.Model
	at, top, h  int
	pick        func(Model, item) (Model, tea.Cmd)
	free        func(Model, string) (Model, tea.Cmd)
	drop        func(Model, item) (Model, tea.Cmd)
	none        func(Model) (Model, tea.Cmd) // takes the place of free for a blank line
}

func newChooser(title, hint string, items []item) chooser {
	c := chooser{title: title, hint: hint, items: items, h: 10}
	return c.sifted()
}

func (c chooser) close() {}

func (c chooser) sifted() chooser {
	words := strings.Fields(strings.ToLower(c.filter.Text()))
	c.shown = nil
	for i, it := range c.items {
		text, all := strings.ToLower(it.text+" "+it.detail), true
		for _, w := range words {
			all = all && strings.Contains(text, w)
		}
		if all {
			c.shown = append(c.shown, i)
		}
	}
	c.at = min(c.at, max(0, len(c.shown)-1))
	return c
}

func (c chooser) resize(h int) overlay {
	c.h = max(4, h)
	return c.scrolled()
}

func (c chooser) room() int { return max(1, c.h-3) }

func (c chooser) scrolled() chooser {
	c.top = max(0, min(c.top, c.at))
	if c.at >= c.top+c.room() {
		c.top = c.at - c.room() + 1
	}
	return c
}

func (c chooser) bindings() []screen.Binding {
	bind := func(id, show, help string, rank int, keys ...string) screen.Binding {
		return screen.Binding{Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, help)), ID: "choose." + id, Group: "LIST", Rank: rank}
	}
	list := []screen.Binding{
		bind("pick", "enter", "choose", 1, "enter"), bind("move", "up down", "move", 3, "up", "down", "pgup", "pgdown", "ctrl+p", "ctrl+n"),
		bind("close", "esc", "back", 2, "esc"),
	}
	if c.free != nil {
		list = append(list, bind("free", "^s", c.hint, 1, "ctrl+s"))
	}
	if c.drop != nil {
		list = append(list, bind("drop", "^x", "delete", 4, "ctrl+x"))
	}
	return list
}

func (c chooser) update(msg tea.Msg) (overlay, tea.Cmd, func(Model) (Model, tea.Cmd)) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return c, nil, nil
	}
	take := func(f func(Model, item) (Model, tea.Cmd)) func(Model) (Model, tea.Cmd) {
		if f == nil || c.at >= len(c.shown) || c.items[c.shown[c.at]].wrong != "" {
			return nil
		}
		it := c.items[c.shown[c.at]]
		return func(m Model) (Model, tea.Cmd) { return f(m, it) }
	}
	free := func() func(Model) (Model, tea.Cmd) {
		text := strings.TrimSpace(c.filter.Text())
		if c.none != nil && text == "" {
			return c.none
		}
		if c.free == nil || text == "" {
			return nil
		}
		return func(m Model) (Model, tea.Cmd) { return c.free(m, text) }
	}
	var do func(Model) (Model, tea.Cmd)
	switch k.Type {
	case tea.KeyEsc:
		return nil, nil, nil
	case tea.KeyEnter:
		if do = take(c.pick); do == nil && len(c.shown) == 0 {
			do = free()
		}
	case tea.KeyCtrlS:
		do = free()
	case tea.KeyCtrlX:
		do = take(c.drop)
	case tea.KeyUp, tea.KeyCtrlP:
		c.at = max(0, c.at-1)
	case tea.KeyDown, tea.KeyCtrlN:
		c.at = min(c.at+1, max(0, len(c.shown)-1))
	case tea.KeyPgUp:
		c.at = max(0, c.at-c.room())
	case tea.KeyPgDown:
		c.at = min(c.at+c.room(), max(0, len(c.shown)-1))
	default:
		c.filter, _ = c.filter.Update(k)
		c.at, c.top = 0, 0
		c = c.sifted()
	}
	if do != nil {
		return nil, nil, do
	}
	return c.scrolled(), nil, nil
}

func (c chooser) view(st *theme.Styles, w, h int) []string {
	g := st.Glyphs
	before, under, after := c.filter.Split()
	lines := []string{
		" " + st.Accent.Render(cell.Cut(c.title, max(0, w-2), g.Ellipsis)),
		" " + st.Muted.Render("> ") + st.Field.Render(clean.Text(before)) + st.Accent.Render(g.Caret) + st.Field.Render(clean.Text(strings.TrimSuffix(under+after, " "))),
	}
	for i := c.top; i < len(c.shown) && len(lines) < h-1; i++ {
		it := c.items[c.shown[i]]
		detail := clean.Text(it.detail)
		if it.wrong != "" {
			detail = clean.Text(it.wrong)
		}
		detail = cell.Cut(detail, max(0, w/2), g.Ellipsis)
		text := cell.Cut(clean.Text(it.text), max(8, w-cell.Width(detail)-6), g.Ellipsis)
		gap := cell.Blank(max(1, w-3-cell.Width(text)-cell.Width(detail)))
		mark := " "
		if i == c.at {
			mark, text = st.Focus.Render(g.Cursor), st.Selected.Render(text)
		}
		lines = append(lines, mark+" "+text+gap+st.Muted.Render(detail))
	}
	if len(c.shown) == 0 {
		lines = append(lines, "   "+st.Muted.Render(cell.Cut(c.hint, max(0, w-4), g.Ellipsis)))
	}
	return cell.Lines(lines, h)
}

// picking is the file picker over the form.
type picking struct {
	picker filepicker.Model
	pick   func(Model, string) (Model, tea.Cmd)
}

func (p picking) close() { p.picker.Close() }

func (p picking) resize(h int) overlay {
	p.picker = p.picker.Resize(h)
	return p
}

func (p picking) bindings() []screen.Binding {
	bind := func(id, show, help string, rank int, keys ...string) screen.Binding {
		return screen.Binding{Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, help)), ID: "files." + id, Group: "FILES", Rank: rank}
	}
	return []screen.Binding{
		bind("pick", "enter", "open, choose", 1, "enter", "tab", "right"), bind("parent", "backspace", "folder above", 3, "backspace", "left"),
		bind("hidden", "^t", "hidden files", 4, "ctrl+t"), bind("move", "up down", "move", 5, "up", "down", "pgup", "pgdown", "ctrl+p", "ctrl+n"),
		bind("close", "esc", "back", 2, "esc"),
	}
}

func (p picking) update(msg tea.Msg) (overlay, tea.Cmd, func(Model) (Model, tea.Cmd)) {
	next, cmd, event := p.picker.Update(msg)
	p.picker = next
	switch event {
	case filepicker.Picked:
		next.Close()
		return nil, nil, func(m Model) (Model, tea.Cmd) { return p.pick(m, next.Path()) }
	case filepicker.Canceled:
		next.Close()
		return nil, nil, nil
	case filepicker.None:
	}
	return p, cmd, nil
}

func (p picking) view(_ *theme.Styles, w, _ int) []string { return p.picker.View(w) }

// open puts an overlay over the form.
func (m Model) open(o overlay) Model {
	m.over = o.resize(m.size.H - 2)
	return m
}

// toOverlay gives it a message and does what comes of it.
func (m Model) toOverlay(msg tea.Msg) (Model, tea.Cmd) {
	next, cmd, do := m.over.update(msg)
	m.over = next
	if do == nil {
		return m, cmd
	}
	m, more := do(m)
	return m, tea.Batch(cmd, more)
}
