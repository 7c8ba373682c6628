// Package help draws the overlay that lists all keys of a page, from the
// bindings themselves, so that it cannot say what is not so.
package help

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
)

const (
	minColumn = 22 // cells
	maxFoot   = 42 // of the lower edge's text
	gap       = 3
)

// Model is the open overlay.
type Model struct {
	styles *theme.Styles
	scope  string
	groups []group
	size   screen.Size
	top    int

	finding bool // keys are letters of what is looked for
	wanted  string
}

type group struct {
	name string
	rows [][2]string // key, text
}

// New lists the enabled bindings under the name of the page, by group.
func New(styles *theme.Styles, scope string, bindings []screen.Binding) Model {
	m := Model{styles: styles, scope: scope}
	for _, name := range []string{"MOVE", "JOB", "VIEW", "MARK", "FORM", "YOURS", "APP"} {
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
	if m.finding {
		return m.find(k)
	}
	switch {
	case k.String() == "/":
		m.finding, m.top = true, 0
	case key.Matches(k, key.NewBinding(key.WithKeys("j", "down", "ctrl+d", "pgdown"))):
		m.top = min(m.top+1, m.last())
	case key.Matches(k, key.NewBinding(key.WithKeys("k", "up", "ctrl+u", "pgup"))):
		m.top = max(m.top-1, 0)
	default:
		return m, false
	}
	return m, true
}

// find handles a key while something is looked for. What was found stays until
// the overlay is closed.
func (m Model) find(k tea.KeyMsg) (next Model, open bool) {
	switch k.Type {
	case tea.KeyRunes, tea.KeySpace:
		m.wanted += string(k.Runes)
	case tea.KeyBackspace:
		runes := []rune(m.wanted)
		m.wanted = string(runes[:max(0, len(runes)-1)])
	case tea.KeyEnter:
		m.finding = false
	case tea.KeyEsc:
		if m.wanted == "" {
			return m, false
		}
		m.finding, m.wanted = false, ""
	default:
	}
	m.top = 0
	return m, true
}

// found are the groups with what is looked for.
func (m Model) found() []group {
	if m.wanted == "" {
		return m.groups
	}
	wanted := strings.ToLower(m.wanted)
	var all []group
	for _, g := range m.groups {
		rows := slices.DeleteFunc(slices.Clone(g.rows), func(r [2]string) bool {
			return !strings.Contains(strings.ToLower(r[1]), wanted) && !strings.Contains(strings.ToLower(g.name), wanted) && !slices.Contains(strings.Fields(r[0]), m.wanted)
		})
		if len(rows) > 0 {
			all = append(all, group{g.name, rows})
		}
	}
	return all
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
	foot := "/ searches " + g.Dot + " any other key closes"
	switch {
	case m.finding:
		foot = "/" + clean.Text(m.wanted) + g.Caret
	case rows < len(body):
		foot = "j k scroll " + g.Dot + " " + foot
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

// body lays the groups out in as many columns as there is room for without
// cutting a text, and returns the lines and their width.
func (m Model) body() ([]string, int) {
	inner := max(minColumn, m.size.W-8)
	groups := m.found()
	if len(groups) == 0 {
		return []string{m.styles.Muted.Render("no key does that")}, maxFoot
	}
	var columns [][]group
	var widths []int
	for n := len(groups); n > 0; n-- {
		columns = spread(groups, n)
		widths = widths[:0]
		for _, c := range columns {
			widths = append(widths, natural(c))
		}
		if total(widths) <= inner {
			break
		}
	}
	if len(widths) == 1 {
		widths[0] = min(widths[0], inner)
	}
	if w := total(widths); w < maxFoot {
		widths[len(widths)-1] += min(maxFoot, inner) - w // room for the line below
	}
	return m.beside(columns, widths), total(widths)
}

// spread gives each group to the column that is shortest so far.
func spread(groups []group, n int) [][]group {
	columns := make([][]group, n)
	heights := make([]int, n)
	for _, g := range groups {
		at := slices.Index(heights, slices.Min(heights))
		columns[at] = append(columns[at], g)
		heights[at] += len(g.rows) + 2
	}
	return columns
}

// natural is the width that the groups of a column need.
func natural(groups []group) int {
	w := 0
	for _, g := range groups {
		w = max(w, cell.Width(g.name))
		keys := g.keys()
		for _, r := range g.rows {
			w = max(w, keys+2+cell.Width(r[1]))
		}
	}
	return w
}

func (g group) keys() int {
	w := 0
	for _, r := range g.rows {
		w = max(w, cell.Width(r[0]))
	}
	return w
}

func total(widths []int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

func (m Model) beside(columns [][]group, widths []int) []string {
	blocks := make([][]string, len(columns))
	height := 0
	for i, c := range columns {
		for j, g := range c {
			if j > 0 {
				blocks[i] = append(blocks[i], "")
			}
			blocks[i] = append(blocks[i], m.block(g, widths[i])...)
		}
		height = max(height, len(blocks[i]))
	}
	lines := make([]string, height)
	for i, b := range blocks {
		for j, l := range cell.Lines(b, height) {
			if i > 0 {
				lines[j] += cell.Blank(gap)
			}
			lines[j] += cell.Pad(l, widths[i])
		}
	}
	return lines
}

func (m Model) block(g group, w int) []string {
	keys := min(g.keys(), w/2)
	out := []string{m.styles.Header.Render(g.name)}
	for _, r := range g.rows {
		name := cell.Pad(cell.Cut(r[0], keys, m.styles.Glyphs.Ellipsis), keys)
		text := cell.Cut(r[1], w-keys-2, m.styles.Glyphs.Ellipsis)
		out = append(out, m.styles.Key.Render(name)+"  "+text)
	}
	return out
}
