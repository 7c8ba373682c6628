package submit

import (
	"fmt"
	"slices"
	"strings"

	"dray/backend/client"
	"dray/tui/widget/cell"
)

// previewed draws what the request looks like. It is kept, because drawing
// happens more often than typing.
func (m Model) previewed() Model {
	switch {
	case m.size.W <= 0:
	case m.step == stepReview, m.peek:
		m.preview = m.review(m.size.W - 3)
	case m.wide():
		m.preview = m.sheet(m.size.W - formWidth - 3)
	case m.step == stepResources:
		m.preview = m.placement(max(10, m.size.W-3))
	default:
		m.preview = m.command(m.size.W - 2)
	}
	return m
}

// sheet is what stands beside the fields of a step.
func (m Model) sheet(w int) []string {
	switch m.at() {
	case stepEnv:
		lines := []string{m.section("YAML as it will be sent", w, "")}
		lines = append(lines, m.cutAll(m.shown().yaml(), w)...)
		lines = append(lines, m.uploadLines(w)...)
		return append(lines, m.recentLines(w)...)
	case stepResources:
		lines := []string{m.section("Where it runs", w, "")}
		lines = append(lines, m.placement(w)...)
		lines = append(lines, "", m.section("Request body", w, ""))
		return append(lines, m.cutAll(m.shown().body(), w)...)
	}
	rest := []string{"", m.section("Same thing from a shell ("+m.st().Glyphs.Ctrl+"y copies)", w, "")}
	rest = append(rest, m.command(w)...)
	rest = append(rest, "", m.section("Checks", w, ""))
	rest = append(rest, m.checks(w)...)
	return append(m.shortened(m.bodyLines(w), m.size.H-ruleLines-statusLines-len(rest), w), rest...)
}

const (
	ruleLines = 2 // above the sheet
	leastBody = 8 // lines of the body that are drawn however long the rest is
)

// shortened leaves out the middle of the body where the rest would not be seen.
func (m Model) shortened(body []string, h, w int) []string {
	h = max(h, leastBody)
	over := len(body) - h
	if over <= 0 {
		return body
	}
	more := m.st().Muted.Render(m.cut(fmt.Sprintf("  %s %d more lines on the review", m.st().Glyphs.Ellipsis, over+1), w))
	return slices.Concat(body[:h-2], []string{more}, body[len(body)-1:])
}

func (m Model) bodyLines(w int) []string {
	lines := append([]string{m.section("Request body", w, "")}, m.cutAll(m.shown().body(), w)...)
	if m.request.SubmissionID == "" {
		lines = append(lines, m.st().Muted.Render(m.cut("// submission_id: "+m.autoID(), w)))
	}
	seen := map[string]bool{}
	for _, p := range m.problems {
		if !seen[p.field] && m.touched[p.field] && p.field != fieldEntrypoint {
			lines = append(lines, m.st().Error.Render(m.cut("// "+p.field+": invalid, left out", w)))
		}
		seen[p.field] = true
	}
	return lines
}

