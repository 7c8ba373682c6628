package submit

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/widget/form"
)

// The fields of the form. The names are those of a draft and of a problem.
const (
	fieldEntrypoint = "entrypoint"
	fieldID         = "submission_id"
	fieldDir        = "working_dir"
	fieldCopy       = "copy" // how the working dir is used; a view of fieldDir
	fieldEnv        = "env_vars"
	fieldMetadata   = "metadata"
	fieldCPUs       = "entrypoint_num_cpus"
	fieldGPUs       = "entrypoint_num_gpus"
	fieldMemory     = "entrypoint_memory"
	fieldResources  = "entrypoint_resources"
	fieldAfter      = "after"
	fieldButtons    = "buttons"
)

// draft is what is typed into the form, by field. Lists are lines.
type draft map[string]string

// base is the part of a request that the form does not show as fields: it is
// sent as it came.
type base struct {
	labels map[string]string
	env    []envKey // without working_dir and env_vars where the form shows them
	// kept holds values that a line of text cannot: by the line that stands for
	// them.
	kept map[string]string
}

// envKey is one key of a runtime environment. Their order is kept, because a
// rerun must be the same request.
type envKey struct {
	name string
	raw  json.RawMessage
}

// fromRequest spreads a request over the fields.
func fromRequest(r rayapi.SubmitRequest) (draft, base) {
	b := base{labels: r.LabelSelector, kept: make(map[string]string)}
	d := draft{
		fieldEntrypoint: b.script(r.Entrypoint),
		fieldCPUs:       number(r.NumCPUs),
		fieldGPUs:       number(r.NumGPUs),
		fieldMemory:     bytesText(r.Memory),
		fieldMetadata:   b.lines(r.Metadata, slices.Sorted(maps.Keys(r.Metadata))),
	}
	resources := make([]string, 0, len(r.Resources))
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		resources = append(resources, name+"="+strconv.FormatFloat(r.Resources[name], 'g', -1, 64))
	}
	d[fieldResources] = strings.Join(resources, "\n")
	keys, err := decodeEnv(r.RuntimeEnv)
	if err != nil {
		return d, b
	}
	for _, k := range keys {
		switch {
		case k.name == "working_dir" && json.Unmarshal(k.raw, new(string)) == nil:
			var dir string
			_ = json.Unmarshal(k.raw, &dir)
			d[fieldDir] = dir
		case k.name == "env_vars" && json.Unmarshal(k.raw, &map[string]string{}) == nil:
			d[fieldEnv] = b.envLines(k.raw)
		default:
			b.env = append(b.env, k)
		}
	}
	return d, b
}

// envLines returns the variables in the order in which they were written.
func (b base) envLines(raw json.RawMessage) string {
	vars := make(map[string]string)
	_ = json.Unmarshal(raw, &vars)
	keys, err := decodeEnv(raw)
	if err != nil {
		return ""
	}
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		names = append(names, k.name)
	}
	return b.lines(vars, names)
}

func (b base) lines(values map[string]string, names []string) string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, b.keep(name+"=", values[name]))
	}
	return strings.Join(out, "\n")
}

// keep returns the line prefix+value. A value with line breaks or other
// characters that a field cannot hold is shown escaped and remembered, so that
// it goes back unchanged as long as its line is not edited.
func (b base) keep(prefix, value string) string {
	if !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError || r == form.LineBreak }) {
		return prefix + value
	}
	shown := strconv.QuoteToASCII(value)
	shown = prefix + shown[1:len(shown)-1]
	b.kept[shown] = value
	return shown
}

// script keeps the line breaks of a command, which its field can hold.
func (b base) script(command string) string {
	if flat := strings.ReplaceAll(command, "\n", ""); b.keep("", flat) == flat {
		return command
	}
	return b.keep("", command)
}

// value returns what a line stands for.
func (b base) value(line, text string) string {
	if v, ok := b.kept[line]; ok {
		return v
	}
	return text
}

// request builds the request from the fields. What is wrong is in the
// problems; the request then lacks it. The working dir is set as env key when
// it is a URI; a local path that must be uploaded first is left out.
func (d draft) request(b base, dir workDir) (rayapi.SubmitRequest, []problem) {
	var c checker
	r := rayapi.SubmitRequest{LabelSelector: b.labels}
	r.Entrypoint = c.entrypoint(b.value(d[fieldEntrypoint], d[fieldEntrypoint]))
	r.SubmissionID = c.id(strings.TrimSpace(d[fieldID]))
	c.dir(dir)
	vars := c.envVars(d[fieldEnv], b)
	r.Metadata = c.metadata(d[fieldMetadata], b)
	r.NumCPUs = c.amount(fieldCPUs, d[fieldCPUs])
	r.NumGPUs = c.amount(fieldGPUs, d[fieldGPUs])
	r.Memory = c.memory(d[fieldMemory])
	r.Resources = c.resources(d[fieldResources])
	r.RuntimeEnv = encodeEnv(runtimeEnv(b, dir.uri, vars))
	c.hidden(b)
	return r, c.problems
}

// pair is one line of a list of the form K=V.
type pair struct{ key, value string }

// runtimeEnv puts the fields before the keys that came from elsewhere.
func runtimeEnv(b base, dir string, vars []pair) []envKey {
	var keys []envKey
	if dir != "" {
		keys = append(keys, envKey{"working_dir", quote(dir)})
	}
	keys = append(keys, b.env...)
	if len(vars) > 0 {
		list := make([]envKey, 0, len(vars))
		for _, v := range vars {
			list = append(list, envKey{v.key, quote(v.value)})
		}
		keys = append(keys, envKey{"env_vars", encodeEnv(list)})
	}
	return keys
}

// excludes returns the patterns that an upload leaves out.
func (b base) excludes() []string {
	for _, k := range b.env {
		var list []string
		if k.name == "excludes" && json.Unmarshal(k.raw, &list) == nil {
			return list
		}
	}
	return nil
}

// names lists the keys that are sent as they came.
func (b base) names() []string {
	names := make([]string, 0, len(b.env)+1)
	for _, k := range b.env {
		names = append(names, k.name)
	}
	if len(b.labels) > 0 {
		names = append(names, "label selector")
	}
	return names
}

func (d draft) equal(o draft) bool {
	for k, v := range d {
		if v != o[k] {
			return false
		}
	}
	for k, v := range o {
		if v != d[k] {
			return false
		}
	}
	return true
}

// hiddenIn reports the keys of the untouched part whose value the server hides.
func (b base) hiddenIn() []string {
	return ledger.HiddenValues(rayapi.SubmitRequest{RuntimeEnv: encodeEnv(b.env)})
}
