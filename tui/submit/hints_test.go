package submit

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

func TestScriptOf(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"python train.py":                     "train.py",
		"python -u src/train.py --cfg x":      "src/train.py",
		"/usr/bin/python3.11 train.py > log":  "train.py",
		"A=1 B=2 python train.py C=3":         "train.py",
		"./run.sh && python after.py":         "./run.sh",
		"bash run.sh":                         "run.sh",
		"python -m pkg.train":                 "",
		"python -c 'print(1)'":                "",
		"python":                              "",
		"python /opt/train.py":                "",
		"python $HOME/train.py":               "",
		"python *.py":                         "",
		"cd src && python train.py":           "",
		"train.py":                            "",
		"":                                    "",
		"A=1":                                 "",
		"python 'not closed":                  "",
		"python ~/train.py":                   "",
		"python `which train`":                "",
		"python train.py --data=../x | tee a": "train.py",
	} {
		if got := scriptOf(command); got != want {
			t.Errorf("scriptOf(%q) = %q, want %q", command, got, want)
		}
	}
}

// looked runs the look for the script without its pause.
func looked(m Model) Model {
	for _, msg := range messages(m.sought(scriptPauseMsg{m.scriptGen})) {
		m = update(m, msg)
	}
	return m
}

func TestModel_MissingScript(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := embedded(t, jobs)
	m := started(t, New(env), 80, 21)
	m, _ = typed(m, "python train.py")
	if m = looked(m); !strings.Contains(m.View(), "train.py is not in the working dir") || len(m.problems) > 0 {
		t.Fatalf("no hint, or it blocks: %v\n%s", m.problems, m.View())
	}
	old := m.scriptGen
	m, _ = typed(m, " --lr 1")
	if m = update(m, scriptMsg{old, "train.py"}); m.missing != "" {
		t.Error("an answer to an older question is taken")
	}
	write(t, filepath.Join(env.Cwd, "train.py"), "")
	if m = looked(m); strings.Contains(m.View(), "is not in the working dir") {
		t.Error("the hint stays when the file is there")
	}
	if m, cmd := typed(m, "ctrl+s"); cmd == nil {
		t.Errorf("not submitted: %s", m.failure)
	}
}

func TestModel_Resources(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	jobs.ResourcesFn = func(context.Context) ([]client.Resource, error) {
		return []client.Resource{{Name: "CPU", Used: 4, Total: 16}, {Name: "GPU", Used: 8, Total: 8}, {Name: "memory", Used: 0, Total: 64 << 30}, {Name: "TPU", Used: 1, Total: 1}}, nil
	}
	for _, tt := range []struct{ keys, want, not string }{
		{"at:entrypoint_num_gpus 1", "8 GPUs total, 0 free: the job will queue", ""},
		{"at:entrypoint_num_gpus 9", "the cluster has 8 GPUs in all: the job stays PENDING", "will queue"},
		{"at:entrypoint_num_cpus 12", "16 CPUs total, 12 free", "will queue"},
		{"at:entrypoint_num_cpus 12.5", "16 CPUs total, 12 free: the job will queue", ""},
		{"at:entrypoint_memory 65GiB", "the cluster has 64 GiB memory in all", ""},
		{"at:entrypoint_resources T_PU=1", "1 T_PU total, 0 free: the job will queue", ""},
		{"at:entrypoint_resources NPU=1", "the cluster has no NPU now: the job stays PENDING until it gets some", "NPU total"},
		{"at:entrypoint_resources tpu=1", "1 tpu total, 0 free", "has no"},
	} {
		t.Run(tt.keys, func(t *testing.T) {
			t.Parallel()
			m := started(t, New(remote(t, jobs)), 140, 37)
			m, _ = typed(m, "python x.py")
			for _, msg := range messages(m.askResources()) {
				m = update(m, msg)
			}
			m, _ = typed(m, strings.Fields(tt.keys)...)
			view := strings.Join(m.placement(400), "\n")
			if !strings.Contains(view, tt.want) || tt.not != "" && strings.Contains(view, tt.not) || len(m.problems) > 0 {
				t.Errorf("want %q, not %q:\n%s", tt.want, tt.not, view)
			}
		})
	}
}

func TestModel_RecentEnvironments(t *testing.T) {
	t.Parallel()
	env := remote(t, newServer(t))
	at := time.Date(2026, 3, 2, 13, 40, 0, 0, time.UTC)
	for i, raw := range []string{
		`{"working_dir":"gcs://_ray_pkg_1.zip","pip":["torch"],"env_vars":{"HF_TOKEN":"hf_abcdefgh","LR":"1"},"nsight":"default"}`,
		`{"working_dir":"gcs://_ray_pkg_2.zip"}`,
		`{"working_dir":"gcs://_ray_pkg_3.zip","pip":["torch"],"env_vars":{"HF_TOKEN":"hf_abcdefgh","LR":"1"},"nsight":"default"}`,
	} {
		r := rayapi.SubmitRequest{SubmissionID: "j" + string(rune('1'+i)), Entrypoint: "x", RuntimeEnv: json.RawMessage(raw)}
		if err := env.Ledger.Record(env.Target.LedgerKey, r, "", at); err != nil {
			t.Fatal(err)
		}
	}
	m := started(t, New(env), 140, 37)
	m = update(m, m.loadHistory()())
	m, _ = typed(m, "python x.py", "at:working_dir", ".", "pgdown", "ctrl+r")
	view := m.View()
	if strings.Count(view, "pip torch; env HF_TOKEN LR=1; nsight") != 1 || !strings.Contains(view, "2 jobs") || strings.Contains(view, "hf_abc") {
		t.Fatalf("list:\n%s", view)
	}
	m, _ = typed(m, "enter")
	if m.form.Value(fieldDir) != "." || m.form.Value(fieldPip) != "torch" || m.base.extras().Get("nsight") == nil || !strings.HasPrefix(m.form.Value(fieldEnv), "HF_TOKEN=") {
		t.Errorf("taken over: %v", m.draft())
	}
	if view = m.View(); strings.Contains(view, "hf_abc") {
		t.Errorf("a secret is drawn:\n%s", view)
	}
}

func TestModel_UnreadableTextCanBeDropped(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 80, 21)
	m, _ = typed(m, "echo hi", "pgdown", "ctrl+x", "enter", "pip: [")
	m, _ = typed(m, "esc")
	if m.at() != stepEnv || !strings.Contains(m.failure, "esc again drops") {
		t.Fatalf("step %d: %s", m.step, m.failure)
	}
	m, _ = typed(m, "x")
	if m, _ = typed(m, "esc"); m.at() != stepEnv {
		t.Fatal("one esc drops what was typed after the warning")
	}
	if m, _ = typed(m, "esc"); m.step != stepBasics || m.textErr != nil || len(m.problems) > 0 || m.failure != "" {
		t.Errorf("step %d, %v, %v, %s", m.step, m.textErr, m.problems, m.failure)
	}
}

func TestModel_RevealByCommand(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 80, 21)
	m, _ = typed(m, "echo hi", "at:env_vars", "HF_TOKEN=hf_abcdefgh")
	var page screen.Screen = m
	cmds := page.(screen.Commander).Commands()
	if len(cmds) != 1 || cmds[0].Name != "reveal" || strings.Contains(m.View(), "hf_abc") {
		t.Fatalf("%+v", cmds)
	}
	run := cmds[0].Run(nil)
	if m = update(m, run()); !strings.Contains(m.View(), "hf_abc") {
		t.Error("not revealed")
	}
}
