package submit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/jobspec"
	"dray/tui/filepicker"
	"dray/tui/submit/renv"
)

// maxImport bounds a file that is loaded into the form.
const maxImport = 1 << 20

// importMsg brings the text of a file that was picked for a field.
type importMsg struct {
	field, path, text string
	err               error
}

// pickFile opens the file picker for the focused field.
func (m Model) pickFile() (Model, tea.Cmd) {
	field := m.form.Focused()
	if field == fieldExcludes {
		return m.chooseExclude(), nil
	}
	want := filepicker.Want{Title: "Load a job, requirements, .env", Suffixes: []string{".yaml", ".yml", ".json", ".txt", ".env"}}
	load := true
	switch field {
	case fieldDir, fieldCopy:
		want = filepicker.Want{Title: "Working dir", Folders: true, Suffixes: []string{".zip", ".tar.gz", ".tgz", ".tar.xz"}, Only: true}
		load = false
	case fieldModules:
		want = filepicker.Want{Title: "Python module", Folders: true, Suffixes: []string{".py", ".whl"}, Only: true}
		load = false
	case fieldPip, fieldUv:
		want = filepicker.Want{Title: "Requirements", Suffixes: []string{".txt", ".in"}}
	case fieldConda:
		want = filepicker.Want{Title: "Conda environment", Suffixes: []string{".yaml", ".yml"}}
	case fieldEnv:
		want = filepicker.Want{Title: "Variables, a .env file", Suffixes: []string{".env"}, Hidden: true}
	}
	start := m.env.Cwd
	if load && m.dir.path != "" {
		start = m.dir.path
	} else if m.dir.path != "" && m.dir.reason == "" {
		start = m.dir.path
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		start = m.env.Cwd
	}
	picker, cmd := filepicker.New(m.st(), start, want)
	m = m.open(picking{picker: picker, pick: func(m Model, path string) (Model, tea.Cmd) {
		if load {
			return m, loadFile(field, path)
		}
		if field == fieldModules {
			return m.pickedModule(path)
		}
		return m.picked(path)
	}})
	return m, cmd
}

// relative is a path as it is typed: from the folder in which dray runs, where
// it lies below that.
func (m Model) relative(path string) string {
	rel, err := filepath.Rel(m.env.Cwd, path)
	switch {
	case err != nil || strings.HasPrefix(rel, ".."):
		return path
	case strings.HasPrefix(rel, "."):
		return rel
	}
	return "./" + rel
}

// picked puts a folder or an archive into the working dir field.
func (m Model) picked(path string) (Model, tea.Cmd) {
	if m.form.Value(fieldCopy) == copyInPlace && !isArchive(path) && m.env.Target.Embedded {
		path = inPlace + path
	} else {
		path = m.relative(path)
	}
	m.form = m.form.SetValue(fieldDir, path)
	m.form = m.form.SetValue(fieldCopy, copyOf(path))
	m, cmd := m.touch(fieldDir).lookDir()
	next, save := m.checked().autosave()
	return next, tea.Batch(cmd, save)
}

func loadFile(field, path string) tea.Cmd {
	return func() tea.Msg {
		data, err := readSmall(path)
		return importMsg{field, path, string(data), err}
	}
}

// imported reads a file into the field that it was picked for.
func (m Model) imported(msg importMsg) (Model, tea.Cmd) {
	name := filepath.Base(msg.path)
	if msg.err != nil {
		m.failure = fmt.Sprintf("%s cannot be read: %s", name, reasonOf(msg.err))
		return m, nil
	}
	m.failure, m.filled = "", nil
	var cmd tea.Cmd
	field := m.meant(msg)
	switch field {
	case fieldPip, fieldUv:
		list, err := renv.Requirements(msg.text)
		m.form = m.form.SetValue(fieldInstaller, field)
		m = m.addLines(field, list).loaded(name, count(len(list), "package", "packages"), err)
	case fieldEnv:
		vars, err := renv.DotEnv(msg.text)
		m = m.addVars(vars).loaded(name, count(len(vars), "variable", "variables"), err)
	case fieldConda:
		raw, err := renv.Conda(msg.text)
		if err == nil {
			m.form = m.form.SetValue(fieldInstaller, fieldConda)
			m.form = m.form.SetValue(fieldConda, strings.TrimSuffix(renv.YAML(raw), "\n"))
		}
		m = m.loaded(name, "the environment", err)
	default:
		m, cmd = m.loadJob(name, msg.path, msg.text)
	}
	next, save := m.touch(field).checked().autosave()
	return next, tea.Batch(cmd, save)
}

