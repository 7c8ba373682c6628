// Package renv is the value that the runtime-environment editor edits: a JSON
// object whose keys keep their order and their exact text, read and written as
// JSON or YAML, checked by Ray's rules, and filled from the files in which
// people keep such things.
//
// It draws nothing. What a working dir means and how it is uploaded is the
// submit form's business.
package renv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"dray/backend/jobspec"
)

// Key is one entry of an object: its name and its value as JSON.
type Key struct {
	Name string
	Raw  json.RawMessage
}

// Value is an object whose order is kept, because a rerun must be the same
// request. A nil Value is an empty object.
type Value []Key

// TextError is a mistake in a text, at a line and a column counted from 1.
type TextError struct {
	Line, Column int
	Text         string
}

func (e *TextError) Error() string {
	if e.Column > 0 {
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Get returns the value of key name, nil when there is none.
func (v Value) Get(name string) json.RawMessage {
	for _, k := range v {
		if k.Name == name {
			return k.Raw
		}
	}
	return nil
}

// Names lists the keys in their order.
func (v Value) Names() []string {
	names := make([]string, len(v))
	for i, k := range v {
		names[i] = k.Name
	}
	return names
}

// ParseJSON reads a JSON object. Blank text and null are an empty one. The
// error is a *TextError.
func ParseJSON(text []byte) (Value, error) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null")) {
		return nil, nil
	}
	var object json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&object); err != nil {
		return nil, jsonError(text, err, dec.InputOffset())
	}
	if rest := bytes.TrimLeft(text[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, at(text, int64(len(text)-len(rest)+1), "there is text after the end of the object")
	}
	if object[0] != '{' {
		return nil, at(text, 0, "it must be an object in braces, got "+jobspec.TypeName(object))
	}
	return keysOf(object)
}

// keysOf reads the entries of an object that is valid JSON. Of a repeated key
// the last value counts, in the place of the first, as everywhere.
func keysOf(object json.RawMessage) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var v Value
	seen := make(map[string]int)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		k := Key{}
		k.Name, _ = t.(string)
		if err := dec.Decode(&k.Raw); err != nil {
			return nil, err
		}
		if i, twice := seen[k.Name]; twice {
			v[i].Raw = k.Raw
			continue
		}
		seen[k.Name] = len(v)
		v = append(v, k)
	}
	return v, nil
}

func jsonError(text []byte, err error, offset int64) error {
	var syntax *json.SyntaxError
	reason := err.Error()
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
		if reason == "unexpected end of JSON input" {
			reason = "JSON ends early"
		}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		offset, reason = int64(len(bytes.TrimRight(text, " \n\t\r"))), "JSON ends early"
	}
	return at(text, offset, reason)
}

func at(text []byte, offset int64, reason string) error {
	head := text[:max(0, min(int(offset), len(text)))]
	line := bytes.Count(head, []byte("\n")) + 1
	column := len([]rune(string(head[bytes.LastIndexByte(head, '\n')+1:])))
	return &TextError{Line: line, Column: max(1, column), Text: reason}
}

// JSON returns the object on one line, nil when it is empty.
func (v Value) JSON() json.RawMessage {
	if len(v) == 0 {
		return nil
	}
	var b bytes.Buffer
	for i, k := range v {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(Marshal(k.Name))
		b.WriteByte(':')
		b.Write(k.Raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// Indented returns the object as JSON for reading, without a last line break.
func (v Value) Indented() string {
	var b bytes.Buffer
	if len(v) == 0 || json.Indent(&b, v.JSON(), "", "  ") != nil {
		return "{}"
	}
	return b.String()
}

// Marshal returns x as JSON, readable: without \u003c for <.
func Marshal(x any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		return json.RawMessage("null") // texts, and maps and lists of them, always encode
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}

// clip cuts what is quoted in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return s
}
