package renv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Problem is something wrong, or likely to be, with one key.
type Problem struct {
	Key  string // top-level name
	Text string
	Warn bool // it can be sent all the same
}

// linter collects problems in the order of the keys.
type linter struct {
	problems []Problem
}

func (l *linter) bad(key, format string, args ...any) {
	l.problems = append(l.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (l *linter) warn(key, format string, args ...any) {
	l.problems = append(l.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...), Warn: true})
}

// Lint checks v by the rules of Ray's own client, which finds them before
// anything is sent, and by those that only a running job would meet.
func Lint(v Value) []Problem {
	var l linter
	checks := map[string]func(key string, raw json.RawMessage){
		"working_dir": l.text, "excludes": l.texts, "py_modules": l.modules,
		"pip":       l.packager("packages", "pip_check", "pip_version", "pip_install_options"),
		"uv":        l.packager("packages", "uv_check", "uv_version", "uv_pip_install_options"),
		"conda":     l.conda,
		"env_vars":  l.envVars,
		"config":    l.config,
		"image_uri": l.text, "py_executable": l.text,
		"container":                 l.container,
		"worker_process_setup_hook": l.hook,
		"nsight":                    l.textOrObject, "_nsight": l.textOrObject, "rocprof_sys": l.textOrObject, "_rocprof_sys": l.textOrObject,
		"java_jars": l.texts,
	}
	for _, k := range v {
		check, known := checks[k.Name]
		switch {
		case known:
			check(k.Name, k.Raw)
		case k.Name == "mpi":
			l.warn(k.Name, "mpi is no longer a field of Ray: it is ignored")
		case k.Name == "":
			l.bad(k.Name, "a key has no name")
		case !strings.HasPrefix(k.Name, "_"):
			l.warn(k.Name, "%s is no field of Ray itself: it is passed on as it is%s", clip(k.Name), near(k.Name, checks))
		}
	}
	l.together(v)
	return l.problems
}

// near names the known key that was probably meant.
func near(name string, known map[string]func(string, json.RawMessage)) string {
	plain := func(s string) string {
		return strings.Trim(strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s)), "s")
	}
	for k := range known {
		if plain(k) == plain(name) {
			return "; did you mean " + k + "?"
		}
	}
	for wrong, right := range map[string]string{"env": "env_vars", "envvars": "env_vars", "environment": "env_vars", "requirements": "pip", "image": "image_uri", "exclude": "excludes", "workdir": "working_dir"} {
		if plain(wrong) == plain(name) {
			return "; did you mean " + right + "?"
		}
	}
	return ""
}

// together checks what excludes each other.
func (l *linter) together(v Value) {
	var installers []string
	for _, name := range []string{"pip", "uv", "conda"} {
		if v.Get(name) != nil {
			installers = append(installers, name)
		}
	}
	if len(installers) > 1 {
		l.bad(installers[1], "%s cannot be set together: keep one of them", strings.Join(installers, " and "))
	}
	for _, image := range []string{"image_uri", "container"} {
		if v.Get(image) == nil {
			continue
		}
		var others []string
		for _, k := range v {
			if !slices.Contains([]string{image, "config", "env_vars"}, k.Name) && !strings.HasPrefix(k.Name, "_") {
				others = append(others, k.Name)
			}
		}
		if len(others) > 0 {
			l.bad(image, "%s goes with config and env_vars only: take out %s", image, strings.Join(others, ", "))
		}
	}
}

func (l *linter) text(key string, raw json.RawMessage) {
	if TypeName(raw) != "text" {
		l.bad(key, "%s must be text, got %s", key, TypeName(raw))
	}
}

func (l *linter) textOrObject(key string, raw json.RawMessage) {
	if t := TypeName(raw); t != "text" && t != "an object" {
		l.bad(key, "%s must be text or an object, got %s", key, t)
	}
}

// texts checks a list of texts and returns those that are.
func (l *linter) texts(key string, raw json.RawMessage) { l.textList(key, key, raw) }

func (l *linter) textList(key, path string, raw json.RawMessage) []string {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || TypeName(raw) != "a list" {
		l.bad(key, "%s must be a list of texts, got %s", path, TypeName(raw))
		return nil
	}
	out := make([]string, 0, len(items))
	for i, item := range items {
		var s string
		if TypeName(item) != "text" || json.Unmarshal(item, &s) != nil {
			l.bad(key, "%s, entry %d must be text, got %s", path, i+1, TypeName(item))
			continue
		}
		out = append(out, s)
	}
	return out
}

func (l *linter) modules(key string, raw json.RawMessage) {
	for _, m := range l.textList(key, key, raw) {
		if why := CheckURI(m, true); why != "" {
			l.bad(key, "%s", why)
		}
	}
}

