// Package runtimeenv knows what a job's runtime environment may ask for here,
// builds it, and puts together the environment variables of the entrypoint.
//
// It reads working_dir, py_modules, env_vars, excludes, pip, uv, conda,
// container, image_uri and config. The archives themselves are the business of package packages, the
// keeping of built environments that of package envcache; when a job is
// checked, built and started is that of the packages that own jobs.
package runtimeenv

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"dray/backend/packages"
	"dray/backend/rayapi"
)

// StartError is a runtime environment that Ray accepts when it is submitted
// and then cannot start the job with.
type StartError struct {
	Reason string // Ray's sentence
}

// Error returns the reason.
func (e *StartError) Error() string { return e.Reason }

// SetupError is a runtime environment that could not be built.
type SetupError struct {
	Reason string
	Err    error // what lies below; may be nil
}

// Error says what could not be built and what to do.
func (e *SetupError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

// invalidError carries the text alone, because it is what the client reads.
type invalidError struct{ text string }

func (e *invalidError) Error() string        { return e.text }
func (e *invalidError) Is(target error) bool { return target == rayapi.ErrInvalid }

func invalid(format string, args ...any) error {
	return &invalidError{fmt.Sprintf(format, args...)}
}

// fields is a runtime environment as it was sent, without its null values.
type fields map[string]json.RawMessage

func parse(raw json.RawMessage) (fields, error) {
	var f fields
	if len(raw) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, invalid("TypeError: runtime_env must be a dict, got %s", pyType(raw))
	}
	for name, value := range f {
		if string(value) == "null" {
			delete(f, name)
		}
	}
	return f, nil
}

const (
	fieldWorkingDir = "working_dir"
	fieldPyModules  = "py_modules"
	fieldEnvVars    = "env_vars"
	fieldExcludes   = "excludes"
)

// Check reports what is wrong with a runtime environment before its job is
// accepted. An error that is rayapi.ErrInvalid refuses the request; a
// *StartError means that the job is to be accepted, as Ray does, and to fail
// at once. Raw may be empty.
func Check(raw json.RawMessage) error {
	f, err := parse(raw)
	if err != nil {
		return err
	}
	if _, err := f.envVars(); err != nil {
		return err
	}
	if _, err := f.texts(fieldExcludes, "runtime_env['excludes'] must be of type List[str], got %s"); err != nil {
		return err
	}
	dir, err := f.workingDir()
	if err != nil {
		return err
	}
	modules, err := f.pyModules()
	if err != nil {
		return err
	}
	if err := checkURIs(dir, modules); err != nil {
		return err
	}
	return f.checkRest()
}

// checkURIs looks at all for what is to be refused before it looks for what
// will fail: a refusal tells the submitter at once.
func checkURIs(dir string, modules []string) error {
	var start error
	check := func(uri, field string) error {
		err := checkURI(uri, field)
		if errors.Is(err, rayapi.ErrInvalid) {
			return err
		}
		if start == nil {
			start = err
		}
		return nil
	}
	if dir != "" {
		if err := check(dir, fieldWorkingDir); err != nil {
			return err
		}
	}
	for _, m := range modules {
		if err := check(m, fieldPyModules); err != nil {
			return err
		}
	}
	return start
}

func isEmpty(value json.RawMessage) bool {
	return slices.Contains([]string{`[]`, `{}`, `""`}, strings.Join(strings.Fields(string(value)), ""))
}

// envVars returns the variables of the job by Ray's rules and the kernel's.
func (f fields) envVars() (map[string]string, error) {
	raw, ok := f[fieldEnvVars]
	if !ok {
		return nil, nil
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return nil, startError("runtime_env['env_vars'] must be of type Dict[str, str], got %s", pyType(raw))
	}
	vars := make(map[string]string, len(values))
	total := 0
	for _, name := range sortedKeys(values) {
		var value *string
		if json.Unmarshal(values[name], &value) != nil || value == nil {
			return nil, startError("runtime_env['env_vars'] must be of type Dict[str, str], "+
				"but the value of %q is of type %s", name, pyType(values[name]))
		}
		size := len(name) + len(*value) + len("=\x00")
		total += size
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return nil, invalid("runtime_env['env_vars'] has the name %q: a name must not be empty or contain '=' or NUL", name)
		case strings.Contains(*value, "\x00"):
			return nil, invalid("runtime_env['env_vars']: the value of %q contains a NUL character, which no process can be given", name)
		case size > rayapi.MaxEnvVar:
			return nil, invalid("runtime_env['env_vars']: %q has %d bytes, at most %d are allowed: put the value into a file",
				name, size, rayapi.MaxEnvVar)
		case total > rayapi.MaxEnvTotal:
			return nil, invalid("runtime_env['env_vars'] has more than %d bytes: put values into a file", rayapi.MaxEnvTotal)
		}
		vars[name] = *value
	}
	return vars, nil
}

// EnvVars returns the env_vars of a runtime environment that passed Check.
func EnvVars(raw json.RawMessage) (map[string]string, error) {
	f, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return f.envVars()
}

// PackageNames returns the names of the uploaded packages that a runtime
// environment refers to; of one that cannot be read, none.
func PackageNames(raw json.RawMessage) []string {
	f, err := parse(raw)
	if err != nil {
		return nil
	}
	uris, err := f.pyModules()
	if err != nil {
		uris = nil
	}
	if dir, err := f.workingDir(); err == nil {
		uris = append(uris, dir)
	}
	var names []string
	for _, uri := range uris {
		if scheme, name := splitURI(uri); scheme == schemeGCS {
			names = append(names, name)
		}
	}
	return names
}

