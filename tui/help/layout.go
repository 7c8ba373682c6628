package help

import (
	"slices"
	"strings"

	"dray/tui/widget/cell"
)

const (
	// narrowest is how far the texts of a column may be narrowed: they go on
	// below.
	narrowest = 14
	// together is the least number of keys, as of saved views, that one line
	// tells.
	together = 3
)

// body lays the groups out in columns: in as many as there is room for without
// breaking a text, if that is low enough, and else in the way that is lowest.
// It returns the lines and their width.
func (m Model) body() ([]string, int) {
	inner := max(minColumn, m.size.W-8)
	groups := m.found()
	if len(groups) == 0 {
		return []string{m.styles.Muted.Render("no key does that")}, maxFoot
	}
	var best []string
	width := 0
	for n := len(groups); n > 0; n-- {
		columns := spread(groups, n)
		widths, broken := fit(columns, inner)
		if widths == nil {
			continue
		}
		if w := total(widths); w < maxFoot {
			widths[len(widths)-1] += min(maxFoot, inner) - w // room for the line below
		}
		lines := m.signed(m.beside(columns, widths), total(widths))
		if best == nil || len(lines) < len(best) || !broken && len(lines) <= m.size.H-2 {
			best, width = lines, total(widths)
		}
		if !broken {
			break
		}
	}
	return best, width
}

// fit returns the widths of columns, the widest ones narrowed until all have
// room; nil if they cannot be narrowed so far.
func fit(columns [][]group, inner int) (widths []int, broken bool) {
	least := make([]int, len(columns))
	for i, c := range columns {
		widths = append(widths, natural(c))
		for _, g := range c {
			least[i] = max(least[i], g.keys()+2+narrowest)
		}
	}
	if len(widths) == 1 {
		return []int{min(widths[0], inner)}, widths[0] > inner
	}
	for total(widths) > inner {
		most := -1
		for i, w := range widths {
			if w > least[i] && (most < 0 || w > widths[most]) {
				most = i
			}
		}
		if most < 0 {
			return nil, false
		}
		widths[most]--
		broken = true
	}
	return widths, broken
}

// oneKind joins keys of one kind, such as "view: all" and "view: live".
func oneKind(rows [][2]string) [][2]string {
	var out [][2]string
	for i := 0; i < len(rows); {
		kind, first, ok := strings.Cut(rows[i][1], ": ")
		n := i + 1
		names := []string{first}
		for ok && n < len(rows) && strings.HasPrefix(rows[n][1], kind+": ") {
			names = append(names, strings.TrimPrefix(rows[n][1], kind+": "))
			n++
		}
		if n-i < together {
			out = append(out, rows[i])
			i++
			continue
		}
		out = append(out, [2]string{rows[i][0] + "-" + rows[n-1][0], kind + ": " + strings.Join(names, ", ")})
		i = n
	}
	return out
}

// signed puts the signs below the columns.
func (m Model) signed(lines []string, w int) []string {
	if len(m.signs) == 0 || m.wanted != "" {
		return lines
	}
	lines = append(lines, "")
	line := ""
	for _, s := range m.signs {
		if line != "" && cell.Width(line)+2+cell.Width(s) > w {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += "  "
		}
		line += cell.Cut(s, w, m.styles.Glyphs.Ellipsis)
	}
	return append(lines, line)
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

// block draws a group; what has no room beside its key goes on below.
func (m Model) block(g group, w int) []string {
	keys := min(g.keys(), w/2)
	out := []string{m.styles.Header.Render(g.name)}
	for _, r := range g.rows {
		name := cell.Pad(cell.Cut(r[0], keys, m.styles.Glyphs.Ellipsis), keys)
		for i, text := range cell.Wrap(r[1], w-keys-2) {
			if i > 0 {
				name = cell.Blank(keys)
			}
			out = append(out, m.styles.Key.Render(name)+"  "+text)
		}
	}
	return out
}
