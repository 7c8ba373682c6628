package submit

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// decodeEnv reads the keys of a JSON object in their order. An empty text is
// an empty object.
func decodeEnv(raw json.RawMessage) ([]envKey, error) {
	if len(bytes.TrimSpace(raw)) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var keys []envKey
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		k := envKey{}
		k.name, _ = t.(string)
		if err := dec.Decode(&k.raw); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// encodeEnv writes the keys as a JSON object, nil when there are none.
func encodeEnv(keys []envKey) json.RawMessage {
	if len(keys) == 0 {
		return nil
	}
	var b bytes.Buffer
	for i, k := range keys {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(quote(k.name))
		b.WriteByte(':')
		b.Write(k.raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quote returns s as a JSON string, readable: without \u003c for <.
func quote(s string) json.RawMessage {
	return marshal(s)
}

func marshal(v any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null") // strings and maps of them always encode
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}
