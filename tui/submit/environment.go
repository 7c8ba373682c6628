package submit

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"dray/backend/jobspec"
	"dray/tui/submit/renv"
)

// The choices of fields about the runtime environment.
const (
	installNone = "none"
	eagerYes    = "yes"
	eagerNo     = "no"
)

// spread returns the fields that show a runtime environment. What no field can
// show stays in the origin.
func (b base) spread(v renv.Value) draft {
	d := draft{fieldInstaller: installNone, fieldEager: eagerYes}
	for _, k := range v {
		switch k.Name {
		case "working_dir":
			var dir string
			if jobspec.TypeName(k.Raw) == "text" && json.Unmarshal(k.Raw, &dir) == nil {
				d[fieldDir] = dir
				b.raws[k.Name] = rawText{strings.TrimSpace(dir), k.Raw}
			}
		case "excludes", "py_modules":
			if lines, ok := b.listText(k.Raw); ok {
				b.show(d, k, lines)
			}
		case "pip", "uv":
			if lines, ok := b.packagesText(k.Raw); ok && d[fieldInstaller] == installNone {
				d[fieldInstaller] = k.Name
				b.show(d, k, lines)
			}
		case "conda":
			if text, ok := condaText(k.Raw); ok && d[fieldInstaller] == installNone {
				d[fieldInstaller] = k.Name
				b.show(d, k, text)
			}
		case "env_vars":
			if lines, ok := b.varsText(k.Raw); ok {
				b.show(d, k, lines)
			}
		case "image_uri", "worker_process_setup_hook":
			var s string
			if jobspec.TypeName(k.Raw) == "text" && json.Unmarshal(k.Raw, &s) == nil && b.keep("", s) == s {
				b.show(d, k, s)
			}
		case "config":
			b.spreadConfig(d, k)
		}
	}
	return d
}

// show puts text into the field of a key, and remembers what it stands for.
func (b base) show(d draft, k renv.Key, text string) {
	d[k.Name] = text
	b.raws[k.Name] = rawText{text, k.Raw}
}

func (b base) listText(raw json.RawMessage) (string, bool) {
	var list []*string
	if json.Unmarshal(raw, &list) != nil || jobspec.TypeName(raw) != "a list" {
		return "", false
	}
	lines := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return "", false
		}
		lines[i] = b.keep("", *s)
	}
	return strings.Join(lines, "\n"), true
}

// packagesText takes the list alone, or that in the object form, whose other
// keys stay as they are.
func (b base) packagesText(raw json.RawMessage) (string, bool) {
	if jobspec.TypeName(raw) != "an object" {
		return b.listText(raw)
	}
	v, err := renv.ParseJSON(raw)
	if err != nil || v.Get("packages") == nil {
		return "", false
	}
	return b.listText(v.Get("packages"))
}

func condaText(raw json.RawMessage) (string, bool) {
	var s string
	switch jobspec.TypeName(raw) {
	case "an object":
		return strings.TrimSuffix(renv.YAML(raw), "\n"), true
	case "text":
		return s, json.Unmarshal(raw, &s) == nil && !strings.ContainsAny(s, "\n:")
	}
	return "", false
}

func (b base) varsText(raw json.RawMessage) (string, bool) {
	if jobspec.TypeName(raw) != "an object" {
		return "", false
	}
	vars, err := renv.ParseJSON(raw)
	if err != nil {
		return "", false
	}
	lines := make([]string, 0, len(vars))
	for _, v := range vars {
		var s string
		if jobspec.TypeName(v.Raw) != "text" || json.Unmarshal(v.Raw, &s) != nil {
			line := v.Name + "=" + strings.ReplaceAll(string(v.Raw), "\n", " ")
			b.odd[line] = v.Raw
			lines = append(lines, line)
			continue
		}
		lines = append(lines, b.keepValue(v.Name, s))
	}
	return strings.Join(lines, "\n"), true
}

func (b base) spreadConfig(d draft, k renv.Key) {
	v, err := renv.ParseJSON(k.Raw)
	if err != nil {
		return
	}
	timeout, eager := string(v.Get("setup_timeout_seconds")), eagerYes
	if _, err := strconv.Atoi(timeout); timeout != "" && err != nil {
		return
	}
	switch string(v.Get("eager_install")) {
	case "", "true":
	case "false":
		eager = eagerNo
	default:
		return
	}
	d[fieldTimeout], d[fieldEager] = timeout, eager
	b.raws[k.Name] = rawText{timeout + "\n" + eager, k.Raw}
}

