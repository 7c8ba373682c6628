package client

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// str reads a text.
func (r *jobRow) str() (string, bool) {
	from := r.pos + 1
	plain, ok := r.quoted()
	if !ok {
		return "", false
	}
	s := r.text[from : r.pos-1]
	if plain {
		return s, true
	}
	return r.unquoted(s), true
}

// unquoted replaces the escapes of a valid text, and what is not UTF-8.
func (r *jobRow) unquoted(s string) string {
	if strings.IndexByte(s, '\\') < 0 && utf8.ValidString(s) {
		return s
	}
	out := r.store.scratch[:0]
	for i := 0; i < len(s); {
		switch b := s[i]; {
		case b == '\\':
			var pair [2 * escapeSize]byte                             // the longest escape is of a surrogate pair
			c, size, _ := unescape(pair[:copy(pair[:], s[i:])], true) // its form was checked
			out = utf8.AppendRune(out, c)
			i += size
		case b < utf8.RuneSelf:
			out = append(out, b)
			i++
		default:
			c, size := utf8.DecodeRuneInString(s[i:])
			out = utf8.AppendRune(out, c)
			i += size
		}
	}
	r.store.scratch = out
	return string(out)
}

// escapeSize is the length of an escape like \u00fc.
const escapeSize = 6

// quoted passes over a text. One that is plain stands for itself.
func (r *jobRow) quoted() (plain, ok bool) {
	if !r.take('"') {
		return false, false
	}
	plain = true
	text := r.text
	for i := r.pos; i < len(text); i++ {
		for ; i+8 <= len(text); i += 8 { // bytes that stand for themselves
			w := word(text[i : i+8])
			// The lowest bit that is set is of the first byte that does not: a
			// borrow only reaches those behind it.
			if other := (w | (w - lowBits*' ') | zeros(w^lowBits*'"') | zeros(w^lowBits*'\\')) & highBits; other != 0 {
				i += bits.TrailingZeros64(other) / 8
				break
			}
		}
		if i == len(text) {
			break
		}
		switch b := text[i]; {
		case b == '"':
			r.pos = i + 1
			return plain, true
		case b < ' ':
			return false, false
		case b == '\\':
			n := escapeLen(text[i:])
			if n == 0 {
				return false, false
			}
			plain = false
			i += n - 1
		case b >= utf8.RuneSelf:
			plain = false
		}
	}
	return false, false
}

// Each byte of these eight: the lowest bit, the highest.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// word are the eight bytes of s as a number.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// zeros has a bit set if a byte of w is zero.
func zeros(w uint64) uint64 { return (w - lowBits) &^ w & highBits }

// escapeLen is the length of the escape at the start of s; 0 if it is none.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	if _, ok := simpleEscape(s[1]); ok {
		return 2
	}
	if s[1] != 'u' || len(s) < 6 {
		return 0
	}
	for i := 2; i < 6; i++ {
		if b := s[i] | 0x20; (s[i] < '0' || s[i] > '9') && (b < 'a' || b > 'f') {
			return 0
		}
	}
	return 6
}

// skip passes over a value of any kind.
func (r *jobRow) skip(depth int) bool {
	if depth > maxNesting || r.pos == len(r.text) {
		return false
	}
	switch b := r.text[r.pos]; {
	case b == '"':
		_, ok := r.quoted()
		return ok
	case b == '{' || b == '[':
		return r.skipNested(b, depth)
	case b == '-' || b >= '0' && b <= '9':
		return r.number()
	}
	return r.literal("null") || r.literal("true") || r.literal("false")
}

func (r *jobRow) skipNested(open byte, depth int) bool {
	end := open + 2 // so it is of both pairs
	r.pos++
	if r.blank(); r.take(end) {
		return true
	}
	for {
		if r.blank(); open == '{' {
			_, ok := r.quoted()
			if r.blank(); !ok || !r.take(':') {
				return false
			}
			r.blank()
		}
		if !r.skip(depth + 1) {
			return false
		}
		if r.blank(); r.take(end) {
			return true
		}
		if !r.take(',') {
			return false
		}
	}
}

// number passes over a number.
func (r *jobRow) number() bool {
	r.take('-')
	if !r.take('0') && !r.digits() {
		return false
	}
	if r.take('.') && !r.digits() {
		return false
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		return r.digits()
	}
	return true
}

func (r *jobRow) digits() bool {
	from := r.pos
	for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > from
}
