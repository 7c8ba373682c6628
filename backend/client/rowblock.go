package client

import (
	"io"
	"slices"

	"dray/backend/rayapi"
)

const (
	// blockSize is how much of a list is looked at, and kept, in one piece.
	blockSize = 256 << 10

	// slabRows is how many rows share a piece of memory for their values. It is
	// kept as long as one of them is.
	slabRows = 32

	// slabBytes is the same for bytes.
	slabBytes = 16 << 10
)

// rowStore is where what rows mean is put, many rows in one piece.
type rowStore struct {
	free    []values
	room    []byte
	scratch []byte // for a text with escapes
}

func (s *rowStore) values() *values {
	if len(s.free) == 0 {
		s.free = make([]values, slabRows)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// bytes copies a text.
func (s *rowStore) bytes(text string) []byte {
	if len(text) > slabBytes/4 {
		return []byte(text)
	}
	if cap(s.room)-len(s.room) < len(text) {
		s.room = make([]byte, 0, slabBytes)
	}
	from := len(s.room)
	s.room = append(s.room, text...)
	return s.room[from:len(s.room):len(s.room)]
}

// sticky gives an error out again and again: a look ahead must not lose it.
type sticky struct {
	in  io.Reader
	err error
}

func (s *sticky) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.in.Read(p)
	s.err = err
	return n, err
}

// readBlock reads the rows that are whole in the next block of the text, up to
// the first one that is not as Ray writes it, and returns how many they are.
// The rows share the memory of the block.
func (l *listing) readBlock(scan *rowScan, store *rowStore) (int, error) {
	ahead, _ := scan.in.Peek(blockSize) // its error comes again behind what there is (sticky)
	text := string(ahead)
	before, used := len(l.rows), 0
	for pos := 0; len(l.rows) < maxRows; {
		if len(l.jobs) == cap(l.jobs) { // append would copy five times as often
			l.jobs, l.rows = slices.Grow(l.jobs, len(l.jobs)), slices.Grow(l.rows, len(l.jobs))
		}
		l.jobs = append(l.jobs, rayapi.Job{})
		n, ok := scanJob(text[pos:], &l.jobs[len(l.jobs)-1], store)
		if !ok {
			l.jobs = l.jobs[:len(l.jobs)-1]
			break
		}
		l.rows = append(l.rows, text[pos:pos+n])
		used = pos + n
		r := jobRow{text: text, pos: used}
		if r.blank(); !r.take(',') {
			break
		}
		r.blank()
		pos = r.pos
	}
	_, err := scan.in.Discard(used)
	return len(l.rows) - before, unexpected(err)
}
