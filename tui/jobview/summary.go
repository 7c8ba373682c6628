package jobview

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/widget/cell"
	"dray/tui/widget/jobtext"
)

// story is what happened to the job. Of a failure the reason comes first: that
// is what is looked for. Then what it waits for, if it does; then the facts.
func (m Model) story(w int) []string {
	var lines []string
	lines = append(lines, m.failure(w)...)
	lines = append(lines, m.waiting(w)...)
	lines = append(lines, m.stopping(w)...)
	for _, f := range jobtext.Fields(&m.job, m.list.Now) {
		lines = append(lines, m.field(f.Label, f.Text, w)...)
	}
	for _, f := range m.known() {
		lines = append(lines, m.field(f.Label, f.Text, w)...)
	}
	if text := jobtext.Message(&m.job); len(text) > 0 {
		lines = append(lines, "", m.heading("Status message", w))
		lines = append(lines, wrapAll(text, w)...)
	}
	if m.size.W < twoAt {
		lines = append(lines, m.changes(w)...)
	}
	return append(lines, "")
}

// changes are what is different from the job of which this one is a rerun.
func (m Model) changes(w int) []string {
	if m.about.entry == nil || m.about.parent == nil {
		return nil
	}
	s := m.env.Styles
	lines := []string{"", m.heading("Changed from "+clean.Text(m.about.parent.Request.SubmissionID), w)}
	changes := ledger.Diff(m.about.parent.Request, m.about.entry.Request)
	for _, c := range changes {
		if c.Had {
			lines = append(lines, inked(s.Failed, "- "+clean.Text(c.Path+": "+c.Old), w)...)
		}
		if c.Has {
			lines = append(lines, inked(s.OK, "+ "+clean.Text(c.Path+": "+c.New), w)...)
		}
	}
	if len(changes) == 0 {
		lines = append(lines, s.Muted.Render("nothing"))
	}
	return lines
}

// maxParts is how many differences are named beside the lineage.
const maxParts = 4

// changedParts names what is different from the parent, for the line that
// tells of it; the differences themselves stand further down.
func (m Model) changedParts() string {
	if m.about.entry == nil || m.about.parent == nil {
		return ""
	}
	var parts []string
	for _, c := range ledger.Diff(m.about.parent.Request, m.about.entry.Request) {
		parts = append(parts, clean.Text(c.Path))
	}
	switch n := len(parts) - maxParts; {
	case len(parts) == 0:
		return " (nothing changed)"
	case n > 0:
		parts = append(parts[:maxParts], fmt.Sprintf("%d more", n))
	}
	return " (changed: " + strings.Join(parts, ", ") + ")"
}

// maxFrames is how many lines of a traceback the failure card shows.
const maxFrames = 5

// failure says why the job failed, as far as it can be known, and what to do.
func (m Model) failure(w int) []string {
	if m.job.Status != rayapi.StatusFailed || m.job.IsGhost() {
		return nil
	}
	s := m.env.Styles
	lines := []string{m.heading("Why it failed", w)}
	if exit := jobtext.Exit(&m.job); exit != "" {
		lines = append(lines, inked(s.Failed, "exit "+exit, w)...)
	} else if short := jobtext.ErrorShort(&m.job); short != "" {
		lines = append(lines, s.Failed.Render(short))
	}
	if card := m.about.card; card != nil {
		reason := strings.TrimSuffix(card.Exception+": "+card.Message, ": ")
		lines = append(lines, inked(s.Error, clean.Text(reason), w)...)
		for _, l := range card.Telling(maxFrames, s.Glyphs.Ellipsis) {
			for _, part := range clean.Block(l) {
				lines = append(lines, s.Muted.Render(frame(part, w, s.Glyphs.Ellipsis)))
			}
		}
	}
	lines = append(lines, m.advice(w)...)
	return append(lines, "")
}

// frame cuts a line of a traceback to w cells. Of a long path the file's name
// is left, which says more than the folder of a session.
func frame(l string, w int, tail string) string {
	const open = `File "`
	i := strings.Index(l, open)
	if i < 0 || cell.Width(l) <= w {
		return cell.Cut(l, w, tail)
	}
	head, rest := l[:i+len(open)], l[i+len(open):]
	for cell.Width(head)+cell.Width(tail)+cell.Width(rest) > w {
		_, after, ok := strings.Cut(rest[1:], "/")
		if !ok || strings.HasPrefix(rest, `"`) {
			break
		}
		rest = "/" + after
	}
	return cell.Cut(head+tail+rest, w, tail)
}

