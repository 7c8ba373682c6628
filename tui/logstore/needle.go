package logstore

import (
	"bytes"
	"strings"
)

// needle is a text to find in bytes. It looks for its rarest byte first.
type needle struct {
	text []byte // in lower case if fold
	fold bool   // letters of ASCII are compared in either case
	rare int    // the place of the rarest byte
}

func newNeedle(text string, fold bool) needle {
	if fold {
		text = asciiLower(text)
	}
	n := needle{text: []byte(text), fold: fold}
	for i, c := range n.text {
		if rarity(c) > rarity(n.text[n.rare]) {
			n.rare = i
		}
	}
	return n
}

// common lists the bytes of logs, the most frequent first.
const common = " etaionsrl0h1dc2.u:-m3p4f5,g6=7/8w9byvk_[]()\"'ITFNOEWRASDCxLPMzUjqHBGVK"

// rarity is higher for bytes that are seldom found in logs.
func rarity(c byte) int {
	if i := strings.IndexByte(common, c); i >= 0 {
		return i
	}
	return len(common)
}

// worth is higher for texts that are seldom found in logs.
func (n needle) worth() int {
	const each = 4 // even of the most frequent bytes, two are rarer than one
	w := 0
	for _, c := range n.text {
		w += rarity(c) + each
	}
	return w
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// index returns where the needle stands in p, or -1.
func (n needle) index(p []byte) int {
	if len(n.text) == 0 {
		return -1
	}
	if n.fold {
		return n.indexFold(p)
	}
	c := n.text[n.rare]
	for from, misses := n.rare, 0; from < len(p); misses++ {
		if misses > 8 && misses > from>>10 { // not so rare here
			i := bytes.Index(p[from-n.rare:], n.text)
			if i < 0 {
				return -1
			}
			return from - n.rare + i
		}
		i := bytes.IndexByte(p[from:], c)
		if i < 0 {
			return -1
		}
		start := from + i - n.rare
		if start+len(n.text) > len(p) {
			return -1
		}
		if bytes.Equal(p[start:start+len(n.text)], n.text) {
			return start
		}
		from += i + 1
	}
	return -1
}

// indexFold looks for the rarest byte in both cases. The place of each is kept
// until it is passed, so that the bytes are seen once.
func (n needle) indexFold(p []byte) int {
	c := n.text[n.rare]
	lower, upper := -1, len(p)
	other := c
	if 'a' <= c && c <= 'z' {
		other, upper = c-('a'-'A'), -1
	}
	for from := n.rare; from < len(p); {
		lower, upper = n.seek(p, from, lower, c), n.seek(p, from, upper, other)
		at := min(lower, upper)
		start := at - n.rare
		if start+len(n.text) > len(p) {
			return -1
		}
		if equalFold(p[start:start+len(n.text)], n.text) {
			return start
		}
		from = at + 1
	}
	return -1
}

// seek returns the first c at or after from, given that it is not before known.
func (needle) seek(p []byte, from, known int, c byte) int {
	if known >= from {
		return known
	}
	i := bytes.IndexByte(p[from:], c)
	if i < 0 {
		return len(p)
	}
	return from + i
}

// equalFold compares with lower, which has no capitals of ASCII.
func equalFold(p, lower []byte) bool {
	for i, c := range p {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
