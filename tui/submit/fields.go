package submit

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/widget/form"
)

const (
	copyInPlace = "in place"
	copyPrivate = "private copy"
	afterTable  = "jobs table"
	afterLog    = "log"

	buttonSubmit = "Submit"
	buttonClear  = "Clear"

	noPython = "none"

	// dirPause is how long the working dir field rests before the disk is asked:
	// on the way to a long path, "/" is a folder too.
	dirPause = 150 * time.Millisecond
)

// fill makes the fields anew with the values of a draft.
func (m Model) fill(d draft) Model {
	copies := form.Choice(fieldCopy, "", copyInPlace, copyPrivate)
	list := []form.Field{
		form.Script(fieldEntrypoint, "Entrypoint *", d[fieldEntrypoint], "the command, as for a shell"),
		form.Text(fieldID, "Submission id", d[fieldID], "(auto: "+m.autoID()+")"),
		form.Text(fieldDir, "Working dir", d[fieldDir], "(none) a folder, archive or URI"),
		copies,
		form.List(fieldEnv, "Env vars", d[fieldEnv], "(none) NAME=value, one on each line", m.mask()),
		form.List(fieldMetadata, "Metadata", d[fieldMetadata], "(none) name=value, one on each line", secret),
		form.Text(fieldCPUs, "CPUs", d[fieldCPUs], "0"),
		inline(form.Text(fieldGPUs, "GPUs", d[fieldGPUs], "0")),
		inline(form.Text(fieldMemory, "Memory", d[fieldMemory], "0")),
		form.List(fieldResources, "Resources", d[fieldResources], "(none) name=amount, one on each line", nil),
		form.Choice(fieldAfter, "After submit", afterTable, afterLog),
		form.Buttons(fieldButtons, buttonSubmit, buttonClear),
	}
	if !m.env.Target.Embedded {
		list = slices.DeleteFunc(list, func(f form.Field) bool { return f.ID == fieldCopy })
	}
	m.form = form.New(m.env.Styles, list...)
	if d[fieldAfter] != "" {
		m.form = m.form.SetValue(fieldAfter, d[fieldAfter])
	}
	m.form = m.form.SetValue(fieldCopy, copyOf(d[fieldDir]))
	return m.laidOut()
}

// mask hides secrets among the variables; of a job that is edited all of them,
// as its page does.
func (m Model) mask() func(line string) int {
	if m.parent.ID() != "" {
		return anyValue
	}
	return secret
}

func inline(f form.Field) form.Field {
	f.Inline = true
	return f
}

