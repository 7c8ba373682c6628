package submit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"dray/tui/clean"
	"dray/tui/widget/cell"
)

const (
	sheetFrom   = 130 // cells of width from which on the sheet is at the right
	formWidth   = 69
	ruleFrom    = 16 // lines of height from which on the head has a rule
	statusLines = 3  // a longer sentence is cut
)

// View returns the head, the fields, what the request looks like where there
// is room, and at the bottom the state of the form.
func (m Model) View() string {
	if m.size.W <= 0 || m.size.H <= 0 {
		return ""
	}
	if m.over != nil {
		lines := append([]string{m.head()}, m.over.view(m.st(), m.size.W, m.size.H-1)...)
		return strings.Join(cell.Lines(lines, m.size.H), "\n")
	}
	status := m.status()
	lines := []string{m.head()}
	if m.size.H >= ruleFrom {
		lines = append(lines, m.st().Border.Render(" "+strings.Repeat(m.st().Glyphs.Rule, max(0, m.size.W-2))))
	}
	room := max(0, m.size.H-len(lines)-len(status))
	lines = append(lines, m.body(room)...)
	lines = append(lines, status...)
	if len(lines) > m.size.H {
		lines = append(lines[:max(0, m.size.H-1)], status[len(status)-1])
	}
	return strings.Join(lines, "\n")
}

// headLines is how many lines stand over the fields.
func (m Model) headLines() int {
	if m.size.H >= ruleFrom {
		return 2
	}
	return 1
}

// fieldsSize is the space of the fields.
func (m Model) fieldsSize() (w, h int) {
	w, h = m.size.W, m.size.H-m.headLines()-len(m.status())
	if m.wide() {
		w = formWidth
	}
	if m.step == stepReview {
		h = min(h, 3)
	}
	return max(0, w), max(0, h)
}

// wide reports that the sheet is beside the fields. The review is a sheet.
func (m Model) wide() bool { return m.size.W >= sheetFrom && m.step != stepReview && !m.narrow }

func (m Model) head() string {
	g := m.st().Glyphs
	left := " " + m.st().Muted.Render("Jobs "+g.Crumb+" ") + m.st().Accent.Render(clean.Text(m.title))
	if m.at() == stepEnv {
		left += m.st().Muted.Render(" "+g.Crumb+" ") + m.viewStrip()
	}
	if m.template != "" {
		left += m.st().Muted.Render("  template: " + clean.Text(m.template))
	}
	draft := ""
	switch {
	case m.restored && m.saved.IsZero():
		draft = m.st().Muted.Render("  draft restored")
	case !m.saved.IsZero() && !m.unsaved:
		draft = m.st().Muted.Render("  draft kept " + m.saved.Format("15:04:05"))
	}
	name, address := clean.Text(m.env.Target.Name), clean.Text(m.env.Target.Address)
	right := m.strip() + " "
	if long := right + m.st().Muted.Render(" on ") + m.st().Context.Render(name) + " "; m.size.W >= 100 {
		right = long
		if longer := strings.TrimSuffix(long, " ") + m.st().Muted.Render(" "+g.Dot+" "+address) + " "; name != address && m.size.W >= sheetFrom {
			right = longer
		}
	}
	room := m.size.W - ansi.StringWidth(right) - 1
	if ansi.StringWidth(left)+ansi.StringWidth(draft) <= room {
		left += draft
	}
	if room < 12 {
		return ansi.Truncate(left, m.size.W, g.Ellipsis)
	}
	left = ansi.Truncate(left, room, g.Ellipsis)
	return left + strings.Repeat(" ", max(0, m.size.W-ansi.StringWidth(left)-ansi.StringWidth(right))) + right
}

