package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// YAML returns the file that Parse reads as s.
func (s Spec) YAML() []byte {
	doc := s.node()
	if len(doc.Content) == 0 {
		return nil
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil // only a value that cannot be marshalled is an error; nodes always can
	}
	return b.Bytes()
}

// JSON returns s as an indented JSON file, which Parse reads too.
func (s Spec) JSON() []byte {
	var c converter
	raw, p := c.json(s.node(), "", 0)
	var b bytes.Buffer
	if p != nil || json.Indent(&b, raw, "", "  ") != nil {
		return nil
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// MarshalJSON writes s with the keys of a file.
func (s Spec) MarshalJSON() ([]byte, error) {
	var c converter
	raw, p := c.json(s.node(), "", 0)
	if p != nil {
		return nil, fmt.Errorf("write the job: %s", p)
	}
	return raw, nil
}

// EnvYAML returns the runtime environment alone as YAML, and EnvJSON reads it.
func EnvYAML(env json.RawMessage) []byte {
	n, err := envNode(env)
	if err != nil || len(n.Content) == 0 {
		return nil
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil
	}
	return b.Bytes()
}

// EnvJSON reads a runtime environment alone, from YAML or JSON: the file that
// Ray's client takes by --runtime-env. Problems are an *Error with the fields
// as in a job.
func EnvJSON(name string, data []byte) (json.RawMessage, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	n, p := document(data)
	if p != nil {
		return nil, &Error{Name: name, Problems: []Problem{*p}}
	}
	r := reader{places: map[string]*yaml.Node{}}
	if n.ShortTag() == "!!null" {
		return nil, nil
	}
	r.mark(n, "runtime_env", 2)
	r.runtimeEnv(n, "runtime_env")
	for _, p := range (Spec{Entrypoint: "-", RuntimeEnv: r.spec.RuntimeEnv}).Check() {
		if !p.Warning {
			p.Line, p.Column = r.place(p.Field, n)
			r.problems = append(r.problems, p)
		}
	}
	if len(r.problems) > 0 {
		return r.spec.RuntimeEnv, &Error{Name: name, Problems: r.problems}
	}
	return r.spec.RuntimeEnv, nil
}

func (s Spec) node() *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	add := func(name string, value *yaml.Node) { n.Content = append(n.Content, textNode(name), value) }
	addText := func(name, value string) {
		if value != "" {
			add(name, textNode(value))
		}
	}
	addNumber := func(name string, value float64) {
		if value != 0 {
			add(name, numberNode(strconv.FormatFloat(value, 'g', -1, 64)))
		}
	}
	addTexts := func(name string, values map[string]string) {
		if len(values) > 0 {
			add(name, mapNode(values, textNode))
		}
	}
	addText("entrypoint", s.Entrypoint)
	addText("submission_id", s.SubmissionID)
	addText(workingDir, s.WorkingDir)
	if env, err := envNode(s.RuntimeEnv); err == nil && len(env.Content) > 0 {
		add("runtime_env", env)
	}
	addTexts("metadata", s.Metadata)
	addNumber("entrypoint_num_cpus", s.NumCPUs)
	addNumber("entrypoint_num_gpus", s.NumGPUs)
	if s.Memory != 0 {
		add("entrypoint_memory", numberNode(strconv.FormatInt(s.Memory, 10)))
	}
	if len(s.Resources) > 0 {
		add("entrypoint_resources", mapNode(s.Resources, func(v float64) *yaml.Node {
			return numberNode(strconv.FormatFloat(v, 'g', -1, 64))
		}))
	}
	addTexts("entrypoint_label_selector", s.LabelSelector)
	addText("after", s.After)
	return n
}

func mapNode[V any](m map[string]V, node func(V) *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		n.Content = append(n.Content, textNode(k), node(m[k]))
	}
	return n
}

// envNode returns JSON as a node, its keys in their order.
func envNode(raw json.RawMessage) (*yaml.Node, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	case raw[0] == '{':
		keys, err := members(raw)
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, k := range keys {
			kid, err := envNode(k.raw)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, textNode(k.name), kid)
		}
		return n, err
	case raw[0] == '[':
		var list []json.RawMessage
		err := json.Unmarshal(raw, &list)
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, e := range list {
			kid, err := envNode(e)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, kid)
		}
		return n, err
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return textNode(s), err
	}
	return numberNode(string(raw)), nil // true, false and null are written alike
}

// numberNode writes a literal as it is. One that YAML would read as text, such
// as 1e999, is tagged.
func numberNode(literal string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: literal}
	if n.ShortTag() == "!!str" {
		n.Tag = "!!float"
	}
	return n
}

// textNode quotes what YAML, in its old version too, which Ray's client reads,
// would not read as text. Commands of several lines stay readable.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case !strings.Contains(s, "\n"):
		if strings.ContainsFunc(s, unicode.IsControl) || oldYAML(s) {
			n.Style = yaml.DoubleQuotedStyle
		}
	case literal(s):
		n.Style = yaml.LiteralStyle
	default:
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// literal reports that s can stand as it is in a block of lines.
func literal(s string) bool {
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return false
		}
	}
	return s[0] != ' ' && s[0] != '\n' && !strings.HasSuffix(s, "\n\n")
}

// oldYAML reports that YAML 1.1 reads s as something else than text.
func oldYAML(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=":
		return true
	}
	return s != "" && strings.Trim(s, "0123456789_:.+-eE") == "" // 1:30 is 90 there, 1_0 ten
}
