package submit

import (
	"fmt"
	"strings"

	"dray/backend/shellwords"
	"dray/tui/clean"
	"dray/tui/widget/cell"
	"dray/tui/widget/form"
)

// maxWarnings is how many warnings one field shows.
const maxWarnings = 2

// notesOf says what is right about a field, and what helps.
func (m Model) notesOf(id string, bad bool) []form.Note {
	var notes []form.Note
	choice := id == fieldAfter || id == fieldInstaller || id == fieldEager
	if !bad && !choice && strings.TrimSpace(m.form.Value(id)) != "" && (id != fieldDir || !m.dir.pending) {
		notes = append(notes, form.Note{Level: form.OK, Text: "ok"})
	}
	shown := 0
	for _, w := range m.warnings {
		if w.field == id && shown < maxWarnings {
			notes = append(notes, form.Note{Level: form.Warn, Text: clean.Text(w.text)})
			shown++
		}
	}
	hint := func(text string) { notes = append(notes, form.Note{Level: form.Hint, Text: text}) }
	switch id {
	case fieldEntrypoint:
		if !bad {
			notes = append(notes, form.Note{Level: form.Warn, Text: warning(m.form.Value(id))})
		}
		notes = append(notes, m.entrypointNote())
	case fieldID:
		hint("letters, digits, '.', '_' and '-'; must be new on this server")
	case fieldDir:
		text := m.dir.note(m.env.Target.Embedded, m.st().Glyphs)
		if m.form.Value(id) == "" {
			return []form.Note{{Level: form.Hint, Text: text}}
		}
		notes = append(notes, form.Note{Level: form.Info, Text: clean.Text(text)})
	case fieldExcludes:
		hint("^l lists the biggest files and folders of the upload")
	case fieldModules:
		if text := m.mods.note(" " + m.st().Glyphs.Dot + " "); text != "" {
			notes = append(notes, form.Note{Level: form.Info, Text: text})
		}
		hint("^l picks a folder, a .py or a wheel")
	case fieldEnv:
		notes = append(notes, m.envNotes()...)
		hint("values of secrets are drawn as dots and kept out of drafts, history and templates " + m.st().Glyphs.Dot + " ^l loads a .env")
	case fieldMemory:
		hint("bytes, or such as 512MiB or 16GiB")
	case fieldLabels:
		hint("a value is v, !v, in(a, b) or !in(a, b): ray.io/accelerator-type=H100")
	case fieldPip, fieldUv:
		hint("^l loads a requirements.txt")
	case fieldConda:
		hint("^l loads an environment.yml")
	case fieldTimeout:
		hint("seconds, or -1 for no limit")
	case fieldExtra:
		notes = append(notes, form.Note{Level: form.Info, Text: "kept as they are"})
	}
	return notes
}

func (m Model) entrypointNote() form.Note {
	dot := " " + m.st().Glyphs.Dot + " "
	text := "shell text, sent as it stands"
	entrypoint := m.form.Value(fieldEntrypoint)
	first, _, _ := strings.Cut(strings.TrimSpace(entrypoint), " ")
	if words, err := shellwords.Split(entrypoint); err == nil && len(words) > 1 {
		text = "shell text" + dot + count(len(words), "word", "words")
	}
	if n := len(m.history); n > 0 {
		text += dot + fmt.Sprintf("%s%s history %d", m.st().Glyphs.KeyUp, m.st().Glyphs.KeyDown, n)
	}
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
	for _, line := range strings.Split(m.form.Value(fieldEnv), "\n") {
		if !m.env.Target.Embedded && secret(line) >= 0 {
			return []form.Note{{Level: form.Warn, Text: "whoever can reach the cluster's dashboard can read these values"}}
		}
	}
	return nil
}

// placement says where the driver will run with what is asked for, and what the
// cluster has of it.
func (m Model) placement(w int) []string {
	lines := cell.Wrap(m.startsWhere(), w)
	if has := m.capacity(); has != "" {
		lines = append(lines, cell.Wrap(has, w)...)
	}
	for _, q := range queued(m.request, m.resources) {
		for _, l := range cell.Wrap("! "+q.text, w) {
			lines = append(lines, m.st().Warn.Render(l))
		}
	}
	return lines
}

func (m Model) startsWhere() string {
	r := m.request
	switch {
	case m.env.Target.Embedded && r.HasResources():
		return "the job starts when this machine has what it asks for free"
	case m.env.Target.Embedded:
		return "nothing is asked for: the job starts at once"
	case r.HasResources():
		return "the driver runs on any node that has what it asks for; until one has, the job is PENDING"
	}
	return "nothing is asked for: the driver runs on the head node; ask for a CPU to have it placed elsewhere"
}
