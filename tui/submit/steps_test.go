package submit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/google/go-cmp/cmp"

	"dray/backend/client"
	"dray/backend/drafts"
	"dray/tui/filepicker"
	"dray/tui/screen"
)

func TestModel_StepsLoseNothing(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 80, 21)
	m, _ = typed(m, "python x.py", "at:metadata", "team=vision", "at:excludes", "*.ckpt", "at:setup_timeout_seconds", "30")
	want := m.draft()
	for range 9 {
		m, _ = typed(m, "pgdown")
		if diff := cmp.Diff(want, m.draft()); diff != "" {
			t.Fatalf("at step %d (-want +got):\n%s", m.step, diff)
		}
	}
	if m, _ = typed(m, "esc"); m.step != stepBasics {
		t.Errorf("esc leads to step %d", m.step)
	}
}

func TestModel_Views(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 120, 37)
	m, _ = typed(m, "python x.py", "at:env_vars", "LR=0.1", "ctrl+x")
	m, _ = typed(m, "pgup", "pgdown")
	if m.step != stepText || !strings.Contains(m.form.Value(fieldText), "LR: \"0.1\"") {
		t.Fatalf("YAML = %q", m.form.Value(fieldText))
	}
	m.form = m.form.SetValue(fieldText, "zeta: [1, {b: 2}]\nenv_vars:\n  LR: \"0.2\"\nnsight: default\npip: [torch]\n")
	m, _ = m.readText()
	m = m.checked()
	if got := string(m.request.RuntimeEnv); got != `{"zeta":[1,{"b":2}],"env_vars":{"LR":"0.2"},"nsight":"default","pip":["torch"]}` {
		t.Errorf("request has %s", got)
	}
	m, _ = typed(m, "ctrl+x", "ctrl+x")
	if m.view != viewForm || m.form.Value(fieldPip) != "torch" || m.form.Value(fieldInstaller) != fieldPip || m.form.Value(fieldExtra) != "zeta, nsight" {
		t.Errorf("view %d, fields %v", m.view, m.draft())
	}
	m, _ = typed(m, "at:pip", "end", "enter", "numpy")
	if got := string(m.request.RuntimeEnv); got != `{"zeta":[1,{"b":2}],"env_vars":{"LR":"0.2"},"nsight":"default","pip":["torch","numpy"]}` {
		t.Errorf("after a change of pip: %s", got)
	}
	m, _ = typed(m, "at:installer", "right")
	if got := string(m.request.RuntimeEnv); strings.Contains(got, "pip") || !strings.Contains(m.View(), "not sent: pip (2 lines)") {
		t.Errorf("after switching to uv: %s\n%s", got, m.View())
	}
}

func TestModel_RevealsSecrets(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 140, 37)
	m, _ = typed(m, "python x.py", "at:env_vars", "HF_TOKEN=leak-1", "at:pip", "tab")
	m.form = m.form.SetValue(fieldInstaller, fieldPip).SetValue(fieldPip, "git+https://ana:leak-2@host/x")
	m = m.checked()
	for _, step := range []int{stepBasics, stepEnv, stepReview, stepText} {
		m.view = viewForm
		if step == stepText {
			m.view = viewYAML
		}
		if v := m.writeText().show(step).masked().previewed().laidOut().View(); strings.Contains(v, "leak") {
			t.Errorf("step %d shows a secret:\n%s", step, v)
		}
	}
	m.view = viewForm
	m, cmd := typed(m.show(stepEnv), "f4")
	if cmd == nil || !strings.Contains(strings.ReplaceAll(m.View(), "▏", ""), "leak-1") {
		t.Errorf("F4 reveals nothing:\n%s", m.View())
	}
	if m = update(m, veilMsg{m.veil}); strings.Contains(m.View(), "leak-1") {
		t.Error("still revealed after a minute")
	}
}

func TestModel_PasteOfACommand(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 140, 37)
	m, _ = typed(m, "paste:ray job submit --address http://h:8265 --working-dir ./ \\\r  --runtime-env-json '{\"env_vars\": {\"A\": \"1\"}, \"pip\": [\"x\"]}' \\\r  --entrypoint-num-cpus 2 --metadata-json '{\"team\": \"v\"}' --submission-id s-1 -- python t.py --x 'a b'\r")
	want := map[string]string{
		fieldEntrypoint: "python t.py --x 'a b'", fieldID: "s-1", fieldDir: "./", fieldEnv: "A=1", fieldPip: "x", fieldInstaller: fieldPip,
		fieldCPUs: "2", fieldMetadata: "team=v",
	}
	for f, v := range want {
		if m.form.Value(f) != v {
			t.Errorf("%s = %q, want %q", f, m.form.Value(f), v)
		}
	}
	if v := m.View(); !strings.Contains(v, "filled in from the command: entrypoint, submission id") || !strings.Contains(v, "--address http://h:8265 is not part of the job") {
		t.Errorf("nothing is said of it:\n%s", v)
	}
	m, _ = typed(m, "ctrl+u", "paste:ls | ray")
	if m.form.Value(fieldEntrypoint) != "ls | ray" {
		t.Errorf("plain text became %q", m.form.Value(fieldEntrypoint))
	}
}

