// Package background answers Bubble Tea's question for the terminal's
// background before it is asked.
//
// Importing bubbletea queries the terminal in a package init, in every verb of
// the binary, and waits five seconds for a terminal that does not answer. Go
// runs inits in order of import path, so this package, which imports only
// lipgloss and sorts before bubbletea, runs first and makes the question moot.
// The dashboard detects light or dark by itself, with a limit (package theme).
package background

import "github.com/charmbracelet/lipgloss"

func init() { //nolint:gochecknoinits // the order of inits is the point, see above
	lipgloss.SetHasDarkBackground(true)
}