func (m Model) body(h int) []string {
	if m.peek {
		return m.scrolledSheet(h)
	}
	fields := m.form.View()
	fields = fields[:min(len(fields), h)]
	if m.step == stepReview {
		used := min(m.form.Height(), len(fields))
		lines := append(make([]string, 0, h), fields[:used]...)
		if h > used {
			lines = append(lines, m.scrolledSheet(h-used)...)
		}
		return lines
	}
	if m.wide() {
		return m.beside(fields, m.preview, h)
	}
	used := min(m.form.Height(), h)
	lines := append(make([]string, 0, h), fields[:used]...)
	lines = append(lines, m.below(h-used)...)
	for len(lines) < h {
		lines = append(lines, "")
	}
	return lines
}

// below draws the command under the fields, as far as there is room.
func (m Model) below(h int) []string {
	if h < 3 || m.step == stepText {
		return nil
	}
	var lines []string
	if h >= len(m.preview)+2 {
		lines = append(lines, "")
	}
	lines = append(lines, m.section(m.belowTitle(), m.size.W-2, " "))
	for i, l := range m.preview {
		if len(lines) == h-1 && i < len(m.preview)-1 {
			return append(lines, "   "+m.st().Glyphs.Ellipsis)
		}
		lines = append(lines, " "+l)
	}
	return lines
}

func (m Model) belowTitle() string {
	if m.step == stepResources {
		return "Where it runs"
	}
	return "Equivalent command"
}

func (m Model) beside(left, right []string, h int) []string {
	bar := m.st().Border.Render(m.st().Glyphs.Bar)
	lines := make([]string, h)
	if over := len(right) - h; over > 0 && h > 1 {
		more := m.st().Muted.Render(m.cut(fmt.Sprintf("%s %d more lines on the review", m.st().Glyphs.Ellipsis, over+1), m.size.W-formWidth-3))
		right = append(slices.Clone(right[:h-1]), more)
	}
	for i := range lines {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = " " + right[i]
		}
		lines[i] = l + strings.Repeat(" ", max(0, formWidth-ansi.StringWidth(l))) + bar + r
	}
	return lines
}

func (m Model) cut(s string, w int) string {
	return ansi.Truncate(clean.Text(s), max(0, w), m.st().Glyphs.Ellipsis)
}

func (m Model) section(title string, w int, indent string) string {
	rule := strings.Repeat(m.st().Glyphs.Rule, max(0, w-ansi.StringWidth(title)-1))
	return indent + m.st().Strong.Render(title) + " " + m.st().Border.Render(rule)
}

// status is what stands below the fields: what is happening, what went wrong,
// what is missing.
func (m Model) status() []string {
	st := m.st()
	where := clean.Text(m.env.Target.Name)
	switch {
	case m.sending.phase == uploading && m.sending.canceled:
		return []string{m.line(st.Warn.Render, "stopping the upload"+st.Glyphs.Ellipsis)}
	case m.sending.phase == uploading:
		return []string{m.line(st.Running.Render, m.progress())}
	case m.sending.phase == asking && m.sending.of > 0 && m.sending.canceled:
		return []string{m.line(st.Warn.Render, "stopping after the one that is on its way"+st.Glyphs.Ellipsis)}
	case m.sending.phase == asking && m.sending.of > 0:
		return []string{m.line(st.Running.Render, fmt.Sprintf("submitting %d of %d to %s%s %s esc stops", max(1, m.sending.nth), m.sending.of, where, st.Glyphs.Ellipsis, st.Glyphs.Dot))}
	case m.sending.phase == asking:
		return []string{m.line(st.Running.Render, "submitting to "+where+st.Glyphs.Ellipsis)}
	case m.failure != "":
		return m.sentence(st.Error.Render, st.Glyphs.Failed+" "+clean.Text(m.failure))
	case len(m.filled) > 0:
		return m.told2(m.filled)
	case len(m.problems) > 0:
		return []string{m.line(st.Warn.Render, m.problemLine())}
	case m.sending.wanted:
		return []string{m.line(st.Muted.Render, "looking at what is uploaded"+st.Glyphs.Ellipsis)}
	case m.note != "":
		return m.sentence(st.Warn.Render, "! "+clean.Text(m.note))
	}
	if m.env.Target.ReadOnly {
		return []string{m.line(st.Warn.Render, where+" is read-only here: submit is off, the draft is kept")}
	}
	if !m.plan.empty() {
		return []string{m.line(st.Accent.Render, "ready: ^s submits "+clean.Text(m.planLine())+", to "+where)}
	}
	return []string{m.line(st.Muted.Render, "ready: ^s submits to "+where)}
}

