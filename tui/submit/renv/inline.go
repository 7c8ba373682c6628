package renv

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"dray/backend/jobspec"
)

// Inline puts what is in requirements files and conda files into the places
// where a runtime environment names them, as Ray's own client does: no cluster
// has the files of this machine. read returns the content of such a file. What
// cannot be read stays as it is, and is in the error.
func Inline(v Value, read func(path string) ([]byte, error)) (Value, error) {
	var errs []error
	out := make(Value, len(v))
	for i, k := range v {
		out[i] = k
		raw, err := inlined(k, read)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out[i].Raw = raw
	}
	return out, errors.Join(errs...)
}

func inlined(k Key, read func(path string) ([]byte, error)) (json.RawMessage, error) {
	switch kind := jobspec.TypeName(k.Raw); {
	case (k.Name == "pip" || k.Name == "uv") && kind == "text":
		return requirementsOf(k.Name, k.Raw, read)
	case k.Name == "pip" && kind == "an object":
		keys, err := keysOf(k.Raw)
		if err != nil || jobspec.TypeName(keys.Get("packages")) != "text" {
			return k.Raw, nil //nolint:nilerr // what is wrong with it is said by the rules
		}
		list, err := requirementsOf("pip.packages", keys.Get("packages"), read)
		if err != nil {
			return nil, err
		}
		for i := range keys {
			if keys[i].Name == "packages" {
				keys[i].Raw = list
			}
		}
		return keys.JSON(), nil
	case k.Name == "conda" && kind == "text":
		path := textOf(k.Raw)
		if !strings.HasSuffix(path, ".yml") && !strings.HasSuffix(path, ".yaml") {
			return k.Raw, nil
		}
		data, err := read(path)
		if err != nil {
			return nil, fmt.Errorf("the file %s of conda cannot be read: %w", path, err)
		}
		raw, err := Conda(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return raw, nil
	}
	return k.Raw, nil
}

func requirementsOf(name string, raw json.RawMessage, read func(path string) ([]byte, error)) (json.RawMessage, error) {
	path := textOf(raw)
	data, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("the file %s of %s cannot be read: %w", path, name, err)
	}
	list, err := Requirements(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return Marshal(list), nil
}

func textOf(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s) // it is text
	return s
}
