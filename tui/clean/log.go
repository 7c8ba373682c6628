package clean

import (
	"bytes"
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
	// maxStyle bounds the sequences that a carriage return carries over.
	maxStyle = 512
)

// Log appends line, one line of a log without its line feed, to dst as safe
// text. Colours and other renditions (CSI … m) stay and are closed at the end
// of the line; all other control sequences and control characters go. Tabs are
// expanded to the column, bytes that are not UTF-8 become U+FFFD, and text
// after a carriage return replaces what stands before it.
//
// A string sequence (OSC, DCS, …) that does not end in this line loses only its
// introducer, so that no text can hide behind it.
func Log(dst, line []byte) []byte { return appendLog(dst, line, true) }

// LogPlain is Log without colours, for a terminal that shall have none.
func LogPlain(dst, line []byte) []byte { return appendLog(dst, line, false) }

func appendLog(dst, line []byte, colours bool) []byte {
	if isPlain(line) {
		return append(dst, line...)
	}
	w := logWriter{out: dst, start: len(dst), colours: colours}
	w.tab = w.start
	for i := 0; i < len(line); {
		i += w.step(line[i:])
	}
	if w.open {
		w.out = append(w.out, reset...)
	}
	return w.out
}

// logWriter is the state of one line.
type logWriter struct {
	out     []byte
	start   int // where the line begins in out
	tab     int // where the text since the last tab stop begins in out
	colours bool
	open    bool // a style is on
	cr      bool // the next visible character replaces the line
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
	case c == '\t':
		w.expandTab()
		return 1
	case c < utf8.RuneSelf:
		return 1
	}
	return w.rune(p)
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
		if len(w.out) == w.start && unicode.Is(unicode.M, r) {
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
	case c >= 0x30 && c < 0x7f:
		return 2
	}
	return 1
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
	if p[n] == 'm' && n == params && n <= maxSGR && w.colours {
		w.sgr(p[:params])
	}
	return n + 1
}

// sgr keeps a rendition, given its parameters. Private parameters (as in
// CSI > 4 m, which sets the keyboard) make it something else.
func (w *logWriter) sgr(params []byte) {
	zero := true
	for _, c := range params {
		switch {
		case c >= '1' && c <= '9':
			zero = false
		case c == '0' || c == ';':
		case c == ':':
			zero = false
		default:
			return
		}
	}
	w.open = !zero
	w.out = append(w.out, esc, '[')
	w.out = append(w.out, params...)
	w.out = append(w.out, 'm')
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
	if w.cr {
		w.cr = false
		w.restart()
	}
	w.out = append(w.out, p...)
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
}

func (w *logWriter) expandTab() {
	if w.cr {
		w.cr = false
		w.restart()
	}
	col := ansi.StringWidth(string(w.out[w.tab:]))
	const spaces = "        "
	w.out = append(w.out, spaces[col%tabWidth:]...)
	w.tab = len(w.out)
}
