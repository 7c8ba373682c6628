package jobspec_test

import (
	"strings"
	"testing"

	"dray/backend/jobspec"
)

// A word of a label has at most 63 characters, wherever it stands.
func TestCheckLabel_length(t *testing.T) {
	t.Parallel()
	fits, over := strings.Repeat("a", 63), strings.Repeat("a", 64)
	for _, tt := range []struct {
		key, value string
		ok         bool
	}{
		{fits, fits, true},
		{over, "", false},
		{"a/" + fits, "", true},
		{"a/" + over, "", false},
		{over + "/a", "", false},
		{"a", over, false},
		{"a", "!" + fits, true},
		{"a", "!" + over, false},
		{"a", "in(" + fits + ", " + fits + ")", true},
		{"a", "!in(" + fits + "," + over + ")", false},
		{"a", "a.-_b", true},
		{"a", "a-", false},
		{"a", "in(a b)", false},
	} {
		if got := jobspec.CheckLabel(tt.key, tt.value); (got == "") != tt.ok {
			t.Errorf("%s=%s: %q, want it to be right: %t", tt.key, tt.value, got, tt.ok)
		}
	}
}
