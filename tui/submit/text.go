package submit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dray/tui/widget/jobtext"
)

// units are the suffixes of an amount of memory, in lower case.
func units() map[string]float64 {
	return map[string]float64{
		"": 1, "b": 1,
		"k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30, "t": 1 << 40, "tib": 1 << 40,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	}
}

// bytesText is the shortest exact form of an amount of memory, "" for none.
func bytesText(n int64) string {
	if n == 0 {
		return ""
	}
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// size is a number of bytes for reading, not for computing.
func size(n int64) string {
	v, unit := float64(n), "bytes"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	if unit == "bytes" {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + unit
}

// count writes n with separators between the thousands.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + " " + many
}

func number(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// invisible reports characters that a terminal does not show or obeys.
func invisible(r rune) bool { return !unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// unclosed reports whether a shell would miss a closing quote. It leaves
// here-documents and comments alone, where quotes mean nothing.
func unclosed(s string) bool {
	if strings.Contains(s, "<<") || strings.Contains(s, "#") {
		return false
	}
	var quote rune
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		}
	}
	return quote != 0
}

// secret returns the rune of a line K=V from which on it must not be seen, or
// -1.
func secret(line string) int {
	name, value, ok := strings.Cut(line, "=")
	if !ok || !jobtext.Secret(name, value) {
		return -1
	}
	return utf8.RuneCountInString(name) + 1
}

// anyValue returns the rune of a line K=V from which on the value stands, or -1.
func anyValue(line string) int {
	name, _, ok := strings.Cut(line, "=")
	if !ok {
		return -1
	}
	return utf8.RuneCountInString(name) + 1
}

var inURL = regexp.MustCompile(`://[^/@\s]*:([^/@\s]+)@`)

// credentials returns the rune of a line from which on it must not be seen,
// because an address in it holds a password, or -1.
func credentials(line string) int {
	m := inURL.FindStringIndex(line)
	if m == nil {
		return -1
	}
	return utf8.RuneCountInString(line[:m[0]]) + 3
}

var textEntry = regexp.MustCompile(`^(\s*(?:- )?"?([^":=]+)"?\s*:\s*)(\S.*)$`)

// maskText returns what hides the secrets of a runtime environment as YAML or
// JSON: values by their name or look, and all variables if all is set.
func maskText(all bool) func(lines []string, i int) int {
	return func(lines []string, i int) int {
		m := textEntry.FindStringSubmatch(lines[i])
		if m == nil {
			return credentials(lines[i])
		}
		if all && inVars(lines, i) || jobtext.Secret(strings.TrimSpace(m[2]), strings.Trim(strings.TrimRight(m[3], ", "), `"'`)) {
			return utf8.RuneCountInString(m[1])
		}
		return credentials(lines[i])
	}
}

// inVars reports that line i stands under env_vars.
func inVars(lines []string, i int) bool {
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	for at := i - 1; at >= 0; at-- {
		if strings.TrimSpace(lines[at]) != "" && indent(lines[at]) < indent(lines[i]) {
			return strings.HasPrefix(strings.Trim(strings.TrimSpace(lines[at]), `"`), "env_vars")
		}
	}
	return false
}
