package tui

import (
	"cmp"
	"slices"
	"strings"

	"dray/tui/screen"
	"dray/tui/widget/cell"
)

// hint is a key and what it does, in the hint line.
type hint struct{ key, desc string }

// hintLine shows the most useful keys that fit, whole ones only; where a page
// has the keys, help always does.
func (m model) hintLine() string {
	s := m.env.Styles
	hints, right := m.coverHints(), ""
	if hints == nil {
		hints = m.pageHints()
		if !m.top().screen.Typing() {
			right = s.Key.Render(m.keyName(m.keys.help)) + " " + s.KeyHelp.Render("help") + "  " + s.Key.Render(m.keyName(m.keys.command)) + " " + s.KeyHelp.Render("cmd") + " "
		}
	}
	room := m.w - cell.Width(right) - 3 // a blank before, and two between
	var b strings.Builder
	used := 0
	for i, h := range hints {
		if i > 0 {
			used += 2
		}
		used += 1 + cell.Width(h.key) + cell.Width(h.desc)
		if used > room {
			break
		}
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(s.Key.Render(h.key) + " " + s.KeyHelp.Render(h.desc))
	}
	return cell.Spread(" "+b.String(), right, m.w, "")
}

// pageHints are the ranked keys of the page on top, the first of each action:
// the help names the others.
func (m model) pageHints() []hint {
	ranked := slices.DeleteFunc(m.bindings(), func(b screen.Binding) bool {
		return b.Rank == 0 || !b.Enabled() || m.env.Target.ReadOnly && changes(b.ID)
	})
	slices.SortStableFunc(ranked, func(a, b screen.Binding) int { return cmp.Compare(a.Rank, b.Rank) })
	if len(m.held) > 0 && !m.top().screen.Typing() { // before its time is up
		ranked = append([]screen.Binding{m.keys.undo, m.keys.sendNow}, ranked...)
	}
	hints := make([]hint, len(ranked))
	for i, b := range ranked {
		first, _, _ := strings.Cut(b.Help().Key, " ")
		hints[i] = hint{first, b.Help().Desc}
	}
	return hints
}

// changes reports whether an action is of no use where nothing can be changed.
func changes(id string) bool {
	switch id {
	case "job.stop", "job.rerun", "job.edit", "job.delete", "job.new":
		return true
	}
	return false
}

// coverHints are the keys of what lies over the page, which has none then; nil
// where nothing does.
func (m model) coverHints() []hint {
	g := m.env.Styles.Glyphs
	switch {
	case m.question != nil && m.question.wanted != "":
		return append([]hint{{g.Enter, strings.ToLower(m.question.msg.Yes) + " once it is typed"}, {"esc", "cancel"}}, m.choiceHints()...)
	case m.question != nil:
		return append([]hint{{"y", strings.ToLower(m.question.msg.Yes)}, {"esc", "cancel"}}, m.choiceHints()...)
	case m.help != nil:
		return []hint{{"/", "search"}, {"esc", "close"}}
	case m.palette != nil:
		return []hint{{"tab", "complete"}, {g.Enter, "run"}, {"esc", "close"}}
	case m.picker != nil:
		return []hint{{g.Enter, "keep"}, {"s", "save"}, {"esc", "back"}}
	}
	return nil
}

func (m model) choiceHints() []hint {
	g := m.env.Styles.Glyphs
	if len(m.question.picked) == 0 {
		return nil
	}
	return []hint{{"tab", "next choice"}, {g.KeyLeft, "change"}}
}
