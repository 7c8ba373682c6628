package jobspec_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobspec"
)

func TestFromCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       jobspec.Spec
		notes      string // a part of each, by "|"
	}{
		{"plain", "ray job submit -- python train.py", jobspec.Spec{Entrypoint: "python train.py"}, ""},
		{"without --", "ray job submit --no-wait python train.py --lr 1", jobspec.Spec{Entrypoint: "python train.py --lr 1"}, ""},
		{"prompt and environment", "me@head:~$ RAY_ADDRESS=x ray job submit -- true", jobspec.Spec{Entrypoint: "true"}, "RAY_ADDRESS=x is set for the command alone"},
		{"runner", "uv run ray job submit -- true", jobspec.Spec{Entrypoint: "true"}, ""},
		{"path", "/opt/ray/bin/ray job submit -- true", jobspec.Spec{Entrypoint: "true"}, ""},
		{
			"everything", `ray job submit --address http://h:8265 \
  --submission-id=a1 --working-dir './my src' \
  --runtime-env-json '{"pip": ["torch"], "env_vars": {"A": "it'"'"'s"}}' --metadata-json '{"team": "v"}' \
  --entrypoint-num-cpus 0.5 --entrypoint-num-gpus=1 --entrypoint-memory 1024 \
  --entrypoint-resources '{"TPU": 1}' --entrypoint-label-selector '{"zone": "a"}' -- python "my train.py" && echo done`,
			jobspec.Spec{
				Entrypoint: "python 'my train.py'", SubmissionID: "a1", WorkingDir: "./my src",
				RuntimeEnv: json.RawMessage(`{"pip":["torch"],"env_vars":{"A":"it's"}}`), Metadata: map[string]string{"team": "v"},
				NumCPUs: 0.5, NumGPUs: 1, Memory: 1024, Resources: map[string]float64{"TPU": 1}, LabelSelector: map[string]string{"zone": "a"},
			},
			"http://h:8265 is not part of the job|what follows the command is left out: && echo done",
		},
		{"Windows lines", "ray job submit \\\r\n --submission-id a -- true\r\n", jobspec.Spec{Entrypoint: "true", SubmissionID: "a"}, ""},
		{"shell text", `ray job submit -- sh -c 'a | b > c'`, jobspec.Spec{Entrypoint: "a | b > c"}, ""},
		{"bash quotes", `ray job submit -- sh -c $'a\n\x41\u00e9\'\\'`, jobspec.Spec{Entrypoint: "a\nAé'\\"}, ""},
		{"variables", `ray job submit --submission-id "$ID" -- echo ${HOME} '$HOME' \$HOME "\$HOME" $`, jobspec.Spec{Entrypoint: `echo '${HOME}' '$HOME' '$HOME' '$HOME' '$'`, SubmissionID: "$ID"}, "a part of $ID|a part of ${HOME}"},
		{"file", "ray job submit --runtime-env env.yaml -- true", jobspec.Spec{Entrypoint: "true"}, "in the file env.yaml"},
		{"unknown flag", "ray job submit --new-thing 5 -- true", jobspec.Spec{Entrypoint: "true"}, "--new-thing is not known"},
		{"redirection", "ray job submit -- true 2>&1 | tee log", jobspec.Spec{Entrypoint: "true"}, "what follows"},
		{
			"dray", `dray --address x submit --id a --env A=1 --env B='x y' --runtime-env-json '{"env_vars":{"A":"0"}}' --exclude '*.o' --py-module ./m --metadata k=v --follow -- 'make && run'`,
			jobspec.Spec{
				Entrypoint: "make && run", SubmissionID: "a", Metadata: map[string]string{"k": "v"}, After: jobspec.AfterLog,
				RuntimeEnv: json.RawMessage(`{"env_vars":{"A":"1","B":"x y"}}`),
			},
			"--address x is not part",
		},
		{"curl", `curl -sS -X POST http://h:8265/api/jobs/ -H 'Content-Type: application/json' -d '{"entrypoint": "true", "metadata": {"a": "b"}}'`, jobspec.Spec{Entrypoint: "true", Metadata: map[string]string{"a": "b"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, notes, err := jobspec.FromCommand(tt.line)
			if err != nil {
				t.Fatal(err)
			}
			if tt.name == "dray" {
				tt.want.RuntimeEnv = json.RawMessage(`{"env_vars":{"A":"1","B":"x y"},"excludes":["*.o"],"py_modules":["./m"]}`)
			}
			if diff := cmp.Diff(tt.want, got, cmp.Transformer("text", func(r json.RawMessage) string { return string(r) })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var want []string
			if tt.notes != "" {
				want = strings.Split(tt.notes, "|")
			}
			if len(notes) != len(want) {
				t.Fatalf("notes: %v, want %v", notes, want)
			}
			for i, n := range notes {
				if !strings.Contains(n.Text, want[i]) {
					t.Errorf("note %q, want %q in it", n.Text, want[i])
				}
			}
		})
	}
}

func TestFromCommand_wrong(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"python train.py":                "",
		"":                               "",
		"ray status":                     "",
		"ray job submit -- 'x":           "",
		"dray ls":                        "",
		"curl http://x":                  "",
		"echo a b c d ray job submit":    "",
		"ray job submit --submission-id": "--submission-id has no value",
		"ray job submit --runtime-env-json '{' -- x":          "--runtime-env-json: { is not a JSON object",
		"ray job submit --metadata-json '{\"a\":1}' -- x":     "metadata.a: it must be text",
		"ray job submit --entrypoint-num-cpus many -- x":      "entrypoint_num_cpus: it must be a number",
		"dray submit --env X -- x":                            "--env X has no '='",
		"curl -d '{\"entrypoint\": 5}' http://x/api/jobs/":    "entrypoint must be a string",
		"ray job submit --entrypoint-resources '[1]' -- true": "is not a JSON object",
	} {
		_, _, err := jobspec.FromCommand(line)
		if err == nil || errors.Is(err, jobspec.ErrNotCommand) != (want == "") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", line, err, want)
		}
	}
}

