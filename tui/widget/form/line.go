package form

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/bubbles/cursor"
	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/theme"
)

// maxRunes bounds what one line keeps of a paste. It lies above every limit of
// a request, so that a text that was cut is also one that is refused.
const maxRunes = 200_000

// LineBreak stands for a line break in the editor, which has room for one line
// only. Nobody has this letter; a text that has it must be escaped.
const LineBreak = '\U0010FFFD'

// line edits one line of text. bubbles' textinput does the editing; it is
// drawn here because its own cursor cannot be seen without colours and its
// text cannot be masked in part.
type line struct{ in textinput.Model }

func newLine(value string) line {
	in := textinput.New()
	in.KeyMap = lineKeys()
	in.CharLimit = maxRunes
	in.Cursor.SetMode(cursor.CursorStatic)
	in.Focus()
	in.SetValue(strings.ReplaceAll(value, "\n", string(LineBreak)))
	in.CursorEnd()
	return line{in}
}

// lineKeys are the readline keys without those that a form needs for itself,
// and without ctrl-v, which would read the clipboard of the wrong machine over
// SSH; a terminal's own paste arrives as text.
func lineKeys() textinput.KeyMap {
	k := textinput.DefaultKeyMap
	none := key.NewBinding()
	k.AcceptSuggestion, k.NextSuggestion, k.PrevSuggestion, k.Paste = none, none, none, none
	return k
}

func (l line) value() string { return strings.ReplaceAll(l.in.Value(), string(LineBreak), "\n") }

// update edits and reports whether the text changed.
func (l line) update(k tea.KeyMsg) (line, bool) {
	if k.Alt && k.Type == tea.KeyRunes && !key.Matches(k, l.in.KeyMap.WordForward, l.in.KeyMap.WordBackward, l.in.KeyMap.DeleteWordForward) {
		return l, false // an unknown alt chord is not text
	}
	before := l.in.Value()
	k.Alt = k.Alt && !k.Paste
	l.in, _ = l.in.Update(k) // its commands only blink the cursor that is not drawn
	return l, l.in.Value() != before
}

// insert puts text at the cursor.
func (l line) insert(text string) (line, bool) {
	text = strings.ReplaceAll(text, "\n", string(LineBreak))
	return l.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
}

// split returns the text before and after the cursor.
func (l line) split() (string, string) {
	r := []rune(l.in.Value())
	return string(r[:l.in.Position()]), string(r[l.in.Position():])
}

// at returns the line with the cursor before rune pos.
func (l line) at(pos int) line {
	l.in.SetCursor(pos)
	return l
}

// draw returns the line in at most w cells with a caret at the cursor. The
// text moves by half a width at a time, so that it stands still while one
// types. Runes from index mask on are dots; -1 masks none.
func (l line) draw(st *theme.Styles, w, mask int) string {
	if w < 4 {
		return ""
	}
	runes, pos := []rune(l.in.Value()), l.in.Position()
	room := w - 2 // the caret, and the sign of what is hidden at the left
	first := 0
	fits := len(runes) < w && width(cellsOf(st, runes, mask, mask >= 0)) < w
	if pos >= room && !fits {
		half := max(1, room/2)
		first = max(0, (pos/half-1)*half)
	}
	head := cellsOf(st, runes[first:pos], mask-first, mask >= 0)
	for !fits && width(head) > room {
		head, first = head[1:], first+1
	}
	left := ""
	if first > 0 {
		left = st.Glyphs.Ellipsis
	}
	room = w - 1 - ansi.StringWidth(left) - width(head)
	tail := cellsOf(st, runes[pos:min(len(runes), pos+4*w)], mask-pos, mask >= 0)
	return st.Muted.Render(left) + st.Field.Render(strings.Join(head, "")) + st.Accent.Render(st.Glyphs.Caret) +
		st.Field.Render(ansi.Truncate(strings.Join(tail, ""), max(0, room), st.Glyphs.Ellipsis))
}

// cellsOf returns what is drawn for each rune. Runes that a terminal does not
// show, or obeys, become a dot; if masked, so do those from index mask on.
func cellsOf(st *theme.Styles, runes []rune, mask int, masked bool) []string {
	cells := make([]string, len(runes))
	for i, r := range runes {
		switch {
		case masked && i >= mask:
			cells[i] = st.Glyphs.Masked
		case r == LineBreak:
			cells[i] = breakSign(st)
		case !unicode.IsGraphic(r):
			cells[i] = st.Glyphs.Dot
		default:
			cells[i] = string(r)
		}
	}
	return cells
}

// breakSign is what is drawn for a line break.
func breakSign(st *theme.Styles) string {
	if ansi.StringWidth(st.Glyphs.Enter) == 1 {
		return st.Glyphs.Enter
	}
	return `\n`
}

func width(cells []string) int {
	n := 0
	for _, c := range cells {
		n += ansi.StringWidth(c)
	}
	return n
}

// still draws text without a cursor, cut at w cells.
func still(st *theme.Styles, s string, w, mask int) string {
	runes := []rune(strings.ReplaceAll(s, "\n", string(LineBreak)))
	cells := cellsOf(st, runes[:min(len(runes), 4*max(1, w))], mask, mask >= 0)
	return st.Text.Render(ansi.Truncate(strings.Join(cells, ""), max(0, w), st.Glyphs.Ellipsis))
}

// joined makes one line of a paste: a backslash at a line's end continues it,
// as in a shell, and every other line break becomes a blank.
func joined(text string) string {
	lines := pasted(text)
	for i, l := range lines {
		if i < len(lines)-1 {
			l = strings.TrimSuffix(l, `\`)
		}
		if i > 0 {
			l = strings.TrimLeft(l, " \t")
		}
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.Join(lines, " ")
}

// pasted splits a paste into lines, whatever ends them, without blank lines
// around.
func pasted(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	return strings.Split(strings.Trim(text, "\n"), "\n")
}
