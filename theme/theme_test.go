package theme

import (
	"io"
	"slices"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

func TestThemes_areLegible(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := Named(name)
			if s.Mono || name == Default {
				return // the terminal's own colours
			}
			p := s.Palette()
			for what, c := range map[string]lipgloss.TerminalColor{"text": p.Text, "muted": p.Muted, "accent": p.Accent, "warning": p.Warn} {
				if got := Contrast(hex(t, c), s.Background); got < textContrast {
					t.Errorf("%s has a contrast of %.2f", what, got)
				}
			}
			states := map[string]lipgloss.TerminalColor{"pending": p.Pending, "running": p.Running, "succeeded": p.OK, "failed": p.Failed, "stopped": p.Stop, "match": p.Match}
			for what, c := range states {
				if got := Contrast(hex(t, c), s.Background); got < stateContrast {
					t.Errorf("%s has a contrast of %.2f", what, got)
				}
			}
			for field, c := range s.Fields() {
				if _, ok := parse(*c); !ok {
					t.Errorf("%s is %q", field, *c)
				}
			}
		})
	}
}

func hex(t *testing.T, c lipgloss.TerminalColor) string {
	t.Helper()
	s, ok := c.(lipgloss.Color)
	if !ok {
		t.Fatalf("%v is no colour", c)
	}
	return string(s)
}

func TestThemes_namesAreUnique(t *testing.T) {
	t.Parallel()
	names := Names()
	if names[0] != Default {
		t.Errorf("the first is %s", names[0])
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
}

// The states and the selection must not rest on colour.
func TestGlyphs_tellTheStatesApart(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]Glyphs{"unicode": Unicode(), "ascii": ASCII()} {
		all := []string{g.Pending, g.Running, g.Succeeded, g.Failed, g.Stopped, g.Ended, g.Unknown}
		if len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
			t.Errorf("%s: two states have one sign: %v", name, all)
		}
		if g.Cursor == "" || g.Mark == "" || g.Cursor == g.Mark {
			t.Errorf("%s: cursor %q, mark %q", name, g.Cursor, g.Mark)
		}
	}
}

func TestMono_hasNoColour(t *testing.T) {
	t.Parallel()
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.TrueColor)
	s, _ := Named("mono")
	if got := New(r, s.Palette(), Unicode()).Running.Render("x"); got != "x" {
		t.Errorf("running is drawn as %q", got)
	}
}

func TestContrast(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"8", "#ffffff", 0}} {
		if got := Contrast(tt.a, tt.b); got < tt.want-0.01 || got > tt.want+0.01 {
			t.Errorf("Contrast(%s, %s) = %.3f, want %.2f", tt.a, tt.b, got, tt.want)
		}
	}
	if got := Legible("#777777", "#777777", "", 4.5); Contrast(got, "#777777") < 4 {
		t.Errorf("grey on grey becomes %s", got)
	}
}
