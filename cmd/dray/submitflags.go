package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"dray/backend/jobspec"
	"dray/backend/shellwords"
)

// submitFlags are the flags of dray submit.
type submitFlags struct {
	file, template                string
	id, workingDir                string
	runtimeEnv, runtimeEnvFile    string
	env, metadata                 []string
	excludes, pyModules           []string
	cpus, gpus                    float64
	memory                        string
	resources, labels             string
	deadline, retries, retryDelay string
	after
	given func(flag string) bool // in the command line, even if it is 0
}

func (f *submitFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	f.after.add(cmd, "print what would be sent, and send nothing")
	f.given = fl.Changed
	fl.StringVarP(&f.file, "file", "f", "", "job `file`, YAML or JSON; - reads stdin")
	fl.StringVarP(&f.template, "template", "t", "", "`name` of a template (dray template ls)")
	fl.StringVar(&f.id, "id", "", "submission `id` (default: made up)")
	fl.StringVar(&f.workingDir, "working-dir", "", "`folder`, archive or URI the job gets a copy of")
	fl.StringArrayVar(&f.env, "env", nil, "environment variable `K=V`; may be repeated")
	fl.StringArrayVar(&f.metadata, "metadata", nil, "metadata `K=V`; may be repeated")
	fl.StringArrayVar(&f.excludes, "exclude", nil, "`pattern` of files left out of the working dir; may be repeated")
	fl.StringArrayVar(&f.pyModules, "py-module", nil, "`folder`, .whl or URI put on PYTHONPATH; may be repeated")
	fl.StringVar(&f.runtimeEnvFile, "runtime-env", "", "YAML `file` with the runtime environment; the flags above win")
	fl.StringVar(&f.runtimeEnv, "runtime-env-json", "", "runtime environment as a `JSON` object; the flags above win")
	fl.Float64Var(&f.cpus, "entrypoint-num-cpus", 0, "CPUs to reserve for the entrypoint")
	fl.Float64Var(&f.gpus, "entrypoint-num-gpus", 0, "GPUs to reserve for the entrypoint")
	fl.StringVar(&f.memory, "entrypoint-memory", "", "`bytes` of memory to reserve for the entrypoint, or such as 16GiB")
	fl.StringVar(&f.resources, "entrypoint-resources", "", "custom resources as a `JSON` object of numbers")
	fl.StringVar(&f.labels, "entrypoint-label-selector", "", "labels of the nodes to run on, as a `JSON` object of strings")
	fl.StringVar(&f.deadline, "deadline", "", "`time` that the job may run, such as 90s or 2h (dray's own server)")
	fl.StringVar(&f.retries, "retries", "", "how `often` a job that failed is tried again (dray's own server)")
	fl.StringVar(&f.retryDelay, "retry-delay", "", "`time` before the first retry (dray's own server)")
}

// flagSpec is what the flags and the command alone say.
func (a *app) flagSpec(f submitFlags, words []string) (jobspec.Spec, error) {
	spec := jobspec.Spec{SubmissionID: f.id, WorkingDir: f.workingDir, NumCPUs: f.cpus, NumGPUs: f.gpus}
	switch {
	case len(words) == 1:
		spec.Entrypoint = words[0]
	case len(words) > 1:
		spec.Entrypoint = shellwords.Join(words)
	}
	if len(words) > 0 && blank(spec.Entrypoint) {
		return spec, usagef("the command is blank: give the job's command after --")
	}
	var err error
	if spec.Metadata, _, err = pairs("--metadata", f.metadata); err != nil {
		return spec, err
	}
	if f.memory != "" {
		if spec.Memory, err = jobspec.ParseBytes(f.memory); err != nil {
			return spec, usagef("--entrypoint-memory: %w", err)
		}
	}
	if f.resources != "" {
		if err := json.Unmarshal([]byte(f.resources), &spec.Resources); err != nil {
			return spec, usagef("--entrypoint-resources is not a JSON object of numbers: %w", err)
		}
	}
	if f.labels != "" {
		if err := json.Unmarshal([]byte(f.labels), &spec.LabelSelector); err != nil {
			return spec, usagef("--entrypoint-label-selector is not a JSON object of strings: %w", err)
		}
	}
	if spec.RuntimeEnv, err = a.flagEnv(f); err != nil {
		return spec, err
	}
	over, err := f.envSpec()
	return spec.Over(over), err
}

