package theme

import (
	"slices"

	"github.com/charmbracelet/lipgloss"
)

// Default is the theme without a setting: the 16 named colours.
const Default = "terminal"

// Spec is a theme as data. Its colours are "#rrggbb", or the number of one of
// the terminal's own 256 colours, or "" for the terminal's foreground.
type Spec struct {
	Name string
	// Background is what the colours were chosen for; it is not painted.
	Background         string
	Text, Muted        string
	Accent, Border     string
	Pending, Running   string
	OK, Failed, Stop   string
	Warn, Match        string
	HighContrast, Mono bool
}

// Names lists the built-in themes, the default one first.
func Names() []string {
	all := specs()
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return names
}

// Named returns a built-in theme.
func Named(name string) (Spec, bool) {
	all := specs()
	i := slices.IndexFunc(all, func(s Spec) bool { return s.Name == name })
	if i < 0 {
		return Spec{}, false
	}
	return all[i], true
}

// Fields are the colours of a theme by the names that a file uses.
func (s *Spec) Fields() map[string]*string {
	return map[string]*string{
		"background": &s.Background, "text": &s.Text, "muted": &s.Muted, "accent": &s.Accent, "border": &s.Border,
		"pending": &s.Pending, "running": &s.Running, "succeeded": &s.OK, "failed": &s.Failed, "stopped": &s.Stop,
		"warning": &s.Warn, "match": &s.Match,
	}
}

// The least contrast of text and of what only marks, as WCAG 2 counts it.
const (
	textContrast  = 4.5
	stateContrast = 3
)

// Palette turns a theme into colours. One that would be hard to read on the
// background is moved towards the text's until it is not.
func (s Spec) Palette() Palette {
	if s.Mono {
		none := lipgloss.NoColor{}
		return Palette{
			Text: none, Muted: none, Accent: none, Border: none, Pending: none, Running: none, OK: none,
			Failed: none, Stop: none, Warn: none, Match: none, HighContrast: true,
		}
	}
	at := func(c string, least float64) lipgloss.TerminalColor {
		if c == "" {
			return lipgloss.NoColor{}
		}
		return lipgloss.Color(Legible(c, s.Background, s.Text, least))
	}
	return Palette{
		Text:  at(s.Text, textContrast),
		Muted: at(s.Muted, textContrast), Accent: at(s.Accent, textContrast), Border: at(s.Border, 0),
		Pending: at(s.Pending, stateContrast), Running: at(s.Running, stateContrast), OK: at(s.OK, stateContrast),
		Failed: at(s.Failed, stateContrast), Stop: at(s.Stop, stateContrast),
		Warn: at(s.Warn, textContrast), Match: at(s.Match, stateContrast),
		HighContrast: s.HighContrast,
	}
}