// review is the whole of what will be sent, for the last look.
func (m Model) review(w int) []string {
	var lines []string
	add := func(title string, body []string) {
		if len(body) == 0 {
			return
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(append(lines, m.section(title, w, "")), body...)
	}
	if len(m.variants) > 0 {
		add(fmt.Sprintf("Variants: %s, one confirmation", count(len(m.variants), "job", "jobs")), m.variantLines(w))
	}
	add("Checks", m.checks(w))
	if m.parent.ID() != "" {
		diff := m.diff()
		if len(diff) == 0 {
			diff = []string{"nothing: the same request again, under another id"}
		}
		for i, l := range diff {
			l = m.cut(l, w)
			switch {
			case strings.HasPrefix(l, "+"):
				l = m.st().OK.Render(l)
			case strings.HasPrefix(l, "-"):
				l = m.st().Error.Render(l)
			case strings.HasPrefix(l, "~"):
				l = m.st().Warn.Render(l)
			}
			diff[i] = l
		}
		add("Changed from "+m.cut(m.parent.ID(), 40), diff)
	}
	lines = append(lines, m.uploadLines(w)...)
	add("Where it runs", m.placement(w))
	lines = append(append(lines, ""), m.bodyLines(w)...)
	add("Same thing from a shell ("+m.st().Glyphs.Ctrl+"y copies)", m.command(w))
	return lines
}

// scrolledSheet draws the review from its first line on, as far as it goes.
func (m Model) scrolledSheet(h int) []string {
	top := max(0, min(m.scroll, len(m.preview)-h))
	lines := make([]string, h)
	for i := range lines {
		if top+i < len(m.preview) {
			lines[i] = "  " + m.preview[top+i]
		}
	}
	g := m.st().Glyphs
	if top > 0 && h > 1 {
		lines[0] = cell.Pad(cell.Cut(lines[0], m.size.W-2, ""), m.size.W-1) + m.st().Muted.Render(g.Up)
	}
	if top+h < len(m.preview) && h > 1 {
		lines[h-1] = cell.Pad(cell.Cut(lines[h-1], m.size.W-2, ""), m.size.W-1) + m.st().Muted.Render(g.Down)
	}
	return lines
}

func (m Model) cutAll(lines []string, w int) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = m.cut(l, w)
	}
	return out
}

// command is the same job from a shell. Ray's own command cannot reach the
// embedded backend.
func (m Model) command(w int) []string {
	s := m.shown()
	lines := fold(s.dray(), w)
	if !m.env.Target.Embedded && (m.wide() || m.step == stepReview || m.peek) {
		lines = append(append(lines, ""), fold(s.ray(), w)...)
	}
	return m.cutAll(lines, w)
}

// checks lists what was looked at, and how it is.
func (m Model) checks(w int) []string {
	st := m.st()
	good := func(s string) string { return st.OK.Render(st.Glyphs.Succeeded) + " " + m.cut(s, w-2) }
	bad := func(s string) string { return st.Error.Render(st.Glyphs.Failed) + " " + m.cut(s, w-2) }
	warn := func(s string) string { return st.Warn.Render("!") + " " + m.cut(s, w-2) }
	var lines []string
	wrong := map[string]bool{}
	for _, p := range m.problems {
		wrong[p.field] = true
		lines = append(lines, bad(strings.TrimSpace(m.labelOf(p.field))+": "+p.text))
	}
	for _, p := range m.warnings {
		lines = append(lines, warn(p.text))
	}
	if entrypoint := m.form.Value(fieldEntrypoint); !wrong[fieldEntrypoint] {
		if why := warning(entrypoint); why != "" {
			lines = append(lines, warn(why))
		} else {
			lines = append(lines, good("the entrypoint can be read by a shell"))
		}
	}
	switch {
	case wrong[fieldDir]:
	case m.dir.pending:
		lines = append(lines, st.Muted.Render(st.Glyphs.Pending+" "+m.cut("looking at the working dir", w-2)))
	case m.dir.upload && m.dir.flight.There:
		lines = append(lines, good("the working dir is on the server already, nothing is uploaded"))
	case m.dir.upload && m.dir.files >= 0:
		lines = append(lines, good(fmt.Sprintf("the working dir has %s, below the limit of %s", size(m.dir.bytes), size(maxUpload))))
	case m.dir.text != "":
		lines = append(lines, good("the working dir can be used"))
	}
	if !slices.ContainsFunc(m.problems, func(p problem) bool { return m.form.Shows(stepEnv, p.field) || p.field == fieldText }) && m.request.HasRuntimeEnv() {
		lines = append(lines, good("the runtime environment follows Ray's rules"))
	}
	return lines
}

const (
	maxShownFolders = 6
	maxShownFiles   = 6
	maxShownRules   = 8
)