// CheckURI says why a text cannot be a package address in a runtime
// environment, or "". A wheel is one for modules only.
func CheckURI(s string, module bool) string {
	scheme, rest, ok := strings.Cut(s, "://")
	suffixes := []string{".zip", ".tar.gz", ".tgz", ".tar.xz"}
	what := "an archive: .zip, .tar.gz, .tgz or .tar.xz"
	if module {
		suffixes = append(suffixes, ".whl")
		what = "an archive or a wheel: .zip, .tar.gz, .tgz, .tar.xz or .whl"
	}
	switch {
	case strings.TrimSpace(s) == "":
		return "an entry is blank"
	case !ok:
		return fmt.Sprintf("%q is a local path, where a URI is needed: https://..., s3://..., or local:///absolute/path on the node", clip(s))
	case scheme == "local" && !strings.HasPrefix(rest, "/"):
		return "local:// needs an absolute path, as in local:///home/ana/project"
	case scheme == "local":
		return ""
	case !slices.Contains([]string{"gcs", "http", "https", "s3", "gs", "azure", "abfss", "file"}, scheme):
		return fmt.Sprintf("Ray cannot fetch %s://: use https, s3, gs, azure, abfss, file or local", clip(scheme))
	case !slices.ContainsFunc(suffixes, func(x string) bool { return strings.HasSuffix(rest, x) }):
		return fmt.Sprintf("%q must name %s", clip(s), what)
	}
	return ""
}

// packager checks pip or uv, whose object form has these four keys.
func (l *linter) packager(list, check, version, options string) func(string, json.RawMessage) {
	return func(key string, raw json.RawMessage) {
		switch TypeName(raw) {
		case "a list":
			l.requirements(key, l.textList(key, key, raw))
		case "text":
			l.bad(key, "%s is the name of a file, which the cluster does not have: import it", key)
		case "an object":
			keys, err := keysOf(raw)
			if err != nil {
				return
			}
			for _, k := range keys {
				path := key + "." + k.Name
				switch k.Name {
				case list:
					if key == "pip" && TypeName(k.Raw) == "text" {
						l.bad(key, "%s is the name of a file, which the cluster does not have: import it", path)
						continue
					}
					l.requirements(key, l.textList(key, path, k.Raw))
				case check:
					l.want(key, path, k.Raw, "true or false")
				case version:
					l.want(key, path, k.Raw, "text")
				case options:
					l.textList(key, path, k.Raw)
				default:
					l.bad(key, "%s can only have %s, %s, %s and %s, got %s", key, list, check, version, options, clip(k.Name))
				}
			}
			if keys.Get(list) == nil {
				l.bad(key, "%s has no packages", key)
			}
		default:
			l.bad(key, "%s must be a list of packages, got %s", key, TypeName(raw))
		}
	}
}

func (l *linter) want(key, path string, raw json.RawMessage, want string) {
	if t := TypeName(raw); t != want && t != "nothing" {
		l.bad(key, "%s must be %s, got %s", path, want, t)
	}
}

func (l *linter) requirements(key string, lines []string) {
	for _, s := range lines {
		if why := CheckRequirement(s); why != "" {
			l.bad(key, "%s", why)
		}
		if name, _, _ := strings.Cut(strings.ToLower(s), "="); strings.TrimRight(strings.TrimSpace(name), "<>~!") == "ray" {
			l.warn(key, "%s would replace the cluster's own Ray, which Ray refuses if the version differs", clip(s))
		}
	}
}

func (l *linter) conda(key string, raw json.RawMessage) {
	var s string
	switch TypeName(raw) {
	case "text":
		_ = json.Unmarshal(raw, &s)
		switch {
		case strings.TrimSpace(s) == "":
			l.bad(key, "conda names no environment")
		case strings.HasSuffix(s, ".yml"), strings.HasSuffix(s, ".yaml"):
			l.bad(key, "%s is a local file, which the cluster does not have: import it", clip(s))
		}
	case "an object":
		if e, err := keysOf(raw); err == nil && e.Get("dependencies") != nil && TypeName(e.Get("dependencies")) != "a list" {
			l.bad(key, "conda.dependencies must be a list, got %s", TypeName(e.Get("dependencies")))
		}
	default:
		l.bad(key, "conda must be the name of an environment or an object, got %s", TypeName(raw))
	}
}

