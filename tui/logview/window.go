package logview

import (
	"fmt"

	"dray/tui/clean"
)

// place is a row of the log: a line and, when lines are wrapped, one of the
// rows of that line.
type place struct {
	line int64
	row  int
}

func (p place) before(q place) bool {
	return p.line < q.line || p.line == q.line && p.row < q.row
}

// look says what to draw of the log and how. It is a value; draw reads the
// store by it, away from the event loop.
type look struct {
	top   place
	move  int  // rows to go from top
	atEnd bool // the last rows, wherever top is

	width, height int
	wrap          bool
	pan           int // cells to leave out at the left when not wrapped
	plain         bool
	tail          string // marks a cut line
	mark          ink
	query         query
}

// row is one row of the window.
type row struct {
	text string
	line int64 // the line it belongs to
	hit  bool  // the first row of a line that matches the query
}

// window is a part of the log, ready to be drawn.
type window struct {
	top         place
	rows        []row
	width       int
	lines, size int64 // of the whole log, as it was
	last        int64 // the last line that is shown in part or whole
	end         bool  // the last row of the log is shown
}

// drawer reads and lays out lines for one look.
type drawer struct {
	look
	r       *lineReader
	scratch []byte
}

// draw makes the window of l. What it costs depends on the size of the screen
// and on how far it has to move, not on the log.
func draw(s *store, l look) (window, error) {
	d := &drawer{look: l, r: newLineReader(s)}
	w := window{width: l.width, lines: d.r.lines, size: d.r.size}
	if w.lines == 0 || l.height <= 0 || l.width <= 0 {
		w.end = true
		return w, nil
	}
	top, err := d.resolve()
	if err != nil {
		return w, err
	}
	w.top = top
	return w, d.fill(&w)
}

// resolve finds the place of the first row.
func (d *drawer) resolve() (place, error) {
	end, err := d.endTop()
	if err != nil || d.atEnd {
		return end, err
	}
	top := d.top
	top.line = min(max(top.line, 0), d.r.lines-1)
	if !d.wrap {
		top = place{line: min(max(top.line+int64(d.move), 0), d.r.lines-1)}
	} else if top, err = d.walk(top); err != nil {
		return top, err
	}
	if end.before(top) {
		top = end
	}
	return top, nil
}

// endTop is the first row of the window that ends with the log.
func (d *drawer) endTop() (place, error) {
	from := max(0, d.r.lines-int64(d.height))
	if !d.wrap {
		return place{line: from}, nil
	}
	return d.back(from, place{line: d.r.lines}, d.height)
}

// walk goes move rows from p, over wrapped lines.
func (d *drawer) walk(p place) (place, error) {
	n, err := d.heights(p.line, p.line+1)
	if err != nil {
		return p, err
	}
	p.row = min(p.row, n[0]-1)
	if d.move < 0 {
		return d.back(max(0, p.line+int64(d.move)), p, -d.move)
	}
	move := d.move
	for left := n[0] - 1 - p.row; move > left; {
		if p.line+1 == d.r.lines {
			p.row += left
			return p, nil
		}
		move -= left + 1
		p = place{line: p.line + 1}
		if n, err = d.heights(p.line, p.line+1); err != nil {
			return p, err
		}
		left = n[0] - 1
	}
	p.row += move
	return p, nil
}

// back goes rows up from p; line from is no nearer than that.
func (d *drawer) back(from int64, p place, rows int) (place, error) {
	n, err := d.heights(from, p.line)
	if err != nil {
		return p, err
	}
	for rows > p.row {
		if p.line == from {
			return place{line: from}, nil
		}
		rows -= p.row + 1
		p.line--
		p.row = n[p.line-from] - 1
	}
	p.row -= rows
	return p, nil
}

// heights returns the number of rows of the lines from ≤ k < to.
func (d *drawer) heights(from, to int64) ([]int, error) {
	n := make([]int, 0, to-from)
	for k := from; k < to; k++ {
		text, _, err := d.clean(k)
		if err != nil {
			return nil, err
		}
		n = append(n, countRows(text, d.width))
	}
	return n, nil
}

// clean returns line k as safe text, which is valid until the next call, and
// the marks of the query in it.
func (d *drawer) clean(k int64) ([]byte, []span, error) {
	l, err := d.r.line(k)
	if err != nil {
		return nil, nil, err
	}
	var hits []span
	if !d.query.empty() {
		d.scratch = clean.LogPlain(d.scratch[:0], l.text)
		hits = d.query.spans(d.scratch)
	}
	if d.plain {
		d.scratch = clean.LogPlain(d.scratch[:0], l.text)
	} else {
		d.scratch = clean.Log(d.scratch[:0], l.text)
	}
	if more := l.len - int64(len(l.text)); more > 0 {
		d.scratch = fmt.Appendf(d.scratch, " %s %s more in this line", d.tail, byteCount(more))
	}
	return d.scratch, hits, nil
}

// fill lays out the rows from the window's top on.
func (d *drawer) fill(w *window) error {
	w.rows = make([]row, 0, d.height)
	skip := w.top.row
	for k := w.top.line; k < w.lines && len(w.rows) < d.height; k++ {
		text, hits, err := d.clean(k)
		if err != nil {
			return err
		}
		w.last = k
		if !d.wrap {
			w.rows = append(w.rows, row{cutLine(text, d.pan, d.width, d.tail, hits, d.mark), k, len(hits) > 0})
			w.end = k == w.lines-1
			continue
		}
		rows := wrapLine(text, d.width, hits, d.mark)
		skip = min(skip, len(rows)-1)
		for i, r := range rows[skip:] {
			if len(w.rows) == d.height {
				return nil
			}
			w.rows = append(w.rows, row{r, k, len(hits) > 0 && i == 0})
			w.end = k == w.lines-1 && skip+i == len(rows)-1
		}
		skip = 0
	}
	return nil
}

// byteCount writes a number of bytes as people read it.
func byteCount(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