// uploadLines tell of all that is uploaded, each after a blank line.
func (m Model) uploadLines(w int) []string {
	verb := "Upload"
	if m.env.Target.Embedded {
		verb = "Private copy"
	}
	var lines []string
	add := func(title string, d workDir) {
		if up := m.upload(title, d, w); len(up) > 0 {
			lines = append(append(lines, ""), up...)
		}
	}
	add(verb, m.dir)
	for _, d := range m.mods.local() {
		add("Module "+m.cut(d.text, max(8, w-40)), d)
	}
	return lines
}

// upload tells what an upload sends and leaves out.
func (m Model) upload(title string, d workDir, w int) []string {
	if !d.upload || d.flight.Tree == nil && d.flight.Files == 0 {
		return nil
	}
	p := d.flight
	lines := []string{m.section(fmt.Sprintf("%s: %s in %s", title, size(p.Bytes), count(p.Files, "file", "files")), w, "")}
	switch {
	case d.pending && p.Scanned:
		lines = append(lines, m.st().Muted.Render("asking whether the server has it"+m.st().Glyphs.Ellipsis))
	case d.pending:
		lines = append(lines, m.st().Muted.Render("looking"+m.st().Glyphs.Ellipsis))
	case p.There:
		lines = append(lines, m.cut(p.URI+" is there already: no upload", w))
	case p.AskErr != nil:
		lines = append(lines, m.st().Warn.Render(m.cut("! the server cannot be asked whether it has it: "+p.AskErr.Error(), w)))
	case p.URI != "":
		lines = append(lines, m.cut("becomes "+p.URI, w))
	}
	lines = append(lines, m.tree(p, w)...)
	for i, f := range p.Biggest[:min(len(p.Biggest), maxShownFiles)] {
		if i == 0 {
			lines = append(lines, m.st().Muted.Render("biggest files"))
		}
		lines = append(lines, m.cut(fmt.Sprintf(" %9s  %s", size(f.Bytes), f.Path), w))
	}
	for i, r := range p.Ignored[:min(len(p.Ignored), maxShownRules)] {
		if i == 0 {
			lines = append(lines, m.st().Muted.Render("left out"))
		}
		lines = append(lines, m.cut(fmt.Sprintf(" %6s by %s (%s): %s", count(r.Paths, "path", "paths"), r.Rule, r.From, strings.Join(r.Example, " ")), w))
	}
	for _, o := range p.Odd[:min(len(p.Odd), 3)] {
		lines = append(lines, m.st().Warn.Render(m.cut("! sent by its name alone, without content: "+o, w)))
	}
	if len(p.Secrets) > 0 {
		lines = append(lines, m.st().Warn.Render(m.cut("! may hold secrets: "+strings.Join(p.Secrets, " "), w)))
	}
	return lines
}

// tree draws the heaviest folders as bars.
func (m Model) tree(p client.Preflight, w int) []string {
	if p.Tree == nil || len(p.Tree.Folders) == 0 || p.Bytes == 0 {
		return nil
	}
	var lines []string
	const cells = 10
	g := m.st().Glyphs
	for _, f := range p.Tree.Folders[:min(len(p.Tree.Folders), maxShownFolders)] {
		full := int(f.Bytes * cells / p.Bytes)
		bar := strings.Repeat(g.Masked, full) + strings.Repeat(g.Ended, cells-full)
		lines = append(lines, m.cut(fmt.Sprintf(" %9s  %s  %s/ %s", size(f.Bytes), bar, f.Name, count(f.Files, "file", "files")), w))
		for _, sub := range f.Folders[:min(len(f.Folders), 2)] {
			if sub.Bytes*4 >= f.Bytes {
				lines = append(lines, m.cut(fmt.Sprintf(" %9s  %s    %s/%s/", size(sub.Bytes), strings.Repeat(" ", cells), f.Name, sub.Name), w))
			}
		}
	}
	if rest := len(p.Tree.Folders) - maxShownFolders; rest > 0 {
		lines = append(lines, m.st().Muted.Render(m.cut(" "+count(rest, "more folder", "more folders"), w)))
	}
	return lines
}
