package submit

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/tui/clean"
	"dray/tui/widget/form"
)

// spec is the form as a job file, as far as its fields can be read.
func (m Model) spec() jobspec.Spec {
	s := jobspec.FromRequest(m.request)
	if m.dir.upload {
		s.WorkingDir = m.dir.text
	}
	switch m.form.Value(fieldAfter) {
	case afterLog:
		s.After = jobspec.AfterLog
	case afterStay:
		s.After = jobspec.AfterStay
	case afterNotify:
		s.After = jobspec.AfterNotify
	}
	return s
}

func afterOf(s jobspec.Spec) string {
	switch s.After {
	case jobspec.AfterLog:
		return afterLog
	case jobspec.AfterStay:
		return afterStay
	case jobspec.AfterNotify:
		return afterNotify
	}
	return afterTable
}

// setSpec fills the form with a job. The parent of a rerun stays named.
func (m Model) setSpec(s jobspec.Spec) (Model, tea.Cmd) {
	r := s.Request()
	if m.parent.ID() != "" {
		id := r.SubmissionID
		r = withParent(r, m.parent)
		r.SubmissionID = id
	}
	focus, step := m.form.Focused(), m.step
	d, b := fromRequest(r)
	d[fieldID] = r.SubmissionID
	d[fieldAfter] = afterOf(s)
	m.base, m.textErr = b, nil
	m = m.fill(d)
	m.form = m.form.Focus(focus)
	m.failure = ""
	m = m.show(step).writeText()
	m, cmd := m.look()
	m = m.masked()
	next, save := m.checked().autosave()
	return next, tea.Batch(cmd, save)
}

// pasted takes a whole command line that is pasted into the entrypoint apart.
// ok is false when the text is something else, or more than the command.
func (m Model) pasted(text string) (next Model, cmd tea.Cmd, ok bool) {
	if m.form.Focused() != fieldEntrypoint || strings.TrimSpace(m.form.Value(fieldEntrypoint)) != "" {
		return m, nil, false
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text) // terminals paste line breaks as returns
	s, notes, err := jobspec.FromCommand(text)
	switch {
	case errors.Is(err, jobspec.ErrNotCommand):
		return m, nil, false
	case err != nil:
		m.failure = "the command that was pasted cannot be taken apart: " + err.Error()
		return m, nil, false
	}
	before, file := m.spec(), ""
	notes = slices.DeleteFunc(notes, func(n jobspec.Note) bool {
		file = cmp.Or(n.File, file)
		return n.File != ""
	})
	if s.WorkingDir == "" && s.Dir() == "" && m.env.Target.Embedded && file == "" {
		s.WorkingDir = m.form.Value(fieldDir)
	}
	s.After = before.After
	m.plan = plan{}
	m, cmd = m.setSpec(s)
	m.filled = []string{"filled in from the command: " + strings.Join(m.filledFields(), ", ")}
	for _, n := range notes {
		m.filled = append(m.filled, "not taken over: "+n.Text)
	}
	if v := m.typedEnv(); file != "" || namesFiles(v) {
		cmd = tea.Batch(cmd, readNamed(v, file, m.env.Cwd))
	}
	return m.laidOut(), cmd, true
}

// filledFields names the fields that hold something.
func (m Model) filledFields() []string {
	var names []string
	for _, f := range keptFields() {
		v := m.form.Value(f)
		if strings.TrimSpace(v) == "" || v == installNone || f == fieldAfter || f == fieldEager || f == fieldInstaller {
			continue
		}
		names = append(names, strings.ToLower(strings.TrimSpace(m.form.Label(f))))
	}
	return names
}

// unfilled takes the places of secrets that were left out of fields that were
// kept: they are empty, and asked for.
func (m Model) unfilled(d draft) (draft, base) {
	d = maps.Clone(d)
	for _, f := range []string{fieldEnv, fieldMetadata} {
		lines := strings.Split(d[f], "\n")
		for i, l := range lines {
			if name, ok := strings.CutSuffix(l, "="+jobspec.FillIn); ok {
				m.base.hidden[strings.TrimSpace(name)] = true
				lines[i] = name + "="
			}
		}
		d[f] = strings.Join(lines, "\n")
	}
	return d, m.base
}

// hiddenValue reports a value that stands for one that must be typed again.
func hiddenValue(v string) bool { return v == ledger.Redacted || v == jobspec.FillIn }

// diff tells what differs from the job that is edited, one line each, the values
// of variables hidden.
func (m Model) diff() []string {
	var out []string
	now := m.spec().Request()
	if now.RuntimeEnv == nil && !m.origin.HasRuntimeEnv() {
		now.RuntimeEnv = m.origin.RuntimeEnv
	}
	for _, c := range ledger.Diff(m.origin, now) {
		if strings.HasPrefix(c.Path, "runtime_env.env_vars.") && !m.revealed {
			c.Old, c.New = dots, dots
		}
		out = append(out, clean.Text(strings.ReplaceAll(c.String(), ledger.Masked, dots)))
	}
	return out
}

// scrubbed cuts what a terminal would obey from a text that is typed for the
// user.
func scrubbed(s string) string { return strings.ReplaceAll(s, string(form.LineBreak), " ") }
