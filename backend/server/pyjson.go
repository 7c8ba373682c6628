package server

import (
	"encoding/binary"
	"unicode/utf8"
)

// appendPython appends src, which is JSON, to dst as Python's encoder spells
// it: a blank after each colon and comma and nowhere else, and nothing that is
// not ASCII. Scripts look for the likes of "status": "RUNNING" in answers.
func appendPython(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		switch c := src[i]; c {
		case '"':
			dst = append(dst, '"')
			dst, i = appendPythonText(dst, src, i+1)
		case ':', ',':
			dst = append(dst, c, ' ')
			i++
		case ' ', '\n', '\r', '\t':
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// appendPythonText appends the rest of a string, from its first byte at i on,
// and returns where it ends. Of its escapes only those are rewritten that Go's
// encoder makes of characters that are safe outside of HTML.
func appendPythonText(dst, src []byte, i int) ([]byte, int) {
	from := i
	for i < len(src) {
		switch c := src[i]; {
		case c == '"':
			i++
			return append(dst, src[from:i]...), i
		case c == '\\':
			plain, step := unescapeHTML(src[i:])
			if plain != 0 {
				dst = append(append(dst, src[from:i]...), plain)
				from = i + step
			}
			i += step
		case c < utf8.RuneSelf:
			i += plainRun(src[i:])
		default:
			r, size := utf8.DecodeRune(src[i:])
			dst = appendUnits(append(dst, src[from:i]...), r)
			i += size
			from = i
		}
	}
	return append(dst, src[from:]...), i
}

// plainRun is how many bytes of a string stand before its next quote, backslash
// or byte that is not ASCII; at least 1, for the first one is none of them.
func plainRun(p []byte) int {
	const low, high = 0x0101010101010101, 0x8080808080808080 // of each of eight bytes
	zeros := func(w uint64) uint64 { return (w - low) &^ w }
	i := 1
	for ; i+8 <= len(p); i += 8 {
		w := binary.LittleEndian.Uint64(p[i:])
		if (w|zeros(w^low*'"')|zeros(w^low*'\\'))&high != 0 {
			break
		}
	}
	for i < len(p) && p[i] != '"' && p[i] != '\\' && p[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// unescapeHTML returns the character of an escape of <, > or &, else 0, and
// how long the escape is.
func unescapeHTML(p []byte) (plain byte, size int) {
	const pair, unit = len(`\n`), len(`\u003c`)
	if len(p) < unit || p[1] != 'u' {
		return 0, min(pair, len(p))
	}
	switch string(p[:unit]) {
	case `\u003c`:
		return '<', unit
	case `\u003e`:
		return '>', unit
	case `\u0026`:
		return '&', unit
	}
	return 0, unit
}

// appendUnits appends a character as escapes of its UTF-16 units.
func appendUnits(dst []byte, r rune) []byte {
	const surrogates, low = 0x10000, 0x3ff
	if r < surrogates {
		return appendUnit(dst, r)
	}
	r -= surrogates
	return appendUnit(appendUnit(dst, 0xd800+r>>10), 0xdc00+r&low)
}

func appendUnit(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&0xf], hex[unit>>8&0xf], hex[unit>>4&0xf], hex[unit&0xf])
}
