package tui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/prompt"
)

// question is the open dialog. Cancel is selected until the user says
// otherwise.
type question struct {
	msg  screen.AskMsg
	page int  // that asked, and gets the answer of Do
	yes  bool // the selected button
	// picked is the chosen option of each choice; focus the choice that the
	// arrows change, or, after the last, the buttons.
	picked []int
	focus  int
	// wanted is what has to be typed before enter agrees; "" wants nothing.
	wanted string
	typed  prompt.Model
}

func newQuestion(msg screen.AskMsg, page int) *question {
	q := &question{msg: msg, page: page, picked: make([]int, len(msg.Choices))}
	for i, c := range msg.Choices {
		q.picked[i] = max(0, min(c.At, len(c.Options)-1))
	}
	return q
}

// ask opens a question, unless it would be in vain.
func (m model) ask(from int, msg screen.AskMsg) (model, tea.Cmd) {
	switch {
	case msg.Local:
	case m.env.Target.ReadOnly:
		return m.say(screen.Warn, clean.Text(m.env.Target.Name)+" is read-only here: nothing can be changed")
	case m.poll.link == screen.Offline:
		return m.say(screen.Warn, "offline: nothing can be changed until "+m.env.Target.Name+" answers")
	}
	if m.question == nil {
		m.question = newQuestion(msg, from)
		if t := m.env.Target; t.Protected && !msg.Local {
			m.question.wanted = cmp.Or(msg.Subject, t.Name)
		}
		m.help = nil
	}
	return m, nil
}

// answer handles a key while a question is open.
func (m model) answer(k tea.KeyMsg) (model, tea.Cmd) {
	if m.question.wanted != "" {
		return m.answerTyped(k)
	}
	if k.Paste {
		return m, nil
	}
	q := *m.question
	matches := func(keys ...string) bool { return key.Matches(k, key.NewBinding(key.WithKeys(keys...))) }
	switch {
	case matches("y"), matches("enter") && q.yes:
		m.question = nil
		return m.confirm(q)
	case matches("n", "esc", "q", "enter"):
		m.question = nil
	case matches("tab"), matches("down", "j") && len(q.picked) > 0:
		q = q.move(1)
		m.question = &q
	case matches("shift+tab"), matches("up", "k") && len(q.picked) > 0:
		q = q.move(-1)
		m.question = &q
	case matches("left", "h"):
		q = q.change(-1)
		m.question = &q
	case matches("right", "l"), matches(" ") && q.focus < len(q.picked):
		q = q.change(1)
		m.question = &q
	}
	return m, nil
}

// answerTyped handles a key while a question wants a word typed.
func (m model) answerTyped(k tea.KeyMsg) (model, tea.Cmd) {
	q := *m.question
	switch onChoice := q.focus < len(q.picked); {
	case k.Type == tea.KeyEnter:
		if q.agreed() {
			m.question = nil
			return m.confirm(q)
		}
	case k.Type == tea.KeyEsc:
		m.question = nil
		return m, nil
	case k.Type == tea.KeyTab, k.Type == tea.KeyDown:
		q.focus = (q.focus + 1) % (len(q.picked) + 1)
	case k.Type == tea.KeyShiftTab, k.Type == tea.KeyUp:
		q.focus = (q.focus + len(q.picked)) % (len(q.picked) + 1)
	case onChoice && k.Type == tea.KeyLeft:
		q = q.change(-1)
	case onChoice && (k.Type == tea.KeyRight || k.Type == tea.KeySpace):
		q = q.change(1)
	default:
		q.typed, _ = q.typed.Update(k)
		q.focus = len(q.picked)
	}
	m.question = &q
	return m, nil
}

// agreed reports that what is wanted has been typed.
func (q question) agreed() bool { return strings.TrimSpace(q.typed.Text()) == q.wanted }

// move goes to the next choice; without choices there are only the buttons,
// which it changes.
func (q question) move(by int) question {
	n := len(q.msg.Choices) + 1
	if n == 1 {
		return q.change(by)
	}
	q.focus = (q.focus + by + n) % n
	return q
}

// change picks the next option of the focused choice, or the other button.
func (q question) change(by int) question {
	if q.focus >= len(q.msg.Choices) {
		q.yes = !q.yes
		return q
	}
	n := len(q.msg.Choices[q.focus].Options)
	if n == 0 {
		return q
	}
	q.picked = slices.Clone(q.picked)
	q.picked[q.focus] = (q.picked[q.focus] + by + n) % n
	return q
}

// choice draws one line of the choices.
func (q question) choice(s *theme.Styles, i int) string {
	c := q.msg.Choices[i]
	value := ""
	if len(c.Options) > 0 {
		value = clean.Text(c.Options[q.picked[i]])
	}
	labels := 0
	for _, c := range q.msg.Choices {
		labels = max(labels, cell.Width(c.Label))
	}
	label := cell.Pad(clean.Text(c.Label), max(labels, 6)) + "  "
	if i == q.focus {
		return s.Focus.Render(label) + s.Selected.Render("< "+value+" >")
	}
	return s.Muted.Render(label) + "  " + value
}