// told2 says what was filled in, and what was not understood.
func (m Model) told2(said []string) []string {
	lines := m.sentence(m.st().OK.Render, m.st().Glyphs.Succeeded+" "+clean.Text(said[0]))[:1]
	if rest := strings.Join(said[1:], "; "); rest != "" {
		lines = append(lines, m.sentence(m.st().Warn.Render, "! "+clean.Text(rest))...)
	}
	if len(m.problems) > 0 {
		lines = append(lines[:min(len(lines), statusLines-1)], m.line(m.st().Warn.Render, m.problemLine()))
	}
	return lines[:min(len(lines), statusLines)]
}

func (m Model) line(style func(...string) string, text string) string {
	return style(ansi.Truncate(" "+text, m.size.W, m.st().Glyphs.Ellipsis))
}

func (m Model) sentence(style func(...string) string, text string) []string {
	wrapped := strings.Split(ansi.Wrap(text, max(10, m.size.W-2), ""), "\n")
	lines := make([]string, 0, statusLines)
	for i, l := range wrapped[:min(len(wrapped), statusLines)] {
		if i == statusLines-1 && len(wrapped) > statusLines {
			l += m.st().Glyphs.Ellipsis
		}
		lines = append(lines, m.line(style, l))
	}
	return lines
}

// problemLine names the fields that keep the form from being submitted.
func (m Model) problemLine() string {
	var names []string
	seen := make(map[string]bool)
	for _, p := range m.problems {
		if label := strings.TrimSpace(m.labelOf(p.field)); !seen[label] {
			names = append(names, label)
			seen[label] = true
		}
	}
	short := fmt.Sprintf("%s: %s. Submit is off", count(len(m.problems), "problem", "problems"), strings.Join(names, ", "))
	long := short + " until it is fixed."
	if len(m.problems) > 1 {
		long = short + " until they are fixed."
	}
	if ansi.StringWidth(long)+1 > m.size.W {
		return short + "."
	}
	return long
}

func (m Model) labelOf(field string) string {
	if field == fieldText {
		return "Runtime env"
	}
	return m.form.Label(field)
}

// progress says how far the upload is, and how it is stopped. The bar is drawn
// where there is room for it.
func (m Model) progress() string {
	g := m.st().Glyphs
	stop := " " + g.Dot + " esc stops it"
	nth := ""
	if m.sending.parts > 1 {
		nth = fmt.Sprintf(" (%d of %d)", m.sending.part, m.sending.parts)
	}
	if m.sending.total <= 0 {
		text := "packing" + nth + " " + clean.Text(m.sending.what)
		return ansi.Truncate(text, max(0, m.size.W-1-ansi.StringWidth(stop)), g.Ellipsis) + stop
	}
	done := int(100 * m.sending.done / m.sending.total)
	const cells = 20
	full := cells * done / 100
	bar := " " + strings.Repeat(g.Masked, full) + strings.Repeat(g.Ended, cells-full)
	text := fmt.Sprintf("uploading"+nth+" %s of %s (%d%%)", size(m.sending.done), size(m.sending.total), done)
	if m.sending.rate > 0 {
		stop = " " + size(int64(m.sending.rate)) + "/s" + stop
	}
	if ansi.StringWidth(text+bar+stop)+1 <= m.size.W {
		text += bar
	}
	return text + stop
}

// shown is the request for the sheet.
func (m Model) shown() shown {
	s := newShown(m.request, m.dir, m.env, m.mask())
	s.modules = m.mods.local()
	return s
}
