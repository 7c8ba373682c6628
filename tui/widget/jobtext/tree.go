package jobtext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dray/backend/rayapi"
	"dray/tui/clean"
)

const (
	// Mask stands for a value that is not shown.
	Mask = "********"

	// maxDepth bounds the nesting that is drawn.
	maxDepth = 32
)

// node is a JSON value that keeps the order of its keys.
type node struct {
	key   string
	kind  byte // '{', '[' or 'v'
	text  string
	quote bool // a string
	kids  []node
}

// veil says which values of a tree are replaced by the mask.
type veil int

const (
	open   veil = iota // none
	wary               // those that Secret knows
	closed             // all: values of environment variables
	bare               // none, and below it neither
)

// below is the veil of what stands under key.
func (v veil) below(key string) veil {
	if v == bare {
		return bare
	}
	switch key {
	case "env_vars":
		return closed
	case "metadata", "runtime_env":
		return max(v, wary)
	}
	return v
}

// hides reports that a value is replaced.
func (v veil) hides(key, text string) bool { return v == closed || v == wary && Secret(key, text) }

// parse reads one JSON value under v.
func parse(raw []byte, v veil) (node, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return parseValue(dec, "", v, 0)
}

func parseValue(dec *json.Decoder, key string, v veil, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	n := node{key: key, kind: 'v'}
	switch tok := tok.(type) {
	case json.Delim:
		n.kind = byte(tok)
		return n.parseKids(dec, v.below(key), depth)
	case string:
		n.text, n.quote = tok, true
	case nil:
		n.text = "null"
	default:
		n.text = fmt.Sprint(tok)
	}
	if v.hides(key, n.text) {
		n.text, n.quote = Mask, true
	}
	return n, nil
}

func (n node) parseKids(dec *json.Decoder, v veil, depth int) (node, error) {
	for dec.More() {
		key := ""
		name := n.key // that the elements of a list share
		if n.kind == '{' {
			tok, err := dec.Token()
			if err != nil {
				return node{}, err
			}
			key, _ = tok.(string)
			name = key
		}
		kid, err := parseValue(dec, name, v, depth+1)
		if err != nil {
			return node{}, err
		}
		kid.key = key
		n.kids = append(n.kids, kid)
	}
	_, err := dec.Token() // the closing bracket
	return n, err
}

// RuntimeEnv shows a runtime environment as indented lines, with secrets and the
// values of environment variables masked. It returns nil for an empty one.
func RuntimeEnv(job *rayapi.Job) []string { return runtimeEnv(job, wary) }

// outline prints the children of n in the manner of YAML.
func (n node) outline(lines []string, indent string) []string {
	for _, kid := range n.kids {
		lead := indent + clean.Text(kid.key) + ":"
		if n.kind == '[' {
			lead = indent + "-"
		}
		switch {
		case kid.kind == 'v':
			lines = append(lines, lead+" "+clean.Text(kid.text))
		case len(kid.kids) == 0:
			lines = append(lines, lead+" "+string(kid.kind)+string(closing(kid.kind)))
		default:
			lines = kid.outline(append(lines, lead), indent+"  ")
		}
	}
	return lines
}

// JSON shows the whole record as indented JSON, with secrets and the values of
// environment variables masked.
func JSON(job *rayapi.Job) []string {
	return record(job, open, func(n node) []string { return n.json(nil, "", "") })
}

func (n node) json(lines []string, indent, tail string) []string {
	lead := indent
	if n.key != "" {
		lead += quote(n.key) + ": "
	}
	switch {
	case n.kind == 'v' && n.quote:
		return append(lines, lead+quote(n.text)+tail)
	case n.kind == 'v':
		return append(lines, lead+n.text+tail)
	case len(n.kids) == 0:
		return append(lines, lead+string(n.kind)+string(closing(n.kind))+tail)
	}
	lines = append(lines, lead+string(n.kind))
	for i, kid := range n.kids {
		comma := ","
		if i == len(n.kids)-1 {
			comma = ""
		}
		lines = kid.json(lines, indent+"  ", comma)
	}
	return append(lines, indent+string(closing(n.kind))+tail)
}

func closing(bracket byte) byte { return bracket + 2 } // '{' '}' and '[' ']' in ASCII

// Masked is the JSON value that stands under name in a runtime environment, with
// secrets masked. What is no JSON comes back as it is.
func Masked(name string, raw json.RawMessage) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	tree, err := parseValue(dec, name, wary, 0)
	if err != nil {
		return raw
	}
	tree.key = ""
	var b bytes.Buffer
	tree.compact(&b)
	return b.Bytes()
}

func (n node) compact(b *bytes.Buffer) {
	switch {
	case n.kind == 'v' && n.quote:
		b.WriteString(encoded(n.text))
	case n.kind == 'v':
		b.WriteString(n.text)
	default:
		b.WriteByte(n.kind)
		for i, kid := range n.kids {
			if i > 0 {
				b.WriteByte(',')
			}
			if n.kind == '{' {
				b.WriteString(encoded(kid.key) + ":")
			}
			kid.compact(b)
		}
		b.WriteByte(closing(n.kind))
	}
}

// quote prints s as a JSON string in which nothing can harm the terminal.
func quote(s string) string { return clean.Text(encoded(s)) }

func encoded(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Metadata returns the job's metadata as "key=value" texts, sorted, with secrets
// masked.
func Metadata(job *rayapi.Job) []string {
	pairs := make([]string, 0, len(job.Metadata))
	for k, v := range job.Metadata {
		if Secret(k, v) {
			v = Mask
		}
		pairs = append(pairs, clean.Text(k+"="+v))
	}
	slices.Sort(pairs)
	return pairs
}
