package client

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"dray/backend/rayapi"
)

var (
	exceptionPrefix = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
		return regexp.MustCompile(`^(?:[A-Za-z_][\w.]*\.)?[A-Za-z_]\w*(?:Error|Exception|Warning|Timeout): `)
	})
	wrapPrefix  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`Request failed with status code \d+: `) })
	nonTerminal = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
		return regexp.MustCompile(`Attempted to delete job '(.*)', but it is in a non-terminal state (\w+)`)
	})
)

// maxMessage bounds a message, in runes.
const maxMessage = 600

// lastLine returns what an error text says: of a Python traceback the last
// line, without the exception's name. A head wraps the agent's traceback in
// its own and adds a full stop, so the last line may hold no word at all.
func lastLine(text string) string {
	if i := strings.LastIndex(text, "Traceback (most recent call last):"); i >= 0 {
		text = exceptionText(text[i:])
	}
	if all := wrapPrefix().FindAllStringIndex(text, -1); all != nil {
		text = text[all[len(all)-1][1]:]
	}
	text = strings.TrimSpace(text)
	if strings.HasSuffix(text, "..") && !strings.HasSuffix(text, "...") {
		text = text[:len(text)-1]
	}
	for exceptionPrefix().MatchString(text) {
		text = exceptionPrefix().ReplaceAllString(text, "")
	}
	return oneLine(text)
}

// exceptionText returns what follows the indented frames of a traceback. An
// exception's own text may have several lines, of which the first says most.
func exceptionText(traceback string) string {
	lines := strings.Split(traceback, "\n")
	for len(lines) > 1 && !strings.ContainsFunc(lines[len(lines)-1], unicode.IsLetter) {
		lines = lines[:len(lines)-1]
	}
	start := len(lines) - 1
	for i := len(lines) - 1; i > 0; i-- {
		if line := lines[i]; strings.HasPrefix(line, " ") && strings.TrimSpace(line) != "" {
			break
		}
		if strings.ContainsFunc(lines[i], unicode.IsLetter) {
			start = i
		}
	}
	return strings.Join(lines[start:], " ")
}

func stateError(text string) error {
	m := nonTerminal().FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	return &rayapi.StateError{ID: m[1], Status: rayapi.Status(m[2])}
}

// oneLine makes text from elsewhere fit for an error: no line breaks, nothing
// that a terminal obeys, not endless.
func oneLine(text string) string {
	var b strings.Builder
	n, blank := 0, false
	for _, r := range strings.TrimSpace(text) {
		if n >= maxMessage {
			b.WriteString("…")
			break
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			blank = true
			continue
		}
		if blank {
			b.WriteByte(' ')
			n++
		}
		blank = false
		b.WriteRune(r)
		n++
	}
	return b.String()
}
