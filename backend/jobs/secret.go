//go:build linux

package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// hideEnv returns a runtime environment with the values of env_vars replaced
// by "", and the values. Everything else, and the order of the keys, stays.
func hideEnv(raw json.RawMessage) (json.RawMessage, map[string]string, error) {
	values := map[string]string{}
	hidden, err := mapEnv(raw, func(name, value string) string {
		values[name] = value
		return ""
	})
	if err != nil {
		return nil, nil, err
	}
	if len(values) == 0 {
		values = nil
	}
	return hidden, values, nil
}

// fillEnv puts the values back that hideEnv took out.
func fillEnv(raw json.RawMessage, values map[string]string) json.RawMessage {
	if len(values) == 0 {
		return raw
	}
	full, err := mapEnv(raw, func(name, _ string) string { return values[name] })
	if err != nil {
		return raw // unreadable: without the values is all that can be shown
	}
	return full
}

// mapEnv replaces each string value of env_vars by what f says.
func mapEnv(raw json.RawMessage, f func(name, value string) string) (json.RawMessage, error) {
	if len(raw) == 0 {
		return raw, nil
	}
	out, err := mapObject(raw, func(key string, value json.RawMessage) (json.RawMessage, error) {
		if key != "env_vars" || !bytes.HasPrefix(value, []byte("{")) {
			return value, nil
		}
		return mapObject(value, func(name string, value json.RawMessage) (json.RawMessage, error) {
			var text string
			if !bytes.HasPrefix(value, []byte(`"`)) {
				return value, nil
			}
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, err
			}
			return json.Marshal(f(name, text))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read runtime_env: %w", err)
	}
	return out, nil
}

// mapObject rebuilds a JSON object with each value replaced by what f says.
func mapObject(raw json.RawMessage, f func(key string, value json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, errors.Join(errors.New("it is not a JSON object"), err)
	}
	out := []byte{'{'}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tok.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if value, err = f(key, value); err != nil {
			return nil, err
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}
