package rayapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
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

// Limits of a request; the kernel refuses longer single arguments (131,072
// bytes), and a record must stay small enough to list by the thousand.
const (
	MaxEntrypoint    = 120000
	MaxEnvVar        = 120000
	MaxEnvTotal      = 1500000
	MaxMetadataKeys  = 64
	MaxMetadataBytes = 4096
)

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
	fields, order, err := decodeObject(body)
	if err != nil {
		return SubmitRequest{}, err
	}
	for _, key := range order {
		if !slices.Contains(submitFields(), key) {
			return SubmitRequest{}, invalid("TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument '%s'", key)
		}
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

// Validate checks what Ray leaves unchecked and then suffers from: the id's
// characters, negative amounts, and sizes that no process could be started
// with. The error wraps ErrInvalid. An empty id is fine: the server makes one.
func (r SubmitRequest) Validate() error {
	if r.SubmissionID != "" {
		if err := CheckID(r.SubmissionID); err != nil {
			return invalid("%s", err)
		}
	}
	if len(r.Entrypoint) > MaxEntrypoint {
		return invalid("entrypoint has %d bytes, at most %d are allowed: put the commands into a script", len(r.Entrypoint), MaxEntrypoint)
	}
	if err := r.validateAmounts(); err != nil {
		return err
	}
	if len(r.Metadata) > MaxMetadataKeys {
		return invalid("metadata has %d keys, at most %d are allowed", len(r.Metadata), MaxMetadataKeys)
	}
	for k, v := range r.Metadata {
		if len(k)+len(v) > MaxMetadataBytes {
			return invalid("metadata %q has %d bytes, at most %d are allowed", clip(k), len(k)+len(v), MaxMetadataBytes)
		}
	}
	return nil
}

func (r SubmitRequest) validateAmounts() error {
	for _, a := range []struct {
		name  string
		value float64
	}{
		{"entrypoint_num_cpus", r.NumCPUs},
		{"entrypoint_num_gpus", r.NumGPUs},
		{"entrypoint_memory", float64(r.Memory)},
	} {
		if !finite(a.value) {
			return invalid("%s must not be negative, got %g", a.name, a.value)
		}
	}
	for name, v := range r.Resources {
		if !finite(v) {
			return invalid("entrypoint_resources[%q] must not be negative, got %g", name, v)
		}
	}
	return nil
}

// finite reports whether v is an amount that can be counted.
func finite(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

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

// decodeObject reads one JSON object and returns its non-null fields and the
// order in which they first appeared.
func decodeObject(body []byte) (map[string]any, []string, error) {
	if !json.Valid(body) {
		var v any
		return nil, nil, invalid("the request body is not JSON: %s", jsonReason(json.Unmarshal(body, &v)))
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, nil, invalid("the request body must be a JSON object")
	}
	fields := make(map[string]any)
	var order []string
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, invalid("the request body is not JSON: %s", err)
		}
		key, _ := tok.(string)
		value, err := decodeValue(dec, key)
		if err != nil {
			return nil, nil, invalid("the request body is not JSON: %s", err)
		}
		if value == nil {
			delete(fields, key)
			order = slices.DeleteFunc(order, func(k string) bool { return k == key })
			continue
		}
		if _, seen := fields[key]; !seen {
			order = append(order, key)
		}
		fields[key] = value
	}
	return fields, order, nil
}

// decodeValue keeps runtime_env as the bytes that were sent, so that its key
// order and numbers stay what the submitter wrote.
func decodeValue(dec *json.Decoder, key string) (any, error) {
	if key != "runtime_env" {
		var v any
		err := dec.Decode(&v)
		return v, err
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(raw, []byte("{")) {
		return raw, nil
	}
	var v any
	sub := json.NewDecoder(bytes.NewReader(raw))
	sub.UseNumber()
	err := sub.Decode(&v)
	return v, err
}

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
