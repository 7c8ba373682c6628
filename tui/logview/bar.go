package logview

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"dray/tui/clean"
)

// barKey tells whether a cleaned line without colours is a state of a progress
// bar, and appends of which to dst: lines with the same key are states of the
// same bar. It knows the bars of tqdm, rich, pip, wget, git, Keras and apt, and what looks
// like them.
func barKey(dst, text []byte) (key []byte, ok bool) {
	at := barAt(text)
	if at < 0 {
		return dst, false
	}
	return label(dst, text[:at]), true
}

// barAt is where the changing part of a bar begins, or -1.
func barAt(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '%' && i > 0 && isDigit(text[i-1]):
			if at := numberBefore(text, i); barAfter(text[i+1:]) || aptBar(text[:at], text[i+1:]) {
				return at
			}
		case c == '[' && i+6 < len(text):
			if at := bracketBar(text, i); at >= 0 {
				return at
			}
		case c == 'i' && bytes.HasPrefix(text[i:], []byte("it [")) && i > 0 && isDigit(text[i-1]):
			return numberBefore(text, i) // tqdm without a total
		case c == 0xe2 && drawn(text[i:]) >= 5:
			return numberBefore(text, i)
		}
	}
	return -1
}

// barAfter reports whether a bar follows a percentage: tqdm's "|", wget's "[",
// git's " (421/1000)".
func barAfter(rest []byte) bool {
	switch {
	case len(rest) == 0:
		return false
	case rest[0] == '|':
		return true
	case rest[0] == '[' && len(rest) > 2:
		return strings.IndexByte("=>+ ", rest[1]) >= 0
	case bytes.HasPrefix(rest, []byte(" (")):
		i := 2
		for i < len(rest) && isDigit(rest[i]) {
			i++
		}
		return i > 2 && i < len(rest) && rest[i] == '/'
	}
	return false
}

// aptBar reports whether a percentage is one of apt's: "12% [Working]", or
// "Reading package lists... 12%".
func aptBar(before, rest []byte) bool {
	if len(before) == 0 {
		return bytes.HasPrefix(rest, []byte(" ["))
	}
	return bytes.HasSuffix(before, []byte("...")) && len(bytes.TrimSpace(rest)) == 0
}

// bracketBar is where a bar in brackets begins that has a number beside it, as
// "12/50 [=====>....]" and "Progress: [ 42%] [####....]".
func bracketBar(text []byte, at int) int {
	end := at + 1
	fill := 0
	for end < len(text) && strings.IndexByte("=>.#- *", text[end]) >= 0 {
		if text[end] != ' ' {
			fill++
		}
		end++
	}
	if end == len(text) || text[end] != ']' || fill < 5 {
		return -1
	}
	from := at
	for from > 0 && strings.IndexByte(" /%[]", text[from-1]) >= 0 || from > 0 && isDigit(text[from-1]) {
		from--
	}
	if bytes.ContainsFunc(text[from:at], func(r rune) bool { return r >= '0' && r <= '9' }) {
		return from
	}
	return -1
}

// drawn counts the characters at the start of p that bars are drawn with.
func drawn(p []byte) int {
	n := 0
	for {
		r, size := utf8.DecodeRune(p)
		switch {
		case r == '━' || r == '╸' || r == '╺' || r >= '▏' && r <= '▓' || r == '█' || r >= '▉' && r <= '▎':
			n++
		default:
			return n
		}
		p = p[size:]
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// numberBefore is where the number begins that ends before i, and the blanks
// before it.
func numberBefore(text []byte, i int) int {
	for i > 0 && (isDigit(text[i-1]) || text[i-1] == '.') {
		i--
	}
	for i > 0 && text[i-1] == ' ' {
		i--
	}
	return i
}

// label appends what names a bar: the text before it, in which fractions count for
// nothing, because a loss may stand there, but whole numbers do: epoch 3 has
// another bar than epoch 2.
func label(out, text []byte) []byte {
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			out = append(out, text[i])
			i++
			continue
		}
		end, fraction := i, false
		for end < len(text) && (isDigit(text[end]) || text[end] == '.' || text[end] == 'e' || fraction && text[end] == '-') {
			fraction = fraction || text[end] == '.'
			end++
		}
		if fraction {
			out = append(out, '#')
		} else {
			out = append(out, text[i:end]...)
		}
		i = end
	}
	return out
}

// rowStates splits a line at each move up to another row: a nested bar draws
// several rows within one line of the log. At most the last max are returned.
func rowStates(line []byte, most int) [][]byte {
	if bytes.IndexByte(line, 0x1b) < 0 {
		return [][]byte{line}
	}
	var all [][]byte
	for from := 0; ; {
		i := upAt(line[from:])
		if i.from < 0 {
			all = append(all, line[from:])
			break
		}
		all = append(all, line[from:from+i.from])
		from += i.to
	}
	return all[max(0, len(all)-most):]
}

type cut struct{ from, to int }

// upAt is where the first CSI n A or CSI n F stands.
func upAt(p []byte) cut {
	for at := 0; ; {
		i := bytes.Index(p[at:], []byte("\x1b["))
		if i < 0 {
			return cut{-1, -1}
		}
		at += i
		end := at + 2
		for end < len(p) && isDigit(p[end]) {
			end++
		}
		if end < len(p) && (p[end] == 'A' || p[end] == 'F') {
			return cut{at, end + 1}
		}
		at = end
	}
}

// states is the number of states that carriage returns have put over each
// other.
func states(line []byte) int {
	n := 0
	for part := range bytes.SplitSeq(line, []byte{'\r'}) {
		if len(part) > 0 {
			n++
		}
	}
	return max(1, n)
}

// blank reports that nothing of a line is to be seen.
func blank(line []byte, scratch []byte) bool {
	return len(line) == 0 || len(line) < 512 && (line[0] <= ' ' || line[0] >= 0x7f) && len(bytes.TrimSpace(clean.LogPlain(scratch[:0], line))) == 0
}
