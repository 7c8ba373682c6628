package jobspec

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dray/backend/rayapi"
)

// envKeys are the keys of a runtime environment that Ray knows; any other
// passes through.
func envKeys() []string {
	return []string{
		workingDir, "excludes", "py_modules", "pip", "uv", "conda", "env_vars", "config", "image_uri", "container", "py_executable",
		"worker_process_setup_hook", "nsight", "rocprof_sys", "java_jars", "mpi",
	}
}

// checkEnv checks a runtime environment as Ray's own client does before it
// sends one: the server would take it, and the job would fail.
func checkEnv(raw json.RawMessage) []Problem {
	keys, err := members(raw)
	if err != nil {
		return []Problem{{Field: "runtime_env", Text: "it must be keys and values"}}
	}
	c := envChecker{}
	var tools []string
	for _, k := range keys {
		if isNull(k.raw) {
			continue
		}
		field := "runtime_env." + k.name
		switch k.name {
		case workingDir:
			if dir, ok := c.text(field, k.raw); ok {
				c.problems = append(c.problems, checkDir(field, dir)...)
			}
		case "excludes":
			c.texts(field, k.raw)
		case "py_modules":
			c.modules(field, k.raw)
		case "pip", "uv":
			c.installer(field, k.name, k.raw)
			tools = append(tools, k.name)
		case "conda":
			c.conda(field, k.raw)
			tools = append(tools, k.name)
		case "env_vars":
			c.vars(field, k.raw)
		case "config":
			c.config(field, k.raw)
		case "image_uri", "py_executable", "worker_process_setup_hook":
			c.text(field, k.raw)
		default:
			c.unknown(field, k.name)
		}
		if k.name != "env_vars" && k.name != workingDir {
			for _, path := range (Spec{RuntimeEnv: object([]member{k})}).Unfilled() {
				c.fail(path, mustFill)
			}
		}
	}
	if len(tools) > 1 {
		c.fail("runtime_env."+tools[1], "%s is there too: only one of pip, uv and conda can be used; packages for pip can stand in conda's own list", tools[0])
	}
	c.alone(keys)
	return c.problems
}

type envChecker struct{ checker }

// unknown warns only: a cluster may have plugins with keys of their own. What
// begins with _ is Ray's.
func (c *envChecker) unknown(field, name string) {
	if !slices.Contains(envKeys(), name) && !strings.HasPrefix(name, "_") {
		c.warn(field, "Ray knows no such key, and passes over it unless the cluster has a plugin for it")
	}
}

// alone checks the keys that bear no others beside them.
func (c *envChecker) alone(keys []member) {
	for _, k := range keys {
		if k.name != "image_uri" && k.name != "container" || isNull(k.raw) {
			continue
		}
		for _, other := range keys {
			if other.name != k.name && other.name != "env_vars" && other.name != "config" && !isNull(other.raw) {
				c.fail("runtime_env."+k.name, "it cannot be used together with %s, only with env_vars and config", other.name)
				return
			}
		}
	}
}

// typeName is what a person calls a JSON value.
func typeName(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "keys and values"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "nothing"
	}
	return "a number"
}

func (c *envChecker) text(field string, raw json.RawMessage) (string, bool) {
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		c.fail(field, "it must be text, not %s", typeName(raw))
		return "", false
	}
	return s, true
}

func (c *envChecker) texts(field string, raw json.RawMessage) []string {
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		c.fail(field, "it must be a list of texts, not %s", typeName(raw))
		return nil
	}
	out := make([]string, 0, len(list))
	for i, e := range list {
		if s, ok := c.text(field+"["+strconv.Itoa(i)+"]", e); ok {
			out = append(out, s)
		}
	}
	return out
}

func (c *envChecker) modules(field string, raw json.RawMessage) {
	for i, m := range c.texts(field, raw) {
		if !IsLocal(m) {
			c.problems = append(c.problems, checkURI(field+"["+strconv.Itoa(i)+"]", m, ".whl")...)
		}
	}
}

func (c *envChecker) vars(field string, raw json.RawMessage) {
	keys, err := members(raw)
	if err != nil {
		c.fail(field, "it must be keys and values, not %s", typeName(raw))
		return
	}
	total := 0
	for _, k := range keys {
		at := field + "." + k.name
		if k.name == "" || strings.ContainsAny(k.name, "=\x00 \t\n") {
			c.fail(at, "%q is no name of a variable", clip(k.name))
		}
		var v string
		if k.raw[0] != '"' || json.Unmarshal(k.raw, &v) != nil {
			c.fail(at, "it must be text, not %s: put it in quotes", typeName(k.raw))
			continue
		}
		n := len(k.name) + 1 + len(v)
		total += n
		switch {
		case unfilled(v):
			c.fail(at, mustFill)
		case strings.ContainsRune(v, 0):
			c.fail(at, "it contains a NUL byte")
		case n > rayapi.MaxEnvVar:
			c.fail(at, "it has %d bytes, at most %d are allowed", n, rayapi.MaxEnvVar)
		}
		c.clash(at, k.name)
	}
	if total > rayapi.MaxEnvTotal {
		c.fail(field, "it has %d bytes in all, at most %d are allowed", total, rayapi.MaxEnvTotal)
	}
}

