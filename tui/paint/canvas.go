package paint

import (
	"hash/maphash"
	"strconv"
	"strings"
)

// canvas knows what the screen shows and finds the bytes that change it. The
// zero value is ready; its first draw must be full.
type canvas struct {
	w, h      int
	old, rows []row // what the screen shows, and what it is to show

	seed   maphash.Seed
	styles styles
	out    []byte
	a, b   []cell // the row as it is and as it is to be
	costs  []int  // see cost

	// Where the terminal's cursor is, and its style. Only y counts once a row
	// is done, and is -1 when a frame begins: others move the cursor.
	x, y, pen int
}

// row is a row of a view and its hash. Rows are told apart by the hash where
// a mistake is only dear, not wrong.
type row struct {
	text string
	hash uint64
}

// maxStyles bounds the kept styles; a true-colour gradient has many.
const maxStyles = 2048

// draw returns the bytes that turn the screen into the w x h rows of text,
// more rows being cut at the top, as Bubble Tea does. They are valid until the
// next draw. Full means that what the screen shows is not known.
func (c *canvas) draw(text string, w, h int, full bool) []byte {
	c.out = c.out[:0]
	c.x, c.y, c.pen = 0, -1, 0
	if n := len(c.styles.list); n == 0 || n > maxStyles {
		c.styles.reset()
	}
	full = full || w != c.w || h != c.h
	if full {
		c.reset(w, h)
		c.out = append(c.out, "\x1b[m\x1b[r\x1b[2J"...)
	}
	c.split(text)
	if !full {
		c.scroll()
	}
	for y := range c.rows {
		if c.rows[y].text != c.old[y].text {
			c.change(y)
		}
	}
	c.style(0)
	c.old, c.rows = c.rows, c.old
	return c.out
}

func (c *canvas) reset(w, h int) {
	if c.w == 0 {
		c.seed = maphash.MakeSeed()
	}
	c.w, c.h = w, h
	if cap(c.old) < h || cap(c.rows) < h {
		c.old, c.rows = make([]row, h), make([]row, h)
	}
	c.old, c.rows = c.old[:h], c.rows[:h]
	blank := c.row("")
	for i := range c.old {
		c.old[i] = blank
	}
}

func (c *canvas) row(text string) row { return row{text, maphash.String(c.seed, text)} }

// split sets the rows to those of text.
func (c *canvas) split(text string) {
	for range strings.Count(text, "\n") + 1 - c.h {
		_, text, _ = strings.Cut(text, "\n")
	}
	for i := range c.rows {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line == c.old[i].text {
			c.rows[i] = c.old[i]
		} else {
			c.rows[i] = c.row(line)
		}
	}
}

// change redraws what differs in row y.
func (c *canvas) change(y int) {
	var plainOld, plainNew bool
	var endOld, endNew int
	c.a, endOld, plainOld = c.styles.parse(c.a[:0], c.old[y].text, c.w)
	c.b, endNew, plainNew = c.styles.parse(c.b[:0], c.rows[y].text, c.w)
	if !plainOld || !plainNew {
		c.whole(y)
		return
	}
	for x := 0; x < endNew; x++ {
		if x < len(c.a) && c.a[x] == c.b[x] || x >= len(c.a) && c.b[x].blank() {
			continue
		}
		c.move(x, y)
		c.put(x)
	}
	if endOld > endNew {
		c.move(endNew, y)
		c.style(0)
		c.out = append(c.out, "\x1b[K"...)
	}
}

// put writes cell x of the new row at the cursor.
func (c *canvas) put(x int) {
	c.style(c.b[x].style)
	c.out = append(c.out, c.b[x].text...)
	c.x = x + 1
}

// move takes the cursor on to x, y of the new row, over cells that stay by
// writing them again if that is shorter.
func (c *canvas) move(x, y int) {
	switch {
	case c.y == y && (c.x == x || c.again(x)):
		return
	case c.y == y:
		c.forward(x - c.x)
	case c.y >= 0 && c.y == y-1:
		c.out = append(c.out, "\r\n"...)
		if x > 0 {
			c.forward(x)
		}
	default:
		c.out = append(c.out, "\x1b["...)
		c.out = strconv.AppendInt(c.out, int64(y+1), 10)
		c.out = append(c.out, ';')
		c.out = strconv.AppendInt(c.out, int64(x+1), 10)
		c.out = append(c.out, 'H')
	}
	c.x, c.y = x, y
}

// again writes the cells from the cursor up to x, if they are of the present
// style and no longer than a movement.
func (c *canvas) again(x int) bool {
	n := 0
	for i := c.x; i < x; i++ {
		n += len(c.b[i].text)
		if n > len("\x1b[2C") || c.b[i].style != c.pen {
			return false
		}
	}
	for c.x < x {
		c.put(c.x)
	}
	return true
}

func (c *canvas) forward(n int) {
	if n == 1 {
		c.out = append(c.out, "\x1b[C"...)
		return
	}
	c.csi(n, 'C')
}

func (c *canvas) csi(n int, final byte) {
	c.out = append(c.out, "\x1b["...)
	c.out = strconv.AppendInt(c.out, int64(n), 10)
	c.out = append(c.out, final)
}

// style sets the style of what is written next.
func (c *canvas) style(id int) {
	if id == c.pen {
		return
	}
	from, to := c.styles.list[c.pen], c.styles.list[id]
	if strings.HasPrefix(to, from) {
		to = to[len(from):]
	} else {
		c.out = append(c.out, "\x1b[m"...)
	}
	c.out = append(c.out, to...)
	c.pen = id
}

// whole writes row y from its start, because the places of its cells are not
// certain. It is erased first: then nothing hangs on where it ends.
func (c *canvas) whole(y int) {
	c.style(0)
	c.move(0, y)
	if c.old[y].text != "" {
		c.out = append(c.out, "\x1b[K"...)
	}
	styled := false
	width := 0
	for s := (scanner{rest: c.rows[y].text}); s.next(); {
		switch {
		case s.sgr:
			styled = true
		case width+s.width > c.w:
			s.rest = ""
			continue
		}
		width += s.width
		c.out = append(c.out, s.token...)
	}
	if styled {
		c.out = append(c.out, "\x1b[m"...)
	}
}
