package submit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/client"
	"dray/backend/jobspec"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/submit/renv"
)

// modules is what is known about the lines of py_modules: those that are paths
// of this machine are uploaded at submit.
type modules struct {
	gen      int
	list     []workDir
	excludes string // that list is about
	stop     context.CancelFunc
	steps    <-chan modulesStepMsg
}

// local are the modules that are uploaded.
func (m modules) local() []workDir {
	return slices.DeleteFunc(slices.Clone(m.list), func(d workDir) bool { return !d.upload })
}

func (m modules) pending() bool {
	return slices.ContainsFunc(m.list, func(d workDir) bool { return d.pending })
}

// modulesPauseMsg comes when nothing was typed into the modules for a moment.
type modulesPauseMsg struct{ gen int }

// modulesStepMsg tells how far the look at one of them is.
type modulesStepMsg struct {
	gen, at int
	flight  client.Preflight
}

// modulesMsg brings what the disk says about them.
type modulesMsg struct {
	gen  int
	list []workDir
}

// lookModules reads the modules and has the disk asked about the new ones, about
// all of them when other files are left out.
func (m Model) lookModules() (Model, tea.Cmd) {
	if m.mods.stop != nil {
		m.mods.stop()
	}
	known := map[string]workDir{}
	excludes := m.form.Value(fieldExcludes)
	for _, d := range m.mods.list {
		if !d.pending && d.reason == "" && (d.uri != "" || d.upload && m.mods.excludes == excludes) {
			known[d.text] = d
		}
	}
	next := modules{gen: m.mods.gen + 1, stop: func() {}, excludes: excludes}
	for _, line := range entries(m.form.Value(fieldModules)) {
		d := workDir{text: m.base.value(line, line), files: -1, module: true}
		d.upload = jobspec.IsLocal(d.text)
		if isPackage(d.text) {
			d.uri = d.text
		}
		d.pending = d.upload || d.uri != "" && m.env.PreflightModule != nil
		if old, ok := known[d.text]; ok {
			d = old
		}
		next.list = append(next.list, d)
	}
	m.mods = next
	if !next.pending() {
		return m, nil
	}
	return m, tea.Tick(dirPause, func(time.Time) tea.Msg { return modulesPauseMsg{next.gen} })
}

// inspectModules asks the disk; another look or Close ends it.
func (m Model) inspectModules() (Model, tea.Cmd) {
	ctx, stop := context.WithCancel(m.env.Ctx)
	steps := make(chan modulesStepMsg, 1)
	m.mods.stop, m.mods.steps = stop, steps
	env, gen, list, excludes := m.env, m.mods.gen, slices.Clone(m.mods.list), m.draft().excludes()
	return m, tea.Batch(func() tea.Msg {
		defer close(steps)
		for i, d := range list {
			if !d.pending || ctx.Err() != nil {
				continue
			}
			if d.uri != "" {
				list[i] = inspectPackage(ctx, env.PreflightModule, d)
				list[i].pending = false
				continue
			}
			list[i] = inspectUpload(ctx, env, d, excludes, func(p client.Preflight) { newest(steps, modulesStepMsg{gen, i, p}) })
			list[i].pending = false
		}
		return modulesMsg{gen, list}
	}, nextModulesStep(steps))
}

// nextModulesStep waits for the next step of a look. It ends when the look does.
func nextModulesStep(steps <-chan modulesStepMsg) tea.Cmd {
	return func() tea.Msg {
		if msg, ok := <-steps; ok {
			return msg
		}
		return nil
	}
}

// updateModules takes the messages about them.
func (m Model) updateModules(msg tea.Msg) (Model, tea.Cmd) {
	switch msg := msg.(type) {
	case modulesPauseMsg:
		if msg.gen == m.mods.gen {
			return m.inspectModules()
		}
	case modulesStepMsg:
		if msg.gen != m.mods.gen {
			return m, nil
		}
		if msg.at < len(m.mods.list) && m.mods.list[msg.at].pending {
			list := slices.Clone(m.mods.list)
			list[msg.at].files, list[msg.at].bytes, list[msg.at].flight = msg.flight.Files, msg.flight.Bytes, msg.flight
			m.mods.list = list
			m = m.checked()
		}
		return m, nextModulesStep(m.mods.steps)
	case modulesMsg:
		if msg.gen == m.mods.gen {
			m.mods.list = msg.list
			return m.checked().sendIfWanted()
		}
	}
	return m, nil
}

