package logview

import (
	"fmt"
	"time"

	"dray/tui/clean"
	"dray/tui/loglevel"
	"dray/tui/logstore"
	"dray/tui/widget/cell"
)

// place is a row of the log: a block, by the offset of its first line, and one
// of the rows that it is laid out in.
type place struct {
	off int64
	row int
}

// rule is a line of ours across the log, before the line that begins at off.
type rule struct {
	off  int64
	text string
	bad  bool
}

// look says what to draw of the log and how. It is a value; draw reads the
// store by it, away from the event loop.
type look struct {
	top   place
	move  int  // rows to go from top
	atEnd bool // the last rows, wherever top is
	// cursor is a block that has to be on the screen, after cursorMove blocks
	// down; none when it is negative.
	cursor     int64
	cursorMove int

	width, height int
	wrap          bool
	pan           int // cells to leave out at the left when not wrapped
	depth         clean.Depth
	fold, pretty  bool
	numbers       bool
	times         bool
	tail, again   string // marks of a cut line and of a folded bar
	mark          ink
	query         logstore.Query
	rules         []rule
	gaps          bool // say where lines are left out
}

// row is one row of the window.
type row struct {
	text   string
	off    int64 // of the line it belongs to
	from   int64 // the bytes of the block it belongs to
	to     int64
	first  bool // the first row of its line
	folded bool // the first row of a fold
	hit    bool // the line matches the query
	level  loglevel.Level
	number int64  // of the line, from 1; 0: not known, or not the first row
	time   string // when it arrived
	rule   bool
	bad    bool
}

// window is a part of the log, ready to be drawn.
type window struct {
	top           place
	rows          []row
	width, height int
	size          int64 // of the whole log, as it was
	from, to      int64 // the bytes of the lines that are shown in part or whole
	upto          int64 // lines before to; -1: not known
	number        int64 // of the first line, from 1; 0: not known
	end           bool  // the last row of the log is shown
	open          bool  // the last line that is shown has no line feed yet
	cursor        int64 // the block that has to be on the screen, or -1
	cursorEnd     int64
}

// laid is a block with its rows.
type laid struct {
	block
	rows []row
}

// drawer reads and lays out blocks for one look.
type drawer struct {
	look
	w       walker
	r       *logstore.Reader
	store   *logstore.Store
	scratch []byte
	spans   []logstore.Span
}

// draw makes the window of l, over the lines that c shows of what r sees. What
// it costs depends on the size of the screen and on how far it has to move, not
// on the log.
func draw(s *logstore.Store, r *logstore.Reader, c logstore.Cursor, l look, known *folds) (window, error) {
	d := &drawer{look: l, r: r, store: s, w: walker{c: c, fold: l.fold, span: foldSpan, known: known}}
	w := window{width: l.width, height: l.height, size: r.Size(), cursor: -1, upto: -1}
	if r.Size() == 0 || l.height <= 0 || l.width <= 0 {
		w.end = true
		return w, nil
	}
	if l.cursor >= 0 {
		b, ok, err := d.moveCursor()
		if err != nil {
			return w, err
		}
		if ok {
			w.cursor, w.cursorEnd = b.off, b.end
		}
	}
	err := d.window(&w)
	if err != nil || w.cursor < 0 || len(w.rows) == 0 {
		return w, err
	}
	switch {
	case w.cursor < w.from || w.cursor == w.from && w.top.row > 0:
		d.top, d.move, d.atEnd = place{off: w.cursor}, 0, false
	case w.cursor >= w.to:
		d.top, d.move, d.atEnd = place{off: w.cursor}, 1-d.height, false
	default:
		return w, nil
	}
	return w, d.window(&w)
}

// moveCursor goes cursorMove blocks from cursor, as far as there are any.
func (d *drawer) moveCursor() (block, bool, error) {
	b, found, err := d.w.at(d.cursor)
	for n := d.cursorMove; n != 0 && found && err == nil; {
		var other block
		var ok bool
		if n > 0 {
			other, ok, err = d.w.next(b)
			n--
		} else {
			other, ok, err = d.w.prev(b)
			n++
		}
		if !ok {
			break
		}
		b = other
	}
	return b, found, err
}

// window lays out the rows from the place that is wanted.
func (d *drawer) window(w *window) error {
	if !d.atEnd {
		if err := d.fromTop(w); err != nil || len(w.rows) == d.height || w.end && w.top == (place{}) {
			return err
		}
	}
	b, ok, err := d.lastLaid()
	if !ok || err != nil {
		return err
	}
	p, b, err := d.back(b, len(b.rows), d.height)
	if err != nil {
		return err
	}
	return d.fill(w, p, b)
}

func (d *drawer) fromTop(w *window) error {
	b, ok, err := d.w.at(d.top.off)
	if !ok || err != nil {
		return err
	}
	l := d.lay(b)
	row := min(d.top.row, len(l.rows)-1)
	if d.top.off > b.off && d.top.row == 0 { // a line inside of a fold
		row = d.rowOf(l, d.top.off)
	}
	switch {
	case d.move < 0:
		row, l, err = d.back(l, row, -d.move)
	case d.move > 0:
		row, l, err = d.forward(l, row, d.move)
	}
	if err != nil {
		return err
	}
	return d.fill(w, row, l)
}

