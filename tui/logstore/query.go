package logstore

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"dray/tui/clean"
	"dray/tui/loglevel"
)

// Span is a run of bytes.
type Span struct{ From, To int }

// Query says which lines are looked for. Lines are compared as they are drawn,
// without colours and with the last state of a progress bar alone. The zero
// value matches nothing.
type Query struct {
	text    string
	cased   bool
	literal needle
	re      *regexp.Regexp
	is      func(line []byte) bool
	needles []needle   // one of them stands in each line that matches; none: unknown
	choices [][]needle // what else the needles could be
}

// Literal looks for text. Capitals in it make capitals count; letters other
// than those of ASCII are compared as they are.
func Literal(text string) Query {
	if text == "" {
		return Query{}
	}
	cased := hasUpper(text)
	n := newNeedle(text, !cased)
	return Query{text: text, cased: cased, literal: n, needles: []needle{n}, choices: [][]needle{{n}}}
}

// Regexp looks for a regular expression in the syntax of Go. Capitals in it,
// other than those of escapes, make capitals count. One without any operator is
// a text.
func Regexp(expr string) (Query, error) {
	if regexp.QuoteMeta(expr) == expr {
		return Literal(expr), nil
	}
	full, cased := expr, hasUpper(withoutEscapes(expr))
	if !cased {
		full = "(?i)" + expr
	}
	re, err := regexp.Compile(full)
	if err != nil {
		return Query{}, fmt.Errorf("regular expression %q: %w", expr, err)
	}
	q := Query{text: expr, cased: cased, re: re, choices: required(full)}
	if len(q.choices) > 0 {
		q.needles = q.choices[0]
	}
	return q, nil
}

// Levels looks for the lines of a level or a higher one. The first line of a
// traceback is one of the highest.
func Levels(least loglevel.Level) Query {
	return Query{text: "level", is: func(l []byte) bool { return loglevel.Of(l) >= least }}
}

// Cased reports that capitals count, because there are some in the query.
func (q Query) Cased() bool { return q.cased }

// Empty reports that nothing is looked for.
func (q Query) Empty() bool { return q.text == "" }

// String is the query as it was typed.
func (q Query) String() string { return q.text }

// Matches reports whether a cleaned line without colours is one of those.
func (q Query) Matches(text []byte) bool {
	switch {
	case q.is != nil:
		return q.is(text)
	case q.re != nil:
		return q.re.Match(text)
	}
	return q.literal.index(text) >= 0
}

// Spans appends where the query stands in a cleaned line without colours. A
// query for levels has no spans.
func (q Query) Spans(dst []Span, text []byte) []Span {
	if q.Empty() || q.is != nil {
		return dst
	}
	if q.re != nil {
		for _, m := range q.re.FindAllIndex(text, -1) {
			if m[1] > m[0] {
				dst = append(dst, Span{m[0], m[1]})
			}
		}
		return dst
	}
	var k known
	for from := 0; ; {
		i := q.literal.from(text, from, &k)
		if i < 0 {
			return dst
		}
		from = i + len(q.literal.text)
		dst = append(dst, Span{i, from})
	}
}

// matchesRaw is Matches for a line as it is in the log, which certainly holds
// one of the needles if sure.
func (q Query) matchesRaw(line []byte, scratch *[]byte, sure bool) bool {
	if len(line) > MaxLine {
		line = line[:MaxLine]
		sure = false
	}
	if isPlain(line) {
		if sure && q.re == nil && q.is == nil {
			return true
		}
		return q.Matches(line)
	}
	*scratch = clean.LogPlain((*scratch)[:0], line)
	return q.Matches(*scratch)
}

// isPlain reports whether cleaning would leave p as it is.
func isPlain(p []byte) bool {
	for _, c := range p {
		if c-0x20 >= 0x7f-0x20 {
			return false
		}
	}
	return true
}

func hasUpper(s string) bool { return strings.IndexFunc(s, unicode.IsUpper) >= 0 }

// withoutEscapes leaves out each backslash and what it escapes, so that \S does
// not count as a capital.
func withoutEscapes(expr string) string {
	var b strings.Builder
	for i := 0; i < len(expr); i++ {
		if expr[i] == '\\' {
			i++
			continue
		}
		b.WriteByte(expr[i])
	}
	return b.String()
}

// stripEscapes appends p without escape sequences. Line feeds all stay.
func stripEscapes(dst, p []byte) []byte {
	for {
		i := bytes.IndexByte(p, 0x1b)
		if i < 0 {
			return append(dst, p...)
		}
		dst = append(dst, p[:i]...)
		p = p[i+escapeLen(p[i:]):]
	}
}

// escapeLen is the length of the escape sequence that p begins with. It never
// reaches over a line feed.
func escapeLen(p []byte) int {
	if len(p) < 2 || p[1] == '\n' {
		return 1
	}
	switch p[1] {
	case '[':
		for i := 2; i < len(p); i++ {
			if p[i] < 0x20 || p[i] > 0x3f {
				if p[i] >= 0x40 && p[i] <= 0x7e {
					return i + 1
				}
				return i
			}
		}
		return len(p)
	case ']':
		for i := 2; i < len(p) && p[i] != '\n'; i++ {
			if p[i] == 0x07 {
				return i + 1
			}
			if p[i] == 0x1b {
				if i+1 < len(p) && p[i+1] == '\\' {
					return i + 2
				}
				break
			}
		}
	}
	return 2
}
