package clean

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

const (
	esc   = 0x1b
	reset = "\x1b[m"
	// maxSGR bounds one colour sequence; the longest real ones are below 60
	// bytes.
	maxSGR = 128
	// maxBack bounds the backspaces that count between two characters.
	maxBack = 256
	// maxStyle bounds the sequences that a carriage return carries over.
	maxStyle = 512
)

// Log appends line, one line of a log without its line feed, to dst as safe
// text. Colours and other renditions (CSI … m) stay, as far as a terminal of
// depth has them, and are closed at the end of the line; all other control
// sequences and control characters go.
//
// Of a line that was drawn over, the last state stays: text after a carriage
// return, or after a move to another row, replaces what stands before it, text
// after a backspace the last character. Tabs are expanded to the column. Bytes
// that are not UTF-8 become U+FFFD and NUL becomes U+2400, with a number where
// there are many.
//
// A string sequence (OSC, DCS, …) that does not end in this line loses only its
// introducer, so that no text can hide behind it.
func Log(dst, line []byte, depth Depth) []byte {
	if isPlain(line) {
		return append(dst, line...)
	}
	w := logWriter{out: dst, start: len(dst), depth: depth, saved: -1}
	w.tab = w.start
	for i := 0; i < len(line); {
		i += w.step(line[i:])
	}
	if w.open {
		w.out = append(w.out, reset...)
	}
	return w.out
}

// LogPlain is Log without colours, for a terminal that shall have none and for
// text that is searched or copied.
func LogPlain(dst, line []byte) []byte { return Log(dst, line, NoColour) }

// logWriter is the state of one line.
type logWriter struct {
	out    []byte
	start  int // where the line begins in out
	tab    int // where the text since the last tab stop begins in out
	depth  Depth
	open   bool // a style is on
	cr     bool // the next visible character replaces the line
	back   int  // so many characters before the next visible one go
	chars  int  // bytes of text in out since start, without renditions
	saved  int  // where the cursor was saved in out, -1: nowhere
	before int  // bytes of text before that
	styled bool // a style was on there
	away   bool // the cursor has left the line since
}

// step takes the first thing off p, which is not empty, and returns its length.
func (w *logWriter) step(p []byte) int {
	c := p[0]
	switch {
	case c >= 0x20 && c < 0x7f:
		n := 1
		for n < len(p) && p[n] >= 0x20 && p[n] < 0x7f {
			n++
		}
		w.text(p[:n])
		return n
	case c == esc:
		return w.escape(p)
	case c == '\r':
		w.cr = true
		return 1
	case c == '\b':
		w.back = min(w.back+1, maxBack)
		return 1
	case c == '\t':
		w.expandTab()
		return 1
	case c == 0:
		return w.nul(p)
	case c < utf8.RuneSelf:
		return 1
	}
	return w.rune(p)
}

// nul shows a run of NULs, as a file has them where nothing was written.
func (w *logWriter) nul(p []byte) int {
	n := 1
	for n < len(p) && p[n] == 0 {
		n++
	}
	w.text([]byte("\u2400"))
	if n > 1 {
		w.text(strconv.AppendInt([]byte("×"), int64(n), 10))
	}
	return n
}

func (w *logWriter) rune(p []byte) int {
	r, n := utf8.DecodeRune(p)
	switch {
	case r == utf8.RuneError && n == 1:
		w.text([]byte("\uFFFD"))
	case r >= 0x80 && r < 0xa0:
		return w.control(p, n, byte(r)-0x40)
	case r == '\u2028', r == '\u2029':
		w.text([]byte{' '})
	case !isSafe(r):
	default:
		w.settle()
		if w.chars == 0 && unicode.Is(unicode.M, r) {
			w.text([]byte{' '}) // it would sit on the cell before the line
		}
		w.text(p[:n])
	}
	return n
}

// escape handles a sequence that begins with ESC.
func (w *logWriter) escape(p []byte) int {
	if len(p) < 2 {
		return 1
	}
	switch c := p[1]; {
	case c >= 0x40 && c < 0x60:
		return w.control(p, 2, c)
	case c >= 0x20 && c < 0x30: // a character set: intermediates, then a final
		n := 2
		for n < len(p) && p[n] >= 0x20 && p[n] < 0x30 {
			n++
		}
		if n < len(p) && p[n] >= 0x30 && p[n] < 0x7f {
			n++
		}
		return n
	case c == '7':
		w.save()
		return 2
	case c == '8':
		w.restore()
		return 2
	case c >= 0x30 && c < 0x7f:
		return 2
	}
	return 1
}

func (w *logWriter) save() { w.saved, w.before, w.styled, w.away = len(w.out), w.chars, w.open, false }

