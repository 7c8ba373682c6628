package submit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/submit/renv"
	"dray/tui/widget/form"
)

const (
	copyInPlace = "in place"
	copyPrivate = "private copy"
	afterTable  = "table"
	afterLog    = "log"
	afterStay   = "stay"
	afterNotify = "notify me"

	buttonSubmit = "Submit"
	buttonClear  = "Clear"
	buttonReview = "Review"

	noPython = "none"

	// dirPause is how long the working dir field rests before the disk is asked:
	// on the way to a long path, "/" is a folder too.
	dirPause = 150 * time.Millisecond
)

// fill makes the fields anew with the values of a draft.
func (m Model) fill(d draft) Model {
	in := func(f form.Field, steps ...int) form.Field {
		for _, s := range steps {
			f.Steps |= 1 << s
		}
		return f
	}
	list := []form.Field{
		in(form.Script(fieldEntrypoint, "Entrypoint *", d[fieldEntrypoint], "the command, as for a shell"), stepBasics),
		in(form.Text(fieldID, "Submission id", d[fieldID], "(auto: "+m.autoID()+")"), stepBasics),
		in(form.Text(fieldName, "Job name", d[fieldName], "(none) for people; metadata job_name"), stepBasics),
		in(form.Text(fieldDir, "Working dir", d[fieldDir], "(none) a folder, archive or URI"), stepBasics, stepEnv),
		in(form.Choice(fieldCopy, "", copyInPlace, copyPrivate), stepBasics, stepEnv),
		in(form.List(fieldExcludes, "Excludes", d[fieldExcludes], "(none) patterns as in .gitignore, one on each line", nil), stepEnv),
		in(form.List(fieldModules, "Py modules", d[fieldModules], "(none) folders, .py, .whl or URIs, one on each line", nil), stepEnv),
		in(form.Choice(fieldInstaller, "Installer", installNone, fieldPip, fieldUv, fieldConda), stepEnv),
		in(form.List(fieldPip, "  pip", d[fieldPip], "packages, one on each line: torch==2.5.1", nil), stepEnv),
		in(form.List(fieldUv, "  uv", d[fieldUv], "packages, one on each line: torch==2.5.1", nil), stepEnv),
		in(form.Area(fieldConda, "  conda", d[fieldConda], "the name of an environment, or an environment.yml"), stepEnv),
		in(form.List(fieldEnv, "Env vars", d[fieldEnv], "(none) NAME=value, one on each line", nil), stepBasics, stepEnv),
		in(form.Text(fieldImage, "Image URI", d[fieldImage], "(none) a container image; then no pip, uv, conda, working dir"), stepEnv),
		in(form.Text(fieldTimeout, "Setup timeout", d[fieldTimeout], "600"), stepEnv),
		in(form.Choice(fieldEager, "Install at start", eagerYes, eagerNo), stepEnv),
		in(form.Text(fieldHook, "Setup hook", d[fieldHook], "(none) module.function, no callables"), stepEnv),
		in(form.Link(fieldExtra, "Other keys", "", "as YAML"), stepEnv),
		in(form.Link(fieldEnvLink, "Runtime env", "", "edit"), stepBasics),
		in(form.List(fieldMetadata, "Metadata", d[fieldMetadata], "(none) name=value, one on each line", nil), stepBasics),
		in(form.Text(fieldCPUs, "CPUs", d[fieldCPUs], "0"), stepBasics, stepResources),
		inline(in(form.Text(fieldGPUs, "GPUs", d[fieldGPUs], "0"), stepBasics, stepResources)),
		inline(in(form.Text(fieldMemory, "Memory", d[fieldMemory], "0"), stepBasics, stepResources)),
		in(form.List(fieldResources, "Resources", d[fieldResources], "(none) name=amount, one on each line, or JSON", nil), stepBasics, stepResources),
		in(form.List(fieldLabels, "Label selector", d[fieldLabels], "(none) label=value, one on each line", nil), stepBasics, stepResources),
		in(form.Choice(fieldAfter, "After submit", m.afterOptions()...), stepBasics, stepReview),
		in(form.Buttons(fieldButtons, buttonSubmit, buttonReview, buttonClear), stepBasics, stepReview),
		wide(in(form.Area(fieldText, "", "", "a mapping of keys; blank for none"), stepText)),
	}
	if !m.env.Target.Embedded {
		list = slices.DeleteFunc(list, func(f form.Field) bool { return f.ID == fieldCopy })
	}
	m.form = form.New(m.env.Styles, list...)
	for _, choice := range []string{fieldAfter, fieldInstaller, fieldEager} {
		if d[choice] != "" {
			m.form = m.form.SetValue(choice, d[choice])
		}
	}
	m.form = m.form.SetValue(fieldCopy, copyOf(d[fieldDir]))
	return m.masked().show(m.step).laidOut()
}

// afterOptions are what can follow a submit.
func (m Model) afterOptions() []string { return []string{afterTable, afterLog, afterStay, afterNotify} }