// edit runs the editor's round trip: text is what the user saves.
func edit(t *testing.T, m Model, text string) Model {
	t.Helper()
	m, cmd := typed(m, "ctrl+o")
	m, cmd = step(m, cmd())
	msg, ok := cmd().(screen.ExecMsg)
	if !ok {
		t.Fatal("the editor is not asked for")
	}
	path := msg.Cmd.Args[len(msg.Cmd.Args)-1]
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	write(t, path, text)
	m, _ = step(m, msg.Done(nil))
	t.Cleanup(func() { os.Remove(path) })
	return m
}

func step(m Model, msg tea.Msg) (Model, tea.Cmd) {
	s, cmd := m.Update(msg)
	return s.(Model), cmd
}

func TestModel_Editor(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	env.Getenv = func(k string) string { return map[string]string{"EDITOR": "vi -n"}[k] }
	m := started(t, New(env), 100, 30)
	m, _ = typed(m, "python x.py", "at:entrypoint_num_cpus", "4")
	m = edit(t, m, "entrypoint: python y.py\nmetadata:\n  a: [1]\n")
	if !strings.Contains(m.failure, "job.yaml:3:") || m.form.Value(fieldEntrypoint) != "python x.py" {
		t.Fatalf("failure %q, entrypoint %q", m.failure, m.form.Value(fieldEntrypoint))
	}
	_, cmd := typed(m, "ctrl+o")
	_, cmd2 := step(m, cmd())
	if msg := cmd2().(screen.ExecMsg); !slices.Contains(msg.Cmd.Args, "+3") || !slices.Contains(msg.Cmd.Args, "-n") {
		t.Errorf("the editor is opened as %q", msg.Cmd.Args)
	}
	m = edit(t, m, "entrypoint: python y.py\nentrypoint_num_gpus: 0.5\nruntime_env:\n  foo: 1\n")
	if r := m.request; r.Entrypoint != "python y.py" || r.NumCPUs != 0 || r.NumGPUs != 0.5 || string(r.RuntimeEnv) != `{"foo":1}` {
		t.Errorf("request %+v", r)
	}
}

func TestModel_DraftOnDisk(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	env.DataDir = t.TempDir()
	m := started(t, New(env), 100, 30)
	m, _ = typed(m, "python x.py", "at:env_vars", "LR=1", "enter", "HF_TOKEN=leak-1", "at:entrypoint_num_cpus", "4x", "at:pip")
	m.form = m.form.SetValue(fieldInstaller, fieldPip).SetValue(fieldPip, "git+https://ana:leak-2@host/x")
	m = m.checked()
	if saved := m.save()().(savedMsg); saved.err != nil {
		t.Fatal(saved.err)
	}
	var kept []byte
	_ = filepath.WalkDir(env.DataDir, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			data, _ := os.ReadFile(path)
			kept = append(kept, data...)
		}
		return nil
	})
	if len(kept) == 0 || strings.Contains(string(kept), "leak") {
		t.Fatalf("on disk:\n%s", kept)
	}
	env.Drafts = &screen.Drafts{} // another run of the program
	again := started(t, New(env), 100, 30)
	d, err := drafts.New(filepath.Join(env.DataDir, "drafts")).Load("new")
	if err != nil {
		t.Fatal(err)
	}
	again = update(again, keptMsg{draft: d})
	if again.form.Value(fieldEntrypoint) != "python x.py" || again.form.Value(fieldCPUs) != "4x" || again.form.Value(fieldEnv) != "LR=1\nHF_TOKEN=" {
		t.Errorf("restored %v", again.draft())
	}
	if !slices.ContainsFunc(again.problems, func(p problem) bool { return p.field == fieldEnv && strings.Contains(p.text, "HF_TOKEN was hidden") }) {
		t.Errorf("an empty secret can be sent: %v", again.problems)
	}
}

func TestModel_History(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 100, 30)
	m = update(m, historyMsg{list: []string{"python new.py", "python old.py --lr 1"}})
	m, _ = typed(m, "half", "up")
	if m.form.Value(fieldEntrypoint) != "python new.py" {
		t.Errorf("up = %q", m.form.Value(fieldEntrypoint))
	}
	m, _ = typed(m, "up", "up")
	if m.form.Value(fieldEntrypoint) != "python old.py --lr 1" {
		t.Errorf("up up = %q", m.form.Value(fieldEntrypoint))
	}
	m, _ = typed(m, "down", "down")
	if m.form.Value(fieldEntrypoint) != "half" || m.form.Focused() != fieldEntrypoint {
		t.Errorf("down = %q at %s", m.form.Value(fieldEntrypoint), m.form.Focused())
	}
	if m, _ = typed(m, "ctrl+r", "lr", "enter"); m.form.Value(fieldEntrypoint) != "python old.py --lr 1" {
		t.Errorf("ctrl-r = %q", m.form.Value(fieldEntrypoint))
	}
}

