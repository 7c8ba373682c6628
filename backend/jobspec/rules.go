package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dray/backend/rayapi"
)

// What TypeName calls a value.
const (
	isText    = "text"
	anObject  = "an object"
	aList     = "a list"
	trueFalse = "true or false"
)

// TypeName says what kind of value raw is: "a list", "a number".
func TypeName(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return anObject
	case '[':
		return aList
	case '"':
		return isText
	case 't', 'f':
		return trueFalse
	case 'n':
		return "nothing"
	}
	return "a number"
}

// CheckEntrypoint says why a text cannot be the command of a job, or "".
func CheckEntrypoint(s string) string {
	switch {
	case strings.ContainsRune(s, 0):
		return "it contains a NUL byte, which no shell can run"
	case len(s) > rayapi.MaxEntrypoint:
		return fmt.Sprintf("it has %d bytes, at most %d are allowed: put the commands into a script", len(s), rayapi.MaxEntrypoint)
	}
	return ""
}

// CheckMetadata says why an entry of the metadata cannot be sent, or "".
func CheckMetadata(key, value string) string {
	if n := len(key) + len(value); n > rayapi.MaxMetadataBytes {
		return fmt.Sprintf("%s has %d bytes, at most %d are allowed", clip(key), n, rayapi.MaxMetadataBytes)
	}
	return checkWish(key, value)
}

const (
	labelWord = `[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9])?`
	maxLabel  = 63 // in the expressions it would cost each start of the program 130 KiB
)

var (
	labelName  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^` + labelWord + `$`) })
	labelValue = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
		return regexp.MustCompile(`^!?(?:in)?\(` + labelWord + `(?:, ?` + labelWord + `)*\)$|^!?` + labelWord + `$`)
	})
)

func isLabel(s string) bool { return len(s) <= maxLabel && labelName().MatchString(s) }

func isLabelValue(s string) bool {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("!(), ", r) })
	return labelValue().MatchString(s) && !slices.ContainsFunc(words, func(w string) bool { return len(w) > maxLabel })
}

// CheckLabel says why Ray would refuse an entry of a label selector, or "".
func CheckLabel(key, value string) string {
	prefix, name := "", key
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		prefix, name = key[:i], key[i+1:]
	}
	switch {
	case len(prefix) > 253 || prefix != "" && slices.ContainsFunc(strings.Split(prefix, "."), func(w string) bool { return w != "" && !isLabel(w) }):
		return fmt.Sprintf("the part of %q before the slash must be a DNS name of at most 253 characters", clip(key))
	case !isLabel(name):
		return fmt.Sprintf("%q is no label: 1 to 63 letters, digits, '-', '_' and '.', a letter or digit at both ends", clip(name))
	case value != "" && !isLabelValue(value):
		return fmt.Sprintf("%q is no value of a label: write v, !v, in(a, b) or !in(a, b)", clip(value))
	}
	return ""
}

// CheckAmount says why a number cannot be an amount of a resource, and what is
// probably not meant with one that can.
func CheckAmount(v float64) (wrong, warning string) {
	written := strconv.FormatFloat(v, 'g', -1, 64)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return written + " is no amount: write a number from 0", ""
	case v < 0:
		return written + " is negative", ""
	case v < 1e6 && math.Abs(v*1e4-math.Round(v*1e4)) > 1e-6:
		return "", written + " has more than four decimals, which Ray does not count"
	}
	return "", ""
}

// CheckDir says why a text cannot be a working dir, or "". Whether a local path
// is there is not seen here.
func CheckDir(s string) string {
	if IsLocal(s) {
		return ""
	}
	return checkURI(s, archives())
}

// CheckModule says why a text cannot be one of py_modules, or "".
func CheckModule(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "an entry is blank"
	case IsLocal(s):
		return ""
	}
	return checkURI(s, append(archives(), ".whl"))
}

func archives() []string { return []string{".zip", ".tar.gz", ".tgz", ".tar.xz"} }

func checkURI(s string, suffixes []string) string {
	scheme, rest, _ := strings.Cut(s, "://")
	switch {
	case scheme == "local" && !strings.HasPrefix(rest, "/"):
		return "local:// needs an absolute path, as in local:///home/ana/project"
	case scheme == "local":
		return ""
	case !slices.Contains([]string{"gcs", "http", "https", "s3", "gs", "azure", "abfss", "file"}, scheme):
		return fmt.Sprintf("Ray cannot fetch %s://: use a folder, local:///..., or an archive at https, s3, gs, azure or abfss", clip(scheme))
	}
	path := s
	if u, err := url.Parse(s); err == nil {
		path = u.Host + u.Path // a query may follow the name
	}
	if !slices.ContainsFunc(suffixes, func(x string) bool { return strings.HasSuffix(path, x) }) {
		last := len(suffixes) - 1
		return fmt.Sprintf("%q must name an archive: %s or %s", clip(s), strings.Join(suffixes[:last], ", "), suffixes[last])
	}
	return ""
}

var (
	requirement = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
		return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\s*(\[[A-Za-z0-9._,\s-]*\])?\s*(@\s*\S+.*|\(?\s*(===|==|~=|!=|<=|>=|<|>)\s*\S[^;]*)?\s*(;.*)?$`)
	})
	oneEqual  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._-]+=[^=]`) })
	noVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(===|==|~=|!=|<=|>=|<|>)\s*($|,|;)`) })
)