// note says what becomes of the local ones.
func (m modules) note(dot string) string {
	var files, there int
	var bytes int64
	local := m.local()
	for _, d := range local {
		if d.pending {
			return "looking at " + clean.Text(clip(d.text))
		}
		if d.reason != "" {
			return ""
		}
		files, bytes = files+max(0, d.files), bytes+d.bytes
		if d.flight.There {
			there++
		}
	}
	if len(local) == 0 {
		return ""
	}
	text := fmt.Sprintf("%s, %s, %s", count(len(local), "local module", "local modules"), count(files, "file", "files"), size(bytes))
	switch there {
	case 0:
		return text + " to upload"
	case len(local):
		return text + dot + "already there, no upload"
	}
	return text + " to upload" + dot + fmt.Sprintf("%d already there", there)
}

// withModules puts other texts in the place of some of py_modules.
func withModules(env json.RawMessage, texts map[string]string) json.RawMessage {
	keys, err := renv.ParseJSON(env)
	if err != nil || len(texts) == 0 {
		return env
	}
	return moduled(keys, texts).JSON()
}

func moduled(keys renv.Value, texts map[string]string) renv.Value {
	keys = slices.Clone(keys)
	for i, k := range keys {
		var list []string
		if k.Name != fieldModules || json.Unmarshal(k.Raw, &list) != nil {
			continue
		}
		changed := false
		for j, s := range list {
			if text, ok := texts[s]; ok {
				list[j], changed = text, true
			}
		}
		if changed {
			keys[i].Raw = renv.Marshal(list)
		}
	}
	return keys
}

// parcels are what is uploaded before a request is sent.
type parcels struct {
	dir      string // local folder or archive, or ""
	excludes []string
	modules  []workDir
}

func (m Model) parcels() parcels {
	p := parcels{excludes: m.draft().excludes(), modules: m.mods.local()}
	if m.dir.upload {
		p.dir = m.dir.path
	}
	return p
}

func (p parcels) empty() bool { return p.dir == "" && len(p.modules) == 0 }

// first names what is uploaded first.
func (p parcels) first() string {
	if p.dir == "" && len(p.modules) > 0 {
		return p.modules[0].path
	}
	return p.dir
}

// uploads are the addresses of parcels.
type uploads struct {
	dir     string
	modules map[string]string // by the text that stands for one
}

// send uploads one after the other. It ends with ctx.
func (p parcels) send(ctx context.Context, env *screen.Env, step func(progressMsg)) (up uploads, err error) {
	of := len(p.modules)
	if p.dir != "" {
		of++
	}
	nth := 0
	about := func(what string) func(done, total int64) {
		nth++
		now := progressMsg{what: what, part: nth, parts: of}
		step(now)
		return func(done, total int64) {
			s := now
			s.done, s.total, s.at = done, total, env.Now()
			s.over = s.part == s.parts && total > 0 && done >= total
			step(s)
		}
	}
	if p.dir != "" {
		if up.dir, err = env.Jobs.Upload(ctx, p.dir, p.excludes, about(p.dir)); err != nil {
			return up, err
		}
	}
	up.modules = make(map[string]string, len(p.modules))
	for _, d := range p.modules {
		uri, err := env.Jobs.UploadModule(ctx, d.path, p.excludes, about(d.path))
		if err != nil {
			return up, err
		}
		up.modules[d.text] = uri
	}
	return up, nil
}

// into puts the addresses into a runtime environment.
func (u uploads) into(env json.RawMessage) json.RawMessage {
	env = withModules(env, u.modules)
	if u.dir != "" {
		env = withDir(env, u.dir)
	}
	return env
}

// pickedModule adds a module to the list.
func (m Model) pickedModule(path string) (Model, tea.Cmd) {
	m = m.addLines(fieldModules, []string{m.relative(path)}).touch(fieldModules)
	m, cmd := m.lookModules()
	next, save := m.checked().autosave()
	return next, tea.Batch(cmd, save)
}

// isModule reports that a file can be one of py_modules.
func isModule(name string) bool {
	return strings.HasSuffix(name, ".whl") || strings.HasSuffix(name, ".py")
}
