// Package shellwords quotes words for a POSIX shell and splits them again.
//
// It also takes shell text apart, for what a user pastes; it expands nothing.
package shellwords

import "strings"

// Join quotes each word and joins them by blanks, so that a shell sees every
// word as given. It is what Python's shlex.join does, which Ray's own command
// line uses.
func Join(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}

// Quote returns word as it must be written in a shell. Words of plain
// characters stay as they are.
func Quote(word string) string {
	if word == "" {
		return "''"
	}
	if strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
}

func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		strings.ContainsRune("@%+=:,./-_", r)
}