func TestModel_Variants(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	m := started(t, New(embedded(t, jobs)), 140, 37)
	m, _ = typed(m, "python x.py --lr 1", "ctrl+q", "lr=0.1,0.01,0.001", "enter")
	if len(m.variants) != 3 || m.step != stepReview || !strings.Contains(m.View(), "python x.py --lr 0.01") {
		t.Fatalf("variants %v:\n%s", m.variants, m.View())
	}
	if len(jobs.sent) > 0 {
		t.Fatal("sent before the confirmation")
	}
	_, cmd := typed(m, "ctrl+s")
	ask, ok := cmd().(screen.AskMsg)
	if !ok || !strings.Contains(ask.Yes, "3 jobs") {
		t.Fatalf("question %+v", ask)
	}
	m = answered(m, ask)
	if !m.ended || len(jobs.sent) != 3 {
		t.Fatalf("%d sent", len(jobs.sent))
	}
	ids := map[string]bool{}
	for _, r := range jobs.sent {
		ids[r.SubmissionID] = true
	}
	if len(ids) != 3 || jobs.sent[2].Entrypoint != "python x.py --lr 0.001" {
		t.Errorf("sent %+v", jobs.sent)
	}
	wrong := started(t, New(embedded(t, jobs)), 140, 37)
	if wrong, _ = typed(wrong, "python x.py", "ctrl+q", "nonsense", "enter"); wrong.failure == "" || len(wrong.variants) > 0 {
		t.Error("nonsense makes variants")
	}
}

func TestModel_Files(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	write(t, filepath.Join(env.Cwd, "requirements.txt"), "torch\nnumpy\n")
	write(t, filepath.Join(env.Cwd, ".env"), "LR=1\nbad\n")
	m := started(t, New(env), 100, 30)
	m, cmd := typed(m, "at:submission_id", "ctrl+l")
	for _, msg := range messages(cmd) {
		if _, ok := msg.(filepicker.ListMsg); ok {
			m = update(m, msg)
		}
	}
	m, cmd = typed(m, "req", "enter")
	m = update(m, cmd())
	if m.form.Value(fieldPip) != "torch\nnumpy" || m.form.Value(fieldInstaller) != fieldPip {
		t.Errorf("loaded %v", m.draft())
	}
	m = update(m, loadFile(fieldEnv, filepath.Join(env.Cwd, ".env"))())
	if m.form.Value(fieldEnv) != "LR=1" || !strings.Contains(m.failure, ".env: line 2: ") {
		t.Errorf("env %q, failure %q", m.form.Value(fieldEnv), m.failure)
	}
	m = update(m, loadFile(fieldExcludes, write(t, filepath.Join(env.Cwd, "job.yaml"), "entrypoint: python j.py\nworking_dir: sub\n"))())
	if m.form.Value(fieldEntrypoint) != "python j.py" || m.form.Value(fieldDir) != filepath.Join(env.Cwd, "sub") {
		t.Errorf("job %v", m.draft())
	}
	if m = update(m, loadFile(fieldEnv, filepath.Join(env.Cwd, "none"))()); m.failure == "" {
		t.Error("a missing file is no failure")
	}
}

// TestModel_KeysDuringAScan types while the look at a folder goes on.
func TestModel_KeysDuringAScan(t *testing.T) {
	t.Parallel()
	env := remote(t, newServer(t))
	begun, ended := make(chan struct{}), make(chan error, 1)
	env.Preflight = func(ctx context.Context, _ string, _ []string, step func(client.Preflight)) (client.Preflight, error) {
		var p client.Preflight
		p.Files, p.Bytes = 70_000, 1<<20
		step(p)
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return p, ctx.Err()
	}
	m := started(t, New(env), 100, 30)
	m, _ = typed(m, "python x.py", "at:working_dir", ".")
	s, look := m.Update(dirPauseMsg{m.dirGen})
	m = s.(Model)
	steps := m.dirSteps
	done := make(chan struct{})
	go func() {
		defer close(done)
		messages(look)
	}()
	<-begun
	m = update(m, dirStepMsg{m.dirGen, <-steps2(steps)})
	if m, _ = typed(m, "at:submission_id", "typed-now"); m.form.Value(fieldID) != "typed-now" || !strings.Contains(m.View(), "70,000 files, 1 MiB so far") {
		t.Errorf("during the scan:\n%s", m.View())
	}
	m.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("leaving the form ends the scan with %v", err)
	}
	<-done
}

// steps2 returns a step that is, or was, on its way.
func steps2(c <-chan client.Preflight) <-chan client.Preflight {
	out := make(chan client.Preflight, 1)
	var p client.Preflight
	p.Files, p.Bytes = 70_000, 1<<20
	select {
	case got, ok := <-c:
		if ok {
			p = got
		}
	default:
	}
	out <- p
	return out
}