// clash warns of variables that the cluster sets for its own use.
func (c *envChecker) clash(field, name string) {
	switch {
	case name == "PATH" || name == "PYTHONPATH" || name == "LD_LIBRARY_PATH" || name == "PYTHONHOME" || name == "VIRTUAL_ENV":
		c.warn(field, "it replaces the cluster's own %s; write $%s into the value to add to it", name, name)
	case name == "RAY_ADDRESS" || name == "RAY_JOB_CONFIG_JSON_ENV_VAR":
		c.warn(field, "Ray sets it for each job: another value may lead the job to another cluster")
	case strings.HasPrefix(name, "RAY_"):
		c.warn(field, "it is one of Ray's own settings, and a driver that is running already does not read it again")
	}
}

func (c *envChecker) installer(field, kind string, raw json.RawMessage) {
	version, check, options := kind+"_version", kind+"_check", kind+"_install_options"
	if kind == "uv" {
		options = "uv_pip_install_options"
	}
	switch raw[0] {
	case '[':
		c.texts(field, raw)
		return
	case '"':
		var file string
		_ = json.Unmarshal(raw, &file)
		c.warn(field, "%q is a file that only Ray's own client reads: write the packages as a list", clip(file))
		return
	case '{':
	default:
		c.fail(field, "it must be a list of packages, not %s", typeName(raw))
		return
	}
	keys, _ := members(raw)
	if lookup(raw, "packages") == nil {
		c.fail(field, "packages is missing")
	}
	for _, k := range keys {
		at := field + "." + k.name
		switch {
		case isNull(k.raw):
		case k.name == "packages" && (kind == "uv" || k.raw[0] != '"'):
			c.texts(at, k.raw)
		case k.name == "packages":
		case k.name == options:
			c.texts(at, k.raw)
		case k.name == version:
			c.text(at, k.raw)
		case k.name == check:
			if k.raw[0] != 't' && k.raw[0] != 'f' {
				c.fail(at, "it must be true or false, not %s", typeName(k.raw))
			}
		default:
			c.fail(at, "there is no such key: %s knows packages, %s, %s and %s", kind, check, version, options)
		}
	}
}

func (c *envChecker) conda(field string, raw json.RawMessage) {
	switch raw[0] {
	case '{':
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s)
		if strings.HasSuffix(s, ".yml") || strings.HasSuffix(s, ".yaml") {
			c.warn(field, "%q is a file that only Ray's own client reads: write what is in it", clip(s))
		}
	default:
		c.fail(field, "it must be the name of an environment or what is in an environment.yml, not %s", typeName(raw))
	}
}

func (c *envChecker) config(field string, raw json.RawMessage) {
	if raw[0] != '{' {
		c.fail(field, "it must be keys and values, not %s", typeName(raw))
		return
	}
	keys, _ := members(raw)
	for _, k := range keys {
		at := field + "." + k.name
		switch {
		case isNull(k.raw):
		case k.name == "setup_timeout_seconds":
			var n int64
			if json.Unmarshal(k.raw, &n) != nil || n <= 0 && n != -1 {
				c.fail(at, "it must be a whole number of seconds above 0, or -1 for no limit")
			}
		case k.name == "eager_install":
			if k.raw[0] != 't' && k.raw[0] != 'f' {
				c.fail(at, "it must be true or false, not %s", typeName(k.raw))
			}
		}
	}
}

// checkDir checks a working dir. Whether a local path exists is not seen here.
func checkDir(field, dir string) []Problem {
	switch {
	case strings.TrimSpace(dir) == "":
		return []Problem{{Field: field, Text: "it is blank: name a folder, or remove the key"}}
	case unfilled(dir):
		return []Problem{{Field: field, Text: mustFill}}
	case IsLocal(dir):
		return nil
	}
	return checkURI(field, dir)
}

func archives() []string { return []string{".zip", ".tar.gz", ".tgz", ".tar.xz"} }

func checkURI(field, uri string, more ...string) []Problem {
	scheme, rest, _ := strings.Cut(uri, "://")
	schemes := []string{"gcs", "http", "https", "s3", "gs", "azure", "abfss", "file", "local"}
	suffixes := append(archives(), more...)
	switch {
	case !slices.Contains(schemes, scheme):
		return []Problem{{Field: field, Text: "no server reads " + scheme + ":// addresses: use one of " + strings.Join(schemes, ", ")}}
	case scheme == "local":
		if !strings.HasPrefix(rest, "/") {
			return []Problem{{Field: field, Text: "the path after local:// must be absolute"}}
		}
		return nil
	case scheme == "http" || scheme == "https":
		if u, err := url.Parse(uri); err == nil {
			uri = u.Path // a query may follow the name
		}
	}
	if !slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(uri, s) }) {
		return []Problem{{Field: field, Text: "only an archive can be fetched: the address must end in " + strings.Join(suffixes, ", ")}}
	}
	return nil
}
