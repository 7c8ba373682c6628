package logview

import (
	"bytes"

	"dray/tui/clean"
	"dray/tui/logstore"
)

const (
	// foldSpan bounds what is folded together, and with it what one window may
	// have to read: a fold reaches over a multiple of it once at most.
	foldSpan = 256 << 10
	// maxFolds bounds the folds that are remembered.
	maxFolds = 2048
	// maxRows bounds the rows of a nested bar that are looked for in one line.
	maxRows = 64
	// maxBlanks is how many empty lines a nested bar leaves between its states.
	maxBlanks = 8
)

// entry is one line to be shown: a line of the log, or the last state of a bar.
type entry struct {
	line  logstore.Line // Text is a copy
	count int           // states of the bar; 0: none
}

// block is what belongs together: one line, or a run of lines that are states
// of the same few bars.
type block struct {
	off, end int64 // of the first line, and after the last
	open     bool  // the last line has no line feed yet
	entries  []entry
}

// item is a line and what it is.
type item struct {
	logstore.Line
	bar, blank bool
}

// folds remembers the folds that cannot change any more, so that a window over
// many bars does not read them all again. One drawing at a time uses it.
type folds struct {
	byStart, byEnd map[int64]block
	part           growing
}

func newFolds() *folds { return &folds{byStart: map[int64]block{}, byEnd: map[int64]block{}} }

func (f *folds) add(b block) {
	if len(f.byStart) >= maxFolds {
		clear(f.byStart)
		clear(f.byEnd)
	}
	f.byStart[b.off], f.byEnd[b.end] = b, b
}

// walker goes from block to block over the lines that are shown.
type walker struct {
	c       logstore.Cursor
	fold    bool
	span    int64  // foldSpan
	known   *folds // nil: none are remembered
	scratch []byte // the line that item was given last, cleaned, if it is a bar
	key     []byte
}

func (w *walker) item(l logstore.Line) item {
	if !w.fold {
		return item{Line: l}
	}
	it := item{Line: l}
	if it.blank = blank(l.Text, w.scratch); !it.blank {
		it.bar = w.isBar(l.Text)
	}
	return it
}

func (w *walker) isBar(text []byte) bool {
	if bytes.IndexByte(text, '%') < 0 && bytes.IndexByte(text, '[') < 0 && bytes.IndexByte(text, 0xe2) < 0 {
		return false
	}
	w.scratch = clean.LogPlain(w.scratch[:0], text)
	return barAt(w.scratch) >= 0
}

// at returns the block that holds the byte at off.
func (w *walker) at(off int64) (block, bool, error) {
	if b, ok := w.remembered(off); ok {
		return b, true, nil
	}
	l, ok, err := w.c.At(off)
	if !ok || err != nil {
		return block{}, false, err
	}
	it := w.item(l)
	if !it.bar && !it.blank {
		return w.from(it)
	}
	start, err := w.start(it)
	if err != nil {
		return block{}, false, err
	}
	if start != it.Off {
		if l, ok, err = w.c.At(start); !ok || err != nil {
			return block{}, false, err
		}
		b, ok, err := w.from(w.item(l))
		if err != nil || b.end > off {
			return b, ok, err
		}
	}
	if l, ok, err = w.c.At(off); !ok || err != nil { // a blank line after the bars
		return block{}, false, err
	}
	return w.from(w.item(l))
}

func (w *walker) remembered(start int64) (block, bool) {
	if w.known == nil || !w.fold {
		return block{}, false
	}
	b, ok := w.known.byStart[start]
	return b, ok
}

// done remembers a fold that has come to its end.
func (w *walker) done(b block) (block, bool, error) {
	if w.known != nil && !b.open {
		w.known.add(b)
	}
	return b, true, nil
}

// start is where the block begins that a bar or a blank line may belong to, or
// the line itself. A run of bars that begins in the span before is one block
// with what it has in this one; a longer run is cut where spans begin.
func (w *walker) start(it item) (int64, error) {
	span := it.Off / w.span
	here, start, blanks, l := it.Off, it.Off, 0, it.Line
	for {
		prev, ok, err := w.c.Prev(l)
		if err != nil {
			return 0, err
		}
		if !ok {
			return start, nil
		}
		switch p := w.item(prev); {
		case p.bar && w.grows(p.Off, span):
			return w.known.part.off, nil
		case p.bar && p.Off/w.span < span-1:
			return here, nil
		case p.bar:
			if start, blanks = p.Off, 0; p.Off/w.span == span {
				here = start
			}
		case p.blank && blanks < maxBlanks:
			blanks++
		default:
			return start, nil
		}
		l = prev
	}
}