// specs are the built-in themes. The figures are those that the authors of the
// palettes publish.
func specs() []Spec {
	table := func(name, bg, text, muted, accent, border, pending, running, ok, failed, stop, warn string) Spec {
		hash := func(c string) string { return "#" + c }
		return Spec{
			Name: name, Background: hash(bg), Text: hash(text), Muted: hash(muted), Accent: hash(accent), Border: hash(border),
			Pending: hash(pending), Running: hash(running), OK: hash(ok), Failed: hash(failed), Stop: hash(stop),
			Warn: hash(warn), Match: hash(pending),
		}
	}
	contrast := table("high-contrast", "000000", "ffffff", "d0d0d0", "5fd7ff", "ffffff", "ffff00", "00ffff", "00ff00", "ff6060", "ff87ff", "ffff00")
	contrast.HighContrast = true
	return []Spec{
		{
			Name: Default, Muted: "8", Accent: "4", Border: "8",
			Pending: "3", Running: "6", OK: "2", Failed: "1", Stop: "5", Warn: "3", Match: "3",
		},
		table("light", "ffffff", "1f1f1f", "5f5f5f", "0050a0", "b0b0b0", "8a6100", "00708a", "1f7a1f", "b00020", "8a1f8a", "8a5200"),
		contrast,
		{Name: "mono", Mono: true},
		table("catppuccin-latte", "eff1f5", "4c4f69", "6c6f85", "1e66f5", "acb0be", "df8e1d", "04a5e5", "40a02b", "d20f39", "8839ef", "fe640b"),
		table("catppuccin-frappe", "303446", "c6d0f5", "a5adce", "8caaee", "626880", "e5c890", "99d1db", "a6d189", "e78284", "ca9ee6", "ef9f76"),
		table("catppuccin-macchiato", "24273a", "cad3f5", "a5adcb", "8aadf4", "5b6078", "eed49f", "91d7e3", "a6da95", "ed8796", "c6a0f6", "f5a97f"),
		table("catppuccin-mocha", "1e1e2e", "cdd6f4", "a6adc8", "89b4fa", "585b70", "f9e2af", "89dceb", "a6e3a1", "f38ba8", "cba6f7", "fab387"),
		table("dracula", "282a36", "f8f8f2", "6272a4", "bd93f9", "44475a", "f1fa8c", "8be9fd", "50fa7b", "ff5555", "ff79c6", "ffb86c"),
		table("nord", "2e3440", "d8dee9", "616e88", "88c0d0", "4c566a", "ebcb8b", "81a1c1", "a3be8c", "bf616a", "b48ead", "d08770"),
		table("solarized-dark", "002b36", "93a1a1", "839496", "268bd2", "586e75", "b58900", "2aa198", "859900", "dc322f", "d33682", "cb4b16"),
		table("solarized-light", "fdf6e3", "586e75", "657b83", "268bd2", "93a1a1", "b58900", "2aa198", "859900", "dc322f", "d33682", "cb4b16"),
		table("gruvbox-dark", "282828", "ebdbb2", "a89984", "83a598", "665c54", "fabd2f", "8ec07c", "b8bb26", "fb4934", "d3869b", "fe8019"),
		table("gruvbox-light", "fbf1c7", "3c3836", "7c6f64", "076678", "bdae93", "b57614", "427b58", "79740e", "9d0006", "8f3f71", "af3a03"),
		table("tokyo-night", "1a1b26", "c0caf5", "565f89", "7aa2f7", "3b4261", "e0af68", "7dcfff", "9ece6a", "f7768e", "bb9af7", "ff9e64"),
		table("one-dark", "282c34", "abb2bf", "5c6370", "61afef", "3e4451", "e5c07b", "56b6c2", "98c379", "e06c75", "c678dd", "d19a66"),
		table("rose-pine", "191724", "e0def4", "908caa", "c4a7e7", "403d52", "f6c177", "9ccfd8", "31748f", "eb6f92", "ebbcba", "f6c177"),
		table("rose-pine-dawn", "faf4ed", "575279", "797593", "907aa9", "dfdad9", "ea9d34", "56949f", "286983", "b4637a", "d7827e", "ea9d34"),
		table("kanagawa", "1f1f28", "dcd7ba", "727169", "7e9cd8", "54546d", "e6c384", "7fb4ca", "98bb6c", "c34043", "957fb8", "ffa066"),
		table("everforest-dark", "2d353b", "d3c6aa", "859289", "7fbbb3", "4f585e", "dbbc7f", "83c092", "a7c080", "e67e80", "d699b6", "e69875"),
		table("everforest-light", "fdf6e3", "5c6a72", "939f91", "3a94c5", "bdc3af", "dfa000", "35a77c", "8da101", "f85552", "df69ba", "f57d26"),
		table("github-dark", "0d1117", "c9d1d9", "8b949e", "58a6ff", "30363d", "d29922", "39c5cf", "3fb950", "f85149", "bc8cff", "db6d28"),
		table("github-light", "ffffff", "24292f", "57606a", "0969da", "d0d7de", "9a6700", "1b7c83", "1a7f37", "cf222e", "8250df", "bc4c00"),
		table("monokai", "272822", "f8f8f2", "75715e", "66d9ef", "49483e", "e6db74", "66d9ef", "a6e22e", "f92672", "ae81ff", "fd971f"),
	}
}
