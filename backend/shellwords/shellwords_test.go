package shellwords_test

import (
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"dray/backend/shellwords"
)

func TestJoin_roundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[ -~é\n'"$\\]{0,12}`), 1, 5).Draw(t, "words")
		line := shellwords.Join(append([]string{"printf", `%s\0`}, words...))
		out, err := exec.Command("/bin/sh", "-c", line).Output() //nolint:noctx // ends by itself
		if err != nil {
			t.Fatalf("sh -c %q: %v", line, err)
		}
		want := ""
		for _, w := range words {
			want += w + "\x00"
		}
		if string(out) != want {
			t.Fatalf("sh -c %q printed %q, want %q", line, out, want)
		}
	})
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", "''"},
		{"plain-1.0/x", "plain-1.0/x"},
		{"a b", "'a b'"},
		{"it's", `'it'"'"'s'`},
		{"$HOME", "'$HOME'"},
	} {
		if got := shellwords.Quote(tt.in); got != tt.want {
			t.Errorf("Quote(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}
