// Package palette is the command line that opens on ":": what is typed, what
// can complete it, and what was typed before.
//
// It runs nothing; the root finds the command and says what went wrong.
package palette

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"dray/theme"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/cell"
	"dray/tui/widget/prompt"
)

const (
	// maxShown is how many suggestions are drawn.
	maxShown = 8
	// maxHistory is how many lines are remembered.
	maxHistory = 100
)

// Model is the open command line. It is a value.
type Model struct {
	styles   *theme.Styles
	commands []screen.Command
	prompt   prompt.Model
	history  []string // the newest last
	at       int      // in history; its length is the line being typed
	draft    string   // that line, while history is looked through
	base     string   // what was typed before tab walked the suggestions
	picked   int      // suggestion that tab put into the line; -1: none
}

// Outcome is what a key has led to.
type Outcome struct {
	Closed bool
	Line   string // to run, if not ""
}

// New opens a line over commands.
func New(styles *theme.Styles, commands []screen.Command, history []string) Model {
	return Model{styles: styles, commands: commands, history: history, at: len(history), picked: -1}
}

// Text is what stands in the line.
func (m Model) Text() string { return m.prompt.Text() }

// Update handles a key.
func (m Model) Update(k tea.KeyMsg) (Model, Outcome) {
	switch k.String() {
	case "esc", "ctrl+c":
		return m, Outcome{Closed: true}
	case "enter":
		return m, Outcome{Closed: true, Line: strings.TrimSpace(m.Text())}
	case "backspace":
		if m.Text() == "" {
			return m, Outcome{Closed: true}
		}
	case "tab", "ctrl+n":
		return m.walk(1), Outcome{}
	case "shift+tab":
		return m.walk(-1), Outcome{}
	case "up", "ctrl+p":
		return m.recall(-1), Outcome{}
	case "down":
		return m.recall(1), Outcome{}
	case "right", "ctrl+f", "end", "ctrl+e":
		if g := m.ghost(); g != "" {
			return m.with(m.Text() + g), Outcome{}
		}
	}
	p, _ := m.prompt.Update(k)
	if p.Text() != m.Text() {
		m.picked, m.at = -1, len(m.history)
	}
	m.prompt = p
	return m, Outcome{}
}

func (m Model) with(text string) Model {
	m.prompt, m.picked = prompt.New(text), -1
	return m
}

// walk puts the next suggestion into the line.
func (m Model) walk(by int) Model {
	if m.picked < 0 {
		m.base = m.Text()
	}
	all := m.suggestions(m.base)
	if len(all) == 0 {
		return m
	}
	at := m.picked + by
	if m.picked < 0 && by < 0 {
		at = len(all) - 1
	}
	at = (at + len(all)) % len(all)
	head, _ := split(m.base)
	m.prompt = prompt.New(head + all[at].text)
	m.picked = at
	return m
}

// recall goes through what was typed before.
func (m Model) recall(by int) Model {
	at := m.at + by
	if at < 0 || at > len(m.history) {
		return m
	}
	if m.at == len(m.history) {
		m.draft = m.Text()
	}
	m.at = at
	if at == len(m.history) {
		return m.with(m.draft)
	}
	return m.with(m.history[at])
}

// Remember appends line to a history, without repeating it.
func Remember(history []string, line string) []string {
	history = slices.DeleteFunc(slices.Clone(history), func(l string) bool { return l == line })
	history = append(history, line)
	return history[max(0, len(history)-maxHistory):]
}

// suggestion completes the last word.
type suggestion struct{ text, note string }

// split parts a line before its last word.
func split(line string) (head, last string) {
	i := strings.LastIndexByte(line, ' ') + 1
	return line[:i], line[i:]
}

// suggestions are what can stand for the last word of line, the best first.
func (m Model) suggestions(line string) []suggestion {
	head, last := split(line)
	var all []suggestion
	if strings.TrimSpace(head) == "" {
		for _, c := range m.commands {
			all = append(all, suggestion{c.Name, strings.TrimSpace(c.Args + "  " + c.Help)})
		}
	} else {
		name := strings.Fields(head)[0]
		i := slices.IndexFunc(m.commands, func(c screen.Command) bool { return c.Name == name })
		if i < 0 || m.commands[i].Complete == nil {
			return nil
		}
		for _, v := range m.commands[i].Complete(last) {
			all = append(all, suggestion{text: v})
		}
	}
	return rank(all, last)
}

// scattered is the score of a match whose letters do not stand together.
const scattered = 1000