// restore takes away what was drawn elsewhere on the screen, as apt does with
// its bar, if the line has other text.
func (w *logWriter) restore() {
	if w.away && w.saved >= 0 && w.before > 0 {
		w.out, w.chars = w.out[:w.saved], w.before
		w.tab = min(w.tab, w.saved)
		w.open = w.styled
	} else if w.away {
		w.cr = true
	}
	w.saved, w.away = -1, false
}

// control handles a C1 control: its introducer is n bytes long, and c is the
// final byte of its two-character form.
func (w *logWriter) control(p []byte, n int, c byte) int {
	switch c {
	case '[':
		return n + w.csi(p[n:])
	case ']':
		return n + stringLen(p[n:], true)
	case 'P', 'X', '^', '_':
		return n + stringLen(p[n:], false)
	}
	return n
}

// csi takes what follows a control sequence introducer.
func (w *logWriter) csi(p []byte) int {
	n := 0
	for n < len(p) && p[n] >= 0x30 && p[n] < 0x40 {
		n++
	}
	params := n
	for n < len(p) && p[n] >= 0x20 && p[n] < 0x30 {
		n++
	}
	if n == len(p) || p[n] < 0x40 || p[n] > 0x7e {
		return n // broken off: what broke it is looked at next
	}
	if n == params {
		w.move(p[n], p[:params])
	}
	return n + 1
}

// move does what a control sequence with its final byte does to a line.
func (w *logWriter) move(final byte, params []byte) {
	switch final {
	case 'm':
		if len(params) <= maxSGR && w.depth > NoColour {
			w.sgr(params)
		}
	case 'A', 'F': // up: what follows is another row's newer state
		w.cr = true
	case 'G': // to a column
		w.cr = w.cr || len(params) == 0 || string(params) == "1" || string(params) == "0"
	case 'K': // erase
		w.cr = w.cr || string(params) == "2"
	case 'H', 'f':
		w.away = w.saved >= 0
	case 's':
		w.save()
	case 'u':
		w.restore()
	}
}

// stringLen is the length of a control string with its end, or 0 when the line
// holds no end.
func stringLen(p []byte, bell bool) int {
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == 0x07 && bell:
			return i + 1
		case c == esc && i+1 < len(p) && p[i+1] == '\\':
			return i + 2
		case c == 0xc2 && i+1 < len(p) && p[i+1] == 0x9c:
			return i + 2
		case c == '\r' || c == 0x18 || c == 0x1a:
			return 0
		}
	}
	return 0
}

// text appends visible characters.
func (w *logWriter) text(p []byte) {
	w.settle()
	w.out = append(w.out, p...)
	w.chars += len(p)
}

// settle does what was put off until something visible comes.
func (w *logWriter) settle() {
	if w.cr {
		w.cr = false
		w.restart()
	}
	for ; w.back > 0 && w.dropLast(); w.back-- {
	}
	w.back = 0
}

// dropLast takes away the last character; renditions after it stay.
func (w *logWriter) dropLast() bool {
	end := len(w.out)
	for end > w.start {
		if n := sgrAtEnd(w.out[w.start:end]); n > 0 {
			end -= n
			continue
		}
		r, n := utf8.DecodeLastRune(w.out[w.start:end])
		w.out = append(w.out[:end-n], w.out[end:]...)
		if end -= n; end < w.tab {
			w.tab -= n
		}
		if w.chars -= n; w.chars < w.before {
			w.saved = -1
		}
		if !unicode.Is(unicode.M, r) {
			return true
		}
	}
	return false
}

// sgrAtEnd is the length of the rendition that p ends with, or 0.
func sgrAtEnd(p []byte) int {
	if len(p) == 0 || p[len(p)-1] != 'm' {
		return 0
	}
	for i := len(p) - 2; i > 0; i-- {
		switch c := p[i]; {
		case c == '[' && p[i-1] == esc:
			return len(p) - i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// restart empties the line but keeps the style that is on.
func (w *logWriter) restart() {
	line := w.out[w.start:]
	kept := w.out[:w.start]
	if w.open {
		for {
			i := bytes.IndexByte(line, esc)
			if i < 0 {
				break
			}
			end := i + bytes.IndexByte(line[i:], 'm') + 1
			kept = append(kept, line[i:end]...) // never overtakes line
			line = line[end:]
		}
	}
	if len(kept)-w.start > maxStyle {
		kept = kept[:w.start]
		w.open = false
	}
	w.out = kept
	w.tab = len(kept)
	w.back, w.chars, w.saved = 0, 0, -1
}

func (w *logWriter) expandTab() {
	w.settle()
	col := ansi.StringWidth(string(w.out[w.tab:]))
	const spaces = "        "
	w.out = append(w.out, spaces[col%tabWidth:]...)
	w.chars += tabWidth - col%tabWidth
	w.tab = len(w.out)
}
