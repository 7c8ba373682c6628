package tuitest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"dray/theme"
)

// Look is a kind of terminal: how many colours it has, and which signs.
type Look struct {
	Name   string
	Styles *theme.Styles
}

// Looks are no colours, ASCII, 16 colours and true colour.
func Looks() []Look {
	nord, _ := theme.Named("nord")
	made := func(p termenv.Profile, c theme.Palette, g theme.Glyphs) *theme.Styles {
		r := lipgloss.NewRenderer(io.Discard)
		r.SetColorProfile(p)
		return theme.New(r, c, g)
	}
	return []Look{
		{"none", made(termenv.Ascii, theme.ANSI(), theme.Unicode())},
		{"ascii", made(termenv.Ascii, theme.ANSI(), theme.ASCII())},
		{"16 colours", made(termenv.ANSI, theme.ANSI(), theme.Unicode())},
		{"true colour", made(termenv.TrueColor, nord.Palette(), theme.Unicode())},
	}
}

// GoldenLooks compares a screen in all looks with one golden file: the text;
// below it, cell by cell, a letter for each style; what the letters mean in 16
// and in true colours; and the text in ASCII.
func GoldenLooks(t testing.TB, draw func(*theme.Styles) string) {
	t.Helper()
	looks := Looks()
	frames := make([]frame, len(looks))
	for i, l := range looks {
		frames[i] = parse(draw(l.Styles))
	}
	none, ascii, few, many := frames[0], frames[1], frames[2], frames[3]
	if few.text() != many.text() {
		t.Errorf("16 and true colours differ in more than colours:\n%s\n\n%s", few.text(), many.text())
		return
	}
	for i, l := range looks[:2] {
		if s := frames[i].styled(); s != "" {
			t.Errorf("%s has a style: %q", l.Name, s)
		}
	}
	var b strings.Builder
	section(&b, "text", none.text())
	if few.text() != none.text() {
		section(&b, "text in colours", few.text())
	}
	letters, legend := styleMap(few, many)
	section(&b, "styles", letters)
	section(&b, "letters: in 16 colours, in true colours", legend)
	section(&b, "ascii", ascii.text())
	Golden(t, b.String())
}

func section(b *strings.Builder, title, text string) {
	fmt.Fprintf(b, "=== %s\n%s\n", title, text)
}

// spot is one cell: a character, and how it is drawn.
type spot struct{ char, style string }

// frame is a window, cell by cell. The second cell of a wide character is
// empty.
type frame [][]spot

func parse(view string) frame {
	var f frame
	for _, line := range strings.Split(view, "\n") {
		var row []spot
		style := ""
		var state byte
		for len(line) > 0 {
			seq, width, n, next := ansi.DecodeSequence(line, state, nil)
			state, line = next, line[n:]
			switch {
			case width > 0:
				row = append(row, spot{seq, style})
				for range width - 1 {
					row = append(row, spot{"", style})
				}
			case seq == "\x1b[m" || seq == "\x1b[0m":
				style = ""
			case strings.HasPrefix(seq, "\x1b["):
				style = strings.TrimPrefix(style+";"+strings.TrimSuffix(seq[2:], "m"), ";")
			default:
				row = append(row, spot{fmt.Sprintf("%q", seq), style})
			}
		}
		f = append(f, row)
	}
	return f
}

// text is the frame without styles. Blanks at the ends of lines are nothing
// that can be seen.
func (f frame) text() string {
	lines := make([]string, len(f))
	for i, row := range f {
		var b strings.Builder
		for _, s := range row {
			b.WriteString(s.char)
		}
		lines[i] = strings.TrimRight(b.String(), " ")
	}
	return strings.Join(lines, "\n")
}

// styled is the first text that is drawn with a style.
func (f frame) styled() string {
	for _, row := range f {
		for _, s := range row {
			if s.style != "" {
				return s.style + ": " + s.char
			}
		}
	}
	return ""
}

// styleMap gives each pair of styles that a cell has in two looks a letter.
func styleMap(few, many frame) (letters, legend string) {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	known := map[[2]string]byte{{"", ""}: ' '}
	lines := make([]string, len(few))
	var meant []string
	for i, row := range few {
		line := make([]byte, len(row))
		for j := range row {
			pair := [2]string{row[j].style, many[i][j].style}
			letter, ok := known[pair]
			if !ok {
				letter = alphabet[(len(known)-1)%len(alphabet)]
				known[pair] = letter
				meant = append(meant, fmt.Sprintf("%c  %s  %s", letter, pair[0], pair[1]))
			}
			line[j] = letter
		}
		lines[i] = strings.TrimRight(string(line), " ")
	}
	return strings.Join(lines, "\n"), strings.Join(meant, "\n")
}
