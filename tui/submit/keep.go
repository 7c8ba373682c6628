package submit

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/drafts"
	"dray/backend/jobspec"
	"dray/tui/clean"
	"dray/tui/screen"
)

// savePause is how long a form rests before it is kept on disk.
const savePause = time.Second

// saveMsg comes when nothing was typed for a moment.
type saveMsg struct{ gen int }

// savedMsg tells what became of a draft.
type savedMsg struct {
	at  time.Time
	err error
}

// keptMsg brings the draft that an earlier run of the program kept.
type keptMsg struct {
	draft drafts.Draft
	err   error
}

// store is where drafts lie, nil when nothing can be kept.
func (m Model) store() *drafts.Drafts {
	if m.env.DataDir == "" {
		return nil
	}
	return drafts.New(filepath.Join(m.env.DataDir, "drafts"))
}

func (m Model) templates() *drafts.Templates {
	return drafts.NewTemplates(drafts.TemplateDir(m.env.Getenv))
}

// loadKept looks for a draft of an earlier run, and for the history.
func (m Model) loadKept() tea.Cmd {
	store, name := m.store(), m.name
	if store == nil || m.restored {
		return m.loadHistory()
	}
	return tea.Batch(m.loadHistory(), func() tea.Msg {
		d, err := store.Load(name)
		return keptMsg{d, err}
	})
}

// kept takes the draft of an earlier run over a form in which nothing was typed
// yet.
func (m Model) kept(msg keptMsg) (Model, tea.Cmd) {
	if msg.err != nil {
		if !errors.Is(msg.err, os.ErrNotExist) {
			m.note = clean.Text(msg.err.Error())
		}
		return m, nil
	}
	if !m.draft().equal(m.pristine) || m.restored {
		return m, nil
	}
	m, cmd := m.setSpec(msg.draft.Spec)
	d := m.draft()
	maps.Copy(d, msg.draft.Fields)
	d, m.base = m.unfilled(d)
	m = m.fill(d)
	m.restored, m.saveGen = true, m.saveGen+1 // what was just read need not be kept again
	m.plan = planOf(d[draftPlan])
	m = m.doubting(d[draftDoubt])
	if left := msg.draft.LeftOut; len(left) > 0 {
		m.note = "draft restored; secrets are never kept, type in again: " + clean.Text(strings.Join(short(left), ", "))
	}
	m, look := m.look()
	return m.checked(), tea.Batch(cmd, look)
}

// short cuts paths to the names of what they lead to.
func short(paths []string) []string {
	out := make([]string, 0, len(paths))
	seen := map[string]bool{}
	for _, p := range paths {
		name := p[strings.LastIndexByte(p, '.')+1:]
		if !seen[name] {
			out = append(out, name)
		}
		seen[name] = true
	}
	return out
}

// autosave keeps the form on disk after a pause.
func (m Model) autosave() (Model, tea.Cmd) {
	if m.store() == nil || m.ended {
		return m, nil
	}
	m.saveGen++
	m.unsaved = true
	gen := m.saveGen
	return m, tea.Tick(savePause, func(time.Time) tea.Msg { return saveMsg{gen} })
}

// save writes the form down, without its secrets.
func (m Model) save() tea.Cmd {
	store, name, pristine := m.store(), m.name, m.draft().equal(m.pristine)
	if store == nil {
		return nil
	}
	d, now := m.storable(), m.env.Now
	return func() tea.Msg {
		if pristine {
			return savedMsg{err: store.Delete(name)}
		}
		d.SavedAt = now()
		return savedMsg{at: d.SavedAt, err: store.Save(d)}
	}
}

// keeper returns what keeps the form on disk while it is sent: with the id of
// the request, before that leaves. Whoever opens the form after a crash sends
// the same request again, not another one.
func (m Model) keeper() func(id string) {
	if m.sending.of > 0 {
		m.plan = m.plan.underWay()
	}
	store, d, now := m.store(), m.storable(), m.env.Now
	return func(id string) {
		if store == nil {
			return
		}
		d.SavedAt = now()
		d.Fields = maps.Clone(d.Fields)
		delete(d.Fields, draftDoubt)
		if id != "" {
			d.Fields[draftDoubt] = id
		}
		_ = store.Save(d) // the ledger holds the request as well, and its errors are told
	}
}

// storable is the form as it lies on disk.
func (m Model) storable() drafts.Draft {
	fields := m.draft()
	delete(fields, draftOrigin)
	delete(fields, draftYAML)
	delete(fields, draftJSON)
	for _, f := range []string{fieldPip, fieldUv, fieldModules, fieldEntrypoint} {
		if hasCredentials(fields[f]) {
			delete(fields, f) // the job holds it, masked
		}
	}
	return drafts.Draft{Form: m.name, Spec: m.spec(), Fields: fields}
}

func hasCredentials(text string) bool {
	for _, l := range strings.Split(text, "\n") {
		if credentials(l) >= 0 || secret("value="+l) >= 0 {
			return true
		}
	}
	return false
}

