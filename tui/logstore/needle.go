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
	// pairs are two bytes at pairAt that stand in every hit, in each case that
	// they have. They are there for a fold whose text has a byte without case:
	// two bytes together are far rarer than the rarest alone.
	pairs  [][]byte
	pairAt int
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
	if fold {
		n.pairAt, n.pairs = pairOf(n.text)
	}
	return n
}

// pairOf chooses two neighbours of which at most one has a case.
func pairOf(text []byte) (at int, pairs [][]byte) {
	const perLetter = 30 // what a second search costs, in rarity
	best := -1
	for i := range max(0, len(text)-1) {
		a, b := text[i], text[i+1]
		worth := rarity(a) + rarity(b)
		switch {
		case isLetter(a) && isLetter(b):
			continue
		case isLetter(a):
			worth = max(0, worth-perLetter)
		case isLetter(b):
			worth = max(0, worth-perLetter)
		}
		if worth > best {
			best, at = worth, i
		}
	}
	if best < 0 {
		return 0, nil
	}
	pair := text[at : at+2]
	pairs = [][]byte{pair}
	if upper := bytes.ToUpper(pair); !bytes.Equal(upper, pair) {
		pairs = append(pairs, upper)
	}
	return at, pairs
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

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
	if len(n.pairs) > 0 {
		return n.indexPairs(p)
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

// indexPairs looks for the pairs, and keeps the place of each until it is
// passed.
func (n needle) indexPairs(p []byte) int {
	known := [2]int{-1, -1}
	for from := n.pairAt; from < len(p); {
		at := len(p)
		for i, pair := range n.pairs {
			if known[i] < from {
				known[i] = len(p)
				if j := bytes.Index(p[from:], pair); j >= 0 {
					known[i] = from + j
				}
			}
			at = min(at, known[i])
		}
		start := at - n.pairAt
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
