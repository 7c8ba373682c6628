package submit

import (
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/tui/clean"
	"dray/tui/submit/renv"
	"dray/tui/widget/form"
)

// The steps of the form. The last is the runtime environment as text.
const (
	stepBasics = iota
	stepEnv
	stepResources
	stepReview
	stepText
)

// views are how the runtime environment is shown.
const (
	viewForm = iota
	viewYAML
	viewJSON
)

func stepNames() []string { return []string{"Basics", "Env", "Resources", "Review"} }

// at is the step that the strip marks.
func (m Model) at() int {
	if m.step == stepText {
		return stepEnv
	}
	return m.step
}

// show goes to a step. Fields are the same wherever they are shown.
func (m Model) show(step int) Model {
	if step == stepEnv && m.view != viewForm {
		step = stepText
	}
	m.step, m.scroll, m.peek = step, 0, false
	m.form = m.form.Show(step)
	return m
}

// turn goes to the step after or before.
func (m Model) turn(by int) Model {
	n := len(stepNames())
	return m.goTo((m.at() + by + n) % n).laidOut()
}

// goTo shows a step for the user, the review with the variants as they are now.
func (m Model) goTo(step int) Model {
	if step == stepReview {
		m.variants = nil
		next, err := m.planned()
		if err != nil {
			m.failure = "the variants " + m.plan.label() + ": " + err.Error() + "; ctrl+q changes them"
		}
		m = next
	}
	return m.show(step).previewed()
}

// reveal goes to a step that has field id, and gives it the focus.
func (m Model) find(id string) Model {
	if id == fieldText {
		m = m.show(stepEnv)
	}
	if !m.form.Shows(m.step, id) {
		for step := range stepNames() {
			if m.form.Shows(step, id) {
				if step == stepEnv && m.view != viewForm && m.textErr == nil {
					m.view = viewForm
				}
				m = m.show(step)
				break
			}
		}
	}
	m.form = m.form.Focus(id)
	return m.previewed().laidOut()
}

// switchView shows the runtime environment as form, YAML, JSON in turn. Text
// that cannot be read stays where it is.
func (m Model) switchView() (Model, tea.Cmd) {
	if m.textErr != nil {
		return m.unreadable(), nil
	}
	m.view, m.failure = (m.view+1)%3, ""
	if m.view == viewYAML {
		if p, wrong := m.envProblem(); wrong {
			m.view = viewForm
			m.failure = "the form cannot be shown as YAML yet: " + m.form.Label(p.field) + ": " + p.text
			return m.touch(p.field).checked().find(p.field), nil
		}
	}
	m = m.writeText().show(stepEnv)
	return m.masked().checked(), nil
}

// envProblem is the first problem of a field whose lines cannot be read at all,
// so that a switch of the view would lose them.
func (m Model) envProblem() (problem, bool) {
	c := checker{base: m.base}
	c.pairs(fieldEnv, m.form.Value(fieldEnv))
	if m.form.Value(fieldInstaller) == fieldConda && m.form.Value(fieldConda) != "" {
		c.condaRaw(m.form.Value(fieldConda))
	}
	if len(c.problems) == 0 {
		return problem{}, false
	}
	return c.problems[0], true
}

// underText are the problems and warnings of what the text holds, which its field shows while
// the others are not there.
func (m Model) underText() []form.Note {
	var notes []form.Note
	for _, p := range m.problems {
		if m.view != viewForm && p.field != fieldText && m.form.Shows(stepEnv, p.field) {
			notes = append(notes, form.Note{Level: form.Bad, Text: clean.Text(strings.TrimSpace(m.form.Label(p.field)) + ": " + p.text)})
		}
	}
	for _, p := range m.warnings {
		if m.view != viewForm && p.field != fieldEntrypoint && m.form.Shows(stepEnv, p.field) {
			notes = append(notes, form.Note{Level: form.Warn, Text: clean.Text(strings.TrimSpace(m.form.Label(p.field)) + ": " + p.text)})
		}
	}
	return notes
}

// writeText writes the runtime environment into the text field.
func (m Model) writeText() Model {
	m.textErr, m.dropText = nil, false
	switch v := m.typedEnv(); m.view {
	case viewYAML:
		m.form = m.form.SetValue(fieldText, v.YAML())
	case viewJSON:
		m.form = m.form.SetValue(fieldText, v.Indented())
	default:
		m.form = m.form.SetValue(fieldText, "")
	}
	m.form = m.form.GoTo(fieldText, 0)
	return m
}

// typedEnv is the runtime environment as the user writes it: the working dir is
// the text of its field, which an upload replaces later.
func (m Model) typedEnv() renv.Value {
	c := checker{base: m.base}
	return c.environment(m.draft(), m.dir.text)
}

// readText reads the text field into the fields, as far as it can be read.
func (m Model) readText() (Model, tea.Cmd) {
	read := renv.ParseYAML
	if m.view == viewJSON {
		read = renv.ParseJSON
	}
	v, err := read([]byte(m.form.Value(fieldText)))
	if err != nil {
		m.textErr = textError(err)
		return m, nil
	}
	m.textErr = nil
	return m.setEnv(v)
}

// setEnv makes v the runtime environment. The cursor stays where it is.
func (m Model) setEnv(v renv.Value) (Model, tea.Cmd) {
	fresh := newBase()
	for k, value := range m.base.kept {
		fresh.kept[k] = value // metadata and the command may use them
	}
	for k := range m.base.hidden {
		fresh.hidden[k] = true
	}
	fresh.origin = v
	m.base = fresh
	d := fresh.spread(v)
	for _, id := range []string{
		fieldDir, fieldExcludes, fieldModules, fieldInstaller, fieldPip, fieldUv, fieldConda, fieldEnv, fieldImage, fieldTimeout, fieldEager, fieldHook,
	} {
		m.form = m.form.SetValue(id, d[id])
	}
	m.form = m.form.SetValue(fieldCopy, copyOf(d[fieldDir]))
	return m.look()
}

func textError(err error) *renv.TextError {
	if e, ok := err.(*renv.TextError); ok { //nolint:errorlint // it is never wrapped
		return e
	}
	return &renv.TextError{Line: 1, Text: err.Error()}
}

// strip draws the steps, the present one in brackets.
func (m Model) strip() string {
	out := ""
	for i, name := range stepNames() {
		label := strconv.Itoa(i+1) + " " + name
		if i > 0 {
			out += " "
		}
		if i == m.at() {
			out += m.st().Accent.Render("[" + label + "]")
			continue
		}
		out += m.st().Muted.Render(label)
	}
	return out
}

// viewStrip draws the views of the runtime environment.
func (m Model) viewStrip() string {
	out := ""
	for i, name := range []string{"form", "yaml", "json"} {
		if i > 0 {
			out += m.st().Border.Render(" " + m.st().Glyphs.Bar + " ")
		}
		if i == m.view {
			out += m.st().Accent.Render(name)
			continue
		}
		out += m.st().Muted.Render(name)
	}
	if m.size.W < 100 {
		return out
	}
	return out + m.st().Muted.Render("  ("+m.st().Glyphs.Ctrl+"x)")
}
