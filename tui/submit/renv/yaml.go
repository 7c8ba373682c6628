package renv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a document, against aliases that grow or go in circles.
const (
	maxDepth = 64
	maxNodes = 100_000
)

// ParseYAML reads a YAML mapping; JSON is YAML too. Blank text is an empty
// object. The error is a *TextError.
func ParseYAML(text []byte) (Value, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, yamlError(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, nodeError(root, "it must be a mapping of keys, got %s", kindName(root))
	}
	var b bytes.Buffer
	w := jsonWriter{b: &b}
	if err := w.node(root, 0); err != nil {
		return nil, err
	}
	return keysOf(b.Bytes())
}

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\n  )?line (\d+): `)

func yamlError(err error) error {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return &TextError{Line: line, Text: "YAML: " + text[len(m[0]):]}
	}
	return &TextError{Line: 1, Text: "YAML: " + strings.TrimPrefix(text, "yaml: ")}
}

func nodeError(n *yaml.Node, format string, args ...any) error {
	return &TextError{Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "an object"
	default:
		return "text"
	}
}

// jsonWriter turns nodes into JSON without changing their order.
type jsonWriter struct {
	b     *bytes.Buffer
	nodes int
}

func (w *jsonWriter) node(n *yaml.Node, depth int) error {
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return nodeError(n, "it is too deep or too large")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.node(n.Alias, depth+1)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	case yaml.SequenceNode:
		w.b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				w.b.WriteByte(',')
			}
			if err := w.node(c, depth+1); err != nil {
				return err
			}
		}
		w.b.WriteByte(']')
		return nil
	default:
		return w.scalar(n)
	}
}

func (w *jsonWriter) mapping(n *yaml.Node, depth int) error {
	w.b.WriteByte('{')
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			return nodeError(k, "a key must be text")
		}
		if k.Tag == "!!merge" {
			return nodeError(k, "'<<' is not supported: write the keys out")
		}
		if line, twice := seen[k.Value]; twice {
			return nodeError(k, "%q is there twice, also on line %d", k.Value, line)
		}
		seen[k.Value] = k.Line
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.b.Write(Marshal(k.Value))
		w.b.WriteByte(':')
		if err := w.node(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	w.b.WriteByte('}')
	return nil
}

func (w *jsonWriter) scalar(n *yaml.Node) error {
	switch n.Tag {
	case "!!null":
		w.b.WriteString("null")
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			w.b.WriteString(n.Value) // as it was written: 1.10 stays 1.10
			return nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return nodeError(n, "%q cannot be read", n.Value)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nodeError(n, "%s cannot be sent as JSON", n.Value)
		}
		w.b.Write(raw)
	default: // text, and dates, which Ray knows as text only
		w.b.Write(Marshal(n.Value))
	}
	return nil
}

// YAML returns the object as YAML, which ends with a line break; "" when it is
// empty.
func (v Value) YAML() string {
	if len(v) == 0 {
		return ""
	}
	return YAML(v.JSON())
}

// YAML returns valid JSON as YAML with a last line break.
func YAML(raw json.RawMessage) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	n, err := nodeOf(dec)
	if err != nil {
		return ""
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(n), enc.Close()); err != nil {
		return ""
	}
	return b.String()
}

func nodeOf(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		return containerOf(dec, t)
	case string:
		return textNode(t), nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}

func containerOf(dec *json.Decoder, open json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if open == '{' {
		n.Kind = yaml.MappingNode
	}
	for dec.More() {
		c, err := nodeOf(dec)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, c)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err := dec.Token()
	return n, err
}

// otherwiseRead are texts that readers of YAML 1.1, such as Ray's, take for
// something else: yes, 1:30.
var otherwiseRead = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null|~|=|<<|\.inf|\.nan)$|^[-+]?[0-9.][0-9_:.eE+-]*$|^0[xXoObB]`)

func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case otherwiseRead.MatchString(s), strings.TrimSpace(s) != s, strings.ContainsAny(s, "\r\u0085\u2028\u2029\ufeff\t"):
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
