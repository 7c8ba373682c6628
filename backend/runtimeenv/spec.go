package runtimeenv

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kinds of environments that are built by a tool.
const (
	kindPip   = "pip"
	kindUV    = "uv"
	kindConda = "conda"
)

// installSpec is a pip or uv field.
type installSpec struct {
	Kind     string   `json:"kind"`
	Packages []string `json:"packages"` // lines of a requirements file
	Check    bool     `json:"check"`
	Version  string   `json:"version"` // of the tool, with its comparison
	Options  []string `json:"options"` // of the install command
}

// condaSpec is a conda field: exactly one of the four is set.
type condaSpec struct {
	Name   string         `json:"name,omitempty"`
	Prefix string         `json:"prefix,omitempty"` // an environment's folder
	File   string         `json:"file,omitempty"`   // a YAML file
	Dict   map[string]any `json:"dict,omitempty"`
}

// toolSpec is what a tool is to build; both are nil for nothing.
type toolSpec struct {
	install *installSpec
	conda   *condaSpec
}

func startError(format string, args ...any) error {
	return &StartError{fmt.Sprintf(format, args...)}
}

// tools reads pip, uv and conda by Ray's rules; mistakes are *StartError with
// Ray's sentences.
func (f fields) tools() (toolSpec, error) {
	var spec toolSpec
	var set []string
	for _, kind := range []string{kindPip, kindUV, kindConda} {
		if value, ok := f[kind]; ok && (!isEmpty(value) || kind != kindConda && value[0] == '{') {
			set = append(set, kind)
		}
	}
	if len(set) > 1 {
		return spec, startError("The 'pip' field, 'uv' field, and 'conda' field of runtime_env cannot be specified at the same time. "+
			"Specified: %s. To use pip with conda, please only set the 'conda' field, and specify your pip dependencies "+
			"within the conda YAML config dict.", strings.Join(set, ", "))
	}
	if len(set) == 0 {
		return spec, nil
	}
	var err error
	if set[0] == kindConda {
		spec.conda, err = condaField(f[kindConda])
		return spec, err
	}
	spec.install, err = installField(set[0], f[set[0]])
	if err == nil && len(spec.install.Packages) == 0 {
		spec.install = nil
	}
	return spec, err
}

// installField reads a list, the name of a requirements file, or a dict.
func installField(kind string, raw json.RawMessage) (*installSpec, error) {
	spec := &installSpec{Kind: kind}
	if kind == kindUV {
		spec.Options = []string{"--no-cache"}
	}
	var dict map[string]json.RawMessage
	if json.Unmarshal(raw, &dict) != nil {
		packages, ok := packageLines(raw)
		if !ok {
			return nil, startError("runtime_env['%s'] must be of type str or List[str], got %s", kind, pyType(raw))
		}
		spec.Packages = packages
		return spec, nil
	}
	versionKey, checkKey, optionsKey := kind+"_version", kind+"_check", kind+"_install_options"
	allowed := "packages, pip_check, pip_install_options and pip_version"
	if kind == kindUV {
		optionsKey, allowed = "uv_pip_install_options", "packages, uv_check, uv_version and uv_pip_install_options"
	}
	for _, key := range sortedKeys(dict) {
		if !slices.Contains([]string{"packages", versionKey, checkKey, optionsKey}, key) {
			return nil, startError("runtime_env['%s'] can only have these fields: %s, but got: ['%s']",
				kind, allowed, strings.Join(sortedKeys(dict), "', '"))
		}
		if string(dict[key]) == "null" {
			delete(dict, key)
		}
	}
	wrong := func(key, want string) error {
		return startError("runtime_env['%s']['%s'] must be of type %s, got %s", kind, key, want, pyType(dict[key]))
	}
	if v, ok := dict[checkKey]; ok && json.Unmarshal(v, &spec.Check) != nil {
		return nil, wrong(checkKey, "bool")
	}
	if v, ok := dict[versionKey]; ok && json.Unmarshal(v, &spec.Version) != nil {
		return nil, wrong(versionKey, "str")
	}
	if v, ok := dict[optionsKey]; ok && json.Unmarshal(v, &spec.Options) != nil {
		return nil, wrong(optionsKey, "list[str]")
	}
	packages, ok := dict["packages"]
	if !ok {
		return nil, startError("runtime_env['%s'] must include field 'packages', but got %s", kind, raw)
	}
	if spec.Packages, ok = packageLines(packages); !ok {
		return nil, wrong("packages", "str or list")
	}
	return spec, nil
}