func (f fields) workingDir() (string, error) {
	raw, ok := f[fieldWorkingDir]
	if !ok {
		return "", nil
	}
	var dir string
	if json.Unmarshal(raw, &dir) != nil {
		return "", startError("`working_dir` must be a string, got %s.", pyType(raw))
	}
	return dir, nil
}

func (f fields) pyModules() ([]string, error) {
	return f.texts(fieldPyModules, "`py_modules` must be a list of strings, got %s.")
}

// texts reads a list of strings; mistake is the sentence about another type.
func (f fields) texts(field, mistake string) ([]string, error) {
	raw, ok := f[field]
	if !ok {
		return nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, startError(mistake, pyType(raw))
	}
	texts := make([]string, 0, len(items))
	for _, item := range items {
		var text *string
		if json.Unmarshal(item, &text) != nil || text == nil {
			return nil, startError("`%s` must be a string, got %s.", strings.TrimSuffix(field, "s"), pyType(item))
		}
		texts = append(texts, *text)
	}
	return texts, nil
}

const (
	schemeGCS   = "gcs"
	schemeLocal = "local"
)

// splitURI returns scheme and rest; a plain path has no scheme.
func splitURI(uri string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return "", uri
	}
	return strings.ToLower(scheme), rest
}

// checkURI checks one working_dir or py_modules entry.
func checkURI(uri, field string) error {
	scheme, rest := splitURI(uri)
	switch scheme {
	case schemeGCS:
		return checkPackage(uri, rest, field)
	case schemeLocal:
		if !strings.HasPrefix(rest, "/") {
			return &StartError{fmt.Sprintf(`Invalid "local://" runtime_env URI "%s": the path must be absolute. `+
				`Write local:///path/to/folder.`, uri)}
		}
		if packages.IsArchive(rest) || strings.HasSuffix(rest, ".whl") {
			return &StartError{fmt.Sprintf(`Invalid "local://" runtime_env URI "%s": the path must be a directory, not an archive. `+
				`A local:// directory is used in place and is never unpacked.`, uri)}
		}
		return nil
	case "http", "https", "file":
		return checkRemote(uri, field)
	case "s3", "gs", "azure", "abfss":
		return invalid("runtime_env['%s']: %s:// addresses are not supported by this server: give an https:// address "+
			"(a presigned one for a private bucket), upload the folder or archive, or name a folder on this machine as "+
			"local:///path", field, scheme)
	case "":
		if _, err := os.Stat(uri); err != nil {
			return &StartError{pyPath(uri) + " is not a valid path."}
		}
	}
	return &StartError{maskUser(uri) + " is not a valid URI. Passing directories or modules to be dynamically uploaded " +
		"is only supported at the job level (i.e., passed to `ray.init`)."}
}

// maskUser hides what may be a password in an address.
func maskUser(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	host, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(host, '@')
	if !ok || at < 0 {
		return uri
	}
	return scheme + "://<redacted>" + host[at:] + "/" + path
}

// pyPath writes a path as Python's Path does: without "." and empty parts.
func pyPath(path string) string {
	parts := slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" || p == "." })
	clean := strings.Join(parts, "/")
	switch {
	case strings.HasPrefix(path, "/"):
		return "/" + clean
	case clean == "":
		return "."
	}
	return clean
}

func checkPackage(uri, name, field string) error {
	if err := checkSuffix(uri, name, field); err != nil {
		return err
	}
	if err := packages.CheckName(name); err != nil {
		return invalid("runtime_env['%s']: %v", field, err)
	}
	if _, err := packages.KindOf(name); err != nil {
		return invalid("runtime_env['%s']: %v", field, err)
	}
	return nil
}

// checkSuffix refuses what is no archive by its name, in Ray's words.
func checkSuffix(uri, name, field string) error {
	wheel := strings.HasSuffix(name, ".whl")
	if (!wheel || field != fieldWorkingDir) && (wheel || packages.IsArchive(name)) {
		return nil
	}
	suffixes := ".zip, .tar.gz, .tgz, .tar.xz"
	if field == fieldPyModules {
		suffixes = ".zip, .whl, .tar.gz, .tgz, .tar.xz"
	}
	return &StartError{fmt.Sprintf("Only %s files are supported for %s URIs; got %s.", suffixes, field, uri)}
}

// checkRemote checks the address of an archive that is to be downloaded.
func checkRemote(uri, field string) error {
	shown, _, _ := strings.Cut(maskUser(uri), "?")
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" && u.Scheme != "file" || u.Scheme == "file" && (u.Host != "" && u.Host != "localhost" || u.Path == "") {
		return &StartError{fmt.Sprintf("%s is not a valid URI for %s: write https://host/path/name.zip or file:///path/name.zip.", shown, field)}
	}
	if err := checkSuffix(shown, u.Path, field); err != nil {
		return err
	}
	if _, err := packages.KindOf(u.Path); err != nil {
		return invalid("runtime_env['%s']: %v", field, err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// pyType returns the repr of the Python type that a JSON value has.
func pyType(raw json.RawMessage) string {
	name := "NoneType"
	switch text := strings.TrimSpace(string(raw)); {
	case text == "" || text == "null":
	case text[0] == '"':
		name = "str"
	case text[0] == '[':
		name = "list"
	case text[0] == '{':
		name = "dict"
	case text == "true" || text == "false":
		name = "bool"
	case strings.ContainsAny(text, ".eE"):
		name = "float"
	default:
		name = "int"
	}
	return "<class '" + name + "'>"
}