// entries are the lines of a list that say something.
func entries(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// environment builds the runtime environment from the fields: keys that came
// with it keep their place and, when nobody touched them, their exact text; new
// ones follow.
func (c *checker) environment(d draft, uri string) renv.Value {
	set := map[string]json.RawMessage{}
	put := func(name, text string, build func() json.RawMessage) {
		if was, ok := c.base.raws[name]; ok && was.text == text && (text != "" || len(was.raw) > 0) {
			set[name] = was.raw
			return
		}
		set[name] = build()
	}
	put("working_dir", uri, func() json.RawMessage { return textRaw(uri) })
	for _, name := range []string{fieldExcludes, fieldModules} {
		put(name, d[name], func() json.RawMessage { return c.listRaw(d[name]) })
	}
	for _, name := range []string{fieldPip, fieldUv, fieldConda} {
		if d[fieldInstaller] == name {
			put(name, d[name], func() json.RawMessage { return c.installerRaw(name, d[name]) })
		}
	}
	vars := c.envVars(d[fieldEnv])
	put(fieldEnv, d[fieldEnv], func() json.RawMessage { return c.varsRaw(vars) })
	put(fieldImage, d[fieldImage], func() json.RawMessage { return textRaw(strings.TrimSpace(d[fieldImage])) })
	put(fieldHook, d[fieldHook], func() json.RawMessage { return textRaw(strings.TrimSpace(d[fieldHook])) })
	if _, shown := c.base.raws["config"]; shown || d[fieldTimeout] != "" || d[fieldEager] == eagerNo {
		put("config", d[fieldTimeout]+"\n"+d[fieldEager], func() json.RawMessage { return c.configRaw(d[fieldTimeout], d[fieldEager]) })
	}
	v := c.base.arranged(set, d)
	c.lint(v)
	return v
}

// arranged puts the values in the order of the origin. A working dir that is
// new comes first, as Ray's own client has it.
func (b base) arranged(set map[string]json.RawMessage, d draft) renv.Value {
	var v renv.Value
	if raw := set["working_dir"]; raw != nil && b.origin.Get("working_dir") == nil {
		v = append(v, renv.Key{Name: "working_dir", Raw: raw})
	}
	for _, k := range b.origin {
		raw, field := set[k.Name]
		switch {
		case raw != nil:
			v = append(v, renv.Key{Name: k.Name, Raw: raw})
		case !field && !b.replaced(k.Name, d):
			v = append(v, k)
		case field && b.raws[k.Name].raw == nil:
			v = append(v, k) // no field can show it: it is what it was
		}
	}
	for _, name := range []string{fieldExcludes, fieldModules, fieldPip, fieldUv, fieldConda, fieldImage, "config", fieldHook, fieldEnv} {
		if raw := set[name]; raw != nil && b.origin.Get(name) == nil {
			v = append(v, renv.Key{Name: name, Raw: raw})
		}
	}
	return v
}

// replaced reports an installer that was there, had a field, and is not the one
// chosen now.
func (b base) replaced(name string, d draft) bool {
	_, shown := b.raws[name]
	return shown && slices.Contains([]string{fieldPip, fieldUv, fieldConda}, name) && d[fieldInstaller] != name
}

// extras are the keys that no field shows.
func (b base) extras() renv.Value {
	var v renv.Value
	for _, k := range b.origin {
		if _, shown := b.raws[k.Name]; !shown {
			v = append(v, k)
		}
	}
	return v
}

func textRaw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return renv.Marshal(s)
}

func (c *checker) listRaw(text string) json.RawMessage {
	list := entries(text)
	for i, l := range list {
		list[i] = c.base.value(l, l)
	}
	if len(list) == 0 {
		return nil
	}
	return renv.Marshal(list)
}

// installerRaw keeps the other keys of an object form.
func (c *checker) installerRaw(name, text string) json.RawMessage {
	if name == fieldConda {
		return c.condaRaw(text)
	}
	list := entries(text)
	for i, l := range list {
		list[i] = c.base.value(l, l)
	}
	if len(list) == 0 {
		c.fail(name, "no package is named: write one on each line, or choose none")
		return nil
	}
	raw := renv.Marshal(list)
	if was := c.base.origin.Get(name); jobspec.TypeName(was) == "an object" {
		v, err := renv.ParseJSON(was)
		for i := range v {
			if v[i].Name == "packages" {
				v[i].Raw = raw
			}
		}
		if err == nil {
			return v.JSON()
		}
	}
	return raw
}

func (c *checker) condaRaw(text string) json.RawMessage {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		c.fail(fieldConda, "no environment is named: write its name, or the lines of an environment file, or choose none")
		return nil
	case !strings.ContainsAny(trimmed, "\n:"):
		return renv.Marshal(trimmed)
	}
	raw, err := renv.Conda(text)
	if err != nil {
		c.fail(fieldConda, "%s", err)
		return nil
	}
	return raw
}

func (c *checker) varsRaw(vars []pair) json.RawMessage {
	var v renv.Value
	for _, p := range vars {
		raw := p.raw
		if raw == nil {
			raw = renv.Marshal(p.value)
		}
		v = append(v, renv.Key{Name: p.key, Raw: raw})
	}
	return v.JSON()
}

// configRaw changes the two values that have fields and leaves the others.
func (c *checker) configRaw(timeout, eager string) json.RawMessage {
	v, err := renv.ParseJSON(c.base.origin.Get("config"))
	if err != nil {
		v = nil
	}
	v = slices.Clone(v)
	if timeout = strings.TrimSpace(timeout); timeout != "" {
		if why := jobspec.CheckTimeout(timeout); why != "" {
			c.fail(fieldTimeout, "%s", why)
			timeout = ""
		}
	}
	v = with(v, "setup_timeout_seconds", json.RawMessage(timeout))
	switch {
	case eager == eagerNo:
		v = with(v, "eager_install", json.RawMessage("false"))
	case v.Get("eager_install") != nil:
		v = with(v, "eager_install", json.RawMessage("true"))
	}
	return v.JSON()
}

// with sets a key, or takes it out when raw is empty.
func with(v renv.Value, name string, raw json.RawMessage) renv.Value {
	i := slices.IndexFunc(v, func(k renv.Key) bool { return k.Name == name })
	switch {
	case len(raw) == 0 && i >= 0:
		return slices.Delete(v, i, i+1)
	case len(raw) == 0:
		return v
	case i >= 0:
		v[i].Raw = raw
		return v
	}
	return append(v, renv.Key{Name: name, Raw: raw})
}
