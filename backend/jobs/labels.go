//go:build linux

package jobs

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dray/backend/rayapi"
)

const (
	labelWord      = `[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?`
	maxLabelPrefix = 253
	labelRule      = "1 to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
)

// labelName and labelSelector are compiled when they are needed: few jobs have
// labels, and every supervisor is a start of this program.
func labelName() *regexp.Regexp { return regexp.MustCompile(`^` + labelWord + `$`) }

func labelSelector() *regexp.Regexp {
	return regexp.MustCompile(`^!?(?:in)?\(` + labelWord + `(?:, ?` + labelWord + `)*\)$|^!?` + labelWord + `$`)
}

// checkLabels reports the first mistake in a label selector, in order of its
// keys, with the beginnings of Ray's sentences; the error is a
// *rayapi.LabelError.
func checkLabels(selector map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		name := key
		if i := strings.LastIndexByte(key, '/'); i >= 0 {
			name = key[i+1:]
			if !isLabelPrefix(key[:i]) {
				return &rayapi.LabelError{Reason: fmt.Sprintf("Invalid label key prefix `%s`. "+
					"It must be DNS labels with dots between them, at most %d characters in all.", key[:i], maxLabelPrefix)}
			}
		}
		if !labelName().MatchString(name) {
			return &rayapi.LabelError{Reason: fmt.Sprintf("Invalid label key name `%s`. It must be %s.", name, labelRule)}
		}
		if v := selector[key]; v != "" && !labelSelector().MatchString(v) {
			return &rayapi.LabelError{Reason: fmt.Sprintf("Invalid label selector value `%s`. "+
				"It must be a value, in(a, b), or one of them after '!'; a value is %s.", v, labelRule)}
		}
	}
	return nil
}

// isLabelPrefix takes what Ray takes: its pattern lets words between the dots
// be empty.
func isLabelPrefix(prefix string) bool {
	if len(prefix) > maxLabelPrefix {
		return false
	}
	name := labelName()
	for word := range strings.SplitSeq(prefix, ".") {
		if word != "" && !name.MatchString(word) {
			return false
		}
	}
	return true
}

// unsatisfied returns the first condition, "key=value", that labels do not
// meet, or "". The selector is one that checkLabels took.
func unsatisfied(selector, labels map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		value, exclude := strings.CutPrefix(selector[key], "!")
		if open := strings.IndexByte(value, '('); open >= 0 {
			value = strings.TrimSuffix(value[open+1:], ")")
		}
		have, ok := labels[key]
		match := false
		for v := range strings.SplitSeq(value, ",") {
			match = match || ok && strings.TrimSpace(v) == have
		}
		if match == exclude {
			return key + "=" + selector[key]
		}
	}
	return ""
}
