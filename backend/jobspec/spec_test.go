package jobspec_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const file = `# a job
$schema: ./job.schema.json
entrypoint: |
  set -e
  python train.py
submission_id: train-1
working_dir: ./src
runtime_env:
  pip: &pkgs [torch==2.5.1, timm]
  nsight: default
  other: {b: 1, a: [1.50, 0x10, null, true]}
  env_vars:
    DATE: 2026-01-01
    EMPTY: ""
metadata: {team: vision}
entrypoint_num_cpus: 0.5
entrypoint_memory: 1.5 GiB
entrypoint_resources: {TPU: 1}
entrypoint_label_selector: {zone: a}
entrypoint_num_gpus:
deadline: 2h
retries: 3
retry_delay: 1.5
after: notify
`
	want := jobspec.Spec{
		Entrypoint: "set -e\npython train.py\n", SubmissionID: "train-1", WorkingDir: "./src",
		RuntimeEnv: json.RawMessage(`{"pip":["torch==2.5.1","timm"],"nsight":"default","other":{"b":1,"a":[1.50,16,null,true]},"env_vars":{"DATE":"2026-01-01","EMPTY":""}}`),
		Metadata:   map[string]string{"team": "vision", "dray_deadline_s": "7200", "dray_max_retries": "3", "dray_retry_delay_s": "1.5"},
		NumCPUs:    0.5, Memory: 3 << 29, Resources: map[string]float64{"TPU": 1}, LabelSelector: map[string]string{"zone": "a"},
		After: jobspec.AfterNotify,
	}
	got, err := jobspec.Parse("job.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, data := range map[string][]byte{"YAML": got.YAML(), "JSON": got.JSON(), "tabs": []byte(strings.ReplaceAll(string(got.JSON()), "  ", "\t"))} {
		again, err := jobspec.Parse(name, data)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Every mistake is said with its place and what to do.
func TestParse_wrong(t *testing.T) {
	t.Parallel()
	const head = "entrypoint: x\n"
	tests := []struct{ name, file, want string }{
		{"empty", "", "job.yaml: it is empty"},
		{"no keys", "python train.py", "job.yaml:1:1: a job is keys and values"},
		{"a list", "- a\n", "job.yaml:1:1: a job is keys and values, such as entrypoint: COMMAND, not a list"},
		{"syntax", "entrypoint: [\n", "job.yaml:1: it is not YAML"},
		{"two documents", head + "---\n" + head, "job.yaml:2:1: a second document begins here"},
		{"no command", "metadata: {a: b}\n", "job.yaml:1:1: entrypoint: it is missing"},
		{"null command", "entrypoint:\n", "entrypoint: it is missing"},
		{"blank command", "entrypoint: ' '\n", "job.yaml:1:13: entrypoint: it is missing"},
		{"command is a number", "entrypoint: 5\n", `job.yaml:1:13: entrypoint: it must be text, not the number 5: put it in quotes, "5"`},
		{"command is a list", "entrypoint: [a, b]\n", "entrypoint: it must be text, not a list"},
		{"unknown key", head + "entrypoints: y\n", "job.yaml:2:1: entrypoints: there is no such key; the keys are after, deadline"},
		{"key of the environment", head + "env_vars: {}\n", "job.yaml:2:1: env_vars: there is no such key; write it under runtime_env"},
		{"short key", head + "num_gpus: 1\n", "write entrypoint_num_gpus"},
		{"shorter key", head + "gpus: 1\n", "write entrypoint_num_gpus"},
		{"name", head + "name: a\n", "write submission_id"},
		{"twice", head + "entrypoint: y\n", "job.yaml:2:1: entrypoint is there twice, first in line 1: remove one"},
		{"twice below", head + "metadata:\n  a: x\n  a: y\n", "job.yaml:4:3: metadata: a is there twice"},
		{"merge", "base: &b {a: x}\n" + head + "metadata:\n  <<: *b\n", "<< is not supported"},
		{"id", head + "submission_id: a/b\n", "job.yaml:2:16: submission_id: it contains '/'"},
		{"metadata number", head + "metadata:\n  lr: 0.1\n", `job.yaml:3:7: metadata.lr: it must be text, not the number 0.1: put it in quotes, "0.1"`},
		{"metadata yes", head + "metadata: {a: true}\n", "metadata.a: it must be text, not the truth value true"},
		{"metadata list", head + "metadata: [a]\n", "metadata: it must be keys and values, not a list"},
		{"metadata hidden", head + "metadata: {a: <redacted>}\n", "metadata.a: its value was left out or hidden"},
		{"metadata size", head + "metadata: {a: " + strings.Repeat("x", 5000) + "}\n", "metadata.a: a has 5001 bytes, at most 4096"},
		{"cpus text", head + "entrypoint_num_cpus: '4'\n", `it must be a number, not the text "4": write it without quotes`},
		{"cpus negative", head + "entrypoint_num_cpus: -1\n", "job.yaml:2:22: entrypoint_num_cpus: -1 is negative"},
		{"cpus infinite", head + "entrypoint_num_cpus: .inf\n", "is no amount"},
		{"memory fraction", head + "entrypoint_memory: 1.5\n", "1.5 is no whole number of bytes"},
		{"memory unit", head + "entrypoint_memory: 5 parsecs\n", `"5 parsecs" is no amount of bytes`},
		{"resource text", head + "entrypoint_resources: {TPU: many}\n", "entrypoint_resources.TPU: it must be a number"},
		{"resource of its own", head + "entrypoint_resources: {GPU: 1}\n", "entrypoint_resources.GPU: it has a key of its own: write entrypoint_num_gpus"},
		{"label name", head + "entrypoint_label_selector: {'a?': x}\n", `entrypoint_label_selector.a?: "a?" is no label`},
		{"label value", head + "entrypoint_label_selector: {a: '>= 5'}\n", `">= 5" is no value of a label`},
		{"requirement", head + "runtime_env: {pip: [a, torch=2]}\n", "runtime_env.pip[1]: \"torch=2\" has one '='"},
		{"labels", head + "entrypoint_label_selector: {a: 1}\n", "entrypoint_label_selector.a: it must be text"},
		{"deadline", head + "deadline: soon\n", `"soon" is no duration`},
		{"deadline 0", head + "deadline: 0\n", "job.yaml:2:11: metadata.dray_deadline_s: \"0\" is no deadline"},
		{"deadline twice", head + "metadata: {dray_deadline_s: '5'}\ndeadline: 5\n", "says it too"},
		{"deadline twice, other order", head + "deadline: 5\nmetadata: {dray_deadline_s: '5'}\n", "says it too"},
		{"retries", head + "retries: 1.5\n", "is no number of retries"},
		{"after", head + "after: never\n", `"never" is none of log, stay, notify`},
		{"environment list", head + "runtime_env: [a]\n", "runtime_env: it must be keys and values"},
		{"environment twice", head + "runtime_env: {pip: [a], pip: [b]}\n", "pip is there twice"},
		{"environment tag", head + "runtime_env: {x: !!binary aGk=}\n", "a value of type !!binary cannot be sent"},
		{"environment circle", head + "runtime_env: &a {x: *a}\n", "anchors may be used in a circle"},
		{"working dir twice", head + "working_dir: .\nruntime_env: {working_dir: .}\n", "runtime_env.working_dir says it too"},
		{"working dir scheme", head + "working_dir: git://x/y.zip\n", "Ray cannot fetch git://"},
		{"working dir suffix", head + "working_dir: s3://x/y\n", "must name an archive: .zip"},
		{"working dir local", head + "working_dir: local://x\n", "local:// needs an absolute path"},
		{"working dir blank", head + "working_dir: ''\nruntime_env: {working_dir: ' '}\n", "runtime_env.working_dir: it is blank"},
		{"variable number", head + "runtime_env:\n  env_vars:\n    A: 1\n", `job.yaml:4:8: runtime_env.env_vars.A: A must be text, got a number: write "1" in quotes`},
		{"variable name", head + "runtime_env: {env_vars: {'a b': x}}\n", `the name "a b" contains a blank`},
		{"variable to fill in", head + "runtime_env: {env_vars: {T: <fill in>}}\n", "runtime_env.env_vars.T: its value was left out or hidden: type it in"},
		{"variables list", head + "runtime_env: {env_vars: [A=1]}\n", "runtime_env.env_vars: env_vars must be an object of texts, got a list"},
		{"pip and conda", head + "runtime_env: {pip: [a], conda: b}\n", "runtime_env.conda: pip and conda cannot be set together"},
		{"pip number", head + "runtime_env: {pip: 5}\n", "runtime_env.pip: pip must be a list of packages, got a number"},
		{"pip key", head + "runtime_env: {pip: {packages: [a], extra: b}}\n", "runtime_env.pip.extra: pip can only have packages, pip_check"},
		{"pip nothing", head + "runtime_env: {pip: {pip_check: true}}\n", "runtime_env.pip: pip has no packages"},
		{"uv element", head + "runtime_env: {uv: [a, 1]}\n", "runtime_env.uv[1]: uv, entry 2 must be text, got a number"},
		{"conda list", head + "runtime_env: {conda: [a]}\n", "runtime_env.conda: conda must be the name of an environment or an object, got a list"},
		{"timeout", head + "runtime_env: {config: {setup_timeout_seconds: 0}}\n", "setup_timeout_seconds must be greater than zero, or -1"},
		{"eager", head + "runtime_env: {config: {eager_install: 1}}\n", "eager_install must be true or false, got a number"},
		{"image and pip", head + "runtime_env: {image_uri: a, pip: [b]}\n", "runtime_env.image_uri: image_uri goes with config and env_vars only: take out pip"},
		{"hook", head + "runtime_env: {worker_process_setup_hook: 1}\n", "worker_process_setup_hook: the setup hook must be text"},
		{"modules", head + "runtime_env: {py_modules: a}\n", "runtime_env.py_modules: py_modules must be a list of texts, got text"},
		{"module suffix", head + "runtime_env: {py_modules: [./a, 'https://x/y.txt']}\n", `runtime_env.py_modules[1]: "https://x/y.txt" must name an archive`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := jobspec.Parse("job.yaml", []byte(tt.file))
			var wrong *jobspec.Error
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestParse_warnings(t *testing.T) {
	t.Parallel()
	spec, err := jobspec.Parse("job.yaml", []byte(`
entrypoint: x
entrypoint_num_cpus: 0.00001
runtime_env:
  pip: requirements.txt
  env_vars: {PATH: /x, RAY_ADDRESS: auto, RAY_DEDUP_LOGS: "0", FINE: y}
  pipp: [x]
  nsight: default
  _ray_commit: abc
`))
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, p := range spec.Check() {
		if !p.Warning {
			t.Errorf("not a warning: %s", p)
		}
		fields = append(fields, p.Field)
	}
	want := []string{"runtime_env.pip", "runtime_env.env_vars.PATH", "runtime_env.env_vars.RAY_ADDRESS", "runtime_env.env_vars.RAY_DEDUP_LOGS", "runtime_env.pipp", "entrypoint_num_cpus"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseTemplate(t *testing.T) {
	t.Parallel()
	spec, err := jobspec.ParseTemplate("t.yaml", []byte("runtime_env: {env_vars: {TOKEN: <fill in>}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"runtime_env.env_vars.TOKEN"}, spec.Unfilled()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := jobspec.ParseTemplate("t.yaml", []byte("submission_id: a/b\n")); err == nil {
		t.Error("a template may be wrong in any way")
	}
}

func TestSpec_Masked(t *testing.T) {
	t.Parallel()
	spec := jobspec.Spec{
		Metadata:   map[string]string{"api_key": "k", "team": "vision"},
		RuntimeEnv: json.RawMessage(`{"env_vars":{"A":"b","HF_TOKEN":"x","URL":"https://me:pw@host/x"},"pip":["a @ https://u:p@h/x","b"]}`),
	}
	masked, paths := spec.Masked("***")
	want := `{"env_vars":{"A":"b","HF_TOKEN":"***","URL":"***"},"pip":["***","b"]}`
	if string(masked.RuntimeEnv) != want || masked.Metadata["api_key"] != "***" || masked.Metadata["team"] != "vision" {
		t.Errorf("masked: %s %v", masked.RuntimeEnv, masked.Metadata)
	}
	if diff := cmp.Diff([]string{"metadata.api_key", "runtime_env.env_vars.HF_TOKEN", "runtime_env.env_vars.URL", "runtime_env.pip"}, paths); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if spec.Metadata["api_key"] != "k" {
		t.Error("the original was changed")
	}
}

func TestSpec_Over(t *testing.T) {
	t.Parallel()
	base := jobspec.Spec{
		Entrypoint: "a", Metadata: map[string]string{"x": "1", "y": "2"}, NumCPUs: 1,
		RuntimeEnv: json.RawMessage(`{"working_dir":"./old","pip":["p"],"env_vars":{"A":"1","B":"2"}}`),
	}
	got := base.Over(jobspec.Spec{
		WorkingDir: "./new", Metadata: map[string]string{"y": "3"}, NumGPUs: 2, RuntimeEnv: json.RawMessage(`{"env_vars":{"B":"5","C":"6"},"pip":["q"]}`),
	})
	want := jobspec.Spec{
		Entrypoint: "a", WorkingDir: "./new", Metadata: map[string]string{"x": "1", "y": "3"}, NumCPUs: 1, NumGPUs: 2,
		RuntimeEnv: json.RawMessage(`{"pip":["q"],"env_vars":{"A":"1","B":"5","C":"6"}}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if base.Metadata["y"] != "2" {
		t.Error("the base was changed")
	}
}

func TestSpec_At(t *testing.T) {
	t.Parallel()
	got := jobspec.Spec{WorkingDir: "src", RuntimeEnv: json.RawMessage(`{"py_modules":["m","/abs","gcs://p.zip"]}`)}.At("/base")
	if got.WorkingDir != "/base/src" || string(got.RuntimeEnv) != `{"py_modules":["/base/m","/abs","gcs://p.zip"]}` {
		t.Errorf("got %s %s", got.WorkingDir, got.RuntimeEnv)
	}
	got = jobspec.Spec{WorkingDir: "s3://b/x.zip"}.At("/base")
	if got.WorkingDir != "s3://b/x.zip" {
		t.Errorf("an address became %s", got.WorkingDir)
	}
}

func TestSpec_Set(t *testing.T) {
	t.Parallel()
	base := jobspec.Spec{
		Entrypoint: "python t.py --lr 0.1 --name='a b'", Metadata: map[string]string{"m": "1", "dray_deadline_s": "5"},
		Resources: map[string]float64{"TPU": 1}, RuntimeEnv: json.RawMessage(`{"pip":["a"],"env_vars":{"LR":"1"}}`),
	}
	tests := []struct {
		path, value string
		check       func(jobspec.Spec) string
		want        string // "!…" is a part of the error
	}{
		{"--lr", "0.2", func(s jobspec.Spec) string { return s.Entrypoint }, "python t.py --lr 0.2 --name='a b'"},
		{"--name", "it's", func(s jobspec.Spec) string { return s.Entrypoint }, `python t.py --lr 0.1 --name='it'"'"'s'`},
		{"--nope", "1", nil, "!has no --nope"},
		{"entrypoint", "true", func(s jobspec.Spec) string { return s.Entrypoint }, "true"},
		{"entrypoint_num_gpus", "2", func(s jobspec.Spec) string { return string(rune('0' + int(s.NumGPUs))) }, "2"},
		{"entrypoint_num_gpus", "two", nil, "!must be a number"},
		{"env.LR", "2", func(s jobspec.Spec) string { return string(s.RuntimeEnv) }, `{"pip":["a"],"env_vars":{"LR":"2"}}`},
		{"env.A.B", "2", func(s jobspec.Spec) string { return string(s.RuntimeEnv) }, `{"pip":["a"],"env_vars":{"LR":"1","A.B":"2"}}`},
		{"runtime_env.pip", `["x","y"]`, func(s jobspec.Spec) string { return string(s.RuntimeEnv) }, `{"pip":["x","y"],"env_vars":{"LR":"1"}}`},
		{"runtime_env.config.eager_install", "true", func(s jobspec.Spec) string { return string(s.RuntimeEnv) }, `{"pip":["a"],"env_vars":{"LR":"1"},"config":{"eager_install":true}}`},
		{"runtime_env", "[", nil, "!not a JSON object"},
		{"metadata.m", "2", func(s jobspec.Spec) string { return s.Metadata["m"] + s.Metadata["dray_deadline_s"] }, "25"},
		{"metadata", "x", nil, "!name one of its keys"},
		{"deadline", "1m", func(s jobspec.Spec) string { return s.Metadata["m"] + s.Metadata["dray_deadline_s"] }, "160"},
		{"entrypoint_resources.TPU", "2", func(s jobspec.Spec) string { return string(rune('0' + int(s.Resources["TPU"]))) }, "2"},
		{"entrypoint.x", "2", nil, "!has no parts"},
		{"nope", "2", nil, "!cannot be set"},
	}
	for _, tt := range tests {
		t.Run(tt.path+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			got, err := base.Set(tt.path, tt.value)
			if part, fails := strings.CutPrefix(tt.want, "!"); fails {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error is %v, want one with %q", err, part)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v := tt.check(got); v != tt.want {
				t.Errorf("got %s, want %s", v, tt.want)
			}
			if base.Metadata["m"] != "1" || base.Resources["TPU"] != 1 {
				t.Error("the base was changed")
			}
		})
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	r := rayapi.SubmitRequest{Entrypoint: "x", RuntimeEnv: json.RawMessage(`{"pip":["a"],"working_dir":"gcs://p.zip"}`), NumGPUs: 1}
	if diff := cmp.Diff(r, jobspec.FromRequest(r).Request()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := jobspec.Spec{WorkingDir: "./a", RuntimeEnv: json.RawMessage(`{"pip":["a"]}`)}.Request()
	if string(got.RuntimeEnv) != `{"working_dir":"./a","pip":["a"]}` {
		t.Errorf("runtime_env is %s", got.RuntimeEnv)
	}
}
