package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dray/backend/rayapi"
)

const envField = "runtime_env"

// LintEnv checks a runtime environment by the rules of Ray's own client, which
// finds them before anything is sent, and by those that only a running job would
// meet. They are the rules of the form, of job files and of the command line.
// A Field is a path: "runtime_env.env_vars.PATH", "runtime_env.pip[1]".
//
// Ray's servers cannot read a requirements file or an environment.yml that is
// named; dray's own can, in the working dir. With files set that is a warning.
func LintEnv(raw json.RawMessage, files bool) []Problem {
	keys, err := members(raw)
	if err != nil {
		return []Problem{{Field: envField, Text: "it must be keys and values"}}
	}
	l := &envLinter{files: files}
	checks := l.checks()
	var set []member
	for _, k := range keys {
		field := envField + "." + k.name
		check, known := checks[k.name]
		switch {
		case k.name == "":
			l.fail(field, "a key has no name")
		case isNull(k.raw):
			continue // as good as nothing
		case known:
			check(field, k.raw)
		case k.name == "mpi":
			l.warn(field, "mpi is no longer a field of Ray: it is ignored")
		case !strings.HasPrefix(k.name, "_"): // Ray's own
			l.warn(field, "%s is no field of Ray itself: it is passed on as it is%s", clip(k.name), l.near(k.name))
		}
		set = append(set, k)
	}
	l.together(set)
	return l.problems
}

// envLinter collects problems in the order of the keys.
type envLinter struct {
	checker
	files bool // the server may read files that are named
}

// file says that a value is the name of a file.
func (l *envLinter) file(field, name string) {
	text := name + " is the name of a file, which a Ray cluster does not have: write what is in it"
	l.problems = append(l.problems, Problem{Field: field, Text: text, Warning: l.files, File: true})
}

func (l *envLinter) checks() map[string]func(field string, raw json.RawMessage) {
	return map[string]func(string, json.RawMessage){
		workingDir: l.dir, "excludes": func(f string, raw json.RawMessage) { l.texts(f, raw) }, "py_modules": l.modules,
		"pip":       l.packager("pip", "pip_check", "pip_version", "pip_install_options"),
		"uv":        l.packager("uv", "uv_check", "uv_version", "uv_pip_install_options"),
		"conda":     l.conda,
		"env_vars":  l.vars,
		"config":    l.config,
		"image_uri": l.text, "py_executable": l.text,
		"container":                 l.container,
		"worker_process_setup_hook": l.hook,
		"nsight":                    l.textOrObject, "_nsight": l.textOrObject, "rocprof_sys": l.textOrObject, "_rocprof_sys": l.textOrObject,
		"java_jars": func(f string, raw json.RawMessage) { l.texts(f, raw) },
	}
}

// near names the known key that was probably meant.
func (l *envLinter) near(name string) string {
	plain := func(s string) string {
		return strings.Trim(strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s)), "s")
	}
	for k := range l.checks() {
		if plain(k) == plain(name) {
			return "; did you mean " + k + "?"
		}
	}
	for wrong, right := range map[string]string{
		"env": "env_vars", "envvars": "env_vars", "environment": "env_vars", "requirements": "pip", "image": "image_uri", "exclude": "excludes", "workdir": workingDir,
	} {
		if plain(wrong) == plain(name) {
			return "; did you mean " + right + "?"
		}
	}
	return ""
}

// together checks what excludes each other.
func (l *envLinter) together(keys []member) {
	has := func(name string) bool {
		return slices.ContainsFunc(keys, func(k member) bool { return k.name == name })
	}
	var installers []string
	for _, name := range []string{"pip", "uv", "conda"} {
		if has(name) {
			installers = append(installers, name)
		}
	}
	if len(installers) > 1 {
		l.fail(envField+"."+installers[1], "%s cannot be set together: keep one of them", strings.Join(installers, " and "))
	}
	for _, image := range []string{"image_uri", "container"} {
		var others []string
		for _, k := range keys {
			if !slices.Contains([]string{image, "config", "env_vars"}, k.name) && !strings.HasPrefix(k.name, "_") {
				others = append(others, k.name)
			}
		}
		if has(image) && len(others) > 0 {
			l.fail(envField+"."+image, "%s goes with config and env_vars only: take out %s", image, strings.Join(others, ", "))
		}
	}
}

