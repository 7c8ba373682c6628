package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"dray/backend/rayapi"
)

// listing is an answer with all jobs: each row as it was sent, and what it
// means. It is not written to once it is made.
type listing struct {
	rows [][]byte
	jobs []rayapi.Job
}

// errSyntax is the error of a text that is no JSON array.
var errSyntax = errors.New("it is not a JSON list")

// rowScan reads a JSON array of values row by row, without holding it whole.
type rowScan struct {
	in  *bufio.Reader
	row []byte // scratch
	any bool   // a row was read
}

// open reads the opening bracket.
func (s *rowScan) open() error {
	b, err := s.mark()
	if err != nil {
		return err
	}
	if b != '[' {
		return errSyntax
	}
	return nil
}

// mark returns the next byte that is no white space.
func (s *rowScan) mark() (byte, error) {
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return 0, unexpected(err)
		}
		if !isBlank(b) {
			return b, nil
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next returns the text of the next row, until it is called again, or nil
// after the closing bracket. Whether a row is valid is for its decoder to say;
// here only its end is found.
func (s *rowScan) next() ([]byte, error) {
	b, err := s.mark()
	switch {
	case err != nil:
		return nil, err
	case b == ']':
		return nil, nil
	case s.any && b != ',':
		return nil, errSyntax
	case s.any:
		if b, err = s.mark(); err != nil {
			return nil, err
		}
	}
	s.any = true
	s.row = s.row[:0]
	if b != '{' {
		return nil, fmt.Errorf("%w: a job begins with %q", errSyntax, b)
	}
	if err := s.in.UnreadByte(); err != nil {
		return nil, err
	}
	err = s.object()
	return s.row, err
}

// object reads up to the brace that closes the first one.
func (s *rowScan) object() error {
	depth, inText, escaped := 0, false, false
	for {
		// What is buffered is looked through in place and copied at once.
		if _, err := s.in.Peek(1); err != nil {
			return unexpected(err)
		}
		chunk, err := s.in.Peek(s.in.Buffered())
		if err != nil {
			return unexpected(err)
		}
		n := len(chunk)
		done := false
		for i := 0; i < len(chunk); i++ {
			b := chunk[i]
			if inText {
				switch {
				case escaped:
					escaped = false
				case b == '\\':
					escaped = true
				case b == '"':
					inText = false
				default:
					i += toEnd(chunk[i:]) - 1
				}
				continue
			}
			switch b {
			case '"':
				inText = true
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			if depth == 0 {
				n, done = i+1, true
				break
			}
		}
		s.row = append(s.row, chunk[:n]...)
		if _, err := s.in.Discard(n); err != nil {
			return unexpected(err)
		}
		if done {
			return nil
		}
	}
}

// toEnd is how many bytes of a text stand before its next quote or backslash;
// at least one.
func toEnd(b []byte) int {
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		end = len(b)
	}
	if esc := bytes.IndexByte(b[:end], '\\'); esc >= 0 {
		end = esc
	}
	return max(1, end)
}

// near is how far from its place of the last time a row is looked for before
// all rows are.
const near = 4

// decodeList reads all jobs from in. A row that is byte for byte one of the
// last answer means the same, and is not decoded again.
func decodeList(in io.Reader, last *listing) (*listing, error) {
	if last == nil {
		last = &listing{}
	}
	scan := rowScan{in: bufio.NewReaderSize(in, 64<<10)}
	if err := scan.open(); err != nil {
		return nil, err
	}
	next := &listing{
		rows: make([][]byte, 0, len(last.rows)+1), jobs: make([]rayapi.Job, 0, len(last.rows)+1),
	}
	find, fresh := finder{last: last}, news{text: []byte("[")}
	for {
		row, err := scan.next()
		if err != nil {
			return nil, err
		}
		if row == nil {
			return next, fresh.into(next)
		}
		if i := find.same(row); i >= 0 {
			next.rows, next.jobs = append(next.rows, last.rows[i]), append(next.jobs, last.jobs[i])
			continue
		}
		fresh.add(len(next.rows), row)
		next.rows, next.jobs = append(next.rows, nil), append(next.jobs, rayapi.Job{})
	}
}

// news are the rows that are decoded, all at once: that takes half as long as
// one by one.
type news struct {
	text []byte   // a list of them
	at   []int    // where each belongs
	ends [][2]int // where each stands in text
}

func (n *news) add(at int, row []byte) {
	if len(n.at) > 0 {
		n.text = append(n.text, ',')
	}
	from := len(n.text)
	n.text = append(n.text, row...)
	n.at, n.ends = append(n.at, at), append(n.ends, [2]int{from, len(n.text)})
}

// into decodes the rows and puts them where they belong.
func (n *news) into(l *listing) error {
	if len(n.at) == 0 {
		return nil
	}
	n.text = append(n.text, ']')
	jobs := make([]rayapi.Job, 0, len(n.at))
	if err := json.Unmarshal(n.text, &jobs); err != nil {
		return err
	}
	for i, at := range n.at {
		l.jobs[at] = jobs[i]
		l.rows[at] = n.text[n.ends[i][0]:n.ends[i][1]:n.ends[i][1]]
	}
	return nil
}

// finder finds rows in the last answer.
type finder struct {
	last *listing
	at   int // where the next row is expected
	// places are the rows by their hash, once they are needed.
	places map[uint64]int
	seed   maphash.Seed
}

// same is the place of a row in the last answer, or -1. Rows mostly come in
// the order of the last time, with new ones in between.
func (f *finder) same(row []byte) int {
	rows := f.last.rows
	for d := range near {
		for _, i := range [2]int{f.at + d, f.at - d} {
			if i >= 0 && i < len(rows) && bytes.Equal(rows[i], row) {
				f.at = i + 1
				return i
			}
		}
	}
	if len(rows) == 0 {
		return -1
	}
	if f.places == nil {
		f.seed = maphash.MakeSeed()
		f.places = make(map[uint64]int, len(rows))
		for i, r := range rows {
			f.places[maphash.Bytes(f.seed, r)] = i
		}
	}
	i, ok := f.places[maphash.Bytes(f.seed, row)]
	if !ok || !bytes.Equal(rows[i], row) {
		f.at++ // a changed row stands where it stood
		return -1
	}
	f.at = i + 1
	return i
}