// CheckRequirement says why a line cannot be in a list of packages for pip or
// uv, or "".
func CheckRequirement(s string) string {
	line := strings.TrimSpace(s)
	opt, _, _ := strings.Cut(line, " ")
	opt, _, _ = strings.Cut(opt, "=")
	switch {
	case line == "":
		return "a package is blank"
	case strings.HasPrefix(line, "-") && strings.Contains(line, "${"):
		return "" // a file of the working dir, by the variable that Ray sets
	case slices.Contains([]string{"-r", "--requirement", "-c", "--constraint"}, opt):
		return fmt.Sprintf("%q names another file, which the cluster does not have: import that one", clip(line))
	case opt == "-e" || opt == "--editable":
		return fmt.Sprintf("%q is an editable install of a local folder: put it into py_modules or the working dir", clip(line))
	case strings.HasPrefix(line, "-"):
		return ""
	case strings.HasPrefix(line, "./"), strings.HasPrefix(line, "../"), strings.HasPrefix(line, "/"), strings.HasPrefix(line, "~"), line == ".":
		return fmt.Sprintf("%q is a local path, which the cluster does not have: give a package name or a URL", clip(line))
	case strings.HasPrefix(line, "$"), strings.Contains(line, "://"):
		return ""
	}
	name, _, _ := strings.Cut(line, " --hash")
	switch {
	case noVersion().MatchString(strings.TrimRight(name, ") ")):
		return fmt.Sprintf("%q ends without a version", clip(line))
	case strings.HasSuffix(line, ".txt"):
		return fmt.Sprintf("%q is a file: import it", clip(line))
	case requirement().MatchString(name):
		return ""
	case oneEqual().MatchString(name):
		return fmt.Sprintf("%q has one '=': write == for a version", clip(line))
	}
	return fmt.Sprintf("%q is not a package: write a name such as torch or torch==2.5.1", clip(line))
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

var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// ShellName reports whether a shell can have a variable of the name.
func ShellName(name string) bool { return variable().MatchString(name) }

// Clash says why a variable may not do what was meant: the cluster sets it
// itself, or needs it. "" when nothing is known.
func Clash(name string) string {
	switch {
	case name == "", name == overrideVar:
		return ""
	case strings.HasPrefix(name, "NCCL_"):
		return name + " is often set by the script's own ray.init too: Ray refuses two values, unless " + overrideVar + "=1 lets the script's win"
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
	case !ShellName(name):
		return clip(name) + " is no name for a shell: letters, digits and _ only"
	}
	return ""
}

// overrideVar lets the driver's own runtime environment win over the job's.
const overrideVar = "RAY_OVERRIDE_JOB_RUNTIME_ENV"

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

var hookName = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$`)
})

// CheckHook says why a text cannot be a setup hook, or "".
func CheckHook(s string) string {
	if hookName().MatchString(s) {
		return ""
	}
	return fmt.Sprintf("the setup hook %q must be a function's path in a module, such as my_package.setup", clip(s))
}