// flagEnv is the runtime environment that a flag gives whole.
func (a *app) flagEnv(f submitFlags) (json.RawMessage, error) {
	switch {
	case f.runtimeEnv != "" && f.runtimeEnvFile != "":
		return nil, usagef("--runtime-env and --runtime-env-json both give the runtime environment: use one of them")
	case f.runtimeEnvFile != "":
		data, err := a.readInput(f.runtimeEnvFile)
		if err != nil {
			return nil, usagef("the file %s of --runtime-env cannot be read: %w", f.runtimeEnvFile, cause(err))
		}
		env, err := jobspec.EnvJSON(f.runtimeEnvFile, data)
		if err != nil {
			return nil, &usageError{err}
		}
		return a.inlined(env, "")
	case f.runtimeEnv == "":
		return nil, nil
	}
	var env map[string]json.RawMessage
	if err := json.Unmarshal([]byte(f.runtimeEnv), &env); err != nil {
		return nil, usagef("--runtime-env-json is not a JSON object: %w", err)
	}
	if env == nil {
		return nil, usagef("--runtime-env-json is null: give a JSON object, or leave the flag out")
	}
	raw, err := jobspec.EnvJSON("--runtime-env-json", []byte(f.runtimeEnv))
	if err != nil {
		return nil, &usageError{err}
	}
	return a.inlined(raw, "")
}

// envSpec is what the flags for parts of the runtime environment say.
func (f submitFlags) envSpec() (jobspec.Spec, error) {
	var spec jobspec.Spec
	vars, names, err := pairs("--env", f.env)
	if err != nil {
		return spec, err
	}
	for _, k := range names {
		if spec, err = spec.Set("env."+k, vars[k]); err != nil {
			return spec, &usageError{err}
		}
	}
	for _, l := range []struct {
		path string
		list []string
	}{{"runtime_env.excludes", f.excludes}, {"runtime_env.py_modules", f.pyModules}} {
		if len(l.list) == 0 {
			continue
		}
		raw, err := json.Marshal(l.list)
		if err != nil {
			return spec, usagef("%s cannot be sent: %w", l.path, err)
		}
		if spec, err = spec.Set(l.path, string(raw)); err != nil {
			return spec, &usageError{err}
		}
	}
	return spec, nil
}

// pairs reads K=V flags, and the keys in their order; nil when there are none.
func pairs(flag string, list []string) (map[string]string, []string, error) {
	if len(list) == 0 {
		return nil, nil, nil
	}
	m := make(map[string]string, len(list))
	names := make([]string, 0, len(list))
	for _, kv := range list {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, nil, usagef("%s %q is not of the form K=V", flag, kv)
		}
		if _, twice := m[k]; twice {
			return nil, nil, usagef("%s sets %q twice", flag, k)
		}
		m[k] = v
		names = append(names, k)
	}
	return m, names, nil
}

// assignments reads K=V flags whose order and repetition count.
func assignments(flag string, list []string) ([][2]string, error) {
	out := make([][2]string, 0, len(list))
	for _, kv := range list {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, usagef("%s %q is not of the form PATH=VALUE", flag, kv)
		}
		out = append(out, [2]string{k, v})
	}
	return out, nil
}

// maxInput bounds a file that is read whole.
const maxInput = 8 << 20

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(data) > maxInput {
		return nil, fmt.Errorf("it is larger than %d bytes", maxInput)
	}
	return data, err
}