// meant is the field that a file is for: the one that it was picked for, or
// what its name or content says.
func (m Model) meant(msg importMsg) string {
	name := filepath.Base(msg.path)
	switch msg.field {
	case fieldPip, fieldUv, fieldConda, fieldEnv:
		return msg.field
	}
	if v, err := renv.ParseYAML([]byte(msg.text)); err == nil && v.Get("dependencies") != nil {
		return fieldConda
	}
	switch {
	case name == ".env", strings.HasSuffix(name, ".env"), strings.HasPrefix(name, ".env."):
		return fieldEnv
	case !strings.HasSuffix(name, ".txt") && !strings.HasSuffix(name, ".in"):
		return msg.field
	case m.form.Value(fieldInstaller) == fieldUv:
		return fieldUv
	}
	return fieldPip
}

// loaded says what was taken from a file, and what could not be.
func (m Model) loaded(name, what string, err error) Model {
	if err == nil {
		m.filled = []string{"loaded " + what + " from " + name}
		return m
	}
	lines := strings.Split(err.Error(), "\n")
	m.failure = name + ": " + lines[0]
	if len(lines) > 1 {
		m.failure += fmt.Sprintf(" (and %s)", count(len(lines)-1, "more line", "more lines"))
	}
	return m
}

// addLines adds to a list what is not in it.
func (m Model) addLines(field string, list []string) Model {
	have := entries(m.form.Value(field))
	seen := map[string]bool{}
	for _, l := range have {
		seen[l] = true
	}
	for _, l := range list {
		if !seen[l] {
			have = append(have, l)
		}
		seen[l] = true
	}
	m.form = m.form.SetValue(field, strings.Join(have, "\n"))
	return m
}

// addVars sets variables; one that is there already gets the new value.
func (m Model) addVars(vars []renv.Var) Model {
	lines := entries(m.form.Value(fieldEnv))
	for _, v := range vars {
		line := m.base.keep(v.Name+"=", v.Value)
		at := -1
		for i, l := range lines {
			if name, _, _ := strings.Cut(l, "="); strings.TrimSpace(name) == v.Name {
				at = i
			}
		}
		if at >= 0 {
			lines[at] = line
			continue
		}
		lines = append(lines, line)
	}
	m.form = m.form.SetValue(fieldEnv, strings.Join(lines, "\n"))
	return m
}

// loadJob takes a job file, or a runtime environment alone.
func (m Model) loadJob(name, path, text string) (Model, tea.Cmd) {
	spec, err := jobspec.ParseTemplate(name, []byte(text))
	if err == nil {
		m, cmd := m.setSpec(spec.At(filepath.Dir(path)))
		m.filled = []string{"loaded " + name}
		return m, tea.Batch(cmd, m.inlineFrom(filepath.Dir(path)))
	}
	var wrong *jobspec.Error
	v, envErr := renv.ParseYAML([]byte(text))
	if envErr == nil && errors.As(err, &wrong) && isEnv(v) {
		m, cmd := m.setEnv(v)
		m.filled = []string{"loaded the runtime environment from " + name}
		return m.writeText().masked(), tea.Batch(cmd, m.inlineFrom(filepath.Dir(path)))
	}
	m.failure = strings.Split(err.Error(), "\n")[0]
	return m, nil
}

// isEnv reports that a mapping has keys of a runtime environment and none of a
// job.
func isEnv(v renv.Value) bool {
	known := false
	for _, k := range v {
		switch k.Name {
		case "entrypoint", "runtime_env", "metadata":
			return false
		case fieldPip, fieldUv, fieldConda, fieldEnv, fieldExcludes, fieldModules, fieldImage, "config", "container", fieldHook, fieldDir:
			known = true
		}
	}
	return known
}
