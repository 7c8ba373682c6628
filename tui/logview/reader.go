package logview

import "bytes"

// maxLine is how many bytes of one line are looked at. What is longer is shown
// in part.
const maxLine = blockSize

// line is one line of a log.
type line struct {
	text []byte // without the line feed; valid until the next read
	off  int64  // where the line begins
	len  int64  // all of it, more than text when it was too long
}

// lineReader reads lines of a store as it was when the reader was made. It is
// for one goroutine.
type lineReader struct {
	s           *store
	lines, size int64
	ended       bool // the last line has its line feed

	buf    []byte // a part of the log
	bufOff int64

	next    int64 // the line after the one read last
	nextOff int64 // where it begins
}

func newLineReader(s *store) *lineReader {
	r := &lineReader{s: s, buf: make([]byte, 0, blockSize)}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r.lines, r.size, r.ended = s.index.lines(), s.index.size, s.index.ended
	return r
}

// line returns line k, 0 ≤ k < lines. Lines that follow each other are read
// fastest.
func (r *lineReader) line(k int64) (line, error) {
	start := r.nextOff
	if k != r.next {
		var err error
		if start, err = r.start(k); err != nil {
			return line{}, err
		}
	}
	text, whole := r.upToFeed(start)
	if !whole {
		if err := r.fill(start); err != nil {
			return line{}, err
		}
		text, whole = r.upToFeed(start)
	}
	if !whole {
		return r.long(k, start)
	}
	r.next, r.nextOff = k+1, start+int64(len(text))+1
	return line{text, start, int64(len(text))}, nil
}

// upToFeed returns what the buffer holds of the line that begins at start, and
// whether that is all of it.
func (r *lineReader) upToFeed(start int64) (text []byte, whole bool) {
	at := start - r.bufOff
	if at < 0 || at > int64(len(r.buf)) {
		return nil, false
	}
	rest := r.buf[at:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		return rest[:i], true
	}
	return rest, start+int64(len(rest)) == r.size
}

// long reads a line that is longer than the buffer: its beginning, or its end
// if it is a progress bar, of which only the last state counts.
func (r *lineReader) long(k, start int64) (line, error) {
	end := r.size
	if k+1 < r.lines || r.ended {
		next, err := r.start(k + 1)
		if err != nil {
			return line{}, err
		}
		end = next - 1
	}
	l := line{off: start, len: end - start}
	r.next, r.nextOff = k+1, end+1
	if err := r.fill(end - min(maxLine, l.len)); err != nil {
		return line{}, err
	}
	tail := r.buf[:min(int64(len(r.buf)), l.len)]
	if i := bytes.IndexByte(tail, '\r'); i >= 0 && i < len(tail)/2 {
		l.text = tail[i+1:]
		l.len = int64(len(l.text))
		return l, nil
	}
	if err := r.fill(start); err != nil {
		return line{}, err
	}
	l.text = r.buf[:min(int64(len(r.buf)), l.len, maxLine)]
	return l, nil
}

// start returns where line k begins, 0 ≤ k ≤ number of line feeds.
func (r *lineReader) start(k int64) (int64, error) {
	if k == 0 {
		return 0, nil
	}
	block, skip := r.s.find(k - 1)
	if r.bufOff != block || len(r.buf) < blockSize {
		if err := r.fill(block); err != nil {
			return 0, err
		}
	}
	at := 0
	for ; skip >= 0; skip-- {
		i := bytes.IndexByte(r.buf[at:], '\n')
		if i < 0 {
			return 0, errClosed // the index and the bytes disagree: only after close
		}
		at += i + 1
	}
	return block + int64(at), nil
}

// fill reads the block of bytes at off, no further than the log went when the
// reader was made.
func (r *lineReader) fill(off int64) error {
	n, err := r.s.readAt(r.buf[:min(blockSize, r.size-off)], off)
	if err != nil {
		r.buf = r.buf[:0]
		return err
	}
	r.buf, r.bufOff = r.buf[:n], off
	return nil
}
