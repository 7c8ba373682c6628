package logview

import (
	"bytes"
	"strings"
	"unicode"
)

// query is a text to find in lines. Capitals in it make capitals count.
type query struct {
	text []byte
	fold bool
}

func newQuery(s string) query {
	fold := strings.IndexFunc(s, unicode.IsUpper) < 0
	return query{text: []byte(s), fold: fold}
}

func (q query) empty() bool { return len(q.text) == 0 }

// spans returns where q stands in a cleaned line without colours.
func (q query) spans(text []byte) []span {
	var all []span
	for from := 0; ; {
		at := q.index(text[from:])
		if at < 0 {
			return all
		}
		from += at
		all = append(all, span{from, from + len(q.text)})
		from += len(q.text)
	}
}

// matches reports whether q stands in a cleaned line without colours.
func (q query) matches(text []byte) bool { return q.index(text) >= 0 }

// index finds q; letters other than those of ASCII are compared as they are.
func (q query) index(text []byte) int {
	if !q.fold {
		return bytes.Index(text, q.text)
	}
	first := q.text[0]
	upper := first
	if 'a' <= first && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for from := 0; ; from++ {
		at := indexEither(text[from:], first, upper)
		if at < 0 || from+at+len(q.text) > len(text) {
			return -1
		}
		from += at
		if equalFold(text[from:from+len(q.text)], q.text) {
			return from
		}
	}
}

func indexEither(p []byte, a, b byte) int {
	i := bytes.IndexByte(p, a)
	if a == b {
		return i
	}
	if i >= 0 {
		p = p[:i]
	}
	if j := bytes.IndexByte(p, b); j >= 0 {
		return j
	}
	return i
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
