package logstore

import (
	"bytes"
	"strings"
)

// needle is a text to find in bytes. It looks for one of its bytes, which is to
// be rare, and compares another one before all the rest.
type needle struct {
	text []byte // in lower case if fold
	fold bool   // letters of ASCII are compared in either case
	rare int    // the place of the byte that is looked for
	next int    // the place of the one that is compared first
}

// newNeedle chooses the bytes by what is rare in most logs.
func newNeedle(text string, fold bool) needle {
	if fold {
		text = asciiLower(text)
	}
	n := needle{text: []byte(text), fold: fold}
	return n.by(func(c byte) int { return len(common) - rarity(c) })
}

// by returns n looking for the byte that costs least.
func (n needle) by(cost func(c byte) int) needle {
	n.rare, n.next = n.cheapest(cost, -1), 0
	if n.next = n.cheapest(cost, n.rare); n.next < 0 {
		n.next = n.rare
	}
	return n
}

// cheapest returns the place of the cheapest byte that is not at skip, or -1.
func (n *needle) cheapest(cost func(c byte) int, skip int) int {
	at := -1
	for i, c := range n.text {
		if i != skip && (at < 0 || cost(c) < cost(n.text[at])) {
			at = i
		}
	}
	return at
}

// cased reports whether c is looked for in two cases.
func (n *needle) cased(c byte) bool { return n.fold && 'a' <= c && c <= 'z' }

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
func (n *needle) worth() int {
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
func (n *needle) index(p []byte) int {
	var k known
	return n.from(p, 0, &k)
}

// known is what a search through some bytes has found out so far, so that going
// on from a hit does not look at the bytes behind it once more.
type known struct {
	small, capital int // where the byte stands next in each case
}

// from returns where the needle stands in p, at a place or after it, or -1. A
// search that begins at 0 makes k anew, one that goes on uses it.
func (n *needle) from(p []byte, at int, k *known) int {
	switch {
	case len(n.text) == 0:
		return -1
	case n.cased(n.text[n.rare]):
		return n.fromCased(p, at, k)
	}
	return n.fromByte(p, at)
}

const (
	// many and often say when the byte that is looked for is not rare at all:
	// then the text is looked for as a whole.
	many, often = 64, 12
	toLower     = 'a' - 'A'
)

// second is the byte that is compared first: how far it is from the one that is
// looked for, and what makes a capital there a small letter, which no other
// byte becomes.
func (n *needle) second() (c, lower byte, apart int) {
	c = n.text[n.next]
	if n.cased(c) {
		lower = toLower
	}
	return c, lower, n.next - n.rare
}

// fromByte looks for a byte that has one case, or whose case counts.
func (n *needle) fromByte(p []byte, at int) int {
	c, end := n.text[n.rare], len(p)-len(n.text)+n.rare
	second, lower, apart := n.second()
	for from, misses := at+n.rare, 0; from <= end; misses++ {
		if !n.fold && misses > many && misses*often > from-at { // not so rare here
			i := bytes.Index(p[from-n.rare:], n.text)
			if i < 0 {
				return -1
			}
			return from - n.rare + i
		}
		i := bytes.IndexByte(p[from:], c)
		if i < 0 || from+i > end {
			return -1
		}
		from += i
		if p[from+apart]|lower == second && n.stands(p[from-n.rare:]) {
			return from - n.rare
		}
		from++
	}
	return -1
}

// fromCased looks for a byte in both cases. The place of each is kept until it
// is passed, so that the bytes are seen once.
func (n *needle) fromCased(p []byte, at int, k *known) int {
	c, end := n.text[n.rare], len(p)-len(n.text)+n.rare
	second, lower, apart := n.second()
	if at == 0 {
		k.small, k.capital = -1, -1
	}
	for from := at + n.rare; from <= end; from++ {
		if k.small < from {
			k.small = indexFrom(p, from, c)
		}
		if k.capital < from {
			k.capital = indexFrom(p, from, c-toLower)
		}
		if from = min(k.small, k.capital); from > end {
			return -1
		}
		if p[from+apart]|lower == second && n.stands(p[from-n.rare:]) {
			return from - n.rare
		}
	}
	return -1
}

// indexFrom returns the first c at or after from, or the length of p.
func indexFrom(p []byte, from int, c byte) int {
	if i := bytes.IndexByte(p[from:], c); i >= 0 {
		return from + i
	}
	return len(p)
}

// stands reports whether p, which is long enough, begins with the needle.
func (n *needle) stands(p []byte) bool {
	if p = p[:len(n.text)]; n.fold {
		return equalFold(p, n.text)
	}
	return bytes.Equal(p, n.text)
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
