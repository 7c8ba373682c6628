package cell_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"dray/tui/widget/cell"
)

func TestMiddle_keepsHeadAndTail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		s    string
		w    int
		want string
	}{
		{"short", 20, "short"},
		{"raysubmit_Xe7cvjyGJCpk3wQa", 20, "raysub…cvjyGJCpk3wQa"},
		{"日本語日本語日本語", 9, "日…日本語"},
		{"abcdef", 3, "ab…"},
		{"abcdef", 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.s, func(t *testing.T) {
			t.Parallel()
			if got := cell.Middle(tt.s, tt.w, "…"); got != tt.want {
				t.Errorf("Middle(%q, %d) = %q, want %q", tt.s, tt.w, got, tt.want)
			}
		})
	}
}

func TestFit_neverWiderAndExactlyPadded(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.SampledFrom([]rune("ab 日é…●x")))
	rapid.Check(t, func(rt *rapid.T) {
		s, w := text.Draw(rt, "s"), rapid.IntRange(0, 30).Draw(rt, "w")
		for name, got := range map[string]string{"Cut": cell.Cut(s, w, "…"), "Middle": cell.Middle(s, w, "…")} {
			if cell.Width(got) > w {
				rt.Fatalf("%s(%q, %d) = %q is %d wide", name, s, w, got, cell.Width(got))
			}
		}
		for name, got := range map[string]string{"Pad": cell.Pad(s, w), "Right": cell.Right(s, w), "Spread": cell.Spread(s, "r", w, "…")} {
			if cell.Width(got) != w {
				rt.Fatalf("%s(%q, %d) = %q is %d wide", name, s, w, got, cell.Width(got))
			}
		}
		if cell.Width(s) != ansi.StringWidth(s) {
			rt.Fatalf("Width(%q) = %d", s, cell.Width(s))
		}
	})
}

func TestOverlay_coversOnlyItsBox(t *testing.T) {
	t.Parallel()
	under := []string{"\x1b[31mabcdefgh\x1b[0m", "ij", "klmnopqr"}
	got := cell.Overlay(under, []string{"XX", "YY"}, 3, 0)
	plain := make([]string, len(got))
	for i, l := range got {
		plain[i] = ansi.Strip(l)
	}
	if want := []string{"abcXXfgh", "ij YY", "klmnopqr"}; !slices.Equal(plain, want) {
		t.Errorf("Overlay = %q, want %q", plain, want)
	}
	if !strings.HasSuffix(got[0], "\x1b[0m") {
		t.Errorf("the colour of the line under the box leaks: %q", got[0])
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	in := []string{"a", "b"}
	if got := cell.Lines(in, 3); !slices.Equal(got, []string{"a", "b", ""}) {
		t.Errorf("Lines(…, 3) = %q", got)
	}
	if got := cell.Lines(in, 1); !slices.Equal(got, []string{"a"}) {
		t.Errorf("Lines(…, 1) = %q", got)
	}
	if got := cell.Lines(in, -1); len(got) != 0 {
		t.Errorf("Lines(…, -1) = %q", got)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		s    string
		w    int
		want []string
	}{
		{"", 5, []string{""}},
		{"short", 5, []string{"short"}},
		{"python x.py --epochs 90", 15, []string{"python x.py", "--epochs 90"}},
		{"  indented text", 10, []string{"  indented", "text"}},
		{"          x", 4, []string{"", "x"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"ab   cd", 3, []string{"ab", "cd"}},
		{"日本語", 1, []string{"日", "本", "語"}},
		{"trailing   ", 8, []string{"trailing"}},
	}
	for _, tt := range tests {
		t.Run(tt.s, func(t *testing.T) {
			t.Parallel()
			if got := cell.Wrap(tt.s, tt.w); !slices.Equal(got, tt.want) {
				t.Errorf("Wrap(%q, %d) = %q, want %q", tt.s, tt.w, got, tt.want)
			}
		})
	}
}

func TestWrap_losesOnlyBlanks(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.SampledFrom([]rune("ab  日é-")))
	rapid.Check(t, func(rt *rapid.T) {
		s, w := text.Draw(rt, "s"), rapid.IntRange(2, 20).Draw(rt, "w")
		lines := cell.Wrap(s, w)
		for _, l := range lines {
			if cell.Width(l) > w {
				rt.Fatalf("line %q is wider than %d", l, w)
			}
		}
		strip := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := strip(strings.Join(lines, "")); got != strip(s) {
			rt.Fatalf("Wrap(%q, %d) = %q", s, w, lines)
		}
	})
}
