// Package drafts keeps jobs that were not submitted yet: drafts, which are
// what was left in a form, and templates, which are job files under a name,
// made to be shared.
//
// Neither ever holds a secret: its place is marked, and must be filled in
// before the job can be sent. What is in a job file is the business of package
// jobspec.
package drafts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/jobspec"
)

// Drafts is a private folder of drafts. The zero value keeps nothing. It may be
// used by several goroutines and processes: of two that save one draft at once,
// the last wins.
type Drafts struct{ dir string }

// Draft is what was left in a form.
type Draft struct {
	Form string       `json:"form"` // its key
	Spec jobspec.Spec `json:"-"`
	// Fields are texts that are no value yet, such as half a number, by field.
	// Each line of the form NAME=value is searched for a secret.
	Fields  map[string]string `json:"fields,omitempty"`
	SavedAt time.Time         `json:"saved_at"`
	// LeftOut names the secrets that were not kept, to be asked for again.
	LeftOut []string `json:"left_out,omitempty"`
}

// New returns the drafts in dir, which is made when one is saved; "" keeps
// nothing.
func New(dir string) *Drafts { return &Drafts{dir: dir} }

// stored is the form of a draft on disk.
type stored struct {
	Draft
	Job string `json:"job"` // YAML
}

// Save keeps a draft in place of the one that its form had.
func (d *Drafts) Save(draft Draft) error {
	if d == nil || d.dir == "" {
		return nil
	}
	if err := privateDir(d.dir); err != nil {
		return fmt.Errorf("keep the draft of %s: %w", draft.Form, err)
	}
	spec, left := draft.Spec.Masked(jobspec.FillIn)
	fields, more := maskedFields(draft.Fields)
	draft.Fields, draft.LeftOut = fields, slices.Concat(left, more)
	data, err := json.Marshal(stored{draft, string(spec.YAML())})
	if err == nil {
		err = atomicfile.Write(d.path(draft.Form), data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the draft of %s: %w", draft.Form, err)
	}
	return nil
}

// Load returns the draft of a form; the error wraps os.ErrNotExist when it has
// none.
func (d *Drafts) Load(form string) (Draft, error) {
	if d == nil || d.dir == "" {
		return Draft{}, fmt.Errorf("read the draft of %s: %w", form, os.ErrNotExist)
	}
	draft, err := read(d.path(form))
	if err == nil && draft.Form != form {
		err = os.ErrNotExist // two forms whose names differ in case alone
	}
	if err != nil {
		return Draft{}, fmt.Errorf("read the draft of %s: %w", form, err)
	}
	return draft, nil
}

func read(path string) (Draft, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Draft{}, err
	}
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return Draft{}, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if s.Job != "" {
		// A draft may be wrong in every way; what can be read is taken.
		s.Spec, _ = jobspec.ParseTemplate(path, []byte(s.Job))
	}
	return s.Draft, nil
}

// Delete forgets the draft of a form; none is no error.
func (d *Drafts) Delete(form string) error {
	if d == nil || d.dir == "" {
		return nil
	}
	if err := os.Remove(d.path(form)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget the draft of %s: %w", form, err)
	}
	return nil
}

// List returns all drafts, the newest first. One that cannot be read is left
// out.
func (d *Drafts) List() ([]Draft, error) {
	if d == nil || d.dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the drafts: %w", err)
	}
	var list []Draft
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if draft, err := read(filepath.Join(d.dir, e.Name())); err == nil {
			list = append(list, draft)
		}
	}
	slices.SortStableFunc(list, func(a, b Draft) int { return b.SavedAt.Compare(a.SavedAt) })
	return list, nil
}

// path hashes the key of a form, which may be any text.
func (d *Drafts) path(form string) string {
	sum := sha256.Sum256([]byte(form))
	return filepath.Join(d.dir, hex.EncodeToString(sum[:16])+".json")
}

// maskedFields marks the secrets among lines of the form NAME=value.
func maskedFields(fields map[string]string) (map[string]string, []string) {
	var left []string
	out := make(map[string]string, len(fields))
	for field, text := range fields {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			name, value, ok := strings.Cut(line, "=")
			switch {
			case ok && value != "" && value != jobspec.FillIn && jobspec.Secret(strings.TrimSpace(name), value):
				lines[i] = name + "=" + jobspec.FillIn
				left = append(left, field+"."+strings.TrimSpace(name))
			case !ok && jobspec.Secret("", line):
				lines[i] = jobspec.FillIn
				left = append(left, field)
			}
		}
		out[field] = strings.Join(lines, "\n")
	}
	slices.Sort(left)
	return out, left
}

func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() == 0o700 {
		return err
	}
	return os.Chmod(dir, 0o700) // it is older, and wider
}
