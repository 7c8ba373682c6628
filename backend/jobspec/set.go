package jobspec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set returns s with one value changed. The path is that of a field, such as
// entrypoint_num_gpus, metadata.team, runtime_env.pip or env.LR for
// runtime_env.env_vars.LR; or a flag of the entrypoint, such as --lr, whose
// value is replaced. A value below runtime_env may be JSON.
func (s Spec) Set(path, value string) (Spec, error) {
	if strings.HasPrefix(path, "-") {
		e, err := setFlag(s.Entrypoint, path, value)
		s.Entrypoint = e
		return s, err
	}
	if name, ok := strings.CutPrefix(path, "env."); ok {
		path = "runtime_env.env_vars." + name
	}
	field, rest, deep := strings.Cut(path, ".")
	read, known := fieldReaders()[field]
	if !known || field[0] == '$' {
		return s, fmt.Errorf("%s cannot be set: %s", clip(path), advice(field))
	}
	n, err := s.nodeAt(field, rest, deep, value)
	if err != nil {
		return s, fmt.Errorf("set %s: %w", clip(path), err)
	}
	r := reader{spec: s, places: map[string]*yaml.Node{}}
	if field == "metadata" || strings.HasPrefix(field, "retr") || field == "deadline" {
		r.spec.Metadata = nil // what is read must not meet itself
	}
	r.mark(n, field, 2)
	read(&r, n, field)
	if len(r.problems) > 0 {
		return s, fmt.Errorf("set %s: %s", clip(path), r.problems[0].Text)
	}
	r.spec.Metadata = merged(s.Metadata, r.spec.Metadata)
	return r.spec, nil
}

// nodeAt returns the new value of a whole field.
func (s Spec) nodeAt(field, rest string, deep bool, value string) (*yaml.Node, error) {
	switch {
	case field == "runtime_env":
		env := json.RawMessage(value)
		if deep {
			env = setJSON(s.RuntimeEnv, strings.Split(rest, "."), envValue(rest, value))
		}
		if !json.Valid(env) {
			return nil, fmt.Errorf("%q is not a JSON object", clip(value))
		}
		return envNode(env)
	case field == "metadata" && deep:
		return mapNode(map[string]string{rest: value}, textNode), nil
	case field == "entrypoint_label_selector" && deep:
		return mapNode(merged(s.LabelSelector, map[string]string{rest: value}), textNode), nil
	case field == "entrypoint_resources" && deep:
		whole := make(map[string]string, len(s.Resources)+1)
		for k, v := range s.Resources {
			whole[k] = float(v)
		}
		whole[rest] = value
		return mapNode(whole, numberNode), nil
	case deep:
		return nil, fmt.Errorf("it has no parts, so there is no %q in it", rest)
	case field == "metadata" || field == "entrypoint_label_selector" || field == "entrypoint_resources":
		return nil, fmt.Errorf("name one of its keys: %s.NAME", field)
	case field == "entrypoint" || field == "submission_id" || field == workingDir || field == "after":
		return textNode(value), nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: value}, nil // a number, or text such as 16GiB
}

// envValue reads a value as JSON where it is one; variables are always text.
func envValue(path, value string) json.RawMessage {
	if strings.HasPrefix(path, "env_vars.") || !json.Valid([]byte(value)) {
		return text(value)
	}
	return compact(json.RawMessage(value))
}

// setJSON sets what path leads to, making the objects on the way. The name of a
// variable may hold dots.
func setJSON(raw json.RawMessage, path []string, value json.RawMessage) json.RawMessage {
	keys, _ := members(raw)
	name := path[0]
	if name == "env_vars" && len(path) > 2 {
		path = []string{name, strings.Join(path[1:], ".")}
	}
	keys = slices.Clone(keys)
	if len(path) > 1 {
		value = setJSON(lookup(raw, name), path[1:], value)
	}
	return object(set(keys, member{name, value}))
}
