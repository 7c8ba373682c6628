package jobspec

import (
	"fmt"
	"regexp"
	"sync"

	"dray/backend/shellwords"
)

var (
	// shellWord is a value as it stands in a command line, with its quotes.
	shellWord = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
		return regexp.MustCompile("^(?:'[^']*'|\"(?:[^\"\\\\]|\\\\.)*\"|\\\\.|[^\\s'\"\\\\;|&<>()`])+")
	})
	// quotedWord is a value inside a quote, in which a shell replaces nothing.
	quotedWord  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^[^\\s'\"\\\\;|&<>()`$]+") })
	otherFlag   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-[^0-9.]`) })
	wordEnd     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:$|[\s;|&<>)])`) })
	openBracket = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{[^}]*$`) })
)

// setFlag replaces the value of a flag, written --lr 0.1 or --lr=0.1. It
// refuses what it cannot replace without a doubt: a flag that is there twice, a
// value that a shell makes, one that would need quotes inside of quotes.
func setFlag(entrypoint, flag, value string) (string, error) {
	re := regexp.MustCompile(`(?:^|\s)` + regexp.QuoteMeta(flag) + `(?:=|[ \t]+)`)
	var starts []int
	for _, at := range re.FindAllStringIndex(entrypoint, -1) {
		spaced := entrypoint[at[1]-1] != '='
		rest := entrypoint[at[1]:]
		if wordEnd().MatchString(rest) || spaced && otherFlag().MatchString(rest) {
			continue // it has no value
		}
		starts = append(starts, at[1])
	}
	switch len(starts) {
	case 0:
		return entrypoint, fmt.Errorf("the entrypoint has no %s with a value", flag)
	case 1:
	default:
		return entrypoint, fmt.Errorf("the entrypoint has %s %d times: edit it instead", flag, len(starts))
	}
	before, rest := entrypoint[:starts[0]], entrypoint[starts[0]:]
	quoted := shellwords.Quote(value)
	if quote := openQuote(before); quote != 0 {
		old := quotedWord().FindString(rest)
		after := rest[len(old):]
		if old == "" || quoted != value || after != "" && after[0] != quote && !wordEnd().MatchString(after) {
			return entrypoint, fmt.Errorf("%s stands inside quotes, where %q cannot take its value's place: set entrypoint as a whole", flag, clip(value))
		}
		return before + value + after, nil
	}
	old := shellWord().FindString(rest)
	after := rest[len(old):]
	if old == "" || openBracket().MatchString(old) || !wordEnd().MatchString(after) {
		return entrypoint, fmt.Errorf("the value of %s cannot be told apart in the entrypoint: set entrypoint as a whole", flag)
	}
	return before + quoted + after, nil
}

// openQuote returns the quote that is not closed at the end of line, or 0.
func openQuote(line string) byte {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'':
			i++
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		}
	}
	return quote
}
