package client

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonText reads the answer {"logs": "…"} as a stream: it may be larger than
// memory. Other fields are skipped; null counts as "". What it yields is what
// encoding/json would.
type jsonText struct {
	in    io.Reader
	buf   []byte // what was read; buf[pos:] is still to be decoded
	pos   int
	out   []byte
	state textState
	err   error // of in, given out when buf is used up
	last  error // what next returns from now on
}

type textState int

const (
	beforeField textState = iota
	inField
	afterField
)

const textField = "logs"

// textBuffer is how much is read and decoded at once, in bytes.
const textBuffer = 32 << 10

var errJSON = errors.New("not the JSON that was expected")

func newJSONText(in io.Reader) *jsonText {
	return &jsonText{in: in, buf: make([]byte, 0, textBuffer), out: make([]byte, 0, textBuffer+utf8.UTFMax)}
}

// next returns the next run of the field's text, valid until the next call and
// never empty without an error. io.EOF says that the object was complete;
// an answer that was cut off is io.ErrUnexpectedEOF.
func (t *jsonText) next() ([]byte, error) {
	if t.last != nil {
		return nil, t.last
	}
	var text []byte
	text, t.last = t.run()
	return text, t.last
}

func (t *jsonText) run() ([]byte, error) {
	if t.state == beforeField {
		if err := t.findField(); err != nil {
			return nil, err
		}
	}
	for t.state == inField {
		if t.pos == len(t.buf) {
			if err := t.fill(); err != nil {
				return nil, err
			}
		}
		t.out = t.out[:0]
		err := t.decode()
		if len(t.out) > 0 {
			return t.out, nil // the next call meets the error again
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, t.finish()
}

// fill reads more behind what is still to be decoded.
func (t *jsonText) fill() error {
	t.buf = t.buf[:copy(t.buf, t.buf[t.pos:])]
	t.pos = 0
	for t.err == nil {
		var n int
		n, t.err = t.in.Read(t.buf[len(t.buf):cap(t.buf)])
		t.buf = t.buf[:len(t.buf)+n]
		if n > 0 {
			return nil
		}
	}
	if errors.Is(t.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return t.err
}

// decode moves text from buf to out until buf holds no whole unit or the
// string ends.
func (t *jsonText) decode() error {
	for t.pos < len(t.buf) {
		rest := t.buf[t.pos:]
		n := plainRun(rest)
		if room := textBuffer - len(t.out); n >= room {
			t.take(rest[:max(room, 0)]) // a character may have gone over
			return nil
		}
		t.take(rest[:n])
		if n == len(rest) {
			return nil
		}
		switch b := t.buf[t.pos]; {
		case b == '"':
			t.pos++
			t.state = afterField
			return nil
		case b < ' ':
			return fmt.Errorf("%w: a control character in a string", errJSON)
		default:
			if more, err := t.decodeUnit(b); err != nil {
				return err
			} else if more {
				return t.needMore()
			}
		}
	}
	return nil
}

// needMore reads on behind a unit that is not whole, unless out must be given
// out first.
func (t *jsonText) needMore() error {
	if len(t.out) > 0 {
		return nil
	}
	if err := t.fill(); err != nil {
		return err
	}
	return t.decode()
}

func (t *jsonText) take(p []byte) {
	t.out = append(t.out, p...)
	t.pos += len(p)
}

// plainRun returns how many bytes at the start of p stand for themselves.
func plainRun(p []byte) int {
	for i, b := range p {
		if b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			return i
		}
	}
	return len(p)
}

// decodeUnit decodes the escape or the multi-byte character at pos; b is its
// first byte. more says that it is not whole in buf.
func (t *jsonText) decodeUnit(b byte) (more bool, err error) {
	rest := t.buf[t.pos:]
	var r rune
	var size int
	if b == '\\' {
		if r, size, err = unescape(rest, t.err != nil); err != nil {
			return false, err
		}
	} else {
		if !utf8.FullRune(rest) && t.err == nil {
			return true, nil
		}
		r, size = utf8.DecodeRune(rest) // RuneError for a byte that is not UTF-8
	}
	if size == 0 {
		return true, nil
	}
	t.out = utf8.AppendRune(t.out, r)
	t.pos += size
	return false, nil
}

// unescape decodes the escape at the start of p. Size 0 says that p must be
// longer; last, that it cannot be.
func unescape(p []byte, last bool) (r rune, size int, err error) {
	if len(p) < 2 {
		return 0, 0, nil
	}
	if p[1] != 'u' {
		r, ok := simpleEscape(p[1])
		if !ok {
			return 0, 0, fmt.Errorf("%w: unknown escape \\%c", errJSON, p[1])
		}
		return r, 2, nil
	}
	if len(p) < 6 {
		return 0, 0, nil
	}
	r, ok := hex4(p[2:6])
	if !ok {
		return 0, 0, fmt.Errorf("%w: a broken \\u escape", errJSON)
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, nil
	}
	return unescapePair(r, p, last)
}

// unescapePair decodes a surrogate pair that begins with first at p. Half a
// pair becomes U+FFFD.
func unescapePair(first rune, p []byte, last bool) (r rune, size int, err error) {
	if len(p) < 12 && !last && couldBePair(p[6:]) {
		return 0, 0, nil
	}
	if len(p) >= 12 && p[6] == '\\' && p[7] == 'u' {
		if second, ok := hex4(p[8:12]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 12, nil
			}
		}
	}
	return utf8.RuneError, 6, nil
}

func couldBePair(p []byte) bool {
	return len(p) == 0 || p[0] == '\\' && (len(p) == 1 || p[1] == 'u')
}

func simpleEscape(b byte) (rune, bool) {
	switch b {
	case '"', '\\', '/':
		return rune(b), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

func hex4(p []byte) (rune, bool) {
	var r rune
	for _, b := range p {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}
