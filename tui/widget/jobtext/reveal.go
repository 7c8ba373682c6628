package jobtext

import (
	"bytes"
	"encoding/json"
	"slices"

	"dray/backend/rayapi"
	"dray/tui/clean"
)

// RuntimeEnvRevealed is RuntimeEnv with nothing masked, for a user who asked to
// see the values.
func RuntimeEnvRevealed(job *rayapi.Job) []string { return runtimeEnv(job, bare) }

// JSONRevealed is JSON with nothing masked.
func JSONRevealed(job *rayapi.Job) []string {
	return record(job, bare, func(n node) []string { return n.json(nil, "", "") })
}

// YAMLRevealed is YAML with nothing masked.
func YAMLRevealed(job *rayapi.Job) []string { return record(job, bare, node.document) }

// MetadataRevealed is Metadata with nothing masked.
func MetadataRevealed(job *rayapi.Job) []string {
	pairs := make([]string, 0, len(job.Metadata))
	for k, v := range job.Metadata {
		pairs = append(pairs, clean.Text(k+"="+v))
	}
	slices.Sort(pairs)
	return pairs
}

// record prints the whole record under a veil.
func record(job *rayapi.Job, v veil, lines func(node) []string) []string {
	raw, err := json.Marshal(job)
	if err != nil {
		return []string{"cannot be shown: " + clean.Text(err.Error())}
	}
	tree, err := parse(raw, v)
	if err != nil {
		return []string{"cannot be shown: " + clean.Text(err.Error())}
	}
	return lines(tree)
}

func runtimeEnv(job *rayapi.Job, v veil) []string {
	raw := bytes.TrimSpace(job.RuntimeEnv)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	tree, err := parse(raw, v)
	if err != nil {
		return []string{"cannot be shown: " + clean.Text(err.Error())}
	}
	return tree.outline(nil, "")
}