// draft returns the fields as they are typed. Empty ones are left out.
func (m Model) draft() draft {
	d := draft{}
	for _, f := range []string{
		fieldEntrypoint, fieldID, fieldDir, fieldEnv, fieldMetadata, fieldCPUs, fieldGPUs, fieldMemory, fieldResources, fieldAfter,
	} {
		if v := m.form.Value(f); v != "" {
			d[f] = v
		}
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
	m.failure, m.sending.wanted = "", false
	m = m.touch(id)
	switch id {
	case fieldCopy:
		m = m.switchCopy().touch(fieldDir)
		m, cmd = m.look()
	case fieldDir:
		m.form = m.form.SetValue(fieldCopy, copyOf(m.form.Value(fieldDir)))
		m, cmd = m.look()
	}
	return m.checked(), cmd
}

func (m Model) touch(id string) Model {
	m.touched = maps.Clone(m.touched)
	m.touched[id] = true
	return m
}

// look reads the working dir and has the disk asked about it after a pause.
func (m Model) look() (Model, tea.Cmd) {
	if m.dirStop != nil {
		m.dirStop()
	}
	m.dirStop = func() {}
	m.dirGen++
	d, disk := readDir(m.form.Value(fieldDir), m.env.Target.Embedded)
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
	m.dirStop = stop
	return m, inspect(ctx, m.env, m.dirGen, m.dir, m.base.excludes())
}

// checked reads all fields and puts what is wrong under them.
func (m Model) checked() Model {
	m.request, m.problems = m.draft().request(m.base, m.dir)
	if id := m.request.SubmissionID; m.exists(id) {
		m.problems = append(m.problems, problem{fieldID, "a job of this id exists already on this server"})
	}
	bad := make(map[string][]form.Note)
	for _, p := range m.problems {
		if m.touched[p.field] || m.form.Value(p.field) != "" {
			bad[p.field] = append(bad[p.field], form.Note{Level: form.Bad, Text: clean.Text(p.text)})
		}
	}
	for _, id := range []string{fieldEntrypoint, fieldID, fieldDir, fieldEnv, fieldMetadata, fieldCPUs, fieldGPUs, fieldMemory, fieldResources} {
		m.form = m.form.SetNotes(id, append(bad[id], m.notesOf(id, len(bad[id]) > 0)...)...)
	}
	return m.previewed().laidOut()
}

// exists reports that a job of this id is known here. One that may have arrived
// by an earlier try is not counted: trying again takes it.
func (m Model) exists(id string) bool {
	if id == "" || id == m.doubt {
		return false
	}
	return id == m.taken || slices.ContainsFunc(m.known, func(j rayapi.Job) bool { return j.SubmissionID != nil && *j.SubmissionID == id })
}

// notesOf says what is right about a field, and what helps.
func (m Model) notesOf(id string, bad bool) []form.Note {
	var notes []form.Note
	if !bad && strings.TrimSpace(m.form.Value(id)) != "" && (id != fieldDir || !m.dir.pending) {
		notes = append(notes, form.Note{Level: form.OK, Text: "ok"})
	}
	switch id {
	case fieldEntrypoint:
		if !bad {
			notes = append(notes, form.Note{Level: form.Warn, Text: warning(m.form.Value(id))})
		}
		notes = append(notes, m.entrypointNote())
	case fieldID:
		notes = append(notes, form.Note{Level: form.Hint, Text: "letters, digits, '.', '_' and '-'; must be new on this server"})
	case fieldDir:
		if m.form.Value(id) == "" {
			return []form.Note{{Level: form.Hint, Text: m.dir.note(m.env.Target.Embedded, m.st().Glyphs)}}
		}
		notes = append(notes, form.Note{Level: form.Info, Text: m.dir.note(m.env.Target.Embedded, m.st().Glyphs)})
	case fieldEnv:
		notes = append(notes, m.envNotes()...)
	case fieldMemory:
		notes = append(notes, form.Note{Level: form.Hint, Text: "bytes, or such as 512MiB or 16GiB"})
	}
	return notes
}

func (m Model) entrypointNote() form.Note {
	text, dot := "shell text, sent as it stands", " "+m.st().Glyphs.Dot+" "
	first, _, _ := strings.Cut(strings.TrimSpace(m.form.Value(fieldEntrypoint)), " ")
	python := m.python
	if path, known := m.pythons[first]; known {
		if python = path; path == "" {
			return form.Note{Level: form.Warn, Text: text + dot + "no " + first + " is found by jobs here"}
		}
	}
	switch python {
	case "":
	case noPython:
		return form.Note{Level: form.Warn, Text: text + dot + "no python is found by jobs here"}
	default:
		text += dot + "python: " + clean.Text(python)
	}
	return form.Note{Level: form.Info, Text: text}
}

func (m Model) envNotes() []form.Note {
	var notes []form.Note
	if names := m.base.names(); len(names) > 0 {
		notes = append(notes, form.Note{Level: form.Info, Text: "kept as they were: " + clean.Text(strings.Join(names, ", "))})
	}
	for _, line := range strings.Split(m.form.Value(fieldEnv), "\n") {
		if !m.env.Target.Embedded && secret(line) >= 0 {
			return append(notes, form.Note{Level: form.Warn, Text: "whoever can reach the cluster's dashboard can read these values"})
		}
	}
	return notes
}
