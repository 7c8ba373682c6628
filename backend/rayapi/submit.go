package rayapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// ErrInvalid is wrapped by every error that says a request breaks a rule.
var ErrInvalid = errors.New("invalid request")

// SubmitRequest is the body of POST /api/jobs/.
type SubmitRequest struct {
	Entrypoint    string             `json:"entrypoint"`
	SubmissionID  string             `json:"submission_id,omitempty"`
	RuntimeEnv    json.RawMessage    `json:"runtime_env,omitempty"`
	Metadata      map[string]string  `json:"metadata,omitempty"`
	NumCPUs       float64            `json:"entrypoint_num_cpus,omitempty"`
	NumGPUs       float64            `json:"entrypoint_num_gpus,omitempty"`
	Memory        int64              `json:"entrypoint_memory,omitempty"` // bytes
	Resources     map[string]float64 `json:"entrypoint_resources,omitempty"`
	LabelSelector map[string]string  `json:"entrypoint_label_selector,omitempty"`
}

// HasResources reports whether the request asks for any resource or label.
func (r SubmitRequest) HasResources() bool {
	return r.NumCPUs > 0 || r.NumGPUs > 0 || r.Memory > 0 || len(r.Resources) > 0 || len(r.LabelSelector) > 0
}

// HasRuntimeEnv reports whether the runtime environment holds any key.
func (r SubmitRequest) HasRuntimeEnv() bool {
	env := bytes.TrimSpace(r.RuntimeEnv)
	return len(env) > 0 && !bytes.Equal(env, []byte("null")) && !bytes.Equal(env, []byte("{}"))
}

// ParseSubmit decodes a submit body by Ray's rules: keys whose value is null
// are dropped, an unknown key is an error, of repeated keys the last wins, and
// the first wrong type in Ray's field order is the one that is named, in
// Ray's words. Every error wraps ErrInvalid.
func ParseSubmit(body []byte) (SubmitRequest, error) {
	fields, err := decodeObject(body)
	if err != nil {
		return SubmitRequest{}, err
	}
	if _, ok := fields["entrypoint"]; !ok {
		return SubmitRequest{}, invalid("TypeError: JobSubmitRequest.__init__() missing 1 required positional argument: 'entrypoint'")
	}
	return submitFrom(fields)
}

func submitFields() []string {
	return []string{
		"entrypoint", "submission_id", "job_id", "runtime_env", "metadata", "entrypoint_num_cpus",
		"entrypoint_num_gpus", "entrypoint_memory", "entrypoint_resources", "entrypoint_label_selector",
	}
}

// submitFrom reads the fields in the order in which Ray checks them.
func submitFrom(fields map[string]any) (SubmitRequest, error) {
	var r SubmitRequest
	d := fieldDecoder{fields: fields}
	r.Entrypoint = d.text("entrypoint", "must be a string")
	r.SubmissionID = d.text("submission_id", "must be a string if provided")
	jobID := d.text("job_id", "must be a string if provided")
	r.RuntimeEnv = d.object("runtime_env")
	r.Metadata = d.textMap("metadata", "metadata values")
	r.NumCPUs = d.number("entrypoint_num_cpus")
	r.NumGPUs = d.number("entrypoint_num_gpus")
	r.Memory = d.integer("entrypoint_memory")
	r.Resources = d.numberMap("entrypoint_resources")
	r.LabelSelector = d.textMap("entrypoint_label_selector", "entrypoint_label_selector values")
	if d.err != nil {
		return SubmitRequest{}, d.err
	}
	if r.SubmissionID == "" {
		r.SubmissionID = jobID
	}
	return r, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

func invalid(format string, args ...any) error {
	return &invalidError{text: fmt.Sprintf(format, args...)}
}

// invalidError carries the text alone: it is what the client reads.
type invalidError struct{ text string }

func (e *invalidError) Error() string        { return e.text }
func (e *invalidError) Is(target error) bool { return target == ErrInvalid }

func jsonReason(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("%s at byte %d", syntax, syntax.Offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil {
		return "it ends early"
	}
	return err.Error()
}

// fieldDecoder reads typed fields and keeps the first error.
type fieldDecoder struct {
	fields map[string]any
	err    error
}

func (d *fieldDecoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = invalid("TypeError: "+format, args...)
	}
}

func (d *fieldDecoder) text(key, rule string) string {
	v, ok := d.fields[key]
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		d.fail("%s %s, got %s", key, rule, pyType(v))
	}
	return s
}

func (d *fieldDecoder) object(key string) json.RawMessage {
	v, ok := d.fields[key]
	if !ok {
		return nil
	}
	raw, ok := v.(json.RawMessage)
	if !ok {
		d.fail("%s must be a dict, got %s", key, pyType(v))
	}
	return raw
}

func (d *fieldDecoder) textMap(key, values string) map[string]string {
	v, ok := d.fields[key]
	if !ok {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.fail("%s must be a dict, got %s", key, pyType(v))
		return nil
	}
	out := make(map[string]string, len(m))
	for _, k := range sortedKeys(m) {
		s, ok := m[k].(string)
		if !ok {
			d.fail("%s must be strings, got %s", values, pyType(m[k]))
			return nil
		}
		out[k] = s
	}
	return out
}

func (d *fieldDecoder) number(key string) float64 {
	v, ok := d.fields[key]
	if !ok {
		return 0
	}
	f, ok := pyNumber(v)
	if !ok {
		d.fail("%s must be a number, got %s", key, pyType(v))
	}
	return f
}

func (d *fieldDecoder) integer(key string) int64 {
	v, ok := d.fields[key]
	if !ok {
		return 0
	}
	switch v := v.(type) {
	case bool:
		f, _ := pyNumber(v)
		return int64(f)
	case json.Number:
		if isInt(v) {
			n, err := v.Int64()
			if err != nil {
				d.fail("%s must fit into 64 bits, got %s", key, v)
			}
			return n
		}
	}
	d.fail("%s must be an integer, got %s", key, pyType(v))
	return 0
}

func (d *fieldDecoder) numberMap(key string) map[string]float64 {
	v, ok := d.fields[key]
	if !ok {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.fail("%s must be a dict, got %s", key, pyType(v))
		return nil
	}
	out := make(map[string]float64, len(m))
	for _, k := range sortedKeys(m) {
		f, ok := pyNumber(m[k])
		if !ok {
			d.fail("%s values must be numbers, got %s", key, pyType(m[k]))
			return nil
		}
		out[k] = f
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func pyNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case bool: // Python's bool is an int
		if v {
			return 1, true
		}
		return 0, true
	case json.Number:
		f, err := strconv.ParseFloat(v.String(), 64)
		return f, err == nil
	}
	return 0, false
}

func isInt(n json.Number) bool { return !strings.ContainsAny(n.String(), ".eE") }

// pyType returns the repr of the Python type that JSON value v would have.
func pyType(v any) string {
	name := "NoneType"
	switch v := v.(type) {
	case string:
		name = "str"
	case bool:
		name = "bool"
	case json.Number:
		name = "float"
		if isInt(v) {
			name = "int"
		}
	case []any:
		name = "list"
	case map[string]any, json.RawMessage:
		name = "dict"
	}
	return "<class '" + name + "'>"
}
