package clean

import (
	"strconv"

	"github.com/charmbracelet/x/ansi"
)

// Depth is how many colours a terminal has.
type Depth int

// The depths. NoColour leaves no rendition at all.
const (
	NoColour Depth = iota
	Colours16
	Colours256
	TrueColour
)

// sgr keeps a rendition, given its parameters: written in one form, with
// colours that the terminal has. Private parameters (as in CSI > 4 m, which sets
// the keyboard) make it something else. What hides text or blinks goes.
func (w *logWriter) sgr(params []byte) {
	for _, c := range params {
		if c > ';' {
			return
		}
	}
	p := sgrParams{rest: params, more: true}
	at := len(w.out)
	w.out = append(w.out, esc, '[')
	body := len(w.out)
	for p.more {
		n, sub := p.next()
		switch {
		case n == 0:
			w.out = append(w.out[:at], esc, '[', 'm', esc, '[')
			body, w.open = len(w.out), false
		case n == 38 || n == 48:
			w.colour(n, &p)
		case n == 58:
			p.colour()
		case n == 4 && sub == 0:
			w.param(24)
		case kept(n):
			w.param(n)
		}
	}
	if len(w.out) == body { // nothing after the reset, or nothing at all
		w.out = w.out[:body-2]
		return
	}
	w.out[len(w.out)-1] = 'm'
	w.open = true
}

// param writes a number and a semicolon, which the end of the sequence takes.
func (w *logWriter) param(n int) {
	w.out = append(strconv.AppendInt(w.out, int64(n), 10), ';')
}

func kept(n int) bool {
	switch {
	case n >= 1 && n <= 4, n == 7, n == 9, n >= 21 && n <= 24, n == 27, n == 29:
		return true
	case n >= 30 && n <= 37, n == 39, n >= 40 && n <= 47, n == 49:
		return true
	}
	return n == 53 || n == 55 || n >= 90 && n <= 97 || n >= 100 && n <= 107
}

// colour writes an extended colour of the foreground (38) or background (48).
func (w *logWriter) colour(ground int, p *sgrParams) {
	c, ok := p.colour()
	if !ok {
		return
	}
	if i, indexed := c.(ansi.IndexedColor); indexed && i < 16 {
		w.basic(ground, ansi.BasicColor(i))
		return
	}
	if w.depth == Colours16 {
		w.basic(ground, ansi.Convert16(c))
		return
	}
	if i, indexed := c.(ansi.IndexedColor); indexed || w.depth == Colours256 {
		if !indexed {
			i = ansi.Convert256(c)
		}
		w.param(ground)
		w.param(5)
		w.param(int(i))
		return
	}
	rgb, ok := c.(ansi.RGBColor)
	if !ok {
		return
	}
	for _, n := range []int{ground, 2, int(rgb.R), int(rgb.G), int(rgb.B)} {
		w.param(n)
	}
}

// basic writes one of the 16 named colours.
func (w *logWriter) basic(ground int, c ansi.BasicColor) {
	n := ground - 8 + int(c)
	if c >= 8 {
		n += 60 - 8
	}
	w.param(n)
}

// sgrParams takes the parameters of a rendition apart.
type sgrParams struct {
	rest []byte
	more bool
	subs bool // colons stand between those of one parameter
}

// next returns the next parameter and the one after it if it belongs to it, or
// -1.
func (p *sgrParams) next() (n, sub int) {
	n = p.number()
	sub = -1
	if p.subs && n != 38 && n != 48 && n != 58 {
		sub = p.number()
		p.endSubs()
	}
	return n, sub
}

// number takes one number; an empty one is 0.
func (p *sgrParams) number() int {
	n, i := 0, 0
	for ; i < len(p.rest) && p.rest[i] >= '0' && p.rest[i] <= '9'; i++ {
		n = min(n*10+int(p.rest[i]-'0'), 1<<16)
	}
	p.more = i < len(p.rest)
	p.subs = p.more && p.rest[i] == ':'
	p.rest = p.rest[min(i+1, len(p.rest)):]
	return n
}

func (p *sgrParams) endSubs() {
	for p.subs {
		p.number()
	}
}

// colour takes what follows 38, 48 or 58: 5 and an index, or 2 and three
// values, with colons perhaps a colour space before them.
func (p *sgrParams) colour() (ansi.Color, bool) {
	colons := p.subs
	if !p.more {
		return nil, false
	}
	kind := p.number()
	var v [4]int
	n := 0
	want := map[int]int{5: 1, 2: 3}[kind]
	for n < len(v) && p.more && (colons && p.subs || !colons && n < want) {
		v[n] = p.number()
		n++
	}
	if colons {
		p.endSubs()
	}
	switch {
	case kind == 5 && n >= 1 && v[0] < 256:
		return ansi.IndexedColor(v[0]), true
	case kind == 2 && n >= 3:
		rgb := v[n-3 : n]
		if max(rgb[0], rgb[1], rgb[2]) < 256 {
			return ansi.RGBColor{R: uint8(rgb[0]), G: uint8(rgb[1]), B: uint8(rgb[2])}, true
		}
	}
	return nil, false
}
