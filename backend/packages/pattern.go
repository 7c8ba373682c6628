package packages

import (
	"regexp"
	"strings"
	"unicode"
)

// patterns is one list of ignore rules; of those that match, the last decides.
type patterns []pattern

type pattern struct {
	re      *regexp.Regexp
	exclude bool // false for a negated rule
}

// compilePatterns reads ignore rules as Ray reads them, which is not always as
// git does: a path is matched as it stands, so "build/" takes what is in the
// folder and leaves its name.
func compilePatterns(lines []string) patterns {
	var out patterns
	for _, line := range lines {
		if p, ok := compilePattern(line); ok {
			out = append(out, p)
		}
	}
	return out
}

// match reports whether the list excludes rel, a slash-separated path relative
// to the folder that the list is for; that folder itself is ".".
func (ps patterns) match(rel string) bool {
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i].re.MatchString(rel) {
			return ps[i].exclude
		}
	}
	return false
}

func compilePattern(line string) (pattern, bool) {
	text := strings.TrimFunc(line, isPySpace)
	if text == "" || text == "/" || text[0] == '#' {
		return pattern{}, false
	}
	negated := text[0] == '!'
	if negated {
		text = text[1:]
	}
	text = strings.TrimPrefix(text, `\`)
	segments := anchor(strings.Split(text, "/"))
	if len(segments) == 0 {
		return pattern{}, false
	}
	re, err := regexp.Compile(segmentsToRegexp(segments, !negated))
	if err != nil { // a range such as [z-a]; like git, it matches nothing
		return pattern{}, false
	}
	return pattern{re: re, exclude: !negated}, true
}

// anchor normalises a rule's segments: a rule without an inner slash applies
// at every depth, a leading slash ties it to the top, and a trailing one means
// everything below.
func anchor(seg []string) []string {
	switch {
	case seg[0] == "":
		seg = seg[1:]
	case (len(seg) == 1 || len(seg) == 2 && seg[1] == "") && seg[0] != "**":
		seg = append([]string{"**"}, seg...)
	}
	if len(seg) > 1 && seg[len(seg)-1] == "" {
		seg[len(seg)-1] = "**"
	}
	return seg
}

// segmentsToRegexp writes the rule as a regular expression over whole paths.
// A rule that excludes also takes everything below what it names; a negated
// one does not.
func segmentsToRegexp(seg []string, below bool) string {
	var b strings.Builder
	b.WriteString(`\A(?:`)
	slash := false
	last := len(seg) - 1
	for i, s := range seg {
		if s == "**" {
			switch {
			case i == 0 && i == last:
				b.WriteString(`.+`)
			case i == 0:
				b.WriteString(`(?:.+/)?`)
			case i == last:
				b.WriteString(`/.*`)
			default:
				b.WriteString(`(?:/.+)?`)
				slash = true
			}
			continue
		}
		if slash {
			b.WriteByte('/')
		}
		slash = true
		if s == "*" {
			b.WriteString(`[^/]+`)
			continue
		}
		b.WriteString(segmentToRegexp(s))
		if i == last && below {
			b.WriteString(`(?:/.*)?`)
		}
	}
	b.WriteString(`)\n?\z`) // Python's $ stands before a last newline as well
	return b.String()
}

func segmentToRegexp(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case '\\':
			if i++; i < len(runes) {
				b.WriteString(regexp.QuoteMeta(string(runes[i])))
			}
		case '*':
			b.WriteString(`[^/]*`)
		case '?':
			b.WriteString(`[^/]`)
		case '[':
			class, size := classToRegexp(runes[i+1:])
			b.WriteString(class)
			i += size
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// classToRegexp translates a bracket expression, given what follows its '['.
// It returns how many runes it used; without a closing bracket the '[' is an
// ordinary character.
func classToRegexp(rest []rune) (string, int) {
	start := 0
	if start < len(rest) && rest[start] == '!' {
		start++
	}
	end := start
	if end < len(rest) && rest[end] == ']' {
		end++
	}
	for end < len(rest) && rest[end] != ']' {
		end++
	}
	if end >= len(rest) {
		return `\[`, 0
	}
	var b strings.Builder
	b.WriteByte('[')
	if start == 1 {
		b.WriteByte('^')
	}
	members := rest[start:end]
	for i := 0; i < len(members); i++ {
		b.WriteString(quoteMember(members[i]))
		if i+2 < len(members) && members[i+1] == '-' {
			b.WriteByte('-')
			b.WriteString(quoteMember(members[i+2]))
			i += 2
		}
	}
	b.WriteByte(']')
	return b.String(), end + 1
}

// quoteMember writes one member of a class so that nothing in it has a second
// meaning, which Go's syntax gives to [:alpha:] and Python's does not.
func quoteMember(r rune) string {
	if r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r >= ' ' {
		return `\` + string(r)
	}
	return string(r)
}

// isPySpace is Python's str.isspace for one character.
func isPySpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}
