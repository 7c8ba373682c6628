package submit

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"dray/tui/clean"
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

// fieldsSize is the space of the fields.
func (m Model) fieldsSize() (w, h int) {
	w, h = m.size.W, m.size.H-1-len(m.status())
	if m.size.H >= ruleFrom {
		h--
	}
	if m.wide() {
		w = formWidth
	}
	return max(0, w), max(0, h)
}

func (m Model) wide() bool { return m.size.W >= sheetFrom }

func (m Model) head() string {
	g := m.st().Glyphs
	left := " " + m.st().Muted.Render("Jobs "+g.Crumb+" ") + m.st().Accent.Render(clean.Text(m.title))
	if m.restored {
		left += m.st().Muted.Render("  draft restored")
	}
	name, address := clean.Text(m.env.Target.Name), clean.Text(m.env.Target.Address)
	right := m.st().Muted.Render("on ") + m.st().Context.Render(name)
	long := right + m.st().Muted.Render(" "+g.Dot+" "+address)
	if name != address && max(20, ansi.StringWidth(left))+ansi.StringWidth(long)+3 <= m.size.W {
		right = long
	}
	right += " "
	room := m.size.W - ansi.StringWidth(right) - 1
	if room < 20 {
		return ansi.Truncate(left, m.size.W, g.Ellipsis)
	}
	left = ansi.Truncate(left, room, g.Ellipsis)
	return left + strings.Repeat(" ", max(0, m.size.W-ansi.StringWidth(left)-ansi.StringWidth(right))) + right
}

func (m Model) body(h int) []string {
	fields := m.form.View()
	fields = fields[:min(len(fields), h)]
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
	if h < 3 {
		return nil
	}
	var lines []string
	if h >= len(m.preview)+2 {
		lines = append(lines, "")
	}
	lines = append(lines, m.section("Equivalent command", m.size.W-2, " "))
	for i, l := range m.preview {
		if len(lines) == h-1 && i < len(m.preview)-1 {
			return append(lines, "   "+m.st().Glyphs.Ellipsis)
		}
		lines = append(lines, " "+l)
	}
	return lines
}

func (m Model) beside(left, right []string, h int) []string {
	bar := m.st().Border.Render(m.st().Glyphs.Bar)
	lines := make([]string, h)
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

// previewed draws what the request looks like. It is kept, because drawing
// happens more often than typing.
func (m Model) previewed() Model {
	switch {
	case m.size.W <= 0:
	case m.wide():
		m.preview = m.sheet(m.size.W - formWidth - 3)
	default:
		m.preview = m.command(m.size.W - 2)
	}
	return m
}

// sheet is the literal request and the commands that send the same.
func (m Model) sheet(w int) []string {
	lines := []string{m.section("Request body", w, "")}
	for _, l := range m.shown().body() {
		lines = append(lines, m.cut(l, w))
	}
	if m.request.SubmissionID == "" {
		lines = append(lines, m.st().Muted.Render(m.cut("// submission_id: "+m.autoID(), w)))
	}
	lines = append(lines, "", m.section("Same thing from a shell", w, ""))
	return append(lines, m.command(w)...)
}

func (m Model) command(w int) []string {
	s := m.shown()
	var lines []string
	if len(m.request.LabelSelector) == 0 {
		lines = fold(s.dray(), w)
	}
	if !m.env.Target.Embedded && (m.wide() || len(lines) == 0) {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, fold(s.ray(), w)...)
	}
	for i, l := range lines {
		lines[i] = m.cut(l, w)
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
		return []string{m.line(st.Running.Render, m.progress()+" "+st.Glyphs.Dot+" esc stops it")}
	case m.sending.phase == asking:
		return []string{m.line(st.Running.Render, "submitting to "+where+st.Glyphs.Ellipsis)}
	case m.failure != "":
		return m.sentence(st.Error.Render, st.Glyphs.Failed+" "+clean.Text(m.failure))
	case len(m.problems) > 0:
		return []string{m.line(st.Warn.Render, m.problemLine())}
	case m.sending.wanted:
		return []string{m.line(st.Muted.Render, "looking at the working dir"+st.Glyphs.Ellipsis)}
	case m.note != "":
		return m.sentence(st.Warn.Render, "! "+clean.Text(m.note))
	}
	return []string{m.line(st.Muted.Render, "ready: ^s submits to "+where)}
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
		if !seen[p.field] {
			names = append(names, m.form.Label(p.field))
		}
		seen[p.field] = true
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

func (m Model) progress() string {
	if m.sending.total <= 0 {
		return "packing " + clean.Text(m.dir.path)
	}
	return fmt.Sprintf("uploading %s of %s (%d%%)", size(m.sending.done), size(m.sending.total), 100*m.sending.done/m.sending.total)
}

// shown is the request for the sheet.
func (m Model) shown() shown { return newShown(m.request, m.dir, m.env, m.mask()) }