// rank keeps what matches word: as its beginning, else with its letters in
// that order.
func rank(all []suggestion, word string) []suggestion {
	type ranked struct {
		suggestion
		score int
	}
	var hits []ranked
	for _, s := range all {
		if score, ok := Match(s.text, word); ok {
			hits = append(hits, ranked{s, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b ranked) int { return cmp.Compare(a.score, b.score) })
	if i := slices.IndexFunc(hits, func(h ranked) bool { return h.score >= scattered }); i > 0 {
		hits = hits[:i] // letters here and there only where nothing better is
	}
	out := make([]suggestion, len(hits))
	for i, h := range hits {
		out[i] = h.suggestion
	}
	return out
}

// Match reports whether text begins with word, or holds its letters in their
// order, whatever their case; the lower the score, the better the match.
func Match(text, word string) (score int, ok bool) {
	t, w := strings.ToLower(text), strings.ToLower(word)
	if strings.HasPrefix(t, w) {
		return 0, true
	}
	if i := strings.Index(t, w); i >= 0 {
		return 1 + i, true
	}
	from, gaps := 0, 0
	for _, r := range w {
		i := strings.IndexRune(t[from:], r)
		if i < 0 {
			return 0, false
		}
		gaps += i
		from += i + len(string(r))
	}
	return scattered + gaps, true
}

// ghost is the rest of the best suggestion that begins as the line does.
func (m Model) ghost() string {
	if _, _, after := m.prompt.Split(); after != "" || m.Text() == "" || m.picked >= 0 {
		return ""
	}
	_, last := split(m.Text())
	for _, s := range m.suggestions(m.Text()) {
		if strings.HasPrefix(s.text, last) && s.text != last {
			return s.text[len(last):]
		}
	}
	return ""
}

// Line draws the command line, at most w cells wide.
func (m Model) Line(w int) string {
	before, under, after := m.prompt.Split()
	before, under, after = clean.Text(before), clean.Text(under), clean.Text(after)
	ghost := clean.Text(m.ghost())
	s := m.styles
	if over := cell.Width(before) + cell.Width(under) + 3 - w; over > 0 {
		before = cutLeft(before, over)
	}
	line := " " + s.Key.Render(":") + before
	if ghost != "" && under == " " {
		_, n := utf8.DecodeRuneInString(ghost)
		under, ghost = ghost[:n], ghost[n:]
	}
	line += s.Selected.Render(under) + after + s.Muted.Render(ghost)
	return cell.Cut(line, w, s.Glyphs.Ellipsis)
}

func cutLeft(text string, cells int) string {
	runes := []rune(text)
	for len(runes) > 0 && cells > 0 {
		cells -= cell.Width(string(runes[0]))
		runes = runes[1:]
	}
	return string(runes)
}

// View lays the suggestions over the last lines of a page, w cells wide.
func (m Model) View(lines []string, w int) []string {
	line, picked := m.Text(), m.picked
	if picked >= 0 {
		line = m.base
	}
	all := m.suggestions(line)
	if len(all) == 0 {
		return lines
	}
	rows := min(maxShown, len(all), max(1, len(lines)-2))
	first := max(0, min(picked-rows/2, len(all)-rows))
	box := m.box(all[first:first+rows], picked-first, len(all), w)
	return cell.Overlay(lines, box, 1, len(lines)-len(box))
}

func (m Model) box(rows []suggestion, picked, all, w int) []string {
	s, g := m.styles, m.styles.Glyphs
	names, inner := 0, 0
	for _, r := range rows {
		names = max(names, cell.Width(clean.Text(r.text)))
	}
	for _, r := range rows {
		inner = max(inner, names+2+cell.Width(r.note))
	}
	inner = min(max(inner, 30)+2, w-6)
	edge := strings.Repeat(g.Rule, inner+2)
	out := []string{s.Border.Render(g.TopLeft + edge + g.TopRight)}
	bar := s.Border.Render(g.Bar)
	for i, r := range rows {
		name := cell.Cut(clean.Text(r.text), inner-2, g.Ellipsis)
		pad := cell.Blank(names + 2 - cell.Width(name))
		mark, style := "  ", s.Key
		if i == picked {
			mark, style = s.Accent.Render(g.Cursor)+" ", s.Accent
		}
		text := mark + style.Render(name) + pad + s.KeyHelp.Render(cell.Cut(r.note, max(0, inner-names-4), g.Ellipsis))
		out = append(out, bar+" "+cell.Pad(text, inner)+" "+bar)
	}
	foot := " tab completes " + g.Dot + " enter runs " + g.Dot + " esc closes "
	if more := all - len(rows); more > 0 {
		foot = " " + plural(more) + foot
	}
	foot = cell.Cut(foot, inner, g.Ellipsis)
	rest := strings.Repeat(g.Rule, max(0, inner+1-cell.Width(foot)))
	return append(out, s.Border.Render(g.BottomLeft+g.Rule)+s.Muted.Render(foot)+s.Border.Render(rest+g.BottomRight))
}
