package theme

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// ColourNames are those of the terminal's own colours, by which a cluster can
// be told from others.
func ColourNames() []string {
	return []string{"red", "green", "yellow", "blue", "magenta", "cyan", "white", "grey"}
}

// named returns the colour that a name stands for, as lipgloss takes it.
func named(name string) string {
	switch name {
	case "red":
		return "9"
	case "green":
		return "10"
	case "yellow":
		return "11"
	case "blue":
		return "12"
	case "magenta":
		return "13"
	case "cyan":
		return "14"
	case "white":
		return "15"
	case "grey":
		return "8"
	}
	return name
}

// IsColour reports that c is one of ColourNames, "#rrggbb", or a number from 0
// to 255.
func IsColour(c string) bool {
	c = named(c)
	if hex, ok := strings.CutPrefix(c, "#"); ok {
		_, err := strconv.ParseUint(hex, 16, 32)
		return err == nil && len(hex) == 6
	}
	n, err := strconv.Atoi(c)
	return err == nil && n >= 0 && n <= 255
}

// ContextIn is the style of a server's name in a colour of its own; "" is the
// usual one.
func (s *Styles) ContextIn(colour string) lipgloss.Style {
	if colour == "" || !IsColour(colour) {
		return s.Context
	}
	return s.Context.Foreground(lipgloss.Color(named(colour)))
}
