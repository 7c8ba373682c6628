package jobspec

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Parse reads a whole job; name is what its errors call the file. What is
// wrong is an *Error; the spec then holds what could be read.
func Parse(name string, data []byte) (Spec, error) { return parse(name, data, true) }

// ParseTemplate reads like Parse a job that need not be whole: it may lack the
// entrypoint, and hold FillIn where a secret was left out.
func ParseTemplate(name string, data []byte) (Spec, error) { return parse(name, data, false) }

func parse(name string, data []byte, whole bool) (Spec, error) {
	n, p := document(data)
	if p != nil {
		return Spec{}, &Error{Name: name, Problems: []Problem{*p}}
	}
	r := reader{places: map[string]*yaml.Node{}}
	r.document(n)
	for _, p := range r.spec.Check() {
		switch {
		case p.Warning:
		case !whole && (p.Field == "entrypoint" && r.spec.Entrypoint == "" || p.Text == mustFill):
		case r.wrong(p.Field):
		default:
			p.Line, p.Column = r.place(p.Field, n)
			r.problems = append(r.problems, p)
		}
	}
	if len(r.problems) == 0 {
		return r.spec, nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return r.spec, &Error{Name: name, Problems: r.problems}
}

// reader fills a spec from a document.
type reader struct {
	spec     Spec
	problems []Problem
	places   map[string]*yaml.Node // of the values, by field
	convert  converter
}

// wrong reports that a problem of the field was found before.
func (r *reader) wrong(field string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool {
		return p.Field == field || strings.HasPrefix(field, p.Field+".")
	})
}

// place finds a field, or the nearest thing that it is in.
func (r *reader) place(field string, whole *yaml.Node) (line, column int) {
	for field != "" {
		if n := r.places[field]; n != nil {
			return n.Line, n.Column
		}
		field = field[:max(0, strings.LastIndexByte(field, '.'))]
	}
	return whole.Line, whole.Column
}

func (r *reader) fail(n *yaml.Node, field, format string, args ...any) {
	r.problems = append(r.problems, *problemAt(n, field, format, args...))
}

// mark remembers the places of what is in n, three levels deep.
func (r *reader) mark(n *yaml.Node, field string, depth int) {
	r.places[field] = n
	if n.Kind == yaml.MappingNode && depth > 0 {
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.mark(n.Content[i+1], field+"."+n.Content[i].Value, depth-1)
		}
	}
}

func (r *reader) document(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "", "a job is keys and values, such as entrypoint: COMMAND, not %s", kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, p := keyName(key, "", seen)
		if p != nil {
			r.problems = append(r.problems, *p)
			continue
		}
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		read, known := fieldReaders()[name]
		if !known {
			r.fail(key, name, "there is no such key; %s", advice(name))
			continue
		}
		r.mark(value, name, 2)
		if value.ShortTag() != "!!null" { // as the Jobs API does, null is as good as nothing
			read(r, value, name)
		}
	}
}

func fieldReaders() map[string]func(*reader, *yaml.Node, string) {
	return map[string]func(*reader, *yaml.Node, string){
		"$schema":                   func(*reader, *yaml.Node, string) {},
		"entrypoint":                func(r *reader, n *yaml.Node, f string) { r.spec.Entrypoint = r.text(n, f) },
		"submission_id":             func(r *reader, n *yaml.Node, f string) { r.spec.SubmissionID = r.text(n, f) },
		workingDir:                  func(r *reader, n *yaml.Node, f string) { r.spec.WorkingDir = r.text(n, f) },
		"after":                     func(r *reader, n *yaml.Node, f string) { r.spec.After = r.text(n, f) },
		"runtime_env":               (*reader).runtimeEnv,
		"metadata":                  func(r *reader, n *yaml.Node, f string) { r.metadata(r.texts(n, f)) },
		"entrypoint_num_cpus":       func(r *reader, n *yaml.Node, f string) { r.spec.NumCPUs = r.number(n, f) },
		"entrypoint_num_gpus":       func(r *reader, n *yaml.Node, f string) { r.spec.NumGPUs = r.number(n, f) },
		"entrypoint_memory":         func(r *reader, n *yaml.Node, f string) { r.spec.Memory = r.memory(n, f) },
		"entrypoint_resources":      func(r *reader, n *yaml.Node, f string) { r.spec.Resources = r.numbers(n, f) },
		"entrypoint_label_selector": func(r *reader, n *yaml.Node, f string) { r.spec.LabelSelector = r.texts(n, f) },
		"deadline":                  func(r *reader, n *yaml.Node, f string) { r.wish(n, f, MetaDeadline, r.seconds(n, f)) },
		"retry_delay":               func(r *reader, n *yaml.Node, f string) { r.wish(n, f, MetaDelay, r.seconds(n, f)) },
		"retries":                   func(r *reader, n *yaml.Node, f string) { r.wish(n, f, MetaRetries, r.number(n, f)) },
	}
}

