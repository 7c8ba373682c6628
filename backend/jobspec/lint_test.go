package jobspec_test

import (
	"strings"
	"testing"

	"dray/backend/jobspec"
)

func TestLintEnv_warns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ env, want string }{
		{`{"env_vars": {"RAY_ADDRESS": "x"}}`, "RAY_ADDRESS is one of Ray's own settings"},
		{`{"env_vars": {"PATH": "x"}}`, "PATH replaces the one of the node"},
		{`{"env_vars": {"PYTHONPATH": "x"}}`, "PYTHONPATH is also set by working_dir"},
		{`{"env_vars": {"CUDA_VISIBLE_DEVICES": "0"}}`, "is set by Ray from the GPUs"},
		{`{"env_vars": {"LD_PRELOAD": "x"}}`, "may keep the node's own Python from starting"},
		{`{"env_vars": {"A-B": "x"}}`, "is no name for a shell"},
		{`{"pip": ["ray[default]==2.9"]}`, ""},
		{`{"pip": ["ray==2.9"]}`, "would replace the cluster's own Ray"},
		{`{"mpi": {}}`, "is no longer a field of Ray"},
		{`{"envvars": {}}`, "did you mean env_vars?"},
		{`{"requirements": []}`, "did you mean pip?"},
		{`{"config": {"x": 1}}`, "config.x is not known to Ray"},
		{`{"_ray_commit": "x"}`, ""},
		{`{"env_vars": {"NCCL_DEBUG": "INFO"}}`, "RAY_OVERRIDE_JOB_RUNTIME_ENV=1 lets the script's win"},
		{`{"env_vars": {"RAY_OVERRIDE_JOB_RUNTIME_ENV": "1"}}`, ""},
		{`{"pip": "requirements.txt"}`, "pip is the name of a file"},
		{`{"conda": "a.yml"}`, "a.yml is the name of a file"},
		{`{"pip": ["-r ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/requirements.txt"]}`, ""},
		{`{"py_modules": ["./lib", "https://h/x.whl?sig=1"], "working_dir": "s3://b/x.zip?v=1"}`, ""},
		{`{"pip": null, "conda": "base"}`, ""},
	} {
		got := ""
		for _, p := range jobspec.LintEnv([]byte(tt.env), true) {
			if !p.Warning {
				t.Errorf("%s: %q keeps it from being sent", tt.env, p.Text)
			}
			got += p.Text + "\n"
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: warnings %q, want %q", tt.env, got, tt.want)
		}
	}
}

// Only dray's own servers read the files that a runtime environment names.
func TestLintEnv_files(t *testing.T) {
	t.Parallel()
	for _, env := range []string{`{"pip": "requirements.txt"}`, `{"uv": "r.txt"}`, `{"pip": {"packages": "r.txt"}}`, `{"conda": "a.yaml"}`} {
		list := jobspec.LintEnv([]byte(env), false)
		if len(list) != 1 || list[0].Warning || !strings.Contains(list[0].Text, "a Ray cluster does not have") {
			t.Errorf("%s: %v", env, list)
		}
	}
}
