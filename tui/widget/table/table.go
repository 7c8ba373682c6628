// Package table is the window onto a long list of rows that have names: which
// row the cursor is on, which rows can be seen, and how both answer to keys
// and to rows that come, go and change places.
//
// The cursor belongs to a name, never to a row number. How a row looks is the
// caller's business.
package table

// Rows is what the table looks into: rows in their order.
type Rows interface {
	Len() int
	// ID names row i. No two rows share a name.
	ID(i int) string
}

// Model is the cursor and the window. The zero value is an empty table.
type Model struct {
	rows   Rows
	height int
	top    int    // first visible row
	cursor int    // row of the cursor
	id     string // its name; outlives a moment without rows
}

// Len is the number of rows.
func (m Model) Len() int {
	if m.rows == nil {
		return 0
	}
	return m.rows.Len()
}

// Cursor is the row of the cursor, or -1 when there is none.
func (m Model) Cursor() int {
	if m.Len() == 0 {
		return -1
	}
	return m.cursor
}

// ID names the row under the cursor, or is "".
func (m Model) ID() string {
	if m.Len() == 0 {
		return ""
	}
	return m.id
}

// Window returns the visible rows: from the first up to, not including, the
// second.
func (m Model) Window() (from, to int) {
	return m.top, min(m.Len(), m.top+m.height)
}

// Resize sets how many rows can be seen.
func (m Model) Resize(height int) Model {
	m.height = max(0, height)
	return m.reveal()
}

// Refresh takes new rows. The cursor stays on its row by name, wherever that
// has gone; if the row is gone, the cursor stays where it was. The window
// moves only if the cursor would leave it.
func (m Model) Refresh(rows Rows) Model {
	m.rows = rows
	if i := m.find(m.id); i >= 0 {
		m.cursor = i
	}
	return m.moveTo(m.cursor)
}

// find looks for a name, first where it was.
func (m Model) find(id string) int {
	if id == "" {
		return -1
	}
	n := m.rows.Len()
	if m.cursor < n && m.rows.ID(m.cursor) == id {
		return m.cursor
	}
	for i := range n {
		if m.rows.ID(i) == id {
			return i
		}
	}
	return -1
}

// Select puts the cursor on the row named id, and reports whether there is
// one.
func (m Model) Select(id string) (Model, bool) {
	if m.rows == nil {
		return m, false
	}
	i := m.find(id)
	if i < 0 {
		return m, false
	}
	return m.moveTo(i), true
}

// Move moves the cursor by n rows.
func (m Model) Move(n int) Model { return m.moveTo(m.cursor + n) }

// Page moves cursor and window by a part of the window: 2 is half of it, 1
// the whole; a negative part moves up.
func (m Model) Page(part int) Model {
	if part == 0 {
		return m
	}
	n := max(1, m.height/max(part, -part))
	if part < 0 {
		n = -n
	}
	m.top += n
	return m.clampTop().moveTo(m.cursor + n)
}

// Scroll moves the window by n rows, and the cursor only as far as it would
// leave it.
func (m Model) Scroll(n int) Model {
	m.top += n
	m = m.clampTop()
	return m.moveTo(max(m.top, min(m.cursor, m.top+m.height-1)))
}

// First moves the cursor to the first row.
func (m Model) First() Model { return m.moveTo(0) }

// Last moves the cursor to the last row.
func (m Model) Last() Model { return m.moveTo(m.Len() - 1) }

func (m Model) moveTo(i int) Model {
	n := m.Len()
	if n == 0 {
		m.cursor, m.top = 0, 0
		return m
	}
	m.cursor = max(0, min(i, n-1))
	m.id = m.rows.ID(m.cursor)
	return m.reveal()
}

// reveal moves the window as little as possible so that it holds the cursor
// and is full.
func (m Model) reveal() Model {
	if m.cursor < m.top {
		m.top = m.cursor
	}
	if m.cursor >= m.top+m.height {
		m.top = m.cursor - m.height + 1
	}
	return m.clampTop()
}

func (m Model) clampTop() Model {
	m.top = max(0, min(m.top, m.Len()-m.height))
	return m
}
