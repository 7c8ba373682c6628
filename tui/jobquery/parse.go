package jobquery

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word of a query, quotes taken away.
type token struct {
	text   string
	column int  // of its first character, from 1
	quoted bool // from its first character on: never a field
	not    bool
}

// Parse reads a query. Its error is an *Error.
func Parse(text string) (Query, error) {
	var q Query
	var group []term
	for _, tok := range tokens(text) {
		if tok.text == "|" && !tok.quoted && !tok.not {
			if len(group) > 0 {
				q.any = append(q.any, group)
			}
			group = nil
			continue
		}
		t, err := tok.term()
		if err != nil {
			return Query{}, err
		}
		if t.test != nil || t.word != "" {
			group = append(group, t)
		}
	}
	if len(group) > 0 {
		q.any = append(q.any, group)
	}
	return q, nil
}

// tokens splits at blanks that are not in double quotes. A quote that is never
// closed goes to the end, so that a query can be typed.
func tokens(text string) []token {
	var all []token
	var b strings.Builder
	var cur *token
	inQuotes := false
	column := 0
	flush := func() {
		if cur != nil {
			cur.text = b.String()
			all = append(all, *cur)
			cur = nil
			b.Reset()
		}
	}
	for _, r := range text {
		column++
		if unicode.IsSpace(r) && !inQuotes {
			flush()
			continue
		}
		if cur == nil {
			cur = &token{column: column}
		}
		switch {
		case r == '"':
			inQuotes = !inQuotes
			cur.quoted = cur.quoted || b.Len() == 0
		case r == '!' && b.Len() == 0 && !cur.not && !inQuotes:
			cur.not = true
		default:
			b.WriteRune(r)
		}
	}
	flush()
	return all
}

// fieldHead is a field's name, its operator, and then the value.
var fieldHead = regexp.MustCompile(`^([A-Za-z_]+)(\.[^:=~<>\s]+)?(:|=|~|<=|>=|<|>)`)

func (tok token) term() (term, error) {
	t := term{not: tok.not}
	if tok.quoted {
		t.word = strings.ToLower(tok.text)
		return t, nil
	}
	if strings.EqualFold(tok.text, "mine") {
		t.test = func(r *Row, f *Facts) bool { return f.Mine(r.Job) }
		return t, nil
	}
	m := fieldHead.FindStringSubmatch(tok.text)
	if m == nil {
		t.word = strings.ToLower(tok.text)
		return t, nil
	}
	name, sub, op, value := strings.ToLower(m[1]), strings.TrimPrefix(m[2], "."), m[3], tok.text[len(m[0]):]
	at := tok.column
	if tok.not {
		at++
	}
	c := clause{name: name, sub: sub, op: op, value: value, column: at, valueColumn: at + utf8.RuneCountInString(m[0])}
	make := maker(name)
	switch {
	case make != nil && (sub == "") == (name != "meta"):
		test, err := make(c)
		t.test = test
		return t, err
	case op != ":" || looksLikeAddress(value):
		t.word = strings.ToLower(tok.text)
		return t, nil
	}
	return t, unknownField(c)
}

// looksLikeAddress tells "s3://bucket" and "host:8265" from a field.
func looksLikeAddress(value string) bool {
	return strings.HasPrefix(value, "/") || value != "" && unicode.IsDigit(rune(value[0]))
}

// clause is a field with what is asked of it.
type clause struct {
	name, sub, op, value string
	column, valueColumn  int
}

func (c clause) bad(format string, args ...any) error {
	return &Error{Column: c.column, Text: fmt.Sprintf(format, args...)}
}

func (c clause) badValue(format string, args ...any) error {
	return &Error{Column: c.valueColumn, Text: fmt.Sprintf(format, args...)}
}

// needOp checks the operator of a field.
func (c clause) needOp(allowed ...string) error {
	if slices.Contains(allowed, c.op) {
		return nil
	}
	return c.bad("%s does not take %s; it takes %s", c.name, c.op, strings.Join(allowed, " "))
}

// unknownField names a field that may be meant.
func unknownField(c clause) error {
	if c.name == "meta" {
		return c.bad("meta needs a key, as in meta.team:vision")
	}
	names := fieldNames()
	best := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(distance(c.name, a), distance(c.name, b)) })
	if distance(c.name, best) <= 2 {
		return c.bad("there is no field %q; %s is one (quotes make it a word)", c.name, best)
	}
	return c.bad("there is no field %q; there are %s (quotes make it a word)", c.name, strings.Join(names, " "))
}

// distance counts the letters to change, add or leave out between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
