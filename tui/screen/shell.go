package screen

import (
	"strings"
	"unicode"

	"dray/backend/shellwords"
)

// Shell returns the command line that does on this server what the words after
// dray say, "stop" and an id, or "" when they hold what a line cannot show.
func (t Target) Shell(words ...string) string {
	line := []string{"dray"}
	switch {
	case t.Cluster != "":
		line = append(line, "--cluster", shellwords.Quote(t.Cluster))
	case !t.Embedded:
		line = append(line, "--address", shellwords.Quote(t.Address))
	}
	for _, w := range words {
		if strings.ContainsFunc(w, unicode.IsControl) {
			return ""
		}
		line = append(line, shellwords.Quote(w))
	}
	return strings.Join(line, " ")
}
