package drafts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/jobspec"
)

// Templates is a folder of job files, NAME.yaml each. Files that were put
// there by hand, .yml and .json too, count.
type Templates struct{ dir string }

// Template is one of them.
type Template struct {
	Name    string
	Path    string
	SavedAt time.Time
	Spec    jobspec.Spec
	Err     error // why it cannot be used, an *jobspec.Error; nil is well
}

// NewTemplates returns the templates in dir, which is made when one is saved.
func NewTemplates(dir string) *Templates { return &Templates{dir: dir} }

// TemplateDir is where templates lie: $XDG_CONFIG_HOME/dray/templates, or
// ~/.config/dray/templates. It is "" when there is no such place.
func TemplateDir(getenv func(string) string) string {
	base := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "dray", "templates")
}

var templateName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9 ._-]*$`)

const maxTemplateName = 64 // in the expression it would cost each start 60 KiB

func extensions() []string { return []string{".yaml", ".yml", ".json"} }

// CheckName says why name cannot name a template, or nil.
func CheckName(name string) error {
	if len(name) > maxTemplateName || !templateName.MatchString(name) || strings.HasSuffix(name, " ") || strings.HasSuffix(name, ".") {
		return fmt.Errorf("%q cannot name a template: use up to 64 letters, digits, blanks and . _ -", name)
	}
	return nil
}

// Save writes a template and returns the paths of the secrets that it left
// out: "runtime_env.env_vars.HF_TOKEN". The submission id is left out too, as
// it can be used once. An existing template is replaced only if replace is
// set; otherwise the error wraps os.ErrExist.
func (t *Templates) Save(name string, spec jobspec.Spec, replace bool) (leftOut []string, err error) {
	if err := t.check(name); err != nil {
		return nil, err
	}
	if old, err := t.find(name); err == nil && !replace {
		return nil, fmt.Errorf("template %s is there already, at %s: %w", name, old, os.ErrExist)
	}
	spec.SubmissionID = ""
	spec, leftOut = spec.Masked(jobspec.FillIn)
	data := spec.YAML()
	if len(data) == 0 {
		return nil, fmt.Errorf("save template %s: the job is empty", name)
	}
	if err := os.MkdirAll(t.dir, 0o755); err != nil { //nolint:gosec // templates hold no secrets and are shared
		return nil, fmt.Errorf("save template %s: %w", name, err)
	}
	if err := atomicfile.Write(filepath.Join(t.dir, name+extensions()[0]), data, 0o644); err != nil {
		return nil, fmt.Errorf("save template %s: %w", name, err)
	}
	for _, ext := range extensions()[1:] {
		_ = os.Remove(filepath.Join(t.dir, name+ext)) // the same name in another form
	}
	return leftOut, nil
}

// Load reads a template. The error wraps os.ErrNotExist when there is none of
// the name, or is an *jobspec.Error when its file is wrong.
func (t *Templates) Load(name string) (Template, error) {
	if err := t.check(name); err != nil {
		return Template{}, err
	}
	path, err := t.find(name)
	if err != nil {
		return Template{}, err
	}
	tpl := t.read(name, path)
	return tpl, tpl.Err
}

func (t *Templates) check(name string) error {
	if t == nil || t.dir == "" {
		return errors.New("there is no place for templates: set HOME or XDG_CONFIG_HOME")
	}
	return CheckName(name)
}

func (t *Templates) find(name string) (string, error) {
	for _, ext := range extensions() {
		path := filepath.Join(t.dir, name+ext)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no template %q in %s: %w", name, t.dir, os.ErrNotExist)
}

func (t *Templates) read(name, path string) Template {
	tpl := Template{Name: name, Path: path}
	data, at, err := readFile(path)
	if err != nil {
		tpl.Err = fmt.Errorf("read template %s: %w", name, err)
		return tpl
	}
	tpl.SavedAt = at
	tpl.Spec, tpl.Err = jobspec.ParseTemplate(path, data)
	return tpl
}

// maxTemplate bounds the file of a template.
const maxTemplate = 1 << 20

// readFile reads a file that anybody may have put there. A pipe or a device
// would hold it up for ever, and is not opened.
func readFile(path string) (data []byte, at time.Time, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, time.Time{}, err
	case !info.Mode().IsRegular():
		return nil, time.Time{}, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > maxTemplate:
		return nil, time.Time{}, fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), maxTemplate)
	}
	data, err = os.ReadFile(path)
	return data, info.ModTime(), err
}

// List returns the templates by name; those that are wrong have an Err.
func (t *Templates) List() ([]Template, error) {
	if t == nil || t.dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(t.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the templates: %w", err)
	}
	var list []Template
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext)
		if !slices.Contains(extensions(), ext) || CheckName(name) != nil ||
			slices.ContainsFunc(list, func(tpl Template) bool { return tpl.Name == name }) {
			continue
		}
		list = append(list, t.read(name, filepath.Join(t.dir, e.Name())))
	}
	return list, nil
}

// Delete removes a template. The error wraps os.ErrNotExist when there is none.
func (t *Templates) Delete(name string) error {
	if err := t.check(name); err != nil {
		return err
	}
	path, err := t.find(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("delete template %s: %w", name, err)
	}
	return nil
}
