package jobspec

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// maxLook is how much of a value is searched for a key.
const maxLook = 1024

// secretLook are values that are keys whatever their name is.
var secretLook = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // written once, by itself
	return regexp.MustCompile(`^(sk-|hf_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|eyJ[A-Za-z0-9_-]{8,}\.|-----BEGIN )|://[^/@:\s]*:[^/@\s]+@|://(?:gh[pousr]_|github_pat_|glpat-|hf_)[^/@\s]*@|://[A-Za-z0-9_-]{20,}@`)
})

// Secret reports that a value must not be seen, by its name or by its look. It
// is the one rule for metadata and runtime environments, on all pages and in
// all files that may be shared.
func Secret(name, value string) bool {
	value = value[:min(len(value), maxLook)]
	return secretName(name) || secretLook().MatchString(strings.TrimSpace(value))
}

// CommandSecret reports that a command seems to hold a secret, by the look of
// a word or by the name of a flag or variable. What a shell puts in is none.
func CommandSecret(command string) bool {
	words := strings.FieldsFunc(command, func(r rune) bool { return strings.ContainsRune(" \t\r\n'\"", r) })
	for i, w := range words {
		name, value, assigned := strings.Cut(w, "=")
		if !assigned && strings.HasPrefix(w, "--") && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
			value = words[i+1]
		}
		if value == w || value == "" || strings.HasPrefix(value, "$") {
			name, value = "", w
		}
		if Secret(strings.TrimLeft(name, "-"), value) || Secret("", w) {
			return true
		}
	}
	return false
}

// secretName goes by whole words: TOKENIZERS_PARALLELISM and RAY_AUTH_MODE are
// no secrets.
func secretName(name string) bool {
	name = strings.ToUpper(strings.TrimSpace(name))
	for _, part := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "AUTHTOKEN", "CREDENTIAL"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("_-. ", r) })
	for i, w := range words {
		switch w {
		case "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASS", "COOKIE", "BEARER", "DSN":
			return true
		case "AUTH":
			if i == len(words)-1 {
				return true
			}
		case "PWD":
			if len(words) > 1 {
				return true
			}
		case "KEY", "KEYS":
			if i > 0 && slices.Contains([]string{"API", "ACCESS", "PRIVATE", "SECRET", "SIGNING", "ENCRYPTION", "MASTER", "AUTH", "ACCOUNT", "STORAGE"}, words[i-1]) {
				return true
			}
		}
	}
	return false
}

// Masked returns s with every secret replaced by mask, and the paths of those
// replaced, sorted: "metadata.token", "runtime_env.env_vars.HF_TOKEN". The
// entrypoint stays: a secret is not told apart in a command.
func (s Spec) Masked(mask string) (Spec, []string) {
	var paths []string
	if s.WorkingDir != mask && Secret("", s.WorkingDir) { // a URL with a password
		s.WorkingDir = mask
		paths = append(paths, workingDir)
	}
	if len(s.Metadata) > 0 {
		s.Metadata = maps.Clone(s.Metadata)
		for k, v := range s.Metadata {
			if Secret(k, v) {
				s.Metadata[k] = mask
				paths = append(paths, "metadata."+k)
			}
		}
	}
	if len(s.RuntimeEnv) > 0 {
		s.RuntimeEnv = maskJSON("runtime_env", "", s.RuntimeEnv, mask, &paths)
	}
	slices.Sort(paths)
	return s, paths
}

// maskJSON masks the strings in raw that are secrets by their key or look.
func maskJSON(path, name string, raw json.RawMessage, mask string, paths *[]string) json.RawMessage {
	switch raw[0] {
	case '{':
		keys, err := members(raw)
		if err != nil || len(keys) == 0 {
			return raw
		}
		for i, k := range keys {
			keys[i].raw = maskJSON(path+"."+k.name, k.name, k.raw, mask, paths)
		}
		return object(keys)
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return raw
		}
		for i, e := range list {
			list[i] = maskJSON(path, "", e, mask, paths)
		}
		return marshal(list)
	case '"':
		var v string
		if json.Unmarshal(raw, &v) == nil && v != mask && Secret(name, v) {
			*paths = append(*paths, path)
			return text(mask)
		}
	}
	return raw
}

// Unfilled names what was hidden by a server or left out of a template and
// must be typed in before the job can be sent, sorted.
func (s Spec) Unfilled() []string {
	var paths []string
	if unfilled(s.WorkingDir) {
		paths = append(paths, workingDir)
	}
	for k, v := range s.Metadata {
		if unfilled(v) {
			paths = append(paths, "metadata."+k)
		}
	}
	var env any
	if len(s.RuntimeEnv) > 0 && json.Unmarshal(s.RuntimeEnv, &env) == nil {
		paths = unfilledIn("runtime_env", env, paths)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func unfilled(v string) bool { return strings.Contains(v, Redacted) || v == FillIn }

func unfilledIn(path string, v any, paths []string) []string {
	switch v := v.(type) {
	case string:
		if unfilled(v) {
			paths = append(paths, path)
		}
	case []any:
		for _, e := range v {
			paths = unfilledIn(path, e, paths)
		}
	case map[string]any:
		for k, e := range v {
			paths = unfilledIn(path+"."+k, e, paths)
		}
	}
	return paths
}
