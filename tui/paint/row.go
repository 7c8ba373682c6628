package paint

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// cell is a character in a cell of the screen. Rows of them can be compared.
type cell struct {
	text  string
	style int // in the list of styles
}

// blank reports whether erasing leaves this cell.
func (c cell) blank() bool { return c.text == " " && c.style == 0 }

// styles numbers the styles: all SGR sequences since the last reset, as they
// are. 0 is none.
type styles struct {
	list []string
	ids  map[string]int
	buf  []byte
}

// maxStyle bounds a style in bytes. Beyond it a row is dearer by its cells
// than as a whole.
const maxStyle = 96

func (s *styles) reset() {
	s.list = append(s.list[:0], "")
	s.ids = map[string]int{"": 0}
}

func (s *styles) id() int {
	if id, ok := s.ids[string(s.buf)]; ok {
		return id
	}
	text := string(s.buf)
	s.list = append(s.list, text)
	s.ids[text] = len(s.list) - 1
	return len(s.list) - 1
}

// parse appends the cells of text, w at most, to cells. End is where the
// blanks at the row's end begin. Plain is false if a character is not one
// rune in one cell; then where the cells are depends on the terminal.
func (s *styles) parse(cells []cell, text string, w int) (_ []cell, end int, plain bool) {
	s.buf = s.buf[:0]
	style := 0
	for scan := (scanner{rest: text}); len(cells) < w && scan.next(); {
		switch {
		case scan.sgr:
			s.add(scan.token)
			if len(s.buf) > maxStyle {
				return cells, end, false
			}
			style = s.id()
			continue
		case !scan.plain:
			return cells, end, false
		}
		cells = append(cells, cell{scan.token, style})
		if !cells[len(cells)-1].blank() {
			end = len(cells)
		}
	}
	return cells, end, true
}

// add adds an SGR sequence to the style.
func (s *styles) add(seq string) {
	switch args := seq[len("\x1b[") : len(seq)-1]; {
	case args == "" || args == "0":
		s.buf = s.buf[:0]
	case args[0] == ';' || args[0] == '0' && (len(args) == 1 || args[1] == ';'):
		s.buf = append(s.buf[:0], seq...) // it begins with a reset
	default:
		s.buf = append(s.buf, seq...)
	}
}

// scanner takes a row apart. Sequences other than SGR, and controls, are left
// out; what is no UTF-8 becomes U+FFFD.
type scanner struct {
	rest string

	token string
	sgr   bool
	plain bool // one rune in one cell
	width int
}

func (s *scanner) next() bool {
	for s.rest != "" {
		switch c := s.rest[0]; {
		case c == ansi.ESC:
			seq, _, n, _ := ansi.DecodeSequence(s.rest, ansi.NormalState, nil)
			s.rest = s.rest[n:]
			if isSGR(seq) {
				s.token, s.sgr, s.plain, s.width = seq, true, false, 0
				return true
			}
		case c < ' ' || c == ansi.DEL:
			s.rest = s.rest[1:]
		case c < utf8.RuneSelf && (len(s.rest) == 1 || s.rest[1] < utf8.RuneSelf):
			s.token, s.sgr, s.plain, s.width = s.rest[:1], false, true, 1
			s.rest = s.rest[1:]
			return true
		default:
			if s.cluster() {
				return true
			}
		}
	}
	return false
}

// cluster takes a character of more than one byte, or one that others may
// join. It returns false after one that is left out.
func (s *scanner) cluster() bool {
	r, n := utf8.DecodeRuneInString(s.rest)
	switch {
	case r == utf8.RuneError && n == 1:
		s.token, s.sgr, s.plain, s.width = "\uFFFD", false, true, 1
		s.rest = s.rest[1:]
		return true
	case r >= 0x80 && r < 0xA0: // C1
		s.rest = s.rest[n:]
		return false
	}
	text, width := ansi.FirstGraphemeCluster(s.rest, ansi.GraphemeWidth)
	if !utf8.ValidString(text) { // a cluster does not end at a broken byte
		text, width = text[:n], ansi.GraphemeWidth.StringWidth(text[:n])
	}
	s.token, s.sgr, s.width = text, false, width
	s.plain = width == 1 && len(text) == n
	s.rest = s.rest[len(text):]
	return true
}

// isSGR reports whether seq sets a style and nothing else: with a prefix or an
// intermediate byte it has other meanings.
func isSGR(seq string) bool {
	if len(seq) < len("\x1b[m") || seq[1] != '[' || seq[len(seq)-1] != 'm' {
		return false
	}
	for _, c := range []byte(seq[2 : len(seq)-1]) {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false
		}
	}
	return true
}
