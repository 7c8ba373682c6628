package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed output.schema.json
var outputSchema []byte //nolint:gochecknoglobals // embedded, and only read

// outputHelp is a help topic: dray help output.
func outputHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "output",
		Short: "What the verbs print, for people and for programs",
		Long: `What is asked for is on stdout; what is said about it, errors too, on stderr.

  -o table  for people (the default); it may change
  -o wide   more columns and fields (ls, get)
  -o json   for programs
  -o yaml   the same as YAML
  -o name   ids, one a line, for xargs (ls, get, stop, wait, delete, submit, rerun)

A job has the fields of Ray's Jobs API, all of them always, and their meaning:
times are milliseconds, driver_exit_code is -N when signal N ended the job.
get, submit and rerun print one job, ls, stop and wait a list; watch -o json
prints one object a line. dray schema prints the JSON schema of all this.

Fields keep their names and types until dray 2.0; new ones may come.

Secrets: -o json and yaml print runtime_env and metadata as the server gives
them, values included; tables, history, templates and diffs mask them.

Exit codes:
  0  ok
  1  error
  2  wrong usage; nothing was done
  3  the job failed
  4  the job was stopped
  5  there is no such job
  6  the server does not answer
  7  the job was lost: how it ended is not known
Those of jobs come from wait, watch, logs -f, submit and rerun with --wait or
--follow. After a signal the code is 128 and its number.`,
	}
}

// schemaCmd prints the schema of what a verb prints.
func schemaCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [VERB]",
		Short: "Print the JSON schema of what verbs print with -o json",
		Example: `  dray schema ls
  dray schema ctx test`,
		RunE: func(_ *cobra.Command, args []string) error {
			schema, err := schemaOf(strings.Join(args, " "))
			if err != nil {
				return err
			}
			if _, err := a.stdout.Write(schema); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var next []string
			for _, v := range schemaVerbs() {
				if rest, ok := strings.CutPrefix(v, strings.Join(append(given, ""), " ")); ok {
					word, _, _ := strings.Cut(rest, " ")
					next = append(next, word)
				}
			}
			return slices.Compact(next), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

type schemaDoc struct {
	Schema string                     `json:"$schema"`
	Title  string                     `json:"title"`
	Ref    string                     `json:"$ref,omitempty"`
	Defs   map[string]json.RawMessage `json:"$defs"`
}

func readSchema() schemaDoc {
	var doc schemaDoc
	if err := json.Unmarshal(outputSchema, &doc); err != nil {
		panic("the embedded schema: " + err.Error()) // a test reads it
	}
	return doc
}

// schemaOf returns the schema of a verb, or of all.
func schemaOf(verb string) ([]byte, error) {
	if verb == "" {
		return outputSchema, nil
	}
	doc := readSchema()
	if !slices.Contains(schemaVerbs(), verb) {
		return nil, usagef("there is no schema of %q: there are those of %s", verb, strings.Join(schemaVerbs(), ", "))
	}
	doc.Title = "What dray " + verb + " prints with -o json"
	doc.Ref = "#/$defs/" + url.PathEscape(verb)
	text, err := json.MarshalIndent(doc, "", "  ")
	return append(text, '\n'), err
}

// schemaVerbs are the verbs that have a schema.
func schemaVerbs() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(readSchema().Defs)), func(s string) bool {
		return s == "status" || s == "job" || s == "jobs" // parts of the others
	})
}