// masked hides secrets among variables and metadata; of a job that is edited
// all variables, as its page does.
func (m Model) masked() Model {
	none := func([]string, int) int { return -1 }
	vars := func(lines []string, i int) int { return m.mask()(lines[i]) }
	meta := func(lines []string, i int) int { return secret(lines[i]) }
	text := maskText(m.parent.ID() != "")
	if m.revealed {
		vars, meta, text = none, none, none
	}
	m.form = m.form.SetMask(fieldEnv, vars).SetMask(fieldMetadata, meta).SetMask(fieldText, text)
	for _, id := range []string{fieldPip, fieldUv, fieldModules} {
		m.form = m.form.SetMask(id, func(lines []string, i int) int {
			if m.revealed {
				return -1
			}
			return credentials(lines[i])
		})
	}
	return m
}

// mask returns the rune of a variable's line from which on it is hidden on the
// sheet, or -1.
func (m Model) mask() func(line string) int {
	if m.parent.ID() != "" {
		return anyValue
	}
	return secret
}

func wide(f form.Field) form.Field {
	f.Wide = true
	return f
}

func inline(f form.Field) form.Field {
	f.Inline = true
	return f
}

// draft returns the fields as they are typed. Empty ones are left out.
func (m Model) draft() draft {
	d := draft{}
	for _, f := range keptFields() {
		if v := m.form.Value(f); v != "" {
			d[f] = v
		}
	}
	if len(m.base.origin) > 0 {
		d[draftOrigin] = string(m.base.origin.JSON())
	}
	switch {
	case m.textErr == nil:
	case m.view == viewJSON:
		d[draftJSON] = m.form.Value(fieldText)
	default:
		d[draftYAML] = m.form.Value(fieldText)
	}
	if id := m.unanswered(); id != "" {
		d[draftDoubt] = id
	}
	if text := m.plan.text(); text != "" {
		d[draftPlan] = text
	}
	return d
}

func (m Model) autoID() string {
	if m.parent.ID() == "" {
		return "raysubmit_" + m.st().Glyphs.Ellipsis
	}
	return ledger.NextID(m.parent.ID(), nil) + " or the next free one"
}

// copyOf is the choice that says the same as the text of the working dir.
func copyOf(dir string) string {
	if dir = strings.TrimSpace(dir); dir == "" || strings.HasPrefix(dir, inPlace) {
		return copyInPlace
	}
	return copyPrivate
}

// switchCopy rewrites the working dir after the choice beside it.
func (m Model) switchCopy() Model {
	dir := strings.TrimSpace(m.form.Value(fieldDir))
	path, is := strings.CutPrefix(dir, inPlace)
	switch private := m.form.Value(fieldCopy) == copyPrivate; {
	case private && is:
		dir = path
	case private && dir == "", !private && dir == "":
		dir = m.env.Cwd
		if !private {
			dir = inPlace + dir
		}
	case !private && !is && !strings.Contains(dir, "://"):
		abs, err := absolute(dir, m.env.Cwd)
		if err != nil {
			return m
		}
		dir = inPlace + abs
	}
	m.form = m.form.SetValue(fieldDir, dir)
	m.form = m.form.SetValue(fieldCopy, copyOf(dir))
	return m
}

// edited follows a change of the focused field.
func (m Model) edited() (Model, tea.Cmd) {
	var cmd tea.Cmd
	id := m.form.Focused()
	m.copied = 0
	m.failure, m.sending.wanted, m.filled, m.variants, m.dropText = "", false, nil, nil, false
	m = m.touch(id)
	switch id {
	case fieldCopy:
		m = m.switchCopy().touch(fieldDir)
		m, cmd = m.lookDir()
	case fieldDir:
		m.form = m.form.SetValue(fieldCopy, copyOf(m.form.Value(fieldDir)))
		m, cmd = m.lookDir()
	case fieldExcludes:
		m, cmd = m.look()
	case fieldModules:
		m, cmd = m.lookModules()
	case fieldText:
		m, cmd = m.readText()
	case fieldEntrypoint:
		m.recall = recall{}
		m, cmd = m.seek()
	}
	next, save := m.checked().autosave()
	return next, tea.Batch(cmd, save)
}

func (m Model) touch(id string) Model {
	m.touched = maps.Clone(m.touched)
	m.touched[id] = true
	return m
}