// continues reports whether a bar comes after another one of its run.
func (w *walker) continues(l logstore.Line) (bool, error) {
	for range maxBlanks + 1 {
		prev, ok, err := w.c.Prev(l)
		if !ok || err != nil {
			return false, err
		}
		p := w.item(prev)
		if p.bar || !p.blank {
			return p.bar, nil
		}
		l = prev
	}
	return false, nil
}

// from returns the block that begins with a line.
func (w *walker) from(it item) (block, bool, error) {
	b := block{off: it.Off, end: it.End, open: it.Open}
	if !it.bar {
		b.entries = []entry{{line: copied(it.Line, it.Text)}}
		return b, true, nil
	}
	g, err := w.begin(it, b)
	if err != nil {
		return b, false, err
	}
	blanks, l := 0, logstore.Line{Off: g.off, End: g.end}
	for {
		next, ok, err := w.c.Next(l)
		if err != nil {
			return b, false, err
		}
		if !ok || next.Open {
			w.keep(g)
		}
		if !ok {
			return g.block, true, nil
		}
		if next.Off/w.span > g.last {
			return w.done(g.block)
		}
		switch n := w.item(next); {
		case n.bar:
			w.add(&g.block, g.at, next)
			g.end, g.open, blanks = next.End, next.Open, 0
		case n.blank && blanks < maxBlanks:
			blanks++
		default:
			if next.Open {
				return g.block, true, nil
			}
			return w.done(g.block)
		}
		l = next
	}
}

// add takes the states of bars in a line, the one that item was given last, into
// a block.
func (w *walker) add(b *block, at map[string]int, l logstore.Line) {
	all := rowStates(l.Text, maxRows)
	for _, state := range all {
		if len(all) > 1 {
			w.scratch = clean.LogPlain(w.scratch[:0], state)
		}
		var ok bool
		if w.key, ok = barKey(w.key[:0], w.scratch); !ok {
			if len(bytes.TrimSpace(w.scratch)) == 0 {
				continue
			}
			w.key = append(append(w.key[:0], 0), w.scratch...) // text that a bar's line has besides
		}
		i, known := at[string(w.key)]
		if !known {
			i = len(b.entries)
			at[string(w.key)] = i
			b.entries = append(b.entries, entry{})
		}
		e := &b.entries[i]
		buf := append(e.line.Text[:0], state...)
		e.line, e.count = l, e.count+states(state)
		e.line.Text = buf
		if l.Len > int64(len(l.Text)) {
			e.line.Len = int64(len(buf)) // the part before is older states
		}
	}
	if len(b.entries) == 0 {
		b.entries = []entry{{line: copied(l, l.Text)}}
	}
}

func copied(l logstore.Line, text []byte) logstore.Line {
	l.Text = bytes.Clone(text)
	return l
}

// next returns the block after b.
func (w *walker) next(b block) (block, bool, error) {
	if other, ok := w.remembered(b.end); ok {
		return other, true, nil
	}
	l, ok, err := w.c.Next(logstore.Line{Off: b.off, End: b.end})
	if !ok || err != nil {
		return block{}, false, err
	}
	return w.from(w.item(l))
}

// prev returns the block before b.
func (w *walker) prev(b block) (block, bool, error) {
	if w.known != nil && w.fold {
		if other, ok := w.known.byEnd[b.off]; ok {
			return other, true, nil
		}
	}
	l, ok, err := w.c.Prev(logstore.Line{Off: b.off, End: b.end})
	if !ok || err != nil {
		return block{}, false, err
	}
	return w.at(l.Off)
}

// last returns the last block.
func (w *walker) last() (block, bool, error) {
	l, ok, err := w.c.Last()
	if !ok || err != nil {
		return block{}, false, err
	}
	return w.at(l.Off)
}
