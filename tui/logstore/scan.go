package logstore

import (
	"bytes"
	"context"
	"errors"
	"io"
)

const (
	// spanSize is the distance of a Finder's counts, and what is scanned at a
	// time.
	spanSize = 1 << 20
	// pieceSize is what is read at a time: fewer, bigger reads cost less.
	pieceSize = spanSize
	// overhang is how far past a piece the line is read that begins in it, if it
	// does not end within nearEnd.
	overhang, nearEnd = MaxLine, 1 << 10
	// aligned: bytes are read to the place in the buffer's page that they have in
	// the file's. Copied to another, they cost some processors four times as much.
	aligned = 4 << 10
	// maxLook is how much of one line is searched for a text. An expression is
	// looked for in the first MaxLine bytes alone.
	maxLook = 256 << 20
	// hitsBetweenLooks is how many lines that match are passed between two looks
	// at whether they are still wanted.
	hitsBetweenLooks = 64
)

// scanner looks for lines in one span at a time. It is for one goroutine.
type scanner struct {
	s        *Store
	ctx      context.Context //nolint:containedctx // of the search that it is lent to
	buf      []byte
	stripped []byte
	scratch  []byte
	next     []place // of each needle
}

// place is where a needle stands next, -1 at first, and what is known besides.
type place struct {
	at int
	known
}

// scanner returns one that nobody uses. It goes back into s.scanners, so that
// the many searches of one who types need no memory of their own each.
func (s *Store) scanner(ctx context.Context) *scanner {
	c, ok := s.scanners.Get().(*scanner)
	if !ok {
		c = &scanner{s: s, buf: make([]byte, aligned+pieceSize+overhang+1)}
	}
	c.ctx = ctx
	return c
}

