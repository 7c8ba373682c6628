package jobspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile  = 8 << 20
	maxNodes = 200_000 // a few anchors can stand for billions of values
	maxDepth = 100
)

// document reads the one value of a file. JSON is read as JSON: it may be
// indented by tabs, which YAML forbids.
func document(data []byte) (*yaml.Node, *Problem) {
	if len(data) > maxFile {
		return nil, &Problem{Text: fmt.Sprintf("the file has %d bytes, at most %d are read", len(data), maxFile)}
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(data) {
		r := jsonReader{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
		r.dec.UseNumber()
		return r.value(0)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Problem{Text: "it is empty: write at least entrypoint: COMMAND"}
	} else if err != nil {
		return nil, syntaxProblem(err)
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, &Problem{Line: more.Line, Column: more.Column, Text: "a second document begins here: a file holds one job"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxProblem(err)
	}
	return doc.Content[0], nil
}

var yamlPlace = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`) })

func syntaxProblem(err error) *Problem {
	m := yamlPlace().FindStringSubmatch(err.Error())
	if m == nil {
		return &Problem{Text: "it is not YAML: " + err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	return &Problem{Line: line, Text: "it is not YAML: " + m[2]}
}

// jsonReader makes the nodes of a JSON text, with their places.
type jsonReader struct {
	dec  *json.Decoder
	data []byte
}

func (r *jsonReader) value(depth int) (*yaml.Node, *Problem) {
	n := &yaml.Node{}
	start := int(r.dec.InputOffset())
	start += len(r.data[start:]) - len(bytes.TrimLeft(r.data[start:], " \t\r\n,:"))
	n.Line = 1 + bytes.Count(r.data[:start], []byte("\n"))
	n.Column = start - bytes.LastIndexByte(r.data[:start], '\n')
	t, err := r.dec.Token()
	if err != nil {
		return nil, &Problem{Line: n.Line, Column: n.Column, Text: "it is not JSON: " + err.Error()}
	}
	if depth > maxDepth {
		return nil, &Problem{Line: n.Line, Column: n.Column, Text: "it is nested too deeply"}
	}
	switch t := t.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if t == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for r.dec.More() {
			kid, p := r.value(depth + 1)
			if p != nil {
				return nil, p
			}
			n.Content = append(n.Content, kid)
		}
		if _, err := r.dec.Token(); err != nil {
			return nil, &Problem{Text: "it is not JSON: " + err.Error()}
		}
		return n, nil
	case string:
		n.Tag, n.Value = "!!str", t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
		if !strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	n.Kind = yaml.ScalarNode
	return n, nil
}

// converter turns nodes into JSON, as far as its budget goes.
type converter struct{ nodes, bytes int }

func problemAt(n *yaml.Node, field, format string, args ...any) *Problem {
	return &Problem{Field: field, Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)}
}

// json returns the JSON of n. field names it in problems.
func (c *converter) json(n *yaml.Node, field string, depth int) (json.RawMessage, *Problem) {
	c.nodes++
	c.bytes += len(n.Value)
	if c.nodes > maxNodes || c.bytes > 2*maxFile || depth > maxDepth {
		return nil, problemAt(n, field, "there is too much in it: anchors may be used in a circle")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.json(n.Alias, field, depth+1)
	case yaml.ScalarNode:
		return scalar(n, field)
	case yaml.SequenceNode:
		list := make([]json.RawMessage, 0, len(n.Content))
		for i, kid := range n.Content {
			raw, p := c.json(kid, fmt.Sprintf("%s[%d]", field, i), depth+1)
			if p != nil {
				return nil, p
			}
			list = append(list, raw)
		}
		return marshal(list), nil
	default: // keys and values
	}
	var keys []member
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, p := keyName(n.Content[i], field, seen)
		if p != nil {
			return nil, p
		}
		raw, p := c.json(n.Content[i+1], field+"."+name, depth+1)
		if p != nil {
			return nil, p
		}
		keys = append(keys, member{name, raw})
	}
	if keys == nil {
		return json.RawMessage("{}"), nil
	}
	return object(keys), nil
}

// keyName reads a key, which must be text and there once.
func keyName(n *yaml.Node, field string, seen map[string]int) (string, *Problem) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", problemAt(n, field, "a key must be text")
	case n.ShortTag() == "!!merge":
		return "", problemAt(n, field, "<< is not supported: write the keys out")
	}
	if line, twice := seen[n.Value]; twice {
		return "", problemAt(n, field, "%s is there twice, first in line %d: remove one", n.Value, line)
	}
	seen[n.Value] = n.Line
	return n.Value, nil
}

func scalar(n *yaml.Node, field string) (json.RawMessage, *Problem) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp": // a date is what was written
		return text(n.Value), nil
	case "!!null":
		return json.RawMessage("null"), nil
	case "!!bool":
		var v bool
		if n.Decode(&v) == nil {
			return marshal(v), nil
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.RawMessage(n.Value), nil
		}
		var i int64
		if n.Decode(&i) == nil {
			return marshal(i), nil
		}
		var f float64
		if n.Decode(&f) == nil && f-f == 0 { //nolint:staticcheck // neither infinite nor NaN
			return marshal(f), nil
		}
		return nil, problemAt(n, field, "%s is no number that can be sent", n.Value)
	}
	return nil, problemAt(n, field, "a value of type %s cannot be sent: write text, a number, true, false, a list or keys", n.ShortTag())
}