// forget deletes the draft of a form that was submitted.
func (m Model) forget() tea.Cmd {
	store, name := m.store(), m.name
	if store == nil {
		return nil
	}
	return func() tea.Msg {
		if err := store.Delete(name); err != nil {
			return screen.NoticeMsg{Level: screen.Warn, Text: clean.Text(err.Error())}
		}
		return nil
	}
}

// templatesMsg brings the templates.
type templatesMsg struct {
	list []drafts.Template
	err  error
}

func (m Model) askTemplates() tea.Cmd {
	t := m.templates()
	return func() tea.Msg {
		list, err := t.List()
		return templatesMsg{list, err}
	}
}

// chooseTemplate lists the templates: enter fills the form with one, ctrl+s
// saves the form under what is typed.
func (m Model) chooseTemplate(msg templatesMsg) Model {
	if msg.err != nil {
		m.failure = msg.err.Error()
		return m
	}
	items := make([]item, 0, len(msg.list))
	for _, t := range msg.list {
		it := item{text: t.Name, value: t.Name, detail: t.Spec.Entrypoint}
		if t.Err != nil {
			why := strings.ReplaceAll(strings.Split(t.Err.Error(), "\n")[0], t.Path, filepath.Base(t.Path))
			it.wrong = strings.TrimPrefix(why, "read template "+t.Name+": ")
		}
		items = append(items, it)
	}
	c := newChooser("Templates", "save the form as this name, or as a file: ./job.yaml", items)
	if len(items) == 0 {
		c.hint = "no template yet: type a name, or a file such as ./job.yaml, and press enter to save the form"
	}
	c.pick = func(m Model, it item) (Model, tea.Cmd) { return m.useTemplate(msg.list, it.value) }
	c.free = func(m Model, name string) (Model, tea.Cmd) { return m.saveTemplate(name) }
	t := m.templates()
	c.drop = func(m Model, it item) (Model, tea.Cmd) {
		return m, func() tea.Msg {
			return screen.AskMsg{
				Title: "Delete template?", Lines: []string{"template " + clean.Text(it.value)}, Yes: "Delete", Local: true,
				Do: func() tea.Msg {
					if err := t.Delete(it.value); err != nil {
						return screen.NoticeMsg{Level: screen.Bad, Text: clean.Text(err.Error())}
					}
					return screen.NoticeMsg{Level: screen.Good, Text: "template " + clean.Text(it.value) + " deleted"}
				},
			}
		}
	}
	return m.open(c)
}

func (m Model) useTemplate(list []drafts.Template, name string) (Model, tea.Cmd) {
	for _, t := range list {
		if t.Name != name {
			continue
		}
		m.plan = plan{}
		m, cmd := m.setSpec(t.Spec)
		m.template = name
		m.filled = []string{"filled in from template " + clean.Text(name)}
		if left := t.Spec.Unfilled(); len(left) > 0 {
			m.filled = append(m.filled, "type in: "+clean.Text(strings.Join(short(left), ", ")))
		}
		return m.laidOut(), cmd
	}
	return m, nil
}

// saveTemplate keeps the form under a name, or, where that is the name of a
// file, as a job file.
func (m Model) saveTemplate(name string) (Model, tea.Cmd) {
	t, spec, dir := m.templates(), m.spec(), m.dir
	if dir.upload && dir.path != "" {
		spec.WorkingDir = dir.path
	}
	paths := map[string]string{}
	for _, d := range m.mods.local() {
		if d.path != "" {
			paths[d.text] = d.path
		}
	}
	spec.RuntimeEnv = withModules(spec.RuntimeEnv, paths)
	what, write := "template "+name, func(replace bool) ([]string, error) { return t.Save(name, spec, replace) }
	if drafts.IsJobFile(name) {
		path, err := absolute(name, m.env.Cwd)
		if err != nil {
			m.failure = name + ": " + err.Error()
			return m.laidOut(), nil
		}
		what, write = path, func(replace bool) ([]string, error) { return drafts.SaveFile(path, spec, replace) }
	}
	save := func(replace bool) tea.Msg {
		left, err := write(replace)
		switch {
		case errors.Is(err, os.ErrExist):
			return nil
		case err != nil:
			return screen.NoticeMsg{Level: screen.Bad, Text: clean.Text(err.Error())}
		}
		text := clean.Text(what) + " saved"
		if len(left) > 0 {
			text += "; secrets are left out: " + clean.Text(strings.Join(short(left), ", "))
		}
		if jobspec.CommandSecret(spec.Entrypoint) {
			return screen.NoticeMsg{Level: screen.Warn, Text: text + "; a secret seems to be in its command"}
		}
		return screen.NoticeMsg{Level: screen.Good, Text: text}
	}
	return m, func() tea.Msg {
		if msg := save(false); msg != nil {
			return msg
		}
		return screen.AskMsg{
			Title: "Replace it?", Lines: []string{clean.Text(what) + " is there already"}, Yes: "Replace", Local: true,
			Do: func() tea.Msg { return save(true) },
		}
	}
}