// lines calls hit with the offset of each line that matches q and begins in
// from ≤ k < to, until that returns false. The log ends at size.
func (c *scanner) lines(q *Query, from, to, size int64, hit func(off int64) bool) error {
	more, hits := true, 0
	for ; from < to && more; from += pieceSize {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		err := c.piece(q, from, min(to, from+pieceSize), size, func(off int64) bool {
			hits++
			more = hit(off) && (hits%hitsBetweenLooks != 0 || c.ctx.Err() == nil)
			return more
		})
		if err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

// read returns the bytes from ≤ k < to, valid until the next read.
func (c *scanner) read(from, to int64) ([]byte, error) {
	at := from % aligned
	p := c.buf[at : at+to-from]
	if n, err := c.s.ReadAt(p, from); n < len(p) {
		if err == nil || errors.Is(err, io.EOF) {
			err = ErrCut
		}
		return nil, err
	}
	return p, nil
}

// piece is lines for as much as is read at a time.
func (c *scanner) piece(q *Query, from, to, size int64, hit func(off int64) bool) error {
	start := max(0, from-1)
	p, err := c.read(start, min(size, to+nearEnd))
	if err == nil && to+nearEnd < size && bytes.IndexByte(p[to-1-start:], '\n') < 0 {
		p, err = c.read(start, min(size, to+overhang))
	}
	if err != nil {
		return err
	}
	if from > 0 { // the line that begins before from is not ours
		i := bytes.IndexByte(p[:to-start-1], '\n')
		if i < 0 {
			return nil
		}
		start += int64(i) + 1
		p = p[i+1:]
	}
	whole := start+int64(len(p)) == size
	if at := to - 1 - start; at < int64(len(p)) { // end after the line that begins before to
		if i := bytes.IndexByte(p[at:], '\n'); i >= 0 {
			p, whole = p[:at+int64(i)+1], true
		}
	}
	last, more := int64(-1), true
	c.chunk(q, p, func(at int) bool {
		last = start + int64(at)
		more = hit(last)
		return more
	})
	long := start + int64(bytes.LastIndexByte(p, '\n')) + 1
	if whole || !more || last == long || q.re != nil || q.is != nil {
		return nil
	}
	found, err := c.inLong(q, start+int64(len(p)), size)
	if found {
		hit(long)
	}
	return err
}

// inLong reports whether the text of q stands in what is left, from off on, of
// a line.
func (c *scanner) inLong(q *Query, off, size int64) (bool, error) {
	keep := int64(len(q.literal.text) - 1)
	for end := min(size, off+maxLook); off < end; {
		if err := c.ctx.Err(); err != nil {
			return false, err
		}
		from := off - keep
		p, err := c.read(from, min(from+pieceSize, end))
		if err != nil {
			return false, err
		}
		off = from + int64(len(p))
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			p, off = p[:i], end
		}
		c.stripped = stripEscapes(c.stripped[:0], p)
		if q.literal.index(c.stripped) >= 0 {
			return true, nil
		}
	}
	return false, nil
}

// chunk calls hit with the place of each line of p that matches.
func (c *scanner) chunk(q *Query, p []byte, hit func(at int) bool) {
	if len(q.needles) == 0 {
		c.eachLine(q, p, hit)
		return
	}
	text := p
	coloured := bytes.IndexByte(p, 0x1b) >= 0
	if coloured {
		c.stripped = stripEscapes(c.stripped[:0], p)
		text = c.stripped
	}
	c.next = c.next[:0]
	for range q.needles {
		c.next = append(c.next, place{at: -1})
	}
	rawAt, textAt := 0, 0 // the same line feed in both
	for at := 0; ; {
		found := c.candidate(q, text, at)
		if found < 0 {
			return
		}
		lineFrom := bytes.LastIndexByte(text[:found], '\n') + 1
		lineTo := len(text)
		if i := bytes.IndexByte(text[found:], '\n'); i >= 0 {
			lineTo = found + i
		}
		rawFrom, rawTo := lineFrom, lineTo
		if coloured {
			for n := bytes.Count(text[textAt:lineFrom], []byte{'\n'}); n > 0; n-- {
				rawAt += bytes.IndexByte(p[rawAt:], '\n') + 1
			}
			textAt, rawFrom, rawTo = lineFrom, rawAt, len(p)
			if i := bytes.IndexByte(p[rawAt:], '\n'); i >= 0 {
				rawTo = rawAt + i
			}
		}
		if q.matchesRaw(p[rawFrom:rawTo], &c.scratch, !coloured) && !hit(rawFrom) {
			return
		}
		at = lineTo + 1
	}
}

// candidate returns the place of the first needle at or after at, or -1.
func (c *scanner) candidate(q *Query, text []byte, at int) int {
	if at >= len(text) {
		return -1
	}
	first := len(text)
	for i := range q.needles {
		next := &c.next[i]
		if next.at < at {
			if next.at = q.needles[i].from(text, at, &next.known); next.at < 0 {
				next.at = len(text)
			}
		}
		first = min(first, next.at)
	}
	if first == len(text) {
		return -1
	}
	return first
}

// eachLine looks at every line, for a query that gives nothing to look for.
func (c *scanner) eachLine(q *Query, p []byte, hit func(at int) bool) {
	for at := 0; at < len(p); {
		end := len(p)
		if i := bytes.IndexByte(p[at:], '\n'); i >= 0 {
			end = at + i
		}
		if q.matchesRaw(p[at:end], &c.scratch, false) && !hit(at) {
			return
		}
		at = end + 1
	}
}

// firstIn returns the first matching line that begins in from ≤ k < to.
func (c *scanner) firstIn(q *Query, from, to, size int64) (int64, bool, error) {
	at, ok := int64(0), false
	err := c.lines(q, from, to, size, func(off int64) bool {
		at, ok = off, true
		return false
	})
	return at, ok, err
}

// lastIn returns the last one.
func (c *scanner) lastIn(q *Query, from, to, size int64) (int64, bool, error) {
	at, ok := int64(0), false
	err := c.lines(q, from, to, size, func(off int64) bool {
		at, ok = off, true
		return true
	})
	return at, ok, err
}

// count returns how many matching lines begin in from ≤ k < to.
func (c *scanner) count(q *Query, from, to, size int64) (n int, err error) {
	err = c.lines(q, from, to, size, func(int64) bool { n++; return true })
	return n, err
}