func (l *linter) envVars(key string, raw json.RawMessage) {
	if TypeName(raw) != "an object" {
		l.bad(key, "env_vars must be an object of texts, got %s", TypeName(raw))
		return
	}
	vars, err := keysOf(raw)
	if err != nil {
		return
	}
	for _, v := range vars {
		if TypeName(v.Raw) != "text" {
			l.bad(key, "%s must be text, got %s%s", clip(v.Name), TypeName(v.Raw), quoteHint(v.Raw))
		}
		if why := CheckVar(v.Name); why != "" {
			l.bad(key, "%s", why)
		}
		if why := Clash(v.Name); why != "" {
			l.warn(key, "%s", why)
		}
	}
}

func quoteHint(raw json.RawMessage) string {
	if t := TypeName(raw); t == "a number" || t == "true or false" {
		return fmt.Sprintf(": write \"%s\" in quotes", clip(string(bytes.TrimSpace(raw))))
	}
	return ""
}

// CheckVar says why a text cannot name an environment variable, or "".
func CheckVar(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "a variable has no name"
	case strings.ContainsAny(name, " \t\n\r"):
		return fmt.Sprintf("the name %q contains a blank", clip(name))
	case strings.ContainsAny(name, "=\x00"):
		return fmt.Sprintf("the name %q contains a character that no name can have", clip(name))
	}
	return ""
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Clash says why a variable may not do what was meant: the cluster sets it
// itself, or needs it. "" when nothing is known.
func Clash(name string) string {
	switch {
	case name == "":
		return ""
	case strings.HasPrefix(name, "RAY_"):
		return name + " is one of Ray's own settings: the cluster may override it, or break"
	case name == "PATH":
		return "PATH replaces the one of the node: append to it, as in /my/bin:$PATH"
	case name == "PYTHONPATH":
		return "PYTHONPATH is also set by working_dir and py_modules: append to it, as in ./src:$PYTHONPATH"
	case name == "LD_LIBRARY_PATH", name == "LD_PRELOAD", name == "PYTHONHOME":
		return name + " may keep the node's own Python from starting"
	case name == "CUDA_VISIBLE_DEVICES":
		return "CUDA_VISIBLE_DEVICES is set by Ray from the GPUs that the job asks for"
	case name == "HOME", name == "USER", name == "PWD", name == "SHELL":
		return name + " is set by the node"
	case name == "VIRTUAL_ENV", name == "CONDA_PREFIX", name == "CONDA_DEFAULT_ENV":
		return name + " is set by the environment that pip, uv or conda makes"
	case !variable.MatchString(name):
		return clip(name) + " is no name for a shell: letters, digits and _ only"
	}
	return ""
}

func (l *linter) config(key string, raw json.RawMessage) {
	keys, err := keysOf(raw)
	if TypeName(raw) != "an object" || err != nil {
		l.bad(key, "config must be an object, got %s", TypeName(raw))
		return
	}
	for _, k := range keys {
		switch k.Name {
		case "setup_timeout_seconds":
			if why := CheckTimeout(string(k.Raw)); why != "" {
				l.bad(key, "%s", why)
			}
		case "eager_install":
			l.want(key, "eager_install", k.Raw, "true or false")
		case "log_files":
			l.textList(key, "log_files", k.Raw)
		default:
			l.warn(key, "config.%s is not known to Ray, which leaves it out", clip(k.Name))
		}
	}
}

// CheckTimeout says why a text cannot be setup_timeout_seconds, or "".
func CheckTimeout(s string) string {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	switch {
	case err != nil:
		return fmt.Sprintf("setup_timeout_seconds must be a whole number, got %s", clip(s))
	case n <= 0 && n != -1:
		return fmt.Sprintf("setup_timeout_seconds must be greater than zero, or -1 for no limit, got %d", n)
	}
	return ""
}

func (l *linter) container(key string, raw json.RawMessage) {
	keys, err := keysOf(raw)
	switch {
	case TypeName(raw) != "an object" || err != nil:
		l.bad(key, "container must be an object with an image, got %s", TypeName(raw))
	case keys.Get("image") == nil:
		l.bad(key, "container has no image")
	default:
		l.want(key, "container.image", keys.Get("image"), "text")
	}
}

var hookName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

func (l *linter) hook(key string, raw json.RawMessage) {
	var s string
	if TypeName(raw) != "text" || json.Unmarshal(raw, &s) != nil {
		l.bad(key, "the setup hook must be text: a function's path, such as my_package.setup, got %s", TypeName(raw))
		return
	}
	if why := CheckHook(s); why != "" {
		l.bad(key, "%s", why)
	}
}

// CheckHook says why a text cannot be a setup hook, or "".
func CheckHook(s string) string {
	if hookName.MatchString(s) {
		return ""
	}
	return fmt.Sprintf("the setup hook %q must be a function's path in a module, such as my_package.setup", clip(s))
}
