package drafts

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dray/backend/atomicfile"
	"dray/backend/jobspec"
)

// IsJobFile reports that a text names a job file rather than a template.
func IsJobFile(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// SaveFile writes a job file for `dray submit -f`, and returns the paths of the
// secrets that it left out, as Templates.Save does. Folders of this machine near
// the file are written as seen from it, so that the project can be moved. An
// existing file is replaced only if replace is set; otherwise the error wraps
// os.ErrExist.
func SaveFile(path string, spec jobspec.Spec, replace bool) (leftOut []string, err error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("save %s: it is not a regular file", path)
	case err == nil && !replace:
		return nil, fmt.Errorf("%s is there already: %w", path, os.ErrExist)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("save the job file: %w", err)
	}
	spec.SubmissionID = ""
	spec, leftOut = near(spec, filepath.Dir(path)).Masked(jobspec.FillIn)
	data := spec.YAML()
	if len(data) == 0 {
		return nil, fmt.Errorf("save %s: the job is empty", path)
	}
	if err := atomicfile.Write(path, data, 0o644); err != nil {
		return nil, fmt.Errorf("save the job file: %w", err)
	}
	return leftOut, nil
}

// near is the reverse of jobspec.Spec.At.
func near(spec jobspec.Spec, base string) jobspec.Spec {
	rel := func(path string) string {
		if !filepath.IsAbs(path) {
			return path
		}
		seen, err := filepath.Rel(base, path)
		switch {
		case err != nil || strings.HasPrefix(seen, "../../"):
			return path
		case strings.HasPrefix(seen, "."):
			return seen
		}
		return "./" + seen
	}
	if spec.WorkingDir != "" {
		spec.WorkingDir = rel(spec.WorkingDir)
	}
	var env struct {
		Modules []string `json:"py_modules"`
	}
	if json.Unmarshal(spec.RuntimeEnv, &env) != nil || len(env.Modules) == 0 {
		return spec
	}
	for i, m := range env.Modules {
		env.Modules[i] = rel(m)
	}
	list, err := json.Marshal(env.Modules)
	if err != nil {
		return spec // a list of texts always encodes
	}
	next, err := spec.Set("runtime_env.py_modules", string(list))
	if err != nil {
		return spec
	}
	return next
}
