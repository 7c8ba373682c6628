package jobspec_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"dray/backend/jobspec"
)

// An editor that goes by the schema and dray say the same of a file.
func TestSchema(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(jobspec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("job.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("job.json")
	if err != nil {
		t.Fatal(err)
	}
	if doc.(map[string]any)["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Error("it is not of draft 2020-12")
	}
	const head = "entrypoint: x\n"
	for file, valid := range map[string]bool{
		head:                                                                                true,
		"entrypoint: 'a && b'\nafter: log\n":                                                true,
		head + "$schema: ./x.json\n":                                                        true,
		head + "submission_id: a-1\n":                                                       true,
		head + "metadata: {a: b}\n":                                                         true,
		head + "metadata:\n":                                                                true,
		head + "entrypoint_memory: 16GiB\n":                                                 true,
		head + "entrypoint_memory: 1073741824\n":                                            true,
		head + "entrypoint_num_cpus: 0.5\n":                                                 true,
		head + "entrypoint_resources: {TPU: 1, a: 0.5}\n":                                   true,
		head + "entrypoint_label_selector: {zone: a}\n":                                     true,
		head + "deadline: 1h30m\nretries: 3\nretry_delay: 0.5\n":                            true,
		head + "working_dir: .\n":                                                           true,
		head + "working_dir: s3://b/x.zip\n":                                                true,
		head + "working_dir: 'https://h/x.zip?token=1'\n":                                   true,
		head + "working_dir: local:///abs\n":                                                true,
		head + "runtime_env: {pip: [a], other: {x: [1, 2]}}\n":                              true,
		head + "runtime_env: {pip: {packages: [a], pip_check: true}}\n":                     true,
		head + "runtime_env: {uv: {packages: [a], uv_pip_install_options: [-q]}}\n":         true,
		head + "runtime_env: {pip: requirements.txt}\n":                                     true,
		head + "runtime_env: {conda: {dependencies: [a]}}\n":                                true,
		head + "runtime_env: {pip: [a], conda: null}\n":                                     true,
		head + "runtime_env: {env_vars: {A: '1'}}\n":                                        true,
		head + "runtime_env: {image_uri: a, env_vars: {A: b}}\n":                            true,
		head + "runtime_env: {config: {setup_timeout_seconds: -1, eager_install: false}}\n": true,
		head + "runtime_env: {py_modules: [./a, 'gcs://x.whl']}\n":                          true,
		"{}":                                                         false,
		"[]":                                                         false,
		"entrypoint: ' '\n":                                          false,
		"entrypoint: 5\n":                                            false,
		"entrypoint: null\n":                                         false,
		head + "foo: 1\n":                                            false,
		head + "submission_id: a/b\n":                                false,
		head + "submission_id: '..'\n":                               false,
		head + "metadata: {a: 1}\n":                                  false,
		head + "metadata: [a]\n":                                     false,
		head + "metadata: {a: <redacted>}\n":                         false,
		head + "entrypoint_memory: 1.5\n":                            false,
		head + "entrypoint_memory: -1\n":                             false,
		head + "entrypoint_memory: 5 parsecs\n":                      false,
		head + "entrypoint_num_cpus: '4'\n":                          false,
		head + "entrypoint_num_gpus: -1\n":                           false,
		head + "entrypoint_num_gpus: true\n":                         false,
		head + "entrypoint_resources: {GPU: 1}\n":                    false,
		head + "entrypoint_resources: {a: b}\n":                      false,
		head + "entrypoint_label_selector: {zone: 1}\n":              false,
		head + "entrypoint_label_selector: {'a?': x}\n":              false,
		head + "entrypoint_label_selector: {a: '>= 5'}\n":            false,
		head + "entrypoint_label_selector: {a.io/b: '!in(x, y)'}\n":  true,
		head + "deadline: 0\n":                                       false,
		head + "deadline: soon\n":                                    false,
		head + "retries: 1.5\n":                                      false,
		head + "retries: 101\n":                                      false,
		head + "after: never\n":                                      false,
		head + "working_dir: ' '\n":                                  false,
		head + "working_dir: git://x/y.zip\n":                        false,
		head + "working_dir: s3://x/y\n":                             false,
		head + "working_dir: local://x\n":                            false,
		head + "runtime_env: []\n":                                   false,
		head + "runtime_env: {pip: [a], conda: b}\n":                 false,
		head + "runtime_env: {pip: [a], uv: [b]}\n":                  false,
		head + "runtime_env: {pip: 5}\n":                             false,
		head + "runtime_env: {pip: [1]}\n":                           false,
		head + "runtime_env: {pip: {packages: [a], x: 1}}\n":         false,
		head + "runtime_env: {pip: {pip_check: true}}\n":             false,
		head + "runtime_env: {uv: {packages: a.txt}}\n":              false,
		head + "runtime_env: {conda: [a]}\n":                         false,
		head + "runtime_env: {env_vars: {A: 1}}\n":                   false,
		head + "runtime_env: {env_vars: {'A B': x}}\n":               false,
		head + "runtime_env: {env_vars: {T: <fill in>}}\n":           false,
		head + "runtime_env: {image_uri: a, pip: [b]}\n":             false,
		head + "runtime_env: {container: {image: a}, uv: [b]}\n":     false,
		head + "runtime_env: {config: {setup_timeout_seconds: 0}}\n": false,
		head + "runtime_env: {py_modules: a}\n":                      false,
		head + "runtime_env: {py_modules: ['s3://x/y']}\n":           false,
		head + "runtime_env: {worker_process_setup_hook: 1}\n":       false,
		head + "runtime_env: {worker_process_setup_hook: setup}\n":   false,
		head + "runtime_env: {excludes: [1]}\n":                      false,
	} {
		_, err := jobspec.Parse("job.yaml", []byte(file))
		if (err == nil) != valid {
			t.Errorf("dray says %v of\n%s", err, file)
		}
		if err := schema.Validate(asJSON(t, file)); (err == nil) != valid {
			t.Errorf("the schema says %v of\n%s", err, file)
		}
	}
}

// asJSON is how an editor sees a YAML file.
func asJSON(t *testing.T, file string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(file), &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
