package submit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestModel_Templates(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	dir := t.TempDir()
	env.Getenv = func(k string) string { return map[string]string{"XDG_CONFIG_HOME": dir}[k] }
	m := started(t, New(env), 100, 30)
	m, _ = typed(m, "python x.py", "at:env_vars", "HF_TOKEN=leak-1", "at:entrypoint")
	open := func(m Model) Model {
		m, cmd := typed(m, "ctrl+t")
		return update(m, cmd())
	}
	m, cmd := typed(open(m), "gpu", "enter")
	if n, ok := cmd().(screen.NoticeMsg); !ok || n.Level != screen.Good || !strings.Contains(n.Text, "HF_TOKEN") {
		t.Fatalf("saving said %+v", cmd())
	}
	data, err := os.ReadFile(filepath.Join(dir, "dray", "templates", "gpu.yaml"))
	if err != nil || strings.Contains(string(data), "leak") {
		t.Fatalf("template: %v\n%s", err, data)
	}
	other := started(t, New(env), 100, 30)
	other, _ = typed(open(other), "gp", "enter")
	if other.form.Value(fieldEntrypoint) != "python x.py" || other.form.Value(fieldEnv) != "HF_TOKEN=" || len(other.problems) == 0 {
		t.Errorf("applied %v, problems %v", other.draft(), other.problems)
	}
	_ = m
}

// The form writes the job file that it, and dray submit -f, read.
func TestModel_JobFile(t *testing.T) {
	t.Parallel()
	env := remote(t, newServer(t))
	env.PreflightModule = env.Preflight
	mkdir(t, filepath.Join(env.Cwd, "lib"))
	m := started(t, New(env), 100, 30)
	m, _ = typed(m, "python x.py", "at:working_dir", ".", "at:py_modules", "lib", "at:after", "right")
	m, _ = settled(t, m)
	open := func(m Model) Model {
		m, cmd := typed(m, "ctrl+t")
		return update(m, cmd())
	}
	_, cmd := typed(open(m), "./job.yaml", "enter")
	if n, ok := cmd().(screen.NoticeMsg); !ok || n.Level != screen.Good || !strings.Contains(n.Text, "job.yaml saved") {
		t.Fatalf("saving said %+v", n)
	}
	if ask, ok := cmd().(screen.AskMsg); !ok || !strings.Contains(ask.Lines[0], "is there already") {
		t.Errorf("saved again without a question: %+v", ask)
	}
	path := filepath.Join(env.Cwd, "job.yaml")
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), "- ./lib") || !strings.Contains(string(data), "after: log") {
		t.Fatalf("%v\n%s", err, data)
	}
	other := started(t, New(env), 100, 30)
	other = update(other, loadFile(fieldID, path)())
	other, _ = settled(t, other)
	if other.form.Value(fieldEntrypoint) != "python x.py" || other.dir.path != env.Cwd || len(other.problems) > 0 || other.form.Value(fieldAfter) != afterLog {
		t.Errorf("read %v, problems %v", other.draft(), other.problems)
	}
}

// A command with a secret in it is in no history.
func TestModel_HistoryHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	for i, e := range []string{"python x.py", "python x.py --token=hf_abcdefghijklmnop", "python y.py"} {
		r := rayapi.SubmitRequest{SubmissionID: fmt.Sprint("job-", i), Entrypoint: e}
		if err := env.Ledger.Record(env.Target.LedgerKey, r, "", tuitest.Now().Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	m := started(t, New(env), 100, 30)
	for _, msg := range messages(m.loadHistory()) {
		m = update(m, msg)
	}
	if m, _ = typed(m, "ctrl+r"); strings.Contains(m.View(), "hf_") || !strings.Contains(m.View(), "python y.py") {
		t.Errorf("the history:\n%s", m.View())
	}
}

// Files that a pasted command, or a job file, names are read as Ray's own client
// reads them.
func TestModel_ReadsNamedFiles(t *testing.T) {
	t.Parallel()
	env := remote(t, newServer(t))
	write(t, filepath.Join(env.Cwd, "requirements.txt"), "torch==2.5.1\n# c\n")
	write(t, filepath.Join(env.Cwd, "env.yaml"), "pip: requirements.txt\nworking_dir: s3://b/other.zip\nenv_vars:\n  LR: \"0.1\"\n")
	write(t, filepath.Join(env.Cwd, "job.yaml"), "entrypoint: python y.py\nruntime_env:\n  pip: ./requirements.txt\n")
	m := started(t, New(env), 140, 37)
	m, cmd := typed(m, "paste:ray job submit --runtime-env env.yaml --working-dir ./ -- python x.py")
	for _, msg := range messages(cmd) {
		m = update(m, msg)
	}
	m, _ = settled(t, m)
	if got := string(m.typedEnv().JSON()); got != `{"pip":["torch==2.5.1"],"working_dir":"./","env_vars":{"LR":"0.1"}}` || len(m.problems) > 0 {
		t.Errorf("environment %s, problems %v", got, m.problems)
	}
	if view := m.View(); !strings.Contains(view, "read env.yaml") || strings.Contains(view, "load it by itself") {
		t.Errorf("what was read is not said:\n%s", view)
	}
	m = started(t, New(env), 140, 37)
	s, cmd := m.Update(loadFile(fieldID, filepath.Join(env.Cwd, "job.yaml"))())
	m = s.(Model)
	for _, msg := range messages(cmd) {
		m = update(m, msg)
	}
	if m.form.Value(fieldPip) != "torch==2.5.1" || len(m.problems) > 0 {
		t.Errorf("pip %q, problems %v", m.form.Value(fieldPip), m.problems)
	}
	m = started(t, New(env), 140, 37)
	m, cmd = typed(m, "paste:ray job submit --runtime-env none.yaml -- python x.py")
	for _, msg := range messages(cmd) {
		m = update(m, msg)
	}
	if m.form.Value(fieldEntrypoint) != "python x.py" || !strings.Contains(m.failure, "none.yaml cannot be read: there is no such file") {
		t.Errorf("failure %q", m.failure)
	}
}
