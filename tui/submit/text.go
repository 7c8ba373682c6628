package submit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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

// maxLook is how much of a value is searched for a key.
const maxLook = 1024

// secretLook are values that are keys whatever their name is.
var secretLook = regexp.MustCompile(`^(sk-|hf_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|eyJ[A-Za-z0-9_-]{8,}\.|-----BEGIN )|://[^/@:\s]*:[^/@\s]+@`)

// secret returns the rune of a line K=V from which on it must not be seen, or
// -1.
func secret(line string) int {
	name, value, ok := strings.Cut(line, "=")
	value = value[:min(len(value), maxLook)]
	if !ok || !secretName(name) && !secretLook.MatchString(strings.TrimSpace(value)) {
		return -1
	}
	return utf8.RuneCountInString(name) + 1
}

// secretName goes by whole words: TOKENIZERS_PARALLELISM and RAY_AUTH_MODE are
// no secrets.
func secretName(name string) bool {
	name = strings.ToUpper(strings.TrimSpace(name))
	for _, part := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "AUTHTOKEN", "CREDENTIAL"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("_-. ", r) })
	for i, w := range words {
		switch w {
		case "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASS", "COOKIE", "BEARER", "DSN":
			return true
		case "AUTH":
			return i == len(words)-1
		case "PWD":
			return len(words) > 1
		case "KEY", "KEYS":
			if i > 0 && slices.Contains([]string{"API", "ACCESS", "PRIVATE", "SECRET", "SIGNING", "ENCRYPTION", "MASTER", "AUTH", "ACCOUNT", "STORAGE"}, words[i-1]) {
				return true
			}
		}
	}
	return false
}
