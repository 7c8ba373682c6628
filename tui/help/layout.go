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
	inner := max(minColumn, m.size.W-6)
	groups := m.found()
	if len(groups) == 0 {
		return []string{m.styles.Muted.Render("no key does that")}, maxFoot
	}
	var best layout
	for n := len(groups); n > 0; n-- {
		for _, next := range []layout{m.laidOut(groups, nil, n, inner), m.laidOut(groups[:len(groups)-1], &groups[len(groups)-1], n, inner)} {
			if next.lines != nil && (best.lines == nil || next.cost(m.size.H-2) < best.cost(m.size.H-2)) {
				best = next
			}
		}
	}
	return best.lines, best.width
}

// layout is one way to show the groups.
type layout struct {
	lines  []string
	width  int
	broken bool // texts go on below
	below  bool // the last group has lines of its own
}

// cost tells which of two ways is better where room lines are seen: one that
// fits, with whole texts, in columns only; else the lowest.
func (l layout) cost(room int) int {
	const wide, high = 1000, 100_000
	cost := max(0, len(l.lines)-room) * high
	if l.broken {
		cost += wide
	}
	if l.below {
		cost += wide / 2
	}
	return cost + len(l.lines)
}

// laidOut puts the groups into n columns, and below them the last one in as
// many. Where they have no room its lines are nil.
func (m Model) laidOut(groups []group, last *group, n, inner int) layout {
	if n > len(groups) {
		return layout{}
	}
	columns := spread(groups, n)
	widths, broken := m.fit(columns, inner)
	if widths == nil {
		return layout{}
	}
	if w := m.total(widths); w < maxFoot {
		widths[len(widths)-1] += min(maxFoot, inner) - w // room for the line below
	}
	lines := m.beside(columns, widths)
	if last != nil {
		pieces, cut := m.pieces(*last, widths)
		broken = broken || cut
		lines = append(append(lines, ""), pieces...)
	}
	return layout{m.signed(lines, m.total(widths)), m.total(widths), broken, last != nil}
}

// pieces shows one group in columns of the given widths.
func (m Model) pieces(g group, widths []int) (lines []string, broken bool) {
	each := (len(g.rows) + len(widths) - 1) / len(widths)
	columns := make([][]group, len(widths))
	for i := range columns {
		part := group{rows: g.rows[min(len(g.rows), i*each):min(len(g.rows), (i+1)*each)]}
		columns[i] = []group{part}
		broken = broken || natural(columns[i]) > widths[i]
	}
	lines = m.beside(columns, widths)
	return append([]string{m.styles.Header.Render(g.name)}, lines[1:]...), broken // no column has a head
}

// fit returns the widths of columns, the widest ones narrowed until all have
// room; nil if they cannot be narrowed so far.
func (m Model) fit(columns [][]group, inner int) (widths []int, broken bool) {
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
	for m.total(widths) > inner {
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

// folded joins keys of one kind, such as "view: all" and "view: live"; keys
// that do the same; and keys that do opposite things.
func folded(rows [][2]string, moves bool) [][2]string {
	var out [][2]string
	for i := 0; i < len(rows); {
		kind, first, ok := strings.Cut(rows[i][1], ": ")
		n := i + 1
		names := []string{first}
		for ok && n < len(rows) && strings.HasPrefix(rows[n][1], kind+": ") {
			names = append(names, strings.TrimPrefix(rows[n][1], kind+": "))
			n++
		}
		if n-i >= together {
			out = append(out, [2]string{rows[i][0] + "-" + rows[n-1][0], kind + ": " + strings.Join(names, ", ")})
			i = n
			continue
		}
		if i+1 < len(rows) {
			if text, ok := pair(rows[i][1], rows[i+1][1], moves); ok {
				out = append(out, [2]string{both(rows[i][0], rows[i+1][0]), text})
				i += 2
				continue
			}
		}
		out = append(out, rows[i])
		i++
	}
	return out
}

// pair says in one text what two keys do: "copy id, menu". Of two motions, of
// which one undoes the other, what they have in common says enough: "page".
// Single words are a pair only among motions.
func pair(a, b string, moves bool) (string, bool) {
	if a == b {
		return a, true
	}
	cut := strings.LastIndexByte(a, ' ')
	if cut < 0 {
		return a + ", " + b, moves && !strings.Contains(b, " ")
	}
	rest, ok := strings.CutPrefix(b, a[:cut+1])
	if moves {
		return a[:cut], ok && !strings.Contains(rest, " ")
	}
	return a + ", " + rest, ok && !strings.Contains(rest, " ")
}

// pairKeys is how many cells the keys of a pair may take before each is named
// once only; the search still knows the others.
const pairKeys = 10

func both(a, b string) string {
	if all := a + " " + b; cell.Width(all) <= pairKeys {
		return all
	}
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	return a + " " + b
}

// signed puts the signs below the columns, after an empty line unless that is
// one too many.
func (m Model) signed(lines []string, w int) []string {
	if len(m.signs) == 0 || m.wanted != "" {
		return lines
	}
	var below []string
	line := ""
	for _, s := range m.signs {
		if line != "" && cell.Width(line)+2+cell.Width(s) > w {
			below, line = append(below, line), ""
		}
		if line != "" {
			line += "  "
		}
		line += cell.Cut(s, w, m.styles.Glyphs.Ellipsis)
	}
	below = append(below, line)
	if len(lines)+len(below) != m.size.H-2 {
		lines = append(lines, "")
	}
	return append(lines, below...)
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

// gap is between two columns.
func (m Model) gap() int {
	if m.size.W < roomyAt {
		return 2
	}
	return 3
}

func (m Model) total(widths []int) int {
	sum := m.gap() * (len(widths) - 1)
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
				lines[j] += cell.Blank(m.gap())
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
