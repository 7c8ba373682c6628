package clean

import (
	"testing"
	"unicode"
)

// What is let through without a look into tables is what they would let through.
func TestIsSafe(t *testing.T) {
	t.Parallel()
	for r := rune(0x300); r <= unicode.MaxRune; r++ {
		want := !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs) &&
			(r < 0xfe00 || r > 0xfe0f) && r != 0x034f && (r < 0xe0000 || r > 0xe0fff) && r&0xfffe != 0xfffe
		if got := isSafe(r); got != want {
			t.Fatalf("isSafe(%U) = %v", r, got)
		}
	}
}
