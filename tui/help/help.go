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
	minColumn = 22  // cells
	maxFoot   = 42  // of the lower edge's text
	roomyAt   = 100 // columns from which there is more between two
)

// Model is the open overlay.
type Model struct {
	styles *theme.Styles
	scope  string
	groups []group
	signs  []string // drawn below the keys
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

// Signs adds lines that tell what the signs on the page mean. They may hold
// colours, and none of them is broken.
func (m Model) Signs(signs []string) Model {
	m.signs = signs
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
		all := slices.Clone(m.groups)
		for i := range all {
			all[i].rows = folded(all[i].rows, all[i].name == "MOVE")
		}
		return all
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
