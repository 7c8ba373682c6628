package logstore

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine is how many bytes of one line are looked at. What is longer is shown
// in part.
const MaxLine = blockSize

// Line is one line of a log.
type Line struct {
	Text []byte // without the line feed; valid until the next read
	Off  int64  // where the line begins
	Len  int64  // all of it, more than Text when it was too long
	End  int64  // where the next line begins
	Open bool   // it has no line feed yet and may grow
}

// Cursor walks over the lines that are to be shown. A Reader shows all, a
// Filter some. Each method reports false when there is no such line.
type Cursor interface {
	// At returns the line that holds the byte at off or, where that is not shown,
	// the next one that is, or else the last.
	At(off int64) (Line, bool, error)
	Next(l Line) (Line, bool, error)
	Prev(l Line) (Line, bool, error)
	Last() (Line, bool, error)
}

// Reader reads lines of a store as it was when the reader was made or
// refreshed. It is for one goroutine.
type Reader struct {
	s       *Store
	size    int64
	counted int64
	feeds   int64 // in what was counted
	epoch   int

	buf    []byte // a part of the log
	bufOff int64
}

var _ Cursor = (*Reader)(nil)

// Reader returns a reader of the log as it is now.
func (s *Store) Reader() *Reader {
	r := &Reader{s: s, buf: make([]byte, 0, blockSize)}
	r.Refresh()
	return r
}

// Refresh moves the reader on to the log as it is now.
func (r *Reader) Refresh() {
	r.s.mu.RLock()
	defer r.s.mu.RUnlock()
	if r.epoch != r.s.epoch {
		r.buf = r.buf[:0]
	}
	r.size, r.epoch = r.s.size, r.s.epoch
	r.counted, r.feeds = r.s.index.size, r.s.index.feeds
}

// Size is the size of the log that the reader sees.
func (r *Reader) Size() int64 { return r.size }

// At returns the line that holds the byte at off, or the last line.
func (r *Reader) At(off int64) (Line, bool, error) {
	if r.size == 0 {
		return Line{}, false, nil
	}
	feed, err := r.feedBefore(min(max(off, 0), r.size-1))
	if err != nil {
		return Line{}, false, err
	}
	return r.from(feed + 1)
}

// Next returns the line after l.
func (r *Reader) Next(l Line) (Line, bool, error) {
	if l.End >= r.size {
		return Line{}, false, nil
	}
	return r.from(l.End)
}

// Prev returns the line before l.
func (r *Reader) Prev(l Line) (Line, bool, error) {
	if l.Off <= 0 {
		return Line{}, false, nil
	}
	return r.At(l.Off - 1)
}

// First returns the first line.
func (r *Reader) First() (Line, bool, error) { return r.At(0) }

// Last returns the last line.
func (r *Reader) Last() (Line, bool, error) { return r.At(r.size - 1) }

// AtPercent returns the offset that is so far down the log.
func (r *Reader) AtPercent(percent float64) int64 {
	return min(max(0, int64(float64(r.size)*percent/100)), max(0, r.size-1))
}

// Number returns the number of the line that begins at off, 0 being the first,
// unless the log was not counted so far yet.
func (r *Reader) Number(off int64) (int64, bool, error) {
	block := int(off / blockSize)
	start := int64(block) * blockSize
	if off > r.counted || off > r.size {
		return 0, false, nil
	}
	if off == start {
		if off == r.counted {
			return r.feeds, true, nil
		}
		n, ok := r.before(block)
		return n, ok, nil
	}
	n, ok := r.before(block)
	if !ok {
		return 0, false, ErrCut
	}
	if !r.holds(start, off) {
		if err := r.fill(start); err != nil {
			return 0, false, err
		}
	}
	return n + int64(bytes.Count(r.buf[start-r.bufOff:off-r.bufOff], []byte{'\n'})), true, nil
}

// Nth returns line n, 0 being the first. It reports false when there is no such
// line, or none that was counted yet.
func (r *Reader) Nth(n int64) (Line, bool, error) {
	if n == 0 {
		return r.First()
	}
	if n < 0 || n > r.feeds {
		return Line{}, false, nil
	}
	feed, err := r.feed(n - 1)
	if err != nil || feed+1 >= r.size {
		return Line{}, false, err
	}
	return r.from(feed + 1)
}

// from returns the line that begins at start, which is before the end.
func (r *Reader) from(start int64) (Line, bool, error) {
	text, whole := r.upToFeed(start)
	if !whole {
		if err := r.fill(start); err != nil {
			return Line{}, false, err
		}
		text, whole = r.upToFeed(start)
	}
	if !whole {
		return r.long(start)
	}
	return r.line(text, start, start+int64(len(text))), true, nil
}

func (r *Reader) line(text []byte, start, feed int64) Line {
	l := Line{Text: text, Off: start, Len: feed - start, End: feed + 1}
	if feed >= r.size {
		l.End, l.Open = r.size, true
	}
	return l
}

