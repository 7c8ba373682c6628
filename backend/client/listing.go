package client

import (
	"bufio"
	"encoding/binary"
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
	rows []string
	jobs []rayapi.Job
}

// What a text can be instead of a list of jobs.
var (
	errSyntax  = errors.New("it is not a JSON list")
	errPage    = errors.New("it is a web page")
	errEndless = errors.New("it does not end")
)

// maxRow bounds a row, in bytes, and maxRows their number: whatever answers
// must not fill our memory.
const (
	maxRow  = 64 << 20
	maxRows = 4 << 20
)

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
	switch b {
	case '[':
		return nil
	case '<':
		return errPage
	}
	return errSyntax
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

// start goes to the first byte of the next row; more is false after the
// closing bracket.
func (s *rowScan) start() (more bool, err error) {
	b, err := s.mark()
	switch {
	case err != nil:
		return false, err
	case b == ']':
		return false, nil
	case s.any && b != ',':
		return false, errSyntax
	case s.any:
		if b, err = s.mark(); err != nil {
			return false, err
		}
	}
	s.any = true
	if b != '{' {
		return false, fmt.Errorf("%w: a job begins with %q", errSyntax, b)
	}
	return true, s.in.UnreadByte()
}

// next returns the text of the row that begins here, until it is called again.
// Whether a row is valid is for its decoder to say; here only its end is found.
func (s *rowScan) next() ([]byte, error) {
	s.row = s.row[:0]
	err := s.object()
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
					i += max(1, toEnd(chunk[i:])) - 1
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
		if len(s.row)+n > maxRow {
			return fmt.Errorf("%w: a job of more than %d bytes", errEndless, maxRow)
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

// toEnd is how many bytes of a text stand before its next quote or backslash.
func toEnd(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if zeros(w^lowBits*'"')|zeros(w^lowBits*'\\') != 0 {
			break
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// begins reports whether what follows is the text of a row, and if so passes
// over it: where a row ends follows from its text alone.
func (s *rowScan) begins(row string) (bool, error) {
	next, err := s.in.Peek(len(row))
	if string(next) != row {
		if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
			err = nil // the reader meets it again, or the row is long
		}
		return false, err
	}
	_, err = s.in.Discard(len(row))
	return true, err
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
	ahead := blockSize
	if len(last.rows) > 0 {
		ahead = 64 << 10 // only rows are looked at, one by one
	}
	scan := rowScan{in: bufio.NewReaderSize(&sticky{in: in}, ahead)}
	if err := scan.open(); err != nil {
		return nil, err
	}
	next := &listing{
		rows: make([]string, 0, max(len(last.rows)+1, 64)), jobs: make([]rayapi.Job, 0, max(len(last.rows)+1, 64)),
	}
	find := finder{last: last}
	var store rowStore
	var odd []int
	for {
		more, err := scan.start()
		if err != nil {
			return nil, err
		}
		if !more {
			return next, next.decodeOdd(odd)
		}
		if len(next.rows) >= maxRows {
			return nil, fmt.Errorf("%w: more than %d jobs", errEndless, maxRows)
		}
		if len(last.rows) == 0 {
			if n, err := next.readBlock(&scan, &store); n > 0 || err != nil {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		i, err := find.same(&scan)
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			next.rows, next.jobs = append(next.rows, last.rows[i]), append(next.jobs, last.jobs[i])
			continue
		}
		next.rows, next.jobs = append(next.rows, string(scan.row)), append(next.jobs, rayapi.Job{})
		at := len(next.rows) - 1
		if end, ok := scanJob(next.rows[at], &next.jobs[at], &store); !ok || end != len(next.rows[at]) {
			odd = append(odd, at)
		}
	}
}

// decodeOdd decodes the rows that are not as Ray writes them, all at once: that
// takes half as long as one by one.
func (l *listing) decodeOdd(odd []int) error {
	if len(odd) == 0 {
		return nil
	}
	text := []byte("[")
	for i, at := range odd {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, l.rows[at]...)
	}
	jobs := make([]rayapi.Job, 0, len(odd))
	if err := json.Unmarshal(append(text, ']'), &jobs); err != nil {
		return err
	}
	for i, at := range odd {
		l.jobs[at] = jobs[i]
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

// same passes over the next row and returns its place in the last answer, or
// -1: then the row is read. Rows mostly come in the order of the last time,
// with new ones in between.
func (f *finder) same(scan *rowScan) (int, error) {
	rows := f.last.rows
	for d := range near {
		for _, i := range [2]int{f.at + d, f.at - d} {
			if i < 0 || i >= len(rows) {
				continue
			}
			if ok, err := scan.begins(rows[i]); ok || err != nil {
				f.at = i + 1
				return i, err
			}
		}
	}
	row, err := scan.next()
	if err != nil || len(rows) == 0 {
		return -1, err
	}
	if f.places == nil {
		f.seed = maphash.MakeSeed()
		f.places = make(map[uint64]int, len(rows))
		for i, r := range rows {
			f.places[maphash.String(f.seed, r)] = i
		}
	}
	i, ok := f.places[maphash.Bytes(f.seed, row)]
	if !ok || rows[i] != string(row) {
		f.at++ // a changed row stands where it stood
		return -1, nil
	}
	f.at = i + 1
	return i, nil
}
