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
	"dray/tui/submit/renv"
	"dray/tui/widget/form"
)

// The fields of the form. The names are those of a draft and of a problem.
const (
	fieldEntrypoint = "entrypoint"
	fieldID         = "submission_id"
	fieldName       = "job_name" // the metadata key that Ray shows as the job's name
	fieldDir        = "working_dir"
	fieldCopy       = "copy" // how the working dir is used; a view of fieldDir
	fieldEnv        = "env_vars"
	fieldEnvLink    = "runtime_env" // leads to the step; its text is a summary
	fieldMetadata   = "metadata"
	fieldCPUs       = "entrypoint_num_cpus"
	fieldGPUs       = "entrypoint_num_gpus"
	fieldMemory     = "entrypoint_memory"
	fieldResources  = "entrypoint_resources"
	fieldLabels     = "entrypoint_label_selector"
	fieldAfter      = "after"
	fieldButtons    = "buttons"

	fieldExcludes  = "excludes"
	fieldModules   = "py_modules"
	fieldInstaller = "installer"
	fieldPip       = "pip"
	fieldUv        = "uv"
	fieldConda     = "conda"
	fieldImage     = "image_uri"
	fieldTimeout   = "setup_timeout_seconds"
	fieldEager     = "eager_install"
	fieldHook      = "worker_process_setup_hook"
	fieldExtra     = "extra" // keys without a field of their own
	fieldText      = "text"  // the runtime environment as YAML or JSON
)

// keptFields are the fields that a draft holds, in the order of the form.
func keptFields() []string {
	return []string{
		fieldEntrypoint, fieldID, fieldName, fieldDir, fieldEnv, fieldMetadata, fieldCPUs, fieldGPUs, fieldMemory, fieldResources,
		fieldLabels, fieldExcludes, fieldModules, fieldInstaller, fieldPip, fieldUv, fieldConda, fieldImage, fieldTimeout, fieldEager,
		fieldHook, fieldAfter,
	}
}

// Entries of a draft that are no fields.
const (
	draftOrigin = "origin" // base.origin
	draftDoubt  = "doubt"  // the id of a request that may have arrived
	draftPlan   = "plan"   // of variants
	draftYAML   = "yaml"   // a runtime environment that cannot be read; likewise
	draftJSON   = "json"   // in memory only: secrets in it cannot be told
)

// draft is what is typed into the form, by field. Lists are lines.
type draft map[string]string

// base is what the form knows of a request beside the text of its fields, so
// that what nobody touches is sent as it came.
type base struct {
	// origin is the runtime environment that the fields were filled from.
	origin renv.Value
	// raws is the exact value that the text of a field stands for.
	raws map[string]rawText
	// kept holds values that a line of text cannot: by the line that stands for
	// them.
	kept map[string]string
	// odd are variables whose value is no text: by the line that stands for them.
	odd map[string]json.RawMessage
	// hidden are the names of variables and metadata whose value was hidden: it
	// must be typed again.
	hidden map[string]bool
}

type rawText struct {
	text string
	raw  json.RawMessage
}

func newBase() base {
	return base{raws: map[string]rawText{}, kept: map[string]string{}, odd: map[string]json.RawMessage{}, hidden: map[string]bool{}}
}

// fromRequest spreads a request over the fields.
func fromRequest(r rayapi.SubmitRequest) (draft, base) {
	b := newBase()
	d := draft{
		fieldEntrypoint: b.script(r.Entrypoint),
		fieldCPUs:       number(r.NumCPUs),
		fieldGPUs:       number(r.NumGPUs),
		fieldMemory:     bytesText(r.Memory),
	}
	meta := maps.Clone(r.Metadata)
	if name, has := meta[fieldName]; has && name != "" && name != ledger.Redacted && b.keep("", name) == name {
		d[fieldName] = name
		delete(meta, fieldName)
	}
	d[fieldMetadata] = b.lines(meta, slices.Sorted(maps.Keys(meta)))
	d[fieldLabels] = b.lines(r.LabelSelector, slices.Sorted(maps.Keys(r.LabelSelector)))
	resources := make([]string, 0, len(r.Resources))
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		resources = append(resources, name+"="+strconv.FormatFloat(r.Resources[name], 'g', -1, 64))
	}
	d[fieldResources] = strings.Join(resources, "\n")
	env, err := renv.ParseJSON(r.RuntimeEnv)
	if err != nil {
		return d, b
	}
	b.origin = env
	maps.Copy(d, b.spread(env))
	return d, b
}

func (b base) lines(values map[string]string, names []string) string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, b.keepValue(name, values[name]))
	}
	return strings.Join(out, "\n")
}

// keepValue is the line of one entry. A value that the server hides is left
// out, and its name remembered.
func (b base) keepValue(name, value string) string {
	if hiddenValue(value) {
		b.hidden[name] = true
		value = ""
	}
	return b.keep(name+"=", value)
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

// read builds the request from the fields. What is wrong goes to c; the request
// then lacks it. The working dir is set as env key when it is a URI; a local
// path that must be uploaded first is left out.
func (d draft) read(c *checker, dir workDir) rayapi.SubmitRequest {
	var r rayapi.SubmitRequest
	r.Entrypoint = c.entrypoint(c.base.value(d[fieldEntrypoint], d[fieldEntrypoint]))
	r.SubmissionID = c.id(strings.TrimSpace(d[fieldID]))
	c.dir(dir)
	r.RuntimeEnv = c.environment(d, dir.uri).JSON()
	for _, mod := range c.modules {
		c.say(fieldModules, mod.reason)
	}
	r.Metadata = c.metadata(d[fieldMetadata], strings.TrimSpace(d[fieldName]))
	r.NumCPUs = c.amount(fieldCPUs, d[fieldCPUs])
	r.NumGPUs = c.amount(fieldGPUs, d[fieldGPUs])
	r.Memory = c.memory(d[fieldMemory])
	r.Resources = c.resources(d[fieldResources])
	r.LabelSelector = c.labels(d[fieldLabels])
	return r
}

// pair is one line of a list of the form K=V.
type pair struct {
	key, value string
	raw        json.RawMessage // a value that is no text
	quoted     bool            // a text in JSON
}

// excludes returns the patterns that an upload leaves out.
func (d draft) excludes() []string { return entries(d[fieldExcludes]) }

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
