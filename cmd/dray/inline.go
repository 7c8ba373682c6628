package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"dray/tui/submit/renv"
)

// inlined puts the content of requirements files and conda files into a runtime
// environment that names them, as ray job submit does. They count from folder
// base. One that is not here may be on the server, and stays named.
func (a *app) inlined(env json.RawMessage, base string) (json.RawMessage, error) {
	v, err := renv.ParseJSON(env)
	if err != nil || len(v) == 0 {
		return env, nil //nolint:nilerr // it was read before
	}
	v, err = renv.Inline(v, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		return a.readInput(path)
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &usageError{err}
	}
	return v.JSON(), nil
}