// advice is what to try next.
func (m Model) advice(w int) []string {
	s := m.env.Styles
	keys := flowed([]string{
		s.Key.Render(s.Glyphs.Enter) + " log at the error", s.Key.Render("e") + " edit and rerun", s.Key.Render("r") + " rerun as it was",
	}, "   ", w)
	exception := ""
	if m.about.card != nil {
		exception = m.about.card.Exception + ": " + m.about.card.Message
	}
	if hint := hintFor(&m.job, exception); hint != "" {
		return append(cell.Wrap(hint, w), keys...)
	}
	return keys
}

// hintFor knows the failures that have a usual cause.
func hintFor(job *rayapi.Job, exception string) string {
	code := 0
	if job.DriverExitCode != nil {
		code = *job.DriverExitCode
	}
	switch {
	case strings.HasPrefix(exception, "ModuleNotFoundError"), strings.HasPrefix(exception, "ImportError"):
		return "A package is missing: add it under pip in the runtime environment."
	case strings.Contains(exception, "CUDA out of memory"), strings.Contains(exception, "OutOfMemoryError"):
		return "The GPU's memory was full: a smaller batch, or another GPU."
	case strings.HasPrefix(exception, "FileNotFoundError"):
		return "A file is missing where the job runs: is it in the working dir, and not ignored?"
	case job.ErrorTypeText() == rayapi.ErrRuntimeEnvSetup:
		return "Its environment could not be made; the log has the installer's words."
	case job.ErrorTypeText() == rayapi.ErrStartTimeout, job.ErrorTypeText() == rayapi.ErrUnschedulable:
		return "What it asked for did not become free in time."
	case code == -9, code == 137:
		return "Something killed it: most often a lack of memory."
	case code == 127:
		return "The command does not exist where the job runs."
	}
	return ""
}

// known are the facts that the server does not tell and this machine knows.
func (m Model) known() []jobtext.Field {
	var fields []jobtext.Field
	if e := m.about.entry; e != nil {
		if asked := demand(e.Request, m.dot()); asked != "" {
			fields = append(fields, jobtext.Field{Label: "resources", Text: asked + "  (as sent from here)"})
		}
	}
	if text := m.phases(); text != "" {
		fields = append(fields, jobtext.Field{Label: "phases", Text: text})
	}
	if line := m.about.lineage; len(line) > 0 {
		text := "rerun of " + clean.Text(line[0]) + m.changedParts()
		for _, id := range line[1:] {
			text += ", which is a rerun of " + clean.Text(id)
		}
		fields = append(fields, jobtext.Field{Label: "lineage", Text: text})
	}
	if m.size.W < twoAt {
		if text := strings.Join(m.metadata(), "  "); text != "" {
			fields = append(fields, jobtext.Field{Label: "metadata", Text: text})
		}
		if text := environment(&m.job, m.dot()); text != "" {
			fields = append(fields, jobtext.Field{Label: "runtime env", Text: text})
		}
	}
	return fields
}

// environment names the parts of a runtime environment in one line.
func environment(job *rayapi.Job, dot string) string {
	var env map[string]json.RawMessage
	if json.Unmarshal(job.RuntimeEnv, &env) != nil {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		var list []any
		var table map[string]any
		var text string
		switch raw := env[name]; {
		case json.Unmarshal(raw, &text) == nil && !jobtext.Secret(name, text):
			parts = append(parts, name+" "+clean.Text(text))
		case json.Unmarshal(raw, &list) == nil:
			parts = append(parts, fmt.Sprintf("%s %d", name, len(list)))
		case json.Unmarshal(raw, &table) == nil:
			parts = append(parts, fmt.Sprintf("%s %d", name, len(table)))
		default:
			parts = append(parts, name)
		}
	}
	return strings.Join(parts, dot)
}

// phases tells how long the job waited and ran, if it was watched from here
// while it began.
func (m Model) phases() string {
	began, ok := m.list.Begun[m.job.ID()]
	took, known := jobtext.Took(&m.job, m.list.Now)
	if !ok || !known {
		return ""
	}
	waited := max(0, began.Sub(m.job.Started()))
	if waited >= took && m.job.Status.IsTerminal() { // it was seen at its end only
		return ""
	}
	waited = min(waited, took)
	at := began.In(m.list.Now.Location()).Format("15:04:05")
	return fmt.Sprintf("waited %s, until %s%sran %s  (as seen from here)", jobtext.Duration(waited), at, m.dot(), jobtext.Duration(took-waited))
}
