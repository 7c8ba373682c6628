// Package help draws the overlay that lists all keys of a page, from the
// bindings themselves, so that it cannot say what is not so.
package help

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/screen"
	"dray/tui/widget/cell"
)

const (
	minColumn = 22 // cells
	maxColumn = 36
	gap       = 3
)

// Model is the open overlay.
type Model struct {
	styles *theme.Styles
	scope  string
	groups []group
	size   screen.Size
	top    int
}

type group struct {
	name string
	rows [][2]string // key, text
}

// New lists the enabled bindings under the name of the page, by group.
func New(styles *theme.Styles, scope string, bindings []screen.Binding) Model {
	m := Model{styles: styles, scope: scope}
	for _, name := range []string{"MOVE", "JOB", "VIEW", "MARK", "FORM", "APP"} {
		m.add(name, bindings)
	}
	for _, b := range bindings {
		if !slices.ContainsFunc(m.groups, func(g group) bool { return g.name == b.Group }) {
			m.add(b.Group, bindings)
		}
	}
	return m
}

func (m *Model) add(name string, bindings []screen.Binding) {
	g := group{name: name}
	for _, b := range bindings {
		if b.Group == name && b.Enabled() && b.Help().Key != "" {
			g.rows = append(g.rows, [2]string{b.Help().Key, b.Help().Desc})
		}
	}
	if len(g.rows) > 0 {
		m.groups = append(m.groups, g)
	}
}

// Resize sets the area over which the overlay lies.
func (m Model) Resize(s screen.Size) Model {
	m.size = s
	m.top = min(m.top, m.last())
	return m
}

// Update scrolls; any other key closes the overlay.
func (m Model) Update(k tea.KeyMsg) (next Model, open bool) {
	switch {
	case key.Matches(k, key.NewBinding(key.WithKeys("j", "down", "ctrl+d", "pgdown"))):
		m.top = min(m.top+1, m.last())
	case key.Matches(k, key.NewBinding(key.WithKeys("k", "up", "ctrl+u", "pgup"))):
		m.top = max(m.top-1, 0)
	default:
		return m, false
	}
	return m, true
}

// View draws the overlay over lines.
func (m Model) View(lines []string) []string {
	box := m.box()
	if len(box) == 0 {
		return lines
	}
	x := (m.size.W - cell.Width(box[0])) / 2
	y := max(0, (len(lines)-len(box))/2)
	return cell.Overlay(lines, box, x, y)
}

// box frames the part of the body that fits.
func (m Model) box() []string {
	body, w := m.body()
	rows := m.visible(len(body))
	g := m.styles.Glyphs
	foot := "any key closes"
	if rows < len(body) {
		foot = "j k scroll " + g.Dot + " any other key closes"
	}
	out := []string{m.edge(g.TopLeft, g.TopRight, "Help "+g.Dot+" "+m.scope, w)}
	bar := m.styles.Border.Render(g.Bar)
	for _, l := range body[m.top : m.top+rows] {
		out = append(out, bar+" "+cell.Pad(l, w)+" "+bar)
	}
	return append(out, m.edge(g.BottomLeft, g.BottomRight, foot, w))
}

// edge is a frame's upper or lower line with a title, w+4 cells wide.
func (m Model) edge(left, right, title string, w int) string {
	g := m.styles.Glyphs
	title = cell.Cut(title, w-2, g.Ellipsis)
	rest := ""
	for range w - cell.Width(title) - 1 {
		rest += g.Rule
	}
	return m.styles.Border.Render(left+g.Rule) + " " + m.styles.Accent.Render(title) + " " + m.styles.Border.Render(rest+right)
}

func (m Model) visible(body int) int { return max(0, min(body, m.size.H-2)) }

func (m Model) last() int {
	body, _ := m.body()
	return max(0, len(body)-m.visible(len(body)))
}

// body lays the groups out in as many columns as there is room for, and
// returns the lines and their width.
func (m Model) body() ([]string, int) {
	inner := max(minColumn, m.size.W-8)
	n := max(1, min(len(m.groups), (inner+gap)/(minColumn+gap)))
	w := min(maxColumn, (inner-gap*(n-1))/n)
	columns := make([][]string, n)
	for _, g := range m.groups {
		shortest := 0
		for i := range columns {
			if len(columns[i]) < len(columns[shortest]) {
				shortest = i
			}
		}
		c := &columns[shortest]
		if len(*c) > 0 {
			*c = append(*c, "")
		}
		*c = append(*c, m.block(g, w)...)
	}
	height := 0
	for _, c := range columns {
		height = max(height, len(c))
	}
	lines := make([]string, height)
	for i := range lines {
		for j, c := range columns {
			text := ""
			if i < len(c) {
				text = c[i]
			}
			if j > 0 {
				lines[i] += cell.Blank(gap)
			}
			lines[i] += cell.Pad(text, w)
		}
	}
	return lines, n*w + gap*(n-1)
}

func (m Model) block(g group, w int) []string {
	keys := 0
	for _, r := range g.rows {
		keys = max(keys, cell.Width(r[0]))
	}
	keys = min(keys, w/2)
	out := []string{m.styles.Header.Render(g.name)}
	for _, r := range g.rows {
		name := cell.Pad(cell.Cut(r[0], keys, m.styles.Glyphs.Ellipsis), keys)
		text := cell.Cut(r[1], w-keys-2, m.styles.Glyphs.Ellipsis)
		out = append(out, m.styles.Key.Render(name)+"  "+text)
	}
	return out
}
