package paint

import "strconv"

const (
	worth    = 32 // how many bytes a scroll must save
	movement = 6  // about what it takes to go to another row
)

// shift says that the rows from to to, of the new screen, are on the old one by
// rows further down (up if negative).
type shift struct{ from, to, by int }

// scroll moves the rows that are on the screen in another place, if one
// movement saves enough. It takes the terminal's word and the canvas along.
func (c *canvas) scroll() {
	best, saved := c.bestShift()
	if saved <= worth {
		return
	}
	top, bottom, n := best.from, best.to+best.by, best.by
	if best.by < 0 {
		top, bottom, n = best.from+best.by, best.to, -best.by
	}
	if bottom < c.h-1 {
		c.out = append(c.out, "\x1b["...)
		c.out = strconv.AppendInt(c.out, int64(top+1), 10)
		c.out = append(c.out, ';')
		c.out = strconv.AppendInt(c.out, int64(bottom+1), 10)
		c.out = append(c.out, 'r')
	}
	c.out = append(c.out, "\x1b["...)
	c.out = strconv.AppendInt(c.out, int64(top+1), 10)
	c.out = append(c.out, ";1H"...)
	// Scroll by lines: the console of Linux has no other way.
	final := byte('M')
	if best.by < 0 {
		final = 'L'
	}
	if n == 1 {
		c.out = append(c.out, '\x1b', '[', final)
	} else {
		c.csi(n, final)
	}
	if bottom < c.h-1 {
		c.out = append(c.out, "\x1b[r"...)
	}
	c.shiftOld(top, bottom, best.by)
}

// shiftOld moves the known rows top to bottom as the terminal has moved its.
func (c *canvas) shiftOld(top, bottom, by int) {
	region := c.old[top : bottom+1]
	empty := c.row("")
	if by > 0 {
		copy(region, region[by:])
		region = region[len(region)-by:]
	} else {
		copy(region[-by:], region)
		region = region[:-by]
	}
	for i := range region {
		region[i] = empty
	}
}

// bestShift returns the shift that saves most bytes.
func (c *canvas) bestShift() (best shift, saved int) {
	first, last := c.cost()
	for by := 1; by <= last-first; by++ {
		for _, by := range [2]int{by, -by} {
			lo, hi := max(first, first-by), min(last, last-by)
			for from := lo; from <= hi; from++ {
				if c.rows[from].hash != c.old[from+by].hash {
					continue
				}
				to := from
				for to < hi && c.rows[to+1].hash == c.old[to+1+by].hash {
					to++
				}
				if s := c.saving(shift{from, to, by}); s > saved {
					best, saved = shift{from, to, by}, s
				}
				from = to
			}
		}
	}
	return best, saved
}

// cost estimates for each row what it takes to change it in place, and returns
// the first and the last row that differ.
func (c *canvas) cost() (first, last int) {
	first, last = len(c.rows), -1
	c.costs = c.costs[:0]
	for i := range c.rows {
		n := 0
		if c.rows[i] != c.old[i] {
			first, last = min(first, i), i
			n = movement + differing(c.rows[i].text, c.old[i].text)
		}
		c.costs = append(c.costs, n)
	}
	return first, last
}

// differing is the length of a between what it shares with b at both ends.
func differing(a, b string) int {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return max(len(a), min(len(b), len("\x1b[K")))
}

// saving returns how many bytes the shift saves: the rows that it puts in
// place, less the rows that it leaves blank.
func (c *canvas) saving(s shift) int {
	n := 0
	for i := s.from; i <= s.to; i++ {
		n += c.costs[i]
	}
	from, to := s.to+1, s.to+s.by
	if s.by < 0 {
		from, to = s.from+s.by, s.from-1
	}
	for i := from; i <= to; i++ {
		n += c.costs[i] - movement - len(c.rows[i].text)
	}
	return n
}
