package logview

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"dray/tui/logstore"
	"dray/tui/widget/cell"
)

const (
	esc      = 0x1b
	styleOff = "\x1b[m"
	// maxStyle bounds the sequences that are repeated at the start of a row.
	maxStyle = 256
)

// cells walks over a cleaned line: text and renditions, nothing else.
type cells struct {
	rest  []byte
	style []byte // the renditions that are on
	at    int    // bytes of text before rest, renditions not counted
}

// next takes the next cluster of characters and its width off the line.
// Renditions before it have gone into style. It returns nil at the end.
func (c *cells) next() (cluster []byte, width int) {
	for len(c.rest) > 0 && c.rest[0] == esc {
		c.takeStyle()
	}
	if len(c.rest) == 0 {
		return nil, 0
	}
	if len(c.rest) == 1 || c.rest[0] < utf8.RuneSelf && c.rest[1] < utf8.RuneSelf {
		cluster, width = c.rest[:1], 1
	} else {
		cluster, width = ansi.FirstGraphemeCluster(c.rest, ansi.GraphemeWidth)
		if len(cluster) == 0 { // not text after all; a cell keeps it moving
			cluster, width = c.rest[:1], 1
		}
	}
	c.rest = c.rest[len(cluster):]
	c.at += len(cluster)
	return cluster, width
}

func (c *cells) takeStyle() {
	end := 1
	for end < len(c.rest) && c.rest[end-1] != 'm' {
		end++
	}
	seq := c.rest[:end]
	c.rest = c.rest[end:]
	if isReset(seq) || len(c.style)+len(seq) > maxStyle {
		c.style = c.style[:0]
	}
	if !isReset(seq) {
		c.style = append(c.style, seq...)
	}
}

// isReset reports whether a rendition switches everything off.
func isReset(seq []byte) bool {
	for _, b := range seq[2 : len(seq)-1] {
		if b != '0' && b != ';' {
			return false
		}
	}
	return true
}

// isASCII reports that every byte is one cell.
func isASCII(p []byte) bool {
	for _, b := range p {
		if b-0x20 > 0x7e-0x20 {
			return false
		}
	}
	return true
}

// ink is how hits are marked.
type ink struct{ on, off string }

// rowWriter writes the cells of a line into rows, with the style that is on
// at the start of each and with marked hits.
type rowWriter struct {
	cells
	hits   []logstore.Span
	mark   ink
	out    []byte
	shown  []byte // the style that the row has now
	marked bool
}

// put appends a cluster, the last one taken.
func (w *rowWriter) put(cluster []byte) {
	from := w.at - len(cluster)
	for len(w.hits) > 0 && w.hits[0].To <= from {
		w.hits = w.hits[1:]
	}
	if in := len(w.hits) > 0 && w.hits[0].From <= from; in != w.marked {
		w.marked = in
		if in {
			w.out = append(w.out, w.mark.on...)
		} else {
			w.out = append(w.out, w.mark.off...)
			w.shown = w.shown[:0]
		}
	}
	if !w.marked && string(w.shown) != string(w.style) {
		if len(w.shown) > 0 {
			w.out = append(w.out, styleOff...)
		}
		w.out = append(w.out, w.style...)
		w.shown = append(w.shown[:0], w.style...)
	}
	w.out = append(w.out, cluster...)
}

// finish ends the row and returns it.
func (w *rowWriter) finish() string {
	if w.marked {
		w.out = append(w.out, w.mark.off...)
		w.marked = false
	} else if len(w.shown) > 0 {
		w.out = append(w.out, styleOff...)
	}
	w.shown = w.shown[:0]
	row := string(w.out)
	w.out = w.out[:0]
	return row
}

// wrapLine breaks a cleaned line into rows of at most width cells, at least one
// row.
func wrapLine(text []byte, width int, hits []logstore.Span, mark ink) []string {
	if len(hits) == 0 && isASCII(text) {
		return wrapASCII(text, width)
	}
	w := rowWriter{cells: cells{rest: text}, hits: hits, mark: mark}
	var rows []string
	col := 0
	for cluster, n := w.next(); cluster != nil; cluster, n = w.next() {
		if col+n > width && col > 0 {
			rows = append(rows, w.finish())
			col = 0
		}
		if n > width { // a wide character on the narrowest of screens
			cluster, n = []byte{' '}, 1
		}
		w.put(cluster)
		col += n
	}
	return append(rows, w.finish())
}

func wrapASCII(text []byte, width int) []string {
	if len(text) <= width {
		return []string{string(text)}
	}
	all := string(text)
	rows := make([]string, 0, len(all)/width+1)
	for len(all) > width {
		rows = append(rows, all[:width])
		all = all[width:]
	}
	return append(rows, all)
}

// cutLine returns the cells from x on, width at most, of a cleaned line. What
// is cut off at the right is marked by tail, one cell wide.
func cutLine(text []byte, x, width int, tail string, hits []logstore.Span, mark ink) string {
	if len(hits) == 0 && isASCII(text) {
		return cutASCII(text, x, width, tail)
	}
	w := rowWriter{cells: cells{rest: text}, hits: hits, mark: mark}
	col := 0
	for cluster, n := w.next(); cluster != nil; cluster, n = w.next() {
		left, right := col-x, col+n-x
		col += n
		if right <= 0 && (n > 0 || left < 0) {
			continue
		}
		if right > width || right == width && hasCells(w.rest) {
			for range width - 1 - max(0, left) {
				w.put([]byte{' '})
			}
			w.hits, w.style = nil, nil
			w.put([]byte(tail))
			return w.finish()
		}
		if left < 0 { // the right half of a wide character
			cluster = []byte(cell.Blank(right))
		}
		w.put(cluster)
	}
	return w.finish()
}

// hasCells reports whether more is left than renditions and marks that sit on
// the last character.
func hasCells(rest []byte) bool {
	c := cells{rest: rest}
	for cluster, n := c.next(); cluster != nil; cluster, n = c.next() {
		if n > 0 {
			return true
		}
	}
	return false
}

func cutASCII(text []byte, x, width int, tail string) string {
	if x >= len(text) {
		return ""
	}
	text = text[x:]
	if len(text) <= width {
		return string(text)
	}
	return string(text[:width-1]) + tail
}
