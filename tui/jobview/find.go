package jobview

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/tui/screen"
	"dray/tui/widget/prompt"
)

// find is a search in the lines of the page.
type find struct {
	typing bool
	prompt prompt.Model
	from   int // where the page stood when the typing began
	query  string
	hits   []int // the lines with the query
	at     int   // the hit that was jumped to
}

func (f find) words() string {
	if len(f.hits) == 0 {
		return fmt.Sprintf("/%s: not found", f.query)
	}
	return fmt.Sprintf("/%s %d of %d", f.query, f.at+1, len(f.hits))
}

// on reports that line i holds the hit that was jumped to.
func (f find) on(i int) bool { return f.at < len(f.hits) && f.hits[f.at] == i }

// typeFind handles a key while the text to find is typed; what is there so far
// is looked for at once.
func (m Model) typeFind(k tea.KeyMsg) Model {
	for _, b := range findKeys(m.env.Styles.Glyphs) {
		if !key.Matches(k, b.Binding) {
			continue
		}
		if b.ID == actFindKeep {
			m.find.typing = false
			return m
		}
		top := m.find.from
		m.find = find{}
		return m.laidOut().scroll(top)
	}
	next, ok := m.find.prompt.Update(k)
	if !ok {
		return m
	}
	m.find.prompt, m.find.query = next, next.Text()
	m = m.laidOut()
	m.find.at = 0
	for i, line := range m.find.hits {
		if line >= m.find.from {
			m.find.at = i
			break
		}
	}
	return m.showHit()
}

// findNext jumps by n hits.
func (m Model) findNext(n int) (screen.Screen, tea.Cmd) {
	if len(m.find.hits) == 0 {
		if m.find.query == "" {
			return m, screen.Notice(screen.Info, "nothing to find yet: / asks for a text")
		}
		return m, nil
	}
	m.find.at = (m.find.at + n + len(m.find.hits)) % len(m.find.hits)
	return m.showHit(), nil
}

// showHit scrolls so that the hit is on the page.
func (m Model) showHit() Model {
	if m.find.at >= len(m.find.hits) {
		return m.scroll(m.find.from)
	}
	line, h := m.find.hits[m.find.at], m.bodySize().H
	if line < m.top || line >= m.top+h {
		return m.scroll(line - h/3)
	}
	return m
}

// marked finds the query in lines and shows where it stands.
func (m Model) marked(lines []string) ([]string, []int) {
	if m.find.query == "" {
		return lines, nil
	}
	exact := strings.ContainsFunc(m.find.query, unicode.IsUpper)
	fold := func(s string) string {
		if exact {
			return s
		}
		return strings.ToLower(s)
	}
	query := fold(m.find.query)
	out := make([]string, len(lines))
	var hits []int
	for i, l := range lines {
		out[i] = l
		text := ansi.Strip(l)
		folded := fold(text)
		at := strings.Index(folded, query)
		if at < 0 {
			continue
		}
		hits = append(hits, i)
		if len(folded) != len(text) { // a letter that grows: the line is found, not coloured
			continue
		}
		left, end := ansi.StringWidth(text[:at]), ansi.StringWidth(text[:at+len(query)])
		out[i] = ansi.Truncate(l, left, "") + m.env.Styles.Match.Render(text[at:at+len(query)]) + ansi.TruncateLeft(l, end, "")
	}
	return out, hits
}
