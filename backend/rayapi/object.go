package rayapi

import (
	"bytes"
	"encoding/json"
	"slices"
)

// What a body may hold before its decoding alone costs too much.
const (
	maxField   = 2 << 20 // bytes of one field
	maxUnknown = 1000    // names of fields that do not exist
)

// decodeObject reads one JSON object of a submit and returns its fields that
// are not null. The name of a field that does not exist is an error.
func decodeObject(body []byte) (map[string]any, error) {
	if !json.Valid(body) {
		var v any
		return nil, invalid("the request body is not JSON: %s", jsonReason(json.Unmarshal(body, &v)))
	}
	if err := checkText(body); err != nil {
		return nil, err
	}
	raw, err := lastMembers(body)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]any, len(raw))
	for _, key := range submitFields() { // the order in which Ray checks them
		text, ok := raw[key]
		if !ok {
			continue
		}
		if len(text) > maxField {
			return nil, invalid("%s has %d bytes, at most %d are allowed", key, len(text), maxField)
		}
		if fields[key], err = decodeValue(text, key); err != nil {
			return nil, invalid("the request body is not JSON: %s", err)
		}
	}
	return fields, nil
}

// lastMembers returns the text of the fields that exist, the last one of
// several with the same name, without those that are null.
func lastMembers(body []byte) (map[string][]byte, error) {
	body = bytes.TrimSpace(body)
	if body[0] != '{' {
		return nil, invalid("the request body must be a JSON object")
	}
	raw := map[string][]byte{}
	unknown := map[string]bool{}
	var order []string
	for key, value := range members(body) {
		isNull := value[0] == 'n'
		switch {
		case slices.Contains(submitFields(), key) && isNull:
			delete(raw, key)
		case slices.Contains(submitFields(), key):
			raw[key] = value
		case isNull && unknown[key]:
			unknown[key] = false
		case !isNull:
			if _, seen := unknown[key]; !seen {
				order = append(order, key)
			}
			unknown[key] = true
		}
		if len(order) > maxUnknown {
			break
		}
	}
	for _, key := range order {
		if unknown[key] {
			return nil, invalid("TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument '%s'", key)
		}
	}
	return raw, nil
}

// members goes through an object that is valid JSON, without copying it.
func members(object []byte) func(yield func(key string, value []byte) bool) {
	return func(yield func(key string, value []byte) bool) {
		for i := skipTo(object, 1); i < len(object) && object[i] == '"'; i = skipTo(object, i) {
			end := valueEnd(object, i)
			var key string
			if json.Unmarshal(object[i:end], &key) != nil {
				return // not the valid JSON that was promised
			}
			begin := skipTo(object, end)
			if i = valueEnd(object, begin); !yield(key, object[begin:i]) {
				return
			}
		}
	}
}

// skipTo returns where the next value begins, or the end of what holds it.
func skipTo(p []byte, i int) int {
	for i < len(p) && bytes.IndexByte([]byte(" \t\r\n,:"), p[i]) >= 0 {
		i++
	}
	return i
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(p []byte, i int) int {
	depth := 0
	for ; i < len(p); i++ {
		switch p[i] {
		case '"':
			i = textEnd(p, i)
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// textEnd returns where the quote is that closes the string begun at i.
func textEnd(p []byte, i int) int {
	for i++; i < len(p) && p[i] != '"'; i++ {
		if p[i] == '\\' {
			i++
		}
	}
	return i
}

// decodeValue keeps runtime_env as the bytes that were sent, so that its key
// order and numbers stay what the submitter wrote.
func decodeValue(text []byte, key string) (any, error) {
	if key == "runtime_env" && text[0] == '{' {
		return json.RawMessage(bytes.Clone(text)), nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}