// packageLines returns requirement lines, each once, in their order. A text
// names a requirements file.
func packageLines(raw json.RawMessage) ([]string, bool) {
	var file string
	if json.Unmarshal(raw, &file) == nil {
		return []string{"-r " + file}, true
	}
	var list []*string
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	var lines []string
	for _, line := range list {
		if line == nil {
			return nil, false
		}
		if !slices.Contains(lines, *line) {
			lines = append(lines, *line)
		}
	}
	return lines, true
}

func condaField(raw json.RawMessage) (*condaSpec, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		switch {
		case strings.HasSuffix(text, ".yml"), strings.HasSuffix(text, ".yaml"):
			return &condaSpec{File: text}, nil
		case strings.HasPrefix(text, "/"):
			if info, err := os.Stat(text); err != nil || !info.IsDir() {
				return nil, startError("Can't find conda env directory %s.", text)
			}
			return &condaSpec{Prefix: text}, nil
		case strings.HasPrefix(text, "-") || strings.ContainsAny(text, "/\x00\n"):
			return nil, startError("runtime_env['conda']: %q is neither the name of an environment, nor an absolute folder, nor a YAML file", text)
		}
		return &condaSpec{Name: text}, nil
	}
	var dict map[string]any
	if json.Unmarshal(raw, &dict) != nil {
		return nil, startError("runtime_env['conda'] must be of type str or dict, got %s", pyType(raw))
	}
	return &condaSpec{Dict: dict}, nil
}

const defaultTimeout = 600 * time.Second

// timeout is how long the set-up may take; 0 means no limit.
func (f fields) timeout() (time.Duration, error) {
	var config map[string]json.RawMessage
	raw, ok := f["config"]
	if !ok {
		return defaultTimeout, nil
	}
	if json.Unmarshal(raw, &config) != nil {
		return 0, startError("runtime_env['config'] must be of type dict or RuntimeEnvConfig, got: %s", pyType(raw))
	}
	if v, ok := config["eager_install"]; ok && string(v) != "true" && string(v) != "false" {
		return 0, startError("eager_install must be a boolean. got %s", pyType(v))
	}
	v, ok := config["setup_timeout_seconds"]
	if !ok || string(v) == "null" {
		return defaultTimeout, nil
	}
	if pyType(v) != "<class 'int'>" {
		return 0, startError("setup_timeout_seconds must be of type int, got: %s", pyType(v))
	}
	seconds, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || seconds == 0 || seconds < -1 {
		return 0, startError("setup_timeout_seconds must be greater than zero or equals to -1, got: %s", v)
	}
	const most = int64(1) << 31
	if seconds == -1 || seconds > most {
		return 0, nil
	}
	return time.Duration(seconds) * time.Second, nil
}

// checkRest looks at the fields that are handed over to Ray, and at those that
// are built by tools, for their form alone.
func (f fields) checkRest() error {
	if _, err := f.timeout(); err != nil {
		return err
	}
	if v, ok := f["py_executable"]; ok && pyType(v) != "<class 'str'>" {
		return startError("Invalid type %s for `py_executable`: it must be a string.", pyType(v))
	}
	if _, err := f.container(); err != nil {
		return err
	}
	_, err := f.tools()
	return err
}
