package runtimeenv_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/backend/runtimeenv"
)

// environ returns what Environ makes, as a map, and fails on a repeated name.
func environ(t *testing.T, base []string, in runtimeenv.Identity) map[string]string {
	t.Helper()
	list := runtimeenv.Environ(base, in)
	if !slices.IsSorted(list) {
		t.Errorf("not sorted: %q", list)
	}
	env := make(map[string]string)
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		if _, twice := env[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		env[name] = value
	}
	return env
}

func TestEnvironInherits(t *testing.T) {
	t.Parallel()
	base := []string{
		"HOME=/home/u", "EMPTY=", "EQUALS=a=b", "=odd", "odd", "HOME=/home/v",
		"RAY_AUTH_TOKEN=s", "RAY_AUTH_TOKEN_PATH=/t", "RAY_AUTH_MODE=token", "RAY_ADDRESS=http://x", "RAY_API_SERVER_ADDRESS=http://x",
		"RAY_JOB_HEADERS={}", "RAY_JOB_ID=1", "RAY_RAYLET_PID=1", "RAY_JOB_CONFIG_JSON_ENV_VAR={}", "DRAY_STATE_DIR=/s", "DRAY_X=1",
		"NOTIFY_SOCKET=/n", "LISTEN_FDS=1", "RAY_DEDUP_LOGS=0",
	}
	got := environ(t, base, runtimeenv.Identity{ID: "job"})
	want := map[string]string{
		"HOME": "/home/v", "EMPTY": "", "EQUALS": "a=b", "RAY_DEDUP_LOGS": "0",
		"RAY_AUTH_MODE": "disabled", "PYTHONUNBUFFERED": "1", "RAY_worker_niceness": "0",
		"RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES": "1", "RAY_EXPERIMENTAL_NOSET_ASCEND_RT_VISIBLE_DEVICES": "1",
		"RAY_JOB_CONFIG_JSON_ENV_VAR": `{"metadata":{"job_name":"job","job_submission_id":"job"},"runtime_env":{"env_vars":{}}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

// The expected values of A to E are those that a worker of Ray 2.60.0 sees.
func TestEnvironEnvVars(t *testing.T) {
	t.Parallel()
	base := []string{"FOO=penv", "PYTHONPATH=/ours", "RAY_AUTH_TOKEN=secret"}
	built := runtimeenv.Built{Dir: "/w$FOO", PythonPath: []string{"/w$FOO", "/m"}}
	for _, tc := range []struct {
		name string
		vars map[string]string
		want map[string]string
	}{
		{
			"expansion in the order of names",
			map[string]string{
				"C": "c", "B": "$C-${C}-$FOO-${FOO}", "D": "$C ${C} ${nope} ${NOPE} $NOPE $$ ${A B} $", "E": "${C", "A": "é$é ${é} $C_x",
			},
			map[string]string{
				"C": "c", "B": "$C--penv-penv", "D": "c c ${nope}  $NOPE $$ ${A B} $", "E": "${C", "A": "é$é ${é} $C_x",
				"PYTHONPATH": "/w$FOO:/m:/ours",
			},
		},
		{"own PYTHONPATH", map[string]string{"PYTHONPATH": "/user"}, map[string]string{"PYTHONPATH": "/w$FOO:/m:/user:/ours"}},
		{
			"PYTHONPATH that refers to ours, and a later name to it",
			map[string]string{"PYTHONPATH": "$PYTHONPATH:/u", "Z": "$PYTHONPATH"},
			map[string]string{"PYTHONPATH": "/w$FOO:/m:/ours:/u:/ours", "Z": "/w$FOO:/m:/ours:/u:/ours"},
		},
		{
			"PYTHONPATH of the folders is set last",
			map[string]string{"Z": "$PYTHONPATH"},
			map[string]string{"Z": "/ours", "PYTHONPATH": "/w$FOO:/m:/ours"},
		},
		{"empty PYTHONPATH", map[string]string{"PYTHONPATH": ""}, map[string]string{"PYTHONPATH": "/w$FOO:/m:/ours"}},
		{"the backend's token is out of reach", map[string]string{"T": "${RAY_AUTH_TOKEN}"}, map[string]string{"T": ""}},
		{
			"what the user says about Ray",
			map[string]string{"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "mine", "RAY_ADDRESS": "h:6379", "DRAY_X": "1"},
			map[string]string{"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "mine", "RAY_ADDRESS": "h:6379", "DRAY_X": "1"},
		},
		{"output is never buffered", map[string]string{"PYTHONUNBUFFERED": ""}, map[string]string{"PYTHONUNBUFFERED": "1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			raw, err := json.Marshal(map[string]any{"env_vars": tc.vars})
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range []runtimeenv.Identity{
				{ID: "job", Built: built, RuntimeEnv: raw},
				{ID: "job", Built: built, EnvVars: tc.vars},
			} {
				got := environ(t, base, in)
				for name, want := range tc.want {
					if value, ok := got[name]; !ok || value != want {
						t.Errorf("%s is %q, want %q", name, value, want)
					}
				}
			}
		})
	}
}

func TestEnvironJobConfig(t *testing.T) {
	t.Parallel()
	const env = `{"working_dir": "gcs://a.zip", "py_modules": ["gcs://b.zip"], "excludes": ["x"], "env_vars": {"A": "", "RAY_worker_niceness": "5"},
		"zzz": {"n": 12345678901234567890, "k": null}, "config": {"eager_install": true}, "gone": null}`
	vars := map[string]string{"A": "real <&> ü"}
	for _, tc := range []struct {
		name string
		in   runtimeenv.Identity
		want string
	}{
		{"nothing", runtimeenv.Identity{}, `{"metadata":{"job_name":"id","job_submission_id":"id"},"runtime_env":{"env_vars":{}}}`},
		{
			"resources keep the niceness",
			runtimeenv.Identity{HasResources: true},
			`{"metadata":{"job_name":"id","job_submission_id":"id"},"runtime_env":{"env_vars":{"RAY_worker_niceness":"0"}}}`,
		},
		{
			"metadata wins",
			runtimeenv.Identity{Metadata: map[string]string{"job_name": "mine", "k": "v"}},
			`{"metadata":{"job_name":"mine","job_submission_id":"id","k":"v"},"runtime_env":{"env_vars":{}}}`,
		},
		{
			"fields",
			runtimeenv.Identity{RuntimeEnv: json.RawMessage(env), EnvVars: vars},
			`{"metadata":{"job_name":"id","job_submission_id":"id"},"runtime_env":{"config":{"eager_install":true},` +
				`"env_vars":{"A":"real \u003c\u0026\u003e ü"},"zzz":{"n":12345678901234567890,"k":null}}}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.in.ID = "id"
			if got := environ(t, nil, tc.in)["RAY_JOB_CONFIG_JSON_ENV_VAR"]; got != tc.want {
				t.Errorf("job config is\n%s, want\n%s", got, tc.want)
			}
		})
	}
}

