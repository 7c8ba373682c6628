package jobspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// member is one key of a JSON object. Their order is kept: it is the user's.
type member struct {
	name string
	raw  json.RawMessage
}

// members reads the keys of an object in their order; nothing is an empty one.
func members(raw json.RawMessage) ([]member, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var keys []member
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.name, _ = t.(string)
		if err := dec.Decode(&m.raw); err != nil {
			return nil, err
		}
		keys = append(keys, m)
	}
	return keys, nil
}

// object writes an object; nil when it has no keys.
func object(keys []member) json.RawMessage {
	if len(keys) == 0 {
		return nil
	}
	var b bytes.Buffer
	for i, k := range keys {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(text(k.name))
		b.WriteByte(':')
		b.Write(k.raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func set(keys []member, m member) []member {
	for i := range keys {
		if keys[i].name == m.name {
			keys[i].raw = m.raw
			return keys
		}
	}
	return append(keys, m)
}

func without(raw json.RawMessage, name string) json.RawMessage {
	keys, err := members(raw)
	if err != nil {
		return raw
	}
	return object(slices.DeleteFunc(keys, func(m member) bool { return m.name == name }))
}

func lookup(raw json.RawMessage, name string) json.RawMessage {
	keys, _ := members(raw)
	var found json.RawMessage
	for _, k := range keys {
		if k.name == name {
			found = k.raw // the last wins, as for every reader of JSON
		}
	}
	return found
}

func isObject(raw json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// text returns s as a JSON string, readable: without \u003c for <.
func text(s string) json.RawMessage { return marshal(s) }

func marshal(v any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null") // strings, numbers and maps of them always encode
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}

func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}
