// Package cell fits text into a number of terminal cells: cutting, padding,
// colouring and wrapping, cheaply enough to be done for every row of every
// frame.
//
// It does not make text safe; callers clean what comes from a server first.
package cell

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// Width returns the number of cells that s takes.
func Width(s string) int {
	cut := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= ' ' && c <= '~':
		case c == ellipsis[0] && strings.HasPrefix(s[i:], ellipsis): // most texts that were cut
			i += len(ellipsis) - 1
			cut += len(ellipsis) - 1
		default:
			return ansi.StringWidth(s)
		}
	}
	return len(s) - cut
}

// ellipsis is one cell.
const ellipsis = "…"

// plain reports that every byte of s is one cell.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// Cut shortens s to at most w cells; what was cut is marked by tail.
func Cut(s string, w int, tail string) string {
	switch {
	case w <= 0:
		return ""
	case Width(s) <= w:
		return s
	case w <= Width(tail):
		return ansi.Truncate(s, w, "")
	}
	if plain(s) {
		return s[:w-Width(tail)] + tail
	}
	return ansi.Truncate(s, w, tail)
}

// Middle shortens s to at most w cells by leaving out its middle, so that a
// common prefix and the telling end both stay.
func Middle(s string, w int, tail string) string {
	n := Width(s)
	gap := Width(tail)
	if n <= w || w <= gap+2 {
		return Cut(s, w, tail)
	}
	head := (w - gap) / 3
	rest := w - gap - head
	if plain(s) {
		return s[:head] + tail + s[n-rest:]
	}
	return Cut(ansi.Truncate(s, head, "")+tail+ansi.TruncateLeft(s, n-rest, ""), w, "")
}

// Pad fills s with blanks to w cells and cuts it if it is longer.
func Pad(s string, w int) string {
	n := Width(s)
	if n > w {
		s = ansi.Truncate(s, max(0, w), "")
		n = Width(s)
	}
	return s + Blank(w-n)
}

// Right puts s at the right end of w cells.
func Right(s string, w int) string {
	n := Width(s)
	if n > w {
		return Pad(s, w)
	}
	return Blank(w-n) + s
}

// Blank returns n blanks.
func Blank(n int) string {
	const blanks = "                                                                                "
	if n <= 0 {
		return ""
	}
	if n <= len(blanks) {
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// Spread puts left and right at the two ends of a line of w cells. The left
// gives way.
func Spread(left, right string, w int, tail string) string {
	r := Width(right)
	if r >= w {
		return Pad(right, w)
	}
	left = Cut(left, w-r-1, tail)
	return left + Blank(w-r-Width(left)) + right
}

// Wrap breaks plain text into lines of at most w cells, at blanks where there
// are some. Blanks at the start of the text stay. Hyphens do not break: they
// begin options.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	var lines []string
	for len(s) > w { // no cell is less than a byte
		head := ansi.Truncate(window(s, w), w, "")
		n := len(head)
		if n == 0 { // a character wider than the line
			_, n = utf8.DecodeRuneInString(s)
		}
		if n == len(s) {
			break
		}
		if i := strings.LastIndexByte(head, ' '); s[n] != ' ' && i >= 0 && strings.Trim(head[:i], " ") != "" {
			n = i
		}
		lines = append(lines, strings.TrimRight(s[:n], " "))
		s = strings.TrimLeft(s[n:], " ")
	}
	if s == "" && len(lines) > 0 {
		return lines
	}
	return append(lines, s)
}

// window returns the start of s, in whole characters, that surely holds w
// cells: measuring all of a long text for each line would take too long.
func window(s string, w int) string {
	n := 16*w + 64
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Ink is a style split into the sequences that switch it on and off, so that
// colouring a cell costs two appends.
type Ink struct{ On, Off string }

// InkOf splits a style that has colours and attributes only.
func InkOf(s lipgloss.Style) Ink {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return Ink{on, off}
}

// Text returns s in this ink.
func (k Ink) Text(s string) string {
	if s == "" {
		return ""
	}
	return k.On + s + k.Off
}

// Write appends s in this ink.
func (k Ink) Write(b *strings.Builder, s string) {
	b.WriteString(k.On)
	b.WriteString(s)
	b.WriteString(k.Off)
}

// Lines returns exactly h lines of s: the first ones, filled up with empty
// ones.
func Lines(lines []string, h int) []string {
	if len(lines) >= h {
		return lines[:max(0, h)]
	}
	return append(lines[:len(lines):len(lines)], make([]string, h-len(lines))...)
}

// Overlay lays box over lines with its top left corner at column x of line y.
// Both may hold colours.
func Overlay(lines, box []string, x, y int) []string {
	out := append([]string(nil), lines...)
	for i, b := range box {
		if y+i < 0 || y+i >= len(out) {
			continue
		}
		under := out[y+i]
		left := ansi.Truncate(under, x, "")
		left += Blank(x - Width(left))
		out[y+i] = left + b + ansi.TruncateLeft(under, x+Width(b), "")
	}
	return out
}
