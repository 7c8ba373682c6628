package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
)

// Masked stands for a secret in a Change.
const Masked = "••••••••"

// Change is one difference between two requests. Of a list, each element that
// came or went is a change of its own.
type Change struct {
	Path string `json:"path"` // "runtime_env.env_vars.LR", "entrypoint"
	Old  string `json:"old"`
	New  string `json:"new"`
	// Had and Has tell whether the old and the new one have it at all.
	Had bool `json:"had"`
	Has bool `json:"has"`
}

// Diff returns what changed from one request to another, field by field in the
// order of a job file. Ids and lineage are no change, and what a server hides
// in either is not known to be one. Secrets are masked.
func Diff(old, changed rayapi.SubmitRequest) []Change {
	var d differ
	d.text("entrypoint", old.Entrypoint, changed.Entrypoint)
	d.json("runtime_env", "", envOf(old), envOf(changed))
	d.texts("metadata", old.Metadata, changed.Metadata)
	d.number("entrypoint_num_cpus", old.NumCPUs, changed.NumCPUs)
	d.number("entrypoint_num_gpus", old.NumGPUs, changed.NumGPUs)
	d.number("entrypoint_memory", float64(old.Memory), float64(changed.Memory))
	for _, k := range bothKeys(old.Resources, changed.Resources) {
		d.number("entrypoint_resources."+k, old.Resources[k], changed.Resources[k])
	}
	d.texts("entrypoint_label_selector", old.LabelSelector, changed.LabelSelector)
	return d.changes
}

func envOf(r rayapi.SubmitRequest) json.RawMessage {
	if !r.HasRuntimeEnv() {
		return nil
	}
	return r.RuntimeEnv
}

func bothKeys[V any](a, b map[string]V) []string {
	keys := slices.Sorted(maps.Keys(a))
	for k := range b {
		if _, has := a[k]; !has {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

type differ struct{ changes []Change }

func (d *differ) add(c Change, name string) {
	if c.Had == c.Has && c.Old == c.New || strings.Contains(c.Old, Redacted) || strings.Contains(c.New, Redacted) {
		return
	}
	if jobspec.Secret(name, c.Old) || jobspec.Secret(name, c.New) {
		if c.Had {
			c.Old = Masked
		}
		if c.Has {
			c.New = Masked
		}
	}
	d.changes = append(d.changes, c)
}

func (d *differ) text(path, old, changed string) {
	d.add(Change{Path: path, Old: old, New: changed, Had: old != "", Has: changed != ""}, path)
}

func (d *differ) number(path string, old, changed float64) {
	format := func(v float64) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	d.text(path, format(old), format(changed))
}

func (d *differ) texts(path string, old, changed map[string]string) {
	for _, k := range bothKeys(old, changed) {
		if k == ParentKey || k == SweepKey {
			continue
		}
		was, had := old[k]
		is, has := changed[k]
		d.add(Change{Path: path + "." + k, Old: was, New: is, Had: had, Has: has}, k)
	}
}

// json compares two values; nil is none.
func (d *differ) json(path, name string, old, changed json.RawMessage) {
	var was, is map[string]json.RawMessage
	var before, after []json.RawMessage
	old, changed = present(old), present(changed)
	switch {
	case decodes(old, &was) && decodes(changed, &is):
		for _, k := range bothKeys(was, is) {
			d.json(path+"."+k, k, was[k], is[k])
		}
	case decodes(old, &before) && decodes(changed, &after):
		d.lists(path, name, before, after)
	default:
		d.add(Change{Path: path, Old: plain(old), New: plain(changed), Had: old != nil, Has: changed != nil}, name)
	}
}

// decodes reads raw into an object or a list; nothing fits both, so that what
// came whole is told part by part.
func decodes(raw json.RawMessage, into any) bool {
	return raw == nil || json.Unmarshal(raw, into) == nil
}

// present drops null: a server takes it for nothing.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

func (d *differ) lists(path, name string, before, after []json.RawMessage) {
	left := slices.Clone(after)
	for _, b := range before {
		i := slices.IndexFunc(left, func(a json.RawMessage) bool { return plain(a) == plain(b) })
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		d.add(Change{Path: path, Old: plain(b), Had: true}, name)
	}
	for _, a := range left {
		d.add(Change{Path: path, New: plain(a), Has: true}, name)
	}
}

// plain is a value as a person writes it: text without its quotes.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// String is the change on one line: "entrypoint: a -> b", "- …" or "+ …".
func (c Change) String() string {
	switch {
	case !c.Had:
		return fmt.Sprintf("+ %s: %s", c.Path, c.New)
	case !c.Has:
		return fmt.Sprintf("- %s: %s", c.Path, c.Old)
	}
	return fmt.Sprintf("~ %s: %s -> %s", c.Path, c.Old, c.New)
}