// upToFeed returns what the buffer holds of the line that begins at start, and
// whether that is all of it.
func (r *Reader) upToFeed(start int64) (text []byte, whole bool) {
	if !r.holds(start, start+1) {
		return nil, false
	}
	rest := r.buf[start-r.bufOff:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		return rest[:i], true
	}
	return rest, start+int64(len(rest)) == r.size
}

// long reads a line that is longer than the buffer: its beginning, or its end
// if it is a progress bar, of which only the last state counts.
func (r *Reader) long(start int64) (Line, bool, error) {
	feed, err := r.feedAfter(start + int64(len(r.buf)))
	if err != nil {
		return Line{}, false, err
	}
	l := r.line(nil, start, feed)
	if err := r.fill(feed - min(MaxLine, l.Len)); err != nil {
		return Line{}, false, err
	}
	tail := r.buf[:min(int64(len(r.buf)), l.Len)]
	if i := bytes.IndexByte(tail, '\r'); i >= 0 && i < len(tail)/2 {
		l.Text = tail[i+1:]
		l.Len = int64(len(l.Text))
		return l, true, nil
	}
	if err := r.fill(start); err != nil {
		return Line{}, false, err
	}
	l.Text = r.buf[:min(int64(len(r.buf)), l.Len, MaxLine)]
	return l, true, nil
}

// feedAfter returns the offset of the first line feed at or after off, or the
// log's size.
func (r *Reader) feedAfter(off int64) (int64, error) {
	for off < r.size {
		if err := r.fill(off); err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(r.buf, '\n'); i >= 0 {
			return off + int64(i), nil
		}
		if off += int64(len(r.buf)); off >= r.size {
			break
		}
		off -= off % blockSize
		if off >= r.counted {
			continue
		}
		// What was counted tells where to look.
		n, ok := r.before(int(off / blockSize))
		if !ok {
			return 0, ErrCut
		}
		if n < r.feeds {
			return r.feed(n)
		}
		off = r.counted
	}
	return r.size, nil
}

// feedBefore returns the offset of the last line feed before off, or -1.
func (r *Reader) feedBefore(off int64) (int64, error) {
	for off > 0 {
		if !r.holds(off-1, off) {
			// The byte at off is read too: it ends the line that is looked for.
			if err := r.fill(max(0, off+1-blockSize)); err != nil {
				return 0, err
			}
		}
		if i := bytes.LastIndexByte(r.buf[:off-r.bufOff], '\n'); i >= 0 {
			return r.bufOff + int64(i), nil
		}
		off = r.bufOff
		if block := int(off / blockSize); off%blockSize == 0 && off < r.counted {
			n, ok := r.before(block)
			if !ok {
				return 0, ErrCut
			}
			if n == 0 {
				return -1, nil
			}
			return r.feed(n - 1)
		}
		if off%blockSize != 0 && off < r.counted { // go on at the block's beginning
			start := off - off%blockSize
			if err := r.fill(start); err != nil {
				return 0, err
			}
		}
	}
	return -1, nil
}

// feed returns the offset of line feed n, which was counted.
func (r *Reader) feed(n int64) (int64, error) {
	r.s.mu.RLock()
	if r.epoch != r.s.epoch {
		r.s.mu.RUnlock()
		return 0, ErrCut
	}
	block, skip := r.s.index.find(n)
	r.s.mu.RUnlock()
	start := int64(block) * blockSize
	if !r.holds(start, min(start+blockSize, r.size)) {
		if err := r.fill(start); err != nil {
			return 0, err
		}
	}
	at := start - r.bufOff
	for ; ; skip-- {
		i := bytes.IndexByte(r.buf[at:], '\n')
		if i < 0 {
			return 0, ErrCut // the count and the bytes disagree
		}
		at += int64(i) + 1
		if skip == 0 {
			return r.bufOff + at - 1, nil
		}
	}
}

// before is the number of line feeds before a block that was counted.
func (r *Reader) before(block int) (int64, bool) {
	r.s.mu.RLock()
	defer r.s.mu.RUnlock()
	if r.epoch != r.s.epoch || block >= r.s.index.blocks {
		return 0, false
	}
	return r.s.index.before(block), true
}

// holds reports whether the buffer has the bytes from ≤ k < to.
func (r *Reader) holds(from, to int64) bool {
	return from >= r.bufOff && to <= r.bufOff+int64(len(r.buf))
}

// fill reads the block of bytes at off, no further than the log went when the
// reader was made.
func (r *Reader) fill(off int64) error {
	want := r.buf[:min(blockSize, r.size-off)]
	n, err := r.s.ReadAt(want, off)
	if err != nil && !errors.Is(err, io.EOF) {
		r.buf = r.buf[:0]
		return err
	}
	r.buf, r.bufOff = r.buf[:n], off
	if n < len(want) {
		r.buf = r.buf[:0]
		return ErrCut
	}
	return nil
}