func TestArgv(t *testing.T) {
	t.Parallel()
	for entrypoint, want := range map[string]string{
		"python train.py":  "python train.py",
		"a && b":           "sh -c a && b",
		"sh -c 'a && b'":   "sh -c sh -c 'a && b'",
		"echo $HOME":       "sh -c echo $HOME",
		"python 'my x.py'": "python my x.py",
		"a  b":             "sh -c a  b",
		"'":                "sh -c '",
	} {
		argv := jobspec.Spec{Entrypoint: entrypoint}.RayArgv("")
		if got := strings.Join(argv[5:], " "); got != want {
			t.Errorf("%s: %s, want %s", entrypoint, got, want)
		}
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	for _, v := range [][2]string{
		{"HF_TOKEN", "x"},
		{"db_password", "x"},
		{"AWS_SECRET_ACCESS_KEY", "x"},
		{"api.key", "x"},
		{"X", "ghp_abc"},
		{"X", "AKIAXXXX"},
		{"X", "postgres://me:pw@host/db"},
		{"X", "eyJhbGciOiJIUzI1NiJ9.e30.x"},
		{"BASIC_AUTH", "x"},
		{"MY_PWD", "x"},
		{"", "git+https://ghp_abc@github.com/o/r"},
		{"", "https://0123456789abcdef0123@host/simple"},
	} {
		if !jobspec.Secret(v[0], v[1]) {
			t.Errorf("%s=%s is no secret", v[0], v[1])
		}
	}
	for _, v := range [][2]string{{"TOKENIZERS_PARALLELISM", "false"}, {"RAY_AUTH_MODE", "token"}, {"PWD", "/x"}, {"KEY", "v"}, {"X", "http://host:80/x"}, {"monkey", "x"}, {"", "git+ssh://git@github.com/o/r"}} {
		if jobspec.Secret(v[0], v[1]) {
			t.Errorf("%s=%s is a secret", v[0], v[1])
		}
	}
}

func TestSpec_Masked_workingDir(t *testing.T) {
	t.Parallel()
	spec, paths := jobspec.Spec{Entrypoint: "x", WorkingDir: "https://me:pw@host/a.zip"}.Masked(jobspec.FillIn)
	if spec.WorkingDir != jobspec.FillIn || len(paths) != 1 || paths[0] != "working_dir" {
		t.Errorf("got %q, %q", spec.WorkingDir, paths)
	}
	if left := spec.Unfilled(); len(left) != 1 || left[0] != "working_dir" {
		t.Errorf("to fill in: %q", left)
	}
	if p := spec.Check(); len(p) == 0 || p[0].Field != "working_dir" {
		t.Errorf("it could be sent: %v", p)
	}
}

func TestCommandSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"t --api-key abc", "t --token=abc x", "HF_TOKEN=x t", "t 'sk-abc'", "bash -c 'curl https://u:p@h/x'"} {
		if !jobspec.CommandSecret(c) {
			t.Errorf("%s holds no secret", c)
		}
	}
	for _, c := range []string{"", "python t.py --lr 0.1", "t --token=$HF_TOKEN", `t --api-key "$KEY"`, "t --token --x", "A=b t"} {
		if jobspec.CommandSecret(c) {
			t.Errorf("%s holds a secret", c)
		}
	}
}