// checked reads all fields and puts what is wrong under them.
func (m Model) checked() Model {
	d := m.draft()
	c := checker{base: m.base, files: m.env.Target.Embedded, modules: m.mods.list}
	m.request = d.read(&c, m.dir)
	m.problems, m.warnings = c.problems, slices.Concat(m.missingScript(), m.secretFiles(), c.warnings, queued(m.request, m.resources))
	if m.textErr != nil {
		m.problems = append(m.problems, problem{fieldText, m.textErr.Error()})
	}
	if id := m.request.SubmissionID; m.exists(id) {
		m.problems = append(m.problems, problem{fieldID, "a job of this id exists already on this server"})
	}
	bad := make(map[string][]form.Note)
	for _, p := range m.problems {
		if m.touched[p.field] || m.form.Value(p.field) != "" {
			bad[p.field] = append(bad[p.field], form.Note{Level: form.Bad, Text: clean.Text(p.text)})
		}
	}
	bad[fieldText] = append(bad[fieldText], m.underText()...)
	for _, id := range append(keptFields(), fieldText, fieldExtra) {
		m.form = m.form.SetNotes(id, append(bad[id], m.notesOf(id, len(bad[id]) > 0)...)...)
	}
	return m.installers().linked().previewed()
}

// installers shows the field of the chosen installer alone, and says what the
// others hold.
func (m Model) installers() Model {
	chosen := m.form.Value(fieldInstaller)
	var aside []string
	for _, id := range []string{fieldPip, fieldUv, fieldConda} {
		m.form = m.form.Hide(id, id != chosen)
		if n := len(entries(m.form.Value(id))); id != chosen && n > 0 {
			aside = append(aside, fmt.Sprintf("%s (%s)", id, count(n, "line", "lines")))
		}
	}
	m.form = m.form.Hide(fieldExtra, len(m.base.extras()) == 0)
	note := form.Note{Level: form.Hint, Text: "only one of pip, uv and conda can be set"}
	if len(aside) > 0 {
		note = form.Note{Level: form.Warn, Text: "not sent: " + strings.Join(aside, ", ") + ". Only one can be set; switch back to have it again"}
	}
	m.form = m.form.SetNotes(fieldInstaller, note)
	return m
}

// linked writes the summary of the runtime environment.
func (m Model) linked() Model {
	m.form = m.form.SetValue(fieldEnvLink, clean.Text(m.summary()))
	m.form = m.form.SetValue(fieldExtra, clean.Text(strings.Join(m.base.extras().Names(), ", ")))
	var notes []form.Note
	for _, p := range m.problems {
		if !m.form.Shows(stepBasics, p.field) && (m.form.Shows(stepEnv, p.field) || p.field == fieldText) {
			notes = []form.Note{{Level: form.Bad, Text: clean.Text(m.form.Label(p.field) + ": " + p.text)}}
		}
	}
	if notes == nil && m.summary() != "(none)" {
		notes = []form.Note{{Level: form.OK, Text: "ok"}}
	}
	m.form = m.form.SetNotes(fieldEnvLink, notes...)
	return m
}

// summary says what the runtime environment holds, beside what Basics shows.
func (m Model) summary() string {
	env, err := renv.ParseJSON(m.request.RuntimeEnv)
	if err != nil {
		return "(none)"
	}
	var parts []string
	for _, k := range env {
		switch k.Name {
		case "working_dir", fieldEnv:
		case fieldPip, fieldUv, fieldExcludes, fieldModules:
			if n := len(entries(m.form.Value(k.Name))); n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", k.Name, n))
				continue
			}
			parts = append(parts, k.Name)
		default:
			parts = append(parts, k.Name)
		}
	}
	if len(parts) == 0 {
		return "(none)"
	}
	return strings.Join(parts, " "+m.st().Glyphs.Dot+" ")
}

// exists reports that a job of this id is known here. One that may have arrived
// by an earlier try is not counted: trying again takes it.
func (m Model) exists(id string) bool {
	if id == "" || id == m.doubt {
		return false
	}
	return id == m.taken || slices.ContainsFunc(m.known, func(j rayapi.Job) bool { return j.SubmissionID != nil && *j.SubmissionID == id })
}

// look reads the working dir and the modules and has the disk asked about them
// after a pause.
func (m Model) look() (Model, tea.Cmd) {
	m, dir := m.lookDir()
	m, mods := m.lookModules()
	return m, tea.Batch(dir, mods)
}

func (m Model) lookDir() (Model, tea.Cmd) {
	if m.dirStop != nil {
		m.dirStop()
	}
	m.dirStop = func() {}
	m.dirGen++
	d, disk := readDir(m.form.Value(fieldDir), m.env.Target.Embedded)
	if isPackage(d.uri) && m.env.Preflight != nil {
		d.pending, disk = true, true
	}
	m.dir = d
	if !disk {
		return m, nil
	}
	gen := m.dirGen
	return m, tea.Tick(dirPause, func(time.Time) tea.Msg { return dirPauseMsg{gen} })
}

// inspect starts to ask the disk; another look or Close ends it.
func (m Model) inspect() (Model, tea.Cmd) {
	ctx, stop := context.WithCancel(m.env.Ctx)
	steps := make(chan client.Preflight, 1)
	m.dirStop, m.dirSteps = stop, steps
	return m, tea.Batch(inspect(ctx, m.env, m.dirGen, m.dir, m.draft().excludes(), steps), nextStep(m.dirGen, steps))
}
