package jobspec

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"dray/backend/shellwords"
)

// RayArgv returns the words of the command by which Ray's own client submits
// the job; an empty address is left out. shellwords.Join makes a line of them
// that any POSIX shell takes.
func (s Spec) RayArgv(address string) []string {
	words := []string{"ray", "job", "submit"}
	if address != "" {
		words = append(words, "--address", address)
	}
	words = add(words, "--submission-id", s.SubmissionID)
	words = add(words, "--working-dir", s.WorkingDir)
	words = add(words, "--runtime-env-json", string(s.RuntimeEnv))
	if len(s.Metadata) > 0 {
		words = append(words, "--metadata-json", string(marshal(s.Metadata)))
	}
	words = s.amounts(words)
	words = append(words, "--no-wait", "--")
	return append(words, rayCommand(s.Entrypoint)...)
}

// rayCommand returns the words that Ray's client joins to the entrypoint. It
// quotes each, so shell text must be one word of a shell.
func rayCommand(entrypoint string) []string {
	if words, ok := plainWords(entrypoint); ok && !isShell(words) {
		return words
	}
	return []string{"sh", "-c", entrypoint}
}

func isShell(words []string) bool { return len(words) == 3 && words[0] == "sh" && words[1] == "-c" }

// plainWords returns the words of an entrypoint that is nothing else than
// quoted words.
func plainWords(entrypoint string) ([]string, bool) {
	split, after, err := split(entrypoint)
	if err != nil || after != "" {
		return nil, false
	}
	words := make([]string, len(split))
	for i, w := range split {
		words[i] = w.text
	}
	return words, len(words) > 0 && shellwords.Join(words) == entrypoint
}

// DrayArgv returns the words of the dray command that submits the job; an
// empty address is left out.
func (s Spec) DrayArgv(address string) []string {
	words := []string{"dray"}
	if address != "" {
		words = append(words, "--address", address)
	}
	words = append(words, "submit")
	words = add(words, "--id", s.SubmissionID)
	words = add(words, "--working-dir", s.WorkingDir)
	words = s.drayEnv(words)
	for _, k := range slices.Sorted(maps.Keys(s.Metadata)) {
		words = append(words, "--metadata", k+"="+s.Metadata[k])
	}
	words = s.amounts(words)
	if s.After == AfterLog {
		words = append(words, "--follow")
	}
	words = append(words, "--")
	if plain, ok := plainWords(s.Entrypoint); ok && len(plain) > 1 {
		return append(words, plain...)
	}
	return append(words, s.Entrypoint)
}

// drayEnv gives variables of their own flags where they come last, as they are
// put there.
func (s Spec) drayEnv(words []string) []string {
	env := s.RuntimeEnv
	keys, err := members(env)
	if n := len(keys); err == nil && n > 0 && keys[n-1].name == "env_vars" {
		if flags, ok := envFlags(keys[n-1].raw); ok {
			words = append(words, flags...)
			env = object(keys[:n-1])
		}
	}
	return add(words, "--runtime-env-json", string(env))
}

func envFlags(raw json.RawMessage) (flags []string, ok bool) {
	vars, err := members(raw)
	if err != nil || len(vars) == 0 {
		return nil, false
	}
	for _, v := range vars {
		var value string
		if v.name == "" || v.raw[0] != '"' || json.Unmarshal(v.raw, &value) != nil {
			return nil, false
		}
		flags = append(flags, "--env", v.name+"="+value)
	}
	return flags, true
}

func (s Spec) amounts(words []string) []string {
	words = add(words, "--entrypoint-num-cpus", float(s.NumCPUs))
	words = add(words, "--entrypoint-num-gpus", float(s.NumGPUs))
	if s.Memory != 0 {
		words = append(words, "--entrypoint-memory", strconv.FormatInt(s.Memory, 10))
	}
	if len(s.Resources) > 0 {
		words = append(words, "--entrypoint-resources", string(marshal(s.Resources)))
	}
	if len(s.LabelSelector) > 0 {
		words = append(words, "--entrypoint-label-selector", string(marshal(s.LabelSelector)))
	}
	return words
}

func float(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// add appends a flag that has a value.
func add(words []string, flag, value string) []string {
	if value == "" {
		return words
	}
	return append(words, flag, value)
}
