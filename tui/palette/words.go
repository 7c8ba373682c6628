package palette

import (
	"fmt"
	"strings"
)

func plural(n int) string { return fmt.Sprintf("%d more ", n) }

// Words splits a line at blanks. Quotes, single or double, hold a word with
// blanks together; an open quote ends with the line.
func Words(line string) []string {
	var words []string
	var b strings.Builder
	quote, open := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			b.WriteRune(r)
		case r == '"' || r == '\'':
			quote, open = r, true
		case r == ' ' || r == '\t':
			if b.Len() > 0 || open {
				words = append(words, b.String())
			}
			b.Reset()
			open = false
		default:
			b.WriteRune(r)
		}
	}
	if b.Len() > 0 || open {
		words = append(words, b.String())
	}
	return words
}
