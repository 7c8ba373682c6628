// Package theme is every colour, style and glyph of the dashboard.
//
// A Palette names colours by meaning; New turns it into Styles once, from a
// renderer, so that nothing outside this package makes a style. It knows
// nothing of screens.
package theme

import (
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Palette holds colours by meaning, never by hue.
type Palette struct {
	Text, Muted, Accent, Border        lipgloss.TerminalColor
	Pending, Running, OK, Failed, Stop lipgloss.TerminalColor
	Warn, Match                        lipgloss.TerminalColor
	// HighContrast draws nothing faint.
	HighContrast bool
}

// ANSI is the default palette: the 16 named colours, which follow the user's
// own terminal scheme.
func ANSI() Palette {
	spec, _ := Named(Default)
	return spec.Palette()
}

// Styles are built once and read by every screen.
type Styles struct {
	Text     lipgloss.Style // the terminal's own foreground
	Muted    lipgloss.Style // units, ages, hints
	Strong   lipgloss.Style // bold
	Accent   lipgloss.Style // titles, active tab, links
	Border   lipgloss.Style
	Selected lipgloss.Style // the row under the cursor, on top of the glyph
	Header   lipgloss.Style // column heads
	Key      lipgloss.Style // a key's name in hints and help
	KeyHelp  lipgloss.Style // what it does
	Context  lipgloss.Style // the server's name in the status line
	Title    lipgloss.Style // the program's name

	Pending, Running, Succeeded, Failed, Stopped, Ended, Stale lipgloss.Style

	Error, Warn, OK lipgloss.Style // messages
	Match           lipgloss.Style // a search hit
	Field           lipgloss.Style // text typed into a form
	Focus           lipgloss.Style // label of the focused field

	Glyphs Glyphs

	// Profile is how many colours the terminal has, for text that brings its own.
	Profile termenv.Profile
}

// Glyphs are the signs that carry meaning without colour.
type Glyphs struct {
	Pending, Running, Succeeded, Failed, Stopped, Ended, Unknown string
	Cursor, Mark                                                 string // column one and two of a row
	Live, Slow, Offline, Paused                                  string
	Follow, Behind                                               string // of a log: at its end, or new lines below
	Ellipsis, Rule, Bar, Crumb, Up, Down, Enter, Ctrl, Dot       string
	TopLeft, TopRight, BottomLeft, BottomRight                   string
	Caret, Masked                                                string // of a text field
	NameLeft, NameRight                                          string // around the server's name
	GaugeFull, GaugePart, GaugeNone                              string // a cell of a bar
	KeyUp, KeyDown, KeyLeft, KeyRight                            string // as help and hints write them
}

// Unicode returns the default glyphs; all are one cell wide outside CJK
// terminals.
func Unicode() Glyphs {
	return Glyphs{
		Pending: "◌", Running: "●", Succeeded: "✓", Failed: "✗", Stopped: "■", Ended: "·", Unknown: "?",
		Cursor: "▌", Mark: "+",
		Live: "●", Slow: "◐", Offline: "○", Paused: "‖",
		Follow: "▼", Behind: "▲",
		Ellipsis: "…", Rule: "─", Bar: "│", Crumb: "▸", Up: "↑", Down: "↓", Enter: "⏎", Ctrl: "^", Dot: "·",
		TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯",
		Caret: "▏", Masked: "•",
		NameLeft: "▏", NameRight: "▕",
		GaugeFull: "▇", GaugePart: "▅", GaugeNone: "▁",
		KeyUp: "↑", KeyDown: "↓", KeyLeft: "←", KeyRight: "→",
	}
}

// ASCII returns the glyphs for terminals that are not UTF-8 or draw the others
// double width.
func ASCII() Glyphs {
	return Glyphs{
		Pending: ".", Running: "*", Succeeded: "v", Failed: "x", Stopped: "#", Ended: "-", Unknown: "?",
		Cursor: ">", Mark: "+",
		Live: "*", Slow: "~", Offline: "o", Paused: "=",
		Follow: "v", Behind: "^",
		Ellipsis: "~", Rule: "-", Bar: "|", Crumb: ">", Up: "^", Down: "v", Enter: "enter", Ctrl: "^", Dot: "-",
		TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
		Caret: "|", Masked: "*",
		NameLeft: "[", NameRight: "]",
		GaugeFull: "#", GaugePart: "=", GaugeNone: ".",
		KeyUp: "up", KeyDown: "down", KeyLeft: "left", KeyRight: "right",
	}
}

// New builds the styles for a renderer, which decides how many colours are
// left of the palette.
func New(r *lipgloss.Renderer, p Palette, g Glyphs) *Styles {
	s := r.NewStyle
	fg := func(c lipgloss.TerminalColor) lipgloss.Style { return s().Foreground(c) }
	return &Styles{
		Text:      fg(p.Text),
		Muted:     fg(p.Muted),
		Strong:    fg(p.Text).Bold(true),
		Accent:    fg(p.Accent).Bold(true),
		Border:    fg(p.Border),
		Selected:  s().Reverse(true),
		Header:    fg(p.Muted).Bold(true),
		Key:       s().Bold(true),
		KeyHelp:   fg(p.Muted),
		Context:   fg(p.Accent).Bold(true),
		Title:     s().Bold(true),
		Pending:   fg(p.Pending),
		Running:   fg(p.Running),
		Succeeded: fg(p.OK),
		Failed:    fg(p.Failed).Bold(true),
		Stopped:   fg(p.Stop),
		Ended:     fg(p.Muted),
		Stale:     fg(p.Muted).Faint(!p.HighContrast),
		Error:     fg(p.Failed).Bold(true),
		Warn:      fg(p.Warn),
		OK:        fg(p.OK),
		Match:     fg(p.Match).Reverse(true),
		Field:     s().Underline(true),
		Focus:     fg(p.Accent).Bold(true),
		Glyphs:    g,
		Profile:   r.ColorProfile(),
	}
}
