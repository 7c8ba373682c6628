package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"dray/backend/rayapi"
)

// output is the -o flag of the verbs that print data.
type output string

const (
	outTable output = "table"
	outWide  output = "wide"
	outJSON  output = "json"
	outYAML  output = "yaml"
	outName  output = "name"
)

// isData reports whether a program reads the output.
func (o *output) isData() bool { return *o == outJSON || *o == outYAML }

// outputFlag is an output that takes some of the formats.
type outputFlag struct {
	*output
	formats []output
}

func (f outputFlag) String() string {
	if f.output == nil { // pflag asks a zero value
		return ""
	}
	return string(*f.output)
}

func (f outputFlag) Type() string { return "format" }

func (f outputFlag) Set(s string) error {
	if !slices.Contains(f.formats, output(s)) {
		return fmt.Errorf("it is %s, not %q", oneOf(f.formats), s)
	}
	*f.output = output(s)
	return nil
}

// oneOf is "a, b or c".
func oneOf(formats []output) string {
	words := make([]string, len(formats))
	for i, f := range formats {
		words[i] = string(f)
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// addOutput adds -o to a verb; more are the formats besides a table, JSON and
// YAML.
func addOutput(cmd *cobra.Command, more ...output) *output {
	o := outTable
	formats := append([]output{outTable, outJSON, outYAML}, more...)
	cmd.Flags().VarP(outputFlag{&o, formats}, "output", "o", "output `format`: "+oneOf(formats)+" (dray help output)")
	completeFormats(cmd, formats)
	return &o
}

func completeFormats(cmd *cobra.Command, formats []output) {
	words := make([]string, len(formats))
	for i, f := range formats {
		words[i] = string(f)
	}
	completeFlag(cmd, "output", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// printData prints v as JSON or, if that is asked for, as YAML, and nothing
// else.
func (a *app) printData(o *output, v any) error {
	if *o != outYAML {
		return a.printJSON(v)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	doc, err := yamlOf(raw)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	enc := yaml.NewEncoder(a.stdout)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printJSON prints v indented, and nothing else.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printNames prints the ids of jobs, for xargs.
func (a *app) printNames(jobs ...rayapi.Job) error {
	for _, j := range jobs {
		if _, err := fmt.Fprintln(a.stdout, j.ID()); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// yamlOf turns JSON into a YAML document with the keys in the same order.
func yamlOf(raw []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	n, err := yamlValue(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF { //nolint:errorlint // Token returns it bare
		return nil, fmt.Errorf("more than one JSON value")
	}
	return n, nil
}

func yamlValue(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{}
	switch t := t.(type) {
	case json.Delim:
		return yamlContainer(dec, t == '{')
	case string:
		n.SetString(t) // quotes what would be read as something else
	case nil:
		n.Kind, n.Value = yaml.ScalarNode, "null"
	default:
		n.Kind, n.Value = yaml.ScalarNode, fmt.Sprint(t)
	}
	return n, nil
}

// yamlContainer reads the rest of an object or list.
func yamlContainer(dec *json.Decoder, object bool) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if object {
		n.Kind = yaml.MappingNode
	}
	for dec.More() {
		if object {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			k := &yaml.Node{}
			k.SetString(fmt.Sprint(key))
			n.Content = append(n.Content, k)
		}
		v, err := yamlValue(dec)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, v)
	}
	_, err := dec.Token() // its end
	return n, err
}