// The dialog is as wide as its text, within these bounds, in cells.
const minQuestion, maxQuestion = 44, 72

// maxWrapped is how many lines one line of the question may take.
const maxWrapped = 2

// view draws the dialog over lines, w cells wide.
func (q question) view(s *theme.Styles, lines []string, w int) []string {
	inner := min(q.width(), w-8)
	body := []string{""}
	for _, l := range q.msg.Lines {
		body = append(body, wrapped(clean.Text(l), inner, s.Glyphs.Ellipsis)...)
	}
	if line := q.shell(); line != "" {
		body = append(body, "")
		for _, l := range wrapped(line, inner, s.Glyphs.Ellipsis) {
			body = append(body, s.Muted.Render(l))
		}
	}
	// Where there is no room for all of it, the text gives way, not the buttons.
	choices := len(q.msg.Choices)
	if choices > 0 {
		choices++
	}
	if q.wanted != "" {
		choices += 2
	}
	body = body[:min(len(body), max(1, len(lines)-4-choices))]
	if len(q.msg.Choices) > 0 {
		body = append(body, "")
	}
	for i := range q.msg.Choices {
		body = append(body, q.choice(s, i))
	}
	yes, no := q.button(s, "y  "+q.msg.Yes, q.yes), q.button(s, "esc  Cancel", !q.yes)
	if q.wanted != "" {
		body = append(body, "", q.field(s, inner))
		yes, no = q.button(s, s.Glyphs.Enter+"  "+q.msg.Yes, q.agreed()), q.button(s, "esc  Cancel", !q.agreed())
	}
	buttons := []string{yes, no}
	body = append(body, "", cell.Blank(max(0, inner-cell.Width(buttons[0])-cell.Width(buttons[1])-2))+buttons[0]+"  "+buttons[1])
	box := frame(s, clean.Text(q.msg.Title), body, inner)
	return cell.Overlay(lines, box, (w-inner-4)/2, max(0, (len(lines)-len(box))/2))
}

// shell is the command line that does the same, as it stands in the dialog.
func (q question) shell() string {
	if q.msg.Shell == nil {
		return ""
	}
	line := q.msg.Shell(q.picked)
	if line == "" {
		return ""
	}
	return "shell   " + clean.Text(line)
}

// field draws what has to be typed, and what has been.
func (q question) field(s *theme.Styles, w int) string {
	ask := "type " + cell.Middle(clean.Text(q.wanted), max(8, w/2-8), s.Glyphs.Ellipsis) + "  "
	before, under, after := q.typed.Split()
	text := clean.Text(before) + s.Glyphs.Caret + clean.Text(under+after)
	return s.Strong.Render(ask) + s.Field.Render(cell.Pad(text, max(4, w-cell.Width(ask))))
}

func (q question) width() int {
	w := minQuestion
	if q.wanted != "" {
		w = max(w, 2*cell.Width(q.wanted)+12)
	}
	for _, l := range q.msg.Lines {
		w = max(w, cell.Width(clean.Text(l)))
	}
	return min(w, maxQuestion)
}

// wrapped breaks a line; under a label, as in "job     id", the rest is
// indented too.
func wrapped(l string, w int, tail string) []string {
	indent := 0
	if i := strings.LastIndex(l, "  "); i >= 0 && i < w/2 {
		indent = i + 2
	}
	lines := cell.Wrap(l[indent:], w-indent)
	if len(lines) > maxWrapped {
		lines[maxWrapped-1] = cell.Cut(strings.Join(lines[maxWrapped-1:], " "), w-indent, tail)
		lines = lines[:maxWrapped]
	}
	lines[0] = l[:indent] + lines[0]
	for i := range lines[1:] {
		lines[i+1] = cell.Blank(indent) + lines[i+1]
	}
	return lines
}

// button marks the selected one by brackets too, for terminals without colour.
func (q question) button(s *theme.Styles, label string, selected bool) string {
	if selected {
		return s.Selected.Render("[ " + label + " ]")
	}
	return "  " + s.Muted.Render(label) + "  "
}

// frame draws a box around lines of w cells, with a title in its upper edge.
func frame(s *theme.Styles, title string, lines []string, w int) []string {
	g := s.Glyphs
	title = cell.Cut(title, w-1, g.Ellipsis)
	out := []string{s.Border.Render(g.TopLeft+g.Rule) + " " + s.Strong.Render(title) + " " + s.Border.Render(rule(g, w-cell.Width(title)-1)+g.TopRight)}
	bar := s.Border.Render(g.Bar)
	for _, l := range lines {
		out = append(out, bar+" "+cell.Pad(l, w)+" "+bar)
	}
	return append(out, s.Border.Render(g.BottomLeft+rule(g, w+2)+g.BottomRight))
}

func rule(g theme.Glyphs, n int) string {
	r := ""
	for range max(0, n) {
		r += g.Rule
	}
	return r
}
