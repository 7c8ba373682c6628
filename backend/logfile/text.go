package logfile

import "unicode/utf8"

// Text turns bytes that come in pieces into valid UTF-8. Each byte that is
// part of no character becomes U+FFFD; a character that is cut off at the end
// of a piece is held back until the next. The result depends on the bytes
// alone, not on how they were cut. The zero value is ready to use.
type Text struct {
	held [utf8.UTFMax]byte
	n    int
}

// Append appends the text of p to dst and returns the extended slice. It keeps
// neither.
func (t *Text) Append(dst, p []byte) []byte {
	for t.n > 0 && len(p) > 0 {
		t.held[t.n] = p[0]
		t.n++
		p = p[1:]
		for t.n > 0 && utf8.FullRune(t.held[:t.n]) {
			r, size := utf8.DecodeRune(t.held[:t.n])
			dst = utf8.AppendRune(dst, r)
			t.n = copy(t.held[:], t.held[size:t.n])
		}
	}
	whole := len(p) - cutOff(p)
	t.n += copy(t.held[t.n:], p[whole:])
	return appendValid(dst, p[:whole])
}

// Flush appends what was held back, as U+FFFD, and returns the extended slice.
// It is for the end of the bytes.
func (t *Text) Flush(dst []byte) []byte {
	dst = appendValid(dst, t.held[:t.n])
	t.n = 0
	return dst
}

// cutOff returns how many bytes at the end of p begin a character that they do
// not finish.
func cutOff(p []byte) int {
	for n := min(len(p), utf8.UTFMax-1); n > 0; n-- {
		if !utf8.FullRune(p[len(p)-n:]) {
			return n
		}
	}
	return 0
}

func appendValid(dst, p []byte) []byte {
	if utf8.Valid(p) {
		return append(dst, p...)
	}
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		dst = utf8.AppendRune(dst, r)
		p = p[size:]
	}
	return dst
}
