package jobview_test

import (
	"fmt"
	"testing"

	"github.com/muesli/termenv"

	"dray/backend/rayapi"
	"dray/theme"
	"dray/tui/jobview"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// The page of a failed job at every size in every look.
func TestLooks_golden(t *testing.T) {
	t.Parallel()
	looks := []struct {
		name    string
		profile termenv.Profile
		glyphs  theme.Glyphs
	}{
		{"none", termenv.Ascii, theme.Unicode()},
		{"ascii", termenv.Ascii, theme.ASCII()},
		{"16", termenv.ANSI, theme.Unicode()},
		{"true", termenv.TrueColor, theme.Unicode()},
	}
	for _, size := range [][2]int{{60, 15}, {80, 24}, {100, 30}, {140, 40}, {200, 60}} {
		for _, look := range looks {
			t.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], look.name), func(t *testing.T) {
				t.Parallel()
				e := env(t, func() (rayapi.Job, error) { return failed(), nil })
				e.Styles = tuitest.Styles(look.profile, look.glyphs)
				m := jobview.New(e, failed())
				tuitest.Golden(t, feed(t, m.Resize(screen.Size{W: size[0], H: size[1] - 3}), m.Init()(), told(1)).View())
			})
		}
	}
}