func (d *drawer) rowOf(l laid, off int64) int {
	for i, r := range l.rows {
		if r.off >= off {
			return i
		}
	}
	return len(l.rows) - 1
}

func (d *drawer) lastLaid() (laid, bool, error) {
	b, ok, err := d.w.last()
	if !ok || err != nil {
		return laid{}, false, err
	}
	return d.lay(b), true, nil
}

// back goes rows up from a row of l, no further than the start.
func (d *drawer) back(l laid, row, rows int) (int, laid, error) {
	for rows > row {
		b, ok, err := d.w.prev(l.block)
		if err != nil {
			return 0, l, err
		}
		if !ok {
			return 0, l, nil
		}
		rows -= row
		l = d.lay(b)
		row = len(l.rows)
	}
	return row - rows, l, nil
}

// forward goes rows down from a row of l, no further than the last.
func (d *drawer) forward(l laid, row, rows int) (int, laid, error) {
	for row+rows >= len(l.rows) {
		b, ok, err := d.w.next(l.block)
		if err != nil {
			return 0, l, err
		}
		if !ok {
			return len(l.rows) - 1, l, nil
		}
		rows -= len(l.rows) - row
		l, row = d.lay(b), 0
	}
	return row + rows, l, nil
}

// fill takes the rows from a row of l on.
func (d *drawer) fill(w *window, from int, l laid) error {
	w.top, w.from, w.to, w.end = place{l.off, from}, l.off, l.end, false
	w.rows = make([]row, 0, d.height)
	for {
		for i := from; i < len(l.rows); i++ {
			if len(w.rows) == d.height {
				return d.count(w)
			}
			w.rows = append(w.rows, l.rows[i])
			w.to, w.open = l.end, l.open
		}
		b, ok, err := d.w.next(l.block)
		if err != nil {
			return err
		}
		if !ok {
			w.end = true
			d.marksAtEnd(w, l)
			return d.count(w)
		}
		if len(w.rows) == d.height {
			return d.count(w)
		}
		l, from = d.lay(b), 0
	}
}

// marksAtEnd adds the rules after the last line, in the place of the first row
// where there is no other.
func (d *drawer) marksAtEnd(w *window, l laid) {
	for _, r := range d.rules {
		if r.off < l.end {
			continue
		}
		if len(w.rows) == d.height {
			w.rows = w.rows[1:]
		}
		w.rows = append(w.rows, row{text: d.ruleText(r.text), off: r.off, from: r.off, to: r.off, rule: true, bad: r.bad})
	}
}

// count notes how many lines lie before the end of the window.
func (d *drawer) count(w *window) error {
	n, ok, err := d.r.Number(w.to)
	if err != nil || !ok {
		return err
	}
	w.upto = n
	if w.open {
		w.upto++
	}
	if n, ok, err = d.r.Number(w.from); ok && err == nil {
		w.number = n + 1
	}
	return err
}

// lay lays out a block.
func (d *drawer) lay(b block) laid {
	l := laid{block: b}
	if d.gaps && d.afterGap(b) {
		l.rows = append(l.rows, row{text: d.dash() + d.dash(), off: b.off, from: b.off, to: b.end, rule: true})
	}
	for _, r := range d.rules {
		if r.off >= b.off && r.off < b.end {
			l.rows = append(l.rows, row{text: d.ruleText(r.text), off: b.off, from: b.off, to: b.end, rule: true, bad: r.bad})
		}
	}
	for i, e := range b.entries {
		first := len(l.rows)
		l.rows = d.entry(l.rows, e)
		for k := first; k < len(l.rows); k++ {
			l.rows[k].from, l.rows[k].to = b.off, b.end
		}
		r := &l.rows[first]
		r.first, r.folded = true, i == 0 && (e.count > 1 || len(b.entries) > 1)
		if d.numbers {
			if n, ok, err := d.r.Number(e.line.Off); err == nil && ok {
				r.number = n + 1
			}
		}
		if d.times {
			if t, ok := d.store.Arrival(e.line.Off); ok {
				r.time = t.Format(time.TimeOnly)
			}
		}
	}
	return l
}

// afterGap reports whether lines between a block and the one before it are left
// out. What cannot be read shows when it is drawn.
func (d *drawer) afterGap(b block) bool {
	prev, ok, err := d.w.c.Prev(logstore.Line{Off: b.off, End: b.end})
	return ok && err == nil && prev.End < b.off
}

func (d *drawer) dash() string {
	if d.tail != "…" {
		return "-"
	}
	return "─"
}

func (d *drawer) ruleText(text string) string {
	const before = 2
	text = " " + text + " "
	dash := d.dash()
	n := d.width - before - cell.Width(text)
	out := dash + dash + text
	for range n {
		out += dash
	}
	return cell.Cut(out, d.width, "")
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
