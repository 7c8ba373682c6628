package rayapi

import (
	"bytes"
	"unicode/utf8"
)

// checkText refuses what a decoder would silently replace: bytes that are not
// UTF-8, and escapes of half a surrogate pair. A command with something else
// in their place is not the one that was asked for.
func checkText(body []byte) error {
	for i := 0; i < len(body); {
		if body[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size == 1 {
			return invalid("the request body is not JSON: byte %d is not UTF-8", i+1)
		}
		i += size
	}
	for i := bytes.IndexByte(body, '\\'); i >= 0 && i+1 < len(body); {
		step := 2
		if unit, ok := escapedUnit(body[i:]); ok {
			step = escapeLen
			low, paired := escapedUnit(body[i+step:])
			switch {
			case unit < 0xd800 || unit > 0xdfff:
			case unit < 0xdc00 && paired && low >= 0xdc00 && low <= 0xdfff:
				step += escapeLen
			default:
				return invalid("the request body has %s at byte %d, which is half of a surrogate pair and no character", body[i:i+escapeLen], i+1)
			}
		}
		next := bytes.IndexByte(body[i+step:], '\\')
		if next < 0 {
			break
		}
		i += step + next
	}
	return nil
}

// escapeLen is the length of an escape like \u00fc.
const escapeLen = 6

// escapedUnit returns the UTF-16 unit of the escape that p begins with.
func escapedUnit(p []byte) (uint32, bool) {
	if len(p) < escapeLen || p[0] != '\\' || p[1] != 'u' {
		return 0, false
	}
	var unit uint32
	for _, c := range p[2:escapeLen] {
		unit <<= 4
		switch {
		case c >= '0' && c <= '9':
			unit |= uint32(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			unit |= uint32(c|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	return unit, true
}
