// Package clean makes text from a server or a job safe to draw: what it
// returns can neither move the cursor, nor hide or reorder what stands beside
// it, nor speak to the terminal.
//
// Text and Block are for ids, messages and other short strings: what is unsafe
// in them is shown escaped. Log is for lines of a job's output: their colours
// stay, everything else that is not text goes. Cutting and padding to a width
// is left to the callers.
package clean

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// tabWidth is the distance of tab stops in cells.
const tabWidth = 8

// Text returns s as one safe line. Line breaks and tabs become one space each;
// control characters, bidirectional overrides, characters without a width and
// bytes that are not UTF-8 are shown escaped, as in \x1b or \u202e.
func Text(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
			// The line feed that follows stands for both.
		case isBreak(r) || r == '\t':
			b.WriteByte(' ')
		default:
			writeRune(&b, r, s[i:i+n])
		}
		i += n
	}
	return b.String()
}

// Block returns s as safe lines, without the empty one after a last line
// break. A line feed, a carriage return or both end a line; tabs are expanded
// to the column; the rest is as in Text.
func Block(s string) []string {
	if s == "" {
		return nil
	}
	var lines []string
	var b strings.Builder
	flush := func() {
		lines = append(lines, b.String())
		b.Reset()
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		case isBreak(r):
			flush()
		case r == '\t':
			col := ansi.StringWidth(b.String())
			b.WriteString(strings.Repeat(" ", tabWidth-col%tabWidth))
		default:
			writeRune(&b, r, s[i:i+n])
		}
		i += n
	}
	if b.Len() > 0 {
		flush()
	}
	return lines
}

// writeRune writes r, whose bytes are raw, or its escape.
func writeRune(b *strings.Builder, r rune, raw string) {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		fmt.Fprintf(b, `\x%02x`, raw[0])
	case isSafe(r):
		b.WriteString(raw)
	case r < utf8.RuneSelf:
		fmt.Fprintf(b, `\x%02x`, r)
	case r <= 0xffff:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// isPlain reports whether s is printable ASCII alone.
func isPlain[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-0x20 > 0x7e-0x20 {
			return false
		}
	}
	return true
}

// isSafe reports whether a terminal draws r as itself, in its own place.
// Format characters (category Cf) are those that reorder, join or take no
// room. A variation selector is not safe because terminals disagree on the
// width that it gives to the character before it. Private use stays: fonts of
// symbols live there.
func isSafe(r rune) bool {
	switch {
	case r < 0x20 || r == 0x7f:
		return false
	case r < 0x7f:
		return true
	case r < 0xa0, r == 0xad:
		return false
	case r < 0x300, r >= 0x2190 && r < 0xd7a4: // Latin; symbols, bars, East Asian letters
		return true
	case r >= 0xfe00 && r <= 0xfe0f, r == 0x034f, r >= 0xe0000 && r <= 0xe0fff, r&0xfffe == 0xfffe:
		return false
	}
	return !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs)
}