// advice says what to write in place of an unknown key.
func advice(name string) string {
	if _, known := (&envLinter{}).checks()[name]; known {
		return "write it under runtime_env"
	}
	switch name {
	case "command", "cmd":
		return "write entrypoint"
	case "id", "job_id", "name":
		return "write submission_id"
	case "cpus", "gpus":
		return "write entrypoint_num_" + name
	case "num_cpus", "num_gpus", "memory", "resources", "label_selector":
		return "write entrypoint_" + name
	}
	return "the keys are " + strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(fieldReaders())), func(k string) bool { return k[0] == '$' }), ", ")
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	default: // a scalar
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + clip(n.Value)
	case "!!bool":
		return "the truth value " + clip(n.Value)
	case "!!null":
		return "nothing"
	}
	return "the text " + strconv.Quote(clip(n.Value))
}

func (r *reader) text(n *yaml.Node, field string) string {
	if n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp") {
		return n.Value
	}
	hint := ""
	if n.Kind == yaml.ScalarNode {
		hint = fmt.Sprintf(": put it in quotes, %q", clip(n.Value))
	}
	r.fail(n, field, "it must be text, not %s%s", kind(n), hint)
	return ""
}

// each reads the keys of an object.
func (r *reader) each(n *yaml.Node, field string, read func(name string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, field, "it must be keys and values, not %s", kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, p := keyName(n.Content[i], field, seen)
		if p != nil {
			r.problems = append(r.problems, *p)
			continue
		}
		value := n.Content[i+1]
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		read(name, value)
	}
}

func (r *reader) texts(n *yaml.Node, field string) map[string]string {
	var m map[string]string
	r.each(n, field, func(name string, value *yaml.Node) {
		if m == nil {
			m = map[string]string{}
		}
		m[name] = r.text(value, field+"."+name)
	})
	return m
}

func (r *reader) numbers(n *yaml.Node, field string) map[string]float64 {
	var m map[string]float64
	r.each(n, field, func(name string, value *yaml.Node) {
		if m == nil {
			m = map[string]float64{}
		}
		m[name] = r.number(value, field+"."+name)
	})
	return m
}

func (r *reader) number(n *yaml.Node, field string) float64 {
	var v float64
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" {
		hint := ""
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			hint = ": write it without quotes"
		}
		r.fail(n, field, "it must be a number, not %s%s", kind(n), hint)
		return 0
	}
	if err := n.Decode(&v); err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		r.fail(n, field, "%s is no amount", clip(n.Value))
		return 0
	}
	return v
}

func (r *reader) memory(n *yaml.Node, field string) int64 {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		v, err := ParseBytes(n.Value)
		if err != nil {
			r.fail(n, field, "%s", err)
		}
		return v
	}
	var whole int64
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" && n.Decode(&whole) == nil {
		return whole // a number would round above 2^53
	}
	v := r.number(n, field)
	if v != math.Trunc(v) || v >= math.MaxInt64 {
		r.fail(n, field, "%s is no whole number of bytes: write one, or such as 16GiB", clip(n.Value))
		return 0
	}
	return int64(v)
}

var amountOfBytes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) *([KkMmGgTt]i?[Bb]|[Bb])?$`) })

// ParseBytes reads an amount such as 1073741824, 512MiB, 16 GiB or 1.5TB.
func ParseBytes(s string) (int64, error) {
	m := amountOfBytes().FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no amount of bytes: write a number, or such as 512MiB or 16GiB", clip(s))
	}
	v, err := strconv.ParseFloat(m[1], 64)
	base := 1000.0
	if len(m[2]) == 3 {
		base = 1024
	}
	if m[2] != "" {
		v *= math.Pow(base, float64(strings.IndexByte("bkmgt", strings.ToLower(m[2])[0])))
	}
	switch {
	case err != nil || v >= math.MaxInt64:
		return 0, fmt.Errorf("%s is too much", clip(s))
	case v != math.Trunc(v):
		return 0, fmt.Errorf("%s is no whole number of bytes", clip(s))
	}
	return int64(v), nil
}

// seconds reads a number of seconds or a duration such as 1h30m.
func (r *reader) seconds(n *yaml.Node, field string) float64 {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		d, err := time.ParseDuration(n.Value)
		if err != nil {
			r.fail(n, field, "%q is no duration: write seconds, or such as 90s or 1h30m", clip(n.Value))
		}
		return d.Seconds()
	}
	return r.number(n, field)
}

// wish writes one of dray's own options where its server looks for it.
func (r *reader) wish(n *yaml.Node, field, key string, value float64) {
	if _, twice := r.spec.Metadata[key]; twice {
		r.fail(n, field, "metadata.%s says it too: remove one", key)
		return
	}
	r.metadata(map[string]string{key: strconv.FormatFloat(value, 'f', -1, 64)})
	r.places["metadata."+key] = n
}

func (r *reader) metadata(m map[string]string) {
	for k := range m {
		if _, twice := r.spec.Metadata[k]; twice {
			r.fail(r.places["metadata"], "metadata."+k, "another key says it too: remove one")
		}
	}
	r.spec.Metadata = merged(r.spec.Metadata, m)
}

func (r *reader) runtimeEnv(n *yaml.Node, field string) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, field, "it must be keys and values, not %s", kind(n))
		return
	}
	raw, p := r.convert.json(n, field, 0)
	if p != nil {
		r.problems = append(r.problems, *p)
		return
	}
	if isObject(raw) && string(raw) != "{}" {
		r.spec.RuntimeEnv = raw
	}
}

func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