// lead is how a text begins that is about field: its path below runtime_env.
func lead(field string) string { return strings.TrimPrefix(field, envField+".") }

func (l *envLinter) want(field string, raw json.RawMessage, wants ...string) bool {
	got := TypeName(raw)
	if slices.Contains(wants, got) {
		return true
	}
	l.fail(field, "%s must be %s, got %s", lead(field), strings.Join(wants, " or "), got)
	return false
}

func (l *envLinter) text(field string, raw json.RawMessage) { l.want(field, raw, isText) }

func (l *envLinter) textOrObject(field string, raw json.RawMessage) {
	l.want(field, raw, isText, anObject)
}

// texts checks a list of texts and returns those that are, by their place.
func (l *envLinter) texts(field string, raw json.RawMessage) map[int]string {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || TypeName(raw) != aList {
		l.fail(field, "%s must be a list of texts, got %s", lead(field), TypeName(raw))
		return nil
	}
	out := make(map[int]string, len(items))
	for i, item := range items {
		var s string
		if TypeName(item) != isText || json.Unmarshal(item, &s) != nil {
			l.fail(entry(field, i), "%s, entry %d must be text, got %s", lead(field), i+1, TypeName(item))
			continue
		}
		out[i] = s
	}
	return out
}

func entry(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// inOrder calls f for each text of a list.
func inOrder(list map[int]string, f func(i int, s string)) {
	for i, n := 0, len(list); n > 0; i++ {
		if s, ok := list[i]; ok {
			f(i, s)
			n--
		}
	}
}

func (l *envLinter) dir(field string, raw json.RawMessage) {
	var dir string
	if !l.want(field, raw, isText) || json.Unmarshal(raw, &dir) != nil || unfilled(dir) {
		return
	}
	if strings.TrimSpace(dir) == "" {
		l.fail(field, "it is blank: name a folder, or remove the key")
	} else if why := CheckDir(dir); why != "" {
		l.fail(field, "%s", why)
	}
}

func (l *envLinter) modules(field string, raw json.RawMessage) {
	inOrder(l.texts(field, raw), func(i int, s string) {
		if why := CheckModule(s); why != "" && !unfilled(s) {
			l.fail(entry(field, i), "%s", why)
		}
	})
}

// packager checks pip or uv, whose object form has these keys beside packages.
func (l *envLinter) packager(kind, check, version, options string) func(string, json.RawMessage) {
	return func(field string, raw json.RawMessage) {
		switch TypeName(raw) {
		case aList:
			l.requirements(field, l.texts(field, raw))
			return
		case isText:
			l.file(field, kind)
			return
		case anObject:
		default:
			l.fail(field, "%s must be a list of packages, got %s", kind, TypeName(raw))
			return
		}
		keys, _ := members(raw)
		for _, k := range keys {
			at := field + "." + k.name
			switch {
			case k.name == packageList && kind == "pip" && TypeName(k.raw) == isText:
				l.file(at, lead(at))
			case k.name == packageList:
				l.requirements(at, l.texts(at, k.raw))
			case isNull(k.raw) && slices.Contains([]string{check, version, options}, k.name):
			case k.name == check:
				l.want(at, k.raw, trueFalse)
			case k.name == version:
				l.want(at, k.raw, isText)
			case k.name == options:
				l.texts(at, k.raw)
			default:
				l.fail(at, "%s can only have %s, %s, %s and %s, got %s", kind, packageList, check, version, options, clip(k.name))
			}
		}
		if lookup(raw, packageList) == nil {
			l.fail(field, "%s has no packages", kind)
		}
	}
}

const packageList = "packages"

func (l *envLinter) requirements(field string, lines map[int]string) {
	inOrder(lines, func(i int, s string) {
		if why := CheckRequirement(s); why != "" && !unfilled(s) {
			l.fail(entry(field, i), "%s", why)
		}
		if name, _, _ := strings.Cut(strings.ToLower(s), "="); strings.TrimRight(strings.TrimSpace(name), "<>~!") == "ray" {
			l.warn(entry(field, i), "%s would replace the cluster's own Ray, which Ray refuses if the version differs", clip(s))
		}
	})
}

func (l *envLinter) conda(field string, raw json.RawMessage) {
	var s string
	switch TypeName(raw) {
	case isText:
		_ = json.Unmarshal(raw, &s)
		switch {
		case strings.TrimSpace(s) == "":
			l.fail(field, "conda names no environment")
		case strings.HasSuffix(s, ".yml"), strings.HasSuffix(s, ".yaml"):
			l.file(field, clip(s))
		}
	case anObject:
		if list := lookup(raw, "dependencies"); list != nil {
			l.want(field+".dependencies", list, aList)
		}
	default:
		l.fail(field, "conda must be the name of an environment or an object, got %s", TypeName(raw))
	}
}

func (l *envLinter) vars(field string, raw json.RawMessage) {
	if TypeName(raw) != anObject {
		l.fail(field, "env_vars must be an object of texts, got %s", TypeName(raw))
		return
	}
	keys, _ := members(raw)
	total := 0
	for _, k := range keys {
		at := field + "." + k.name
		if why := CheckVar(k.name); why != "" {
			l.fail(at, "%s", why)
		}
		var v string
		if TypeName(k.raw) != isText || json.Unmarshal(k.raw, &v) != nil {
			l.fail(at, "%s must be text, got %s%s", clip(k.name), TypeName(k.raw), quoteHint(k.raw))
			continue
		}
		n := len(k.name) + 1 + len(v)
		total += n
		switch {
		case strings.ContainsRune(v, 0):
			l.fail(at, "the value of %s contains a NUL byte", clip(k.name))
		case n > rayapi.MaxEnvVar:
			l.fail(at, "%s has %d bytes, at most %d are allowed", clip(k.name), n, rayapi.MaxEnvVar)
		}
		if why := Clash(k.name); why != "" {
			l.warn(at, "%s", why)
		}
	}
	if total > rayapi.MaxEnvTotal {
		l.fail(field, "%d bytes in all, at most %d are allowed", total, rayapi.MaxEnvTotal)
	}
}

func quoteHint(raw json.RawMessage) string {
	if t := TypeName(raw); t == "a number" || t == trueFalse {
		return fmt.Sprintf(": write \"%s\" in quotes", clip(string(bytes.TrimSpace(raw))))
	}
	return ""
}

func (l *envLinter) config(field string, raw json.RawMessage) {
	if !l.want(field, raw, anObject) {
		return
	}
	keys, _ := members(raw)
	for _, k := range keys {
		at := field + "." + k.name
		switch {
		case isNull(k.raw):
		case k.name == "setup_timeout_seconds":
			if why := CheckTimeout(string(k.raw)); why != "" {
				l.fail(at, "%s", why)
			}
		case k.name == "eager_install":
			l.want(at, k.raw, trueFalse)
		case k.name == "log_files":
			l.texts(at, k.raw)
		default:
			l.warn(at, "config.%s is not known to Ray, which leaves it out", clip(k.name))
		}
	}
}

func (l *envLinter) container(field string, raw json.RawMessage) {
	switch {
	case TypeName(raw) != anObject:
		l.fail(field, "container must be an object with an image, got %s", TypeName(raw))
	case lookup(raw, "image") == nil:
		l.fail(field, "container has no image")
	default:
		l.want(field+".image", lookup(raw, "image"), isText)
	}
}

func (l *envLinter) hook(field string, raw json.RawMessage) {
	var s string
	if TypeName(raw) != isText || json.Unmarshal(raw, &s) != nil {
		l.fail(field, "the setup hook must be text: a function's path, such as my_package.setup, got %s", TypeName(raw))
	} else if why := CheckHook(s); why != "" {
		l.fail(field, "%s", why)
	}
}
