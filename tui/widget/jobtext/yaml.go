package jobtext

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"dray/backend/rayapi"
	"dray/tui/clean"
)

// YAML shows the whole record as YAML, with secrets and the values of
// environment variables masked.
func YAML(job *rayapi.Job) []string { return record(job, open, node.document) }

// document prints n as YAML.
func (n node) document() []string {
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n.yaml()); err != nil {
		return []string{"cannot be shown: " + clean.Text(err.Error())}
	}
	return clean.Block(strings.TrimSuffix(b.String(), "\n"))
}

// yaml turns n into a document that keeps the order of the keys.
func (n node) yaml() *yaml.Node {
	switch {
	case n.kind == 'v' && n.quote:
		v := &yaml.Node{}
		v.SetString(n.text) // quotes what would be read as something else
		return v
	case n.kind == 'v':
		return &yaml.Node{Kind: yaml.ScalarNode, Value: n.text}
	}
	out := &yaml.Node{Kind: yaml.SequenceNode}
	if n.kind == '{' {
		out.Kind = yaml.MappingNode
	}
	for _, kid := range n.kids {
		if n.kind == '{' {
			k := &yaml.Node{}
			k.SetString(kid.key)
			out.Content = append(out.Content, k)
		}
		out.Content = append(out.Content, kid.yaml())
	}
	return out
}
