package joblist

import (
	"slices"

	"dray/tui/jobquery"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

const (
	narrowAt  = 80 // cells below which a state is a sign without a word
	gutterW   = 5  // cursor, mark, news, sign of the state, blank
	narrowW   = 4  // the same without the news
	stopWordW = 13 // "STOPPING 1m02"

	minID, typicalID, maxID = 13, 20, 40
	minEntry                = 12
	// fullID and roomyEntry must have their room before the columns beyond the
	// main ones get any.
	fullID, roomyEntry = 26, 40
	// wideEntry is the most that an entrypoint gets in the wide table.
	wideEntry = 120
)

// The columns that the layout treats in their own way.
const (
	colStatus = "status"
	colID     = "id"
	colEntry  = "entrypoint"
	colStart  = "start"
	colDur    = "dur"
	colExit   = "exit"
)

// column is one that is shown, and how wide.
type column struct {
	jobquery.Column
	w   int
	gap int // blanks before it
}

// columns are laid out for a window and for what is in it.
type columns struct {
	total  int
	list   []column
	narrow bool
	more   bool // there are columns to the right that have no room
	// The widest so far, so that columns stand still while rows come and go.
	ids, entries, word int
	filled             map[string]bool // columns that hold something
}

// layOut divides the cells of the table. What is visible decides: s are the
// rows in the window.
func (m Model) layOut(total int) columns {
	c := m.measured()
	c.total, c.narrow = total, total < narrowAt
	list := m.candidates(c)
	end := list[len(list)-1].Name
	list = panned(list, m.pan)
	if !m.wide {
		list = c.yielding(list, m.custom)
	}
	c.list = c.sized(list, m.wide)
	c.more = len(c.list) == 0 || c.list[len(c.list)-1].Name != end
	return c
}

// measured looks at the visible rows. Widths grow at once but do not shrink;
// Resize starts afresh.
func (m Model) measured() columns {
	c := columns{ids: m.cols.ids, entries: m.cols.entries, filled: m.cols.filled}
	from, to := m.table.Window()
	for i := from; i < to; i++ {
		r := m.shown.row(i)
		c.ids = max(c.ids, min(maxID, cell.Width(r.ID)))
		if m.wide {
			c.entries = max(c.entries, min(wideEntry, len(r.Job.Entrypoint)))
		}
		if _, ok := m.list.Stopping[r.ID]; ok && r.Kind.Active() {
			c.word = stopWordW
		}
	}
	if !m.custom {
		c.filled = m.nowFilled(c.filled)
	}
	return c
}

// nowFilled adds the columns beyond the main ones in which a visible row says
// something.
func (m Model) nowFilled(before map[string]bool) map[string]bool {
	filled := before
	from, to := m.table.Window()
	for i := range m.chosen {
		c := &m.chosen[i]
		if !extra(c.Name) || filled[c.Name] {
			continue
		}
		for at := from; at < to; at++ {
			if c.Text(m.shown.row(at), m.list.Now) == "" {
				continue
			}
			next := map[string]bool{c.Name: true}
			for name := range filled {
				next[name] = true
			}
			filled = next
			break
		}
	}
	return filled
}

// extra reports a column that is only shown where there is room for more.
func extra(name string) bool {
	switch name {
	case colStatus, colID, colEntry, colStart, colDur, colExit:
		return false
	}
	return true
}

// unasked are columns that are not shown without being asked for, or in the
// wide table.
func unasked(name string) bool {
	switch name {
	case "error", "node", "user":
		return false
	}
	return extra(name)
}

// candidates are the columns that would be shown if there were room.
func (m Model) candidates(c columns) []jobquery.Column {
	list := slices.DeleteFunc(slices.Clone(m.chosen), func(col jobquery.Column) bool {
		switch {
		case c.narrow && col.Name == colStatus:
			return true
		case m.custom:
			return false
		}
		return extra(col.Name) && !c.filled[col.Name] || !m.wide && unasked(col.Name)
	})
	if c.narrow && !m.custom {
		// The narrow form has the duration before the entrypoint.
		i := slices.IndexFunc(list, func(col jobquery.Column) bool { return col.Name == colDur })
		dur := list[i]
		list = slices.Insert(slices.Delete(list, i, i+1), 1, dur)
	}
	return list
}

// panned leaves out the first n columns after those of state and id.
func panned(list []jobquery.Column, n int) []jobquery.Column {
	out := make([]jobquery.Column, 0, len(list))
	for i, c := range list {
		if c.Name != colStatus && c.Name != colID && n > 0 && i < len(list)-1 {
			n--
			continue
		}
		out = append(out, c)
	}
	return out
}

// yielding takes away what has no room, in a fixed order: first the columns
// beyond the main ones, from the right; then exit and start. A duration never
// goes; then the id and at last the entrypoint are cut.
func (c columns) yielding(list []jobquery.Column, custom bool) []jobquery.Column {
	needID, needEntry := fullID, roomyEntry
	if custom {
		needID, needEntry = minID, minEntry
	}
	drop := func(which func(jobquery.Column) bool, id, entry int) {
		for i := len(list) - 1; i >= 0 && c.need(list, id, entry) > c.total; i-- {
			if which(list[i]) {
				list = slices.Delete(slices.Clone(list), i, i+1)
			}
		}
	}
	named := func(name string) func(jobquery.Column) bool {
		return func(col jobquery.Column) bool { return col.Name == name }
	}
	drop(func(col jobquery.Column) bool { return extra(col.Name) }, needID, needEntry)
	needEntry = minEntry
	if c.narrow && !custom && has(list, colEntry) {
		needEntry = c.total // in a narrow window these two are not shown
	}
	drop(named(colExit), minID, needEntry)
	drop(named(colStart), minID, needEntry)
	return list
}

// need is how many cells the columns take with an id and an entrypoint of
// these widths.
func (c columns) need(list []jobquery.Column, id, entry int) int {
	n := c.gutter()
	for i, col := range list {
		n += c.gap(list, i)
		switch col.Name {
		case colID:
			n += id
		case colEntry:
			n += entry
		default:
			n += c.fixed(col)
		}
	}
	return n
}

func (c columns) gutter() int {
	if c.narrow {
		return narrowW
	}
	return gutterW
}

// fixed is the width of a column that does not stretch.
func (c columns) fixed(col jobquery.Column) int {
	if col.Name == colStatus {
		return max(col.Width, c.word)
	}
	return col.Width
}

// gap is wider between a text set at the right and one set at the left.
func (c columns) gap(list []jobquery.Column, i int) int {
	switch {
	case i == 0:
		return 0
	case list[i-1].Right && !list[i].Right:
		return 2
	}
	return 1
}

// sized gives each column its width: the id what it needs, in bounds, and the
// entrypoint the rest. In the wide table all have what they need, and those
// beyond the right edge are left out.
func (c columns) sized(list []jobquery.Column, wide bool) []column {
	rest := c.total - c.need(list, 0, 0)
	id := min(max(c.ids, minID), min(maxID, typicalID+max(0, rest-46)/2))
	switch {
	case wide:
		id = max(c.ids, minID)
	case !has(list, colEntry):
		id = max(0, min(max(c.ids, minID), rest))
	case c.narrow:
		id = max(0, min(max(c.ids, minID), (c.total-14)/2))
	}
	entry := max(0, rest-id)
	if !has(list, colID) {
		entry = rest
	}
	if wide {
		entry = max(minEntry, c.entries)
	}
	out := make([]column, 0, len(list))
	left := c.total - c.gutter()
	for i, col := range list {
		next := column{Column: col, w: c.fixed(col), gap: c.gap(list, i)}
		switch col.Name {
		case colID:
			next.w = id
		case colEntry:
			next.w = entry
		}
		if left -= next.gap + next.w; left < 0 { // the last one is cut, if it can be
			if next.w += left; next.w >= 6 && !next.Right {
				out = append(out, next)
			}
			break
		}
		out = append(out, next)
	}
	return out
}

func has(list []jobquery.Column, name string) bool {
	return slices.ContainsFunc(list, func(col jobquery.Column) bool { return col.Name == name })
}

// used is how many cells the columns take.
func (c columns) used() int {
	n := c.gutter()
	for i := range c.list {
		n += c.list[i].gap + c.list[i].w
	}
	return n
}

// at is the column at cell x of a line, or -1.
func (c columns) at(x int) int {
	from := c.gutter()
	for i, col := range c.list {
		to := from + col.gap + col.w
		if x < to && (x >= from || i == 0) {
			return i
		}
		from = to
	}
	return -1
}

// ink is the colour of a column of r.
func (p *painter) ink(name string, r *jobquery.Row) cell.Ink {
	switch name {
	case colStatus:
		return p.kinds[r.Kind]
	case colID, colEntry, colDur:
		return cell.Ink{}
	case colExit, "error":
		if r.Kind == jobtext.Failed {
			return p.bad
		}
		return cell.Ink{}
	}
	return p.muted
}