// The largest environment that Check passes must be one that the kernel takes.
func TestEnvironFitsTheKernel(t *testing.T) {
	t.Parallel()
	vars := make(map[string]string)
	for i := range 12 {
		vars[fmt.Sprintf("K%d", i)] = strings.Repeat("x", rayapi.MaxEnvVar-100)
	}
	metadata := make(map[string]string)
	for i := range rayapi.MaxMetadataKeys {
		metadata[fmt.Sprintf("k%d", i)] = strings.Repeat("m", rayapi.MaxMetadataBytes-10)
	}
	big := `{"zzz": "` + strings.Repeat("z", 200000) + `"}`
	for _, tc := range []struct {
		name string
		in   runtimeenv.Identity
		want string
	}{
		{"large variables", runtimeenv.Identity{EnvVars: vars, Metadata: map[string]string{"k": "v"}}, `"k":"v"`},
		{"large metadata", runtimeenv.Identity{Metadata: metadata}, `"job_submission_id":"id"`},
		{"large field", runtimeenv.Identity{RuntimeEnv: json.RawMessage(big)}, `"job_submission_id":"id"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.in.ID = "id"
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `printf %s "$RAY_JOB_CONFIG_JSON_ENV_VAR"`)
			cmd.Env = runtimeenv.Environ(nil, tc.in)
			out, err := cmd.Output()
			if err != nil || !strings.Contains(string(out), tc.want) || !json.Valid(out) {
				t.Errorf("job config is %.200s, %v", out, err)
			}
		})
	}
}

func TestEnvironOfBuiltTools(t *testing.T) {
	t.Parallel()
	base := []string{"PATH=/bin", "VIRTUAL_ENV=/other", "PYTHONHOME=/p"}
	env := json.RawMessage(`{"pip": ["x"], "uv": ["x"], "conda": "x", "py_executable": "python -v", "env_vars": {"PATH": "/mine:$PATH"}}`)
	for _, tc := range []struct {
		name  string
		built runtimeenv.Built
		want  map[string]string
		gone  []string
	}{
		{"venv", runtimeenv.Built{Venv: "/v"}, map[string]string{"VIRTUAL_ENV": "/v", "PATH": "/v/bin:/mine:/bin"}, []string{"PYTHONHOME"}},
		{
			"conda",
			runtimeenv.Built{Conda: "/c"},
			map[string]string{"CONDA_PREFIX": "/c", "CONDA_DEFAULT_ENV": "/c", "PATH": "/c/bin:/mine:/bin"},
			[]string{"VIRTUAL_ENV", "PYTHONHOME"},
		},
		{"neither", runtimeenv.Built{}, map[string]string{"VIRTUAL_ENV": "/other", "PYTHONHOME": "/p", "PATH": "/mine:/bin"}, []string{"CONDA_PREFIX"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := environ(t, base, runtimeenv.Identity{ID: "id", Built: tc.built, RuntimeEnv: env})
			for name, want := range tc.want {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
			for _, name := range tc.gone {
				if value, ok := got[name]; ok {
					t.Errorf("%s is %q", name, value)
				}
			}
			config := got["RAY_JOB_CONFIG_JSON_ENV_VAR"]
			if !strings.Contains(config, `"py_executable":"python -v"`) || strings.Contains(config, "pip") || strings.Contains(config, "conda") {
				t.Errorf("job config %s", config)
			}
		})
	}
}
