package submit

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/submit/renv"
)

func ledgerAt(t testing.TB, dir string) *ledger.Ledger {
	t.Helper()
	return ledger.New(dir)
}

func full() rayapi.SubmitRequest {
	return rayapi.SubmitRequest{
		Entrypoint: "python train.py", SubmissionID: "train",
		RuntimeEnv:    json.RawMessage(`{"working_dir":"gcs://_ray_pkg_1.zip","pip":["torch"],"env_vars":{"B":"2","A":"line 1\nline 2","HF_TOKEN":"s3cret"}}`),
		Metadata:      map[string]string{"team": "vision"},
		NumCPUs:       4,
		NumGPUs:       0.5,
		Memory:        16 << 30,
		Resources:     map[string]float64{"TPU": 1},
		LabelSelector: map[string]string{"region": "eu"},
	}
}

// lineage is r with the parent named, under another id.
func lineage(r rayapi.SubmitRequest, id, parent string) rayapi.SubmitRequest {
	r.SubmissionID = id
	m := map[string]string{ledger.ParentKey: parent}
	for k, v := range r.Metadata {
		if k != ledger.ParentKey {
			m[k] = v
		}
	}
	r.Metadata = m
	return r
}

// sameRequest compares requests; key order in the runtime environment counts,
// blanks do not.
func sameRequest(t testing.TB, want, got rayapi.SubmitRequest) string {
	t.Helper()
	compact := func(r rayapi.SubmitRequest) rayapi.SubmitRequest {
		keys, err := renv.ParseJSON(r.RuntimeEnv)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(keys, func(a, b renv.Key) int { return strings.Compare(a.Name, b.Name) })
		r.RuntimeEnv = keys.JSON()
		return r
	}
	return cmp.Diff(compact(want), compact(got))
}

func TestAskRerun(t *testing.T) {
	t.Parallel()
	t.Run("from the ledger", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		jobs.jobs["train"], jobs.jobs["train-r2"] = jobOf(full()), jobOf(full())
		if err := env.Ledger.Record("embedded", full(), "", env.Now()); err != nil {
			t.Fatal(err)
		}
		ask, ok := AskRerun(env, jobs.jobs["train"])().(screen.AskMsg)
		if !ok || len(jobs.sent) > 0 {
			t.Fatal("no question")
		}
		text := strings.Join(ask.Lines, "\n")
		for _, want := range []string{"train on embedded (this machine)", "python train.py", "3 variables", "4 CPU", "16GiB memory", "TPU=1", "pip", "label selector"} {
			if !strings.Contains(text, want) {
				t.Errorf("question lacks %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "s3cret") || ask.Yes != "Rerun" {
			t.Errorf("question:\n%s", text)
		}
		if diff := cmp.Diff([]string{"notice: rerun of train submitted as train-r3", "job: train-r3"}, kinds(messages(ask.Do))); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if diff := sameRequest(t, lineage(full(), "train-r3", "train"), jobs.sent[0]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		if e, err := env.Ledger.Get("embedded", "train-r3"); err != nil || e.Parent != "train" {
			t.Errorf("ledger: %+v, %v", e, err)
		}
	})
	t.Run("from the details", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		ask := AskRerun(env, jobOf(full()))().(screen.AskMsg)
		if text := strings.Join(ask.Lines, "\n"); !strings.Contains(text, "are not known") {
			t.Errorf("question:\n%s", text)
		}
	})
	for _, tt := range []struct {
		name string
		job  rayapi.Job
		want string
	}{
		{"driver", rayapi.Job{Type: rayapi.TypeDriver, JobID: ptr("02000000"), Entrypoint: "x"}, "driver"},
		{"ghost", jobOf(rayapi.SubmitRequest{SubmissionID: "g", Entrypoint: "Entrypoint not found."}), "deleted"},
		{"hidden", jobOf(rayapi.SubmitRequest{SubmissionID: "g", Entrypoint: "x", RuntimeEnv: json.RawMessage(`{"env_vars":{"A":"<redacted>"}}`)}), "env_vars.A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			notice, ok := AskRerun(embedded(t, newServer(t)), tt.job)().(screen.NoticeMsg)
			if !ok || notice.Level != screen.Bad || !strings.Contains(notice.Text, tt.want) {
				t.Errorf("got %+v, want a notice with %q", notice, tt.want)
			}
		})
	}
	t.Run("an id that is taken in between", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		tries := 0
		jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			if tries++; tries == 1 {
				jobs.jobs[r.SubmissionID] = jobOf(rayapi.SubmitRequest{SubmissionID: r.SubmissionID, Entrypoint: "of somebody else"})
			}
			return jobs.accept(r)
		}
		ask := AskRerun(env, jobOf(full()))().(screen.AskMsg)
		if k := kinds(messages(ask.Do)); len(k) != 2 || k[1] != "job: train-r3" {
			t.Errorf("messages = %q", k)
		}
	})
	t.Run("fails", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) { return "", rayapi.ErrNoSpace }
		ask := AskRerun(embedded(t, jobs), jobOf(full()))().(screen.AskMsg)
		if k := kinds(messages(ask.Do)); len(k) != 1 || !strings.Contains(k[0], "rerun of train: no space left") {
			t.Errorf("messages = %q", k)
		}
	})
	t.Run("offline", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.GetFn = func(context.Context, string) (rayapi.Job, error) { return rayapi.Job{}, errTimeout }
		ask := AskRerun(embedded(t, jobs), jobOf(full()))().(screen.AskMsg)
		if k := kinds(messages(ask.Do)); len(k) != 1 || !strings.Contains(k[0], "no answer") || len(jobs.sent) > 0 {
			t.Errorf("messages = %q, sent %v", k, jobs.sent)
		}
	})
}

func ptr(s string) *string { return &s }

func TestEdit(t *testing.T) {
	t.Parallel()
	edit := func(t *testing.T, env *screen.Env) Model {
		m := started(t, Edit(env, jobOf(full())), 140, 37)
		return update(m, loadEntry(env, jobOf(full()))())
	}
	t.Run("unchanged is the same request", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		if err := env.Ledger.Record("embedded", full(), "", env.Now()); err != nil {
			t.Fatal(err)
		}
		m := edit(t, env)
		if v := m.View(); strings.Contains(v, "s3cret") || !strings.Contains(v, "pip 1") {
			t.Errorf("View:\n%s", v)
		}
		m, cmd := typed(m, "ctrl+s")
		if _, msgs := finish(t, m, cmd); len(msgs) != 3 {
			t.Fatalf("messages %v, problems %v", msgs, m.problems)
		}
		if diff := sameRequest(t, lineage(full(), "train-r2", "train"), jobs.sent[0]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
	t.Run("keeps what was typed before the ledger answered", func(t *testing.T) {
		t.Parallel()
		env := embedded(t, newServer(t))
		if err := env.Ledger.Record("embedded", full(), "", env.Now()); err != nil {
			t.Fatal(err)
		}
		m := started(t, Edit(env, jobOf(full())), 140, 37)
		m, _ = typed(m, " --lr 1")
		m = update(m, loadEntry(env, jobOf(full()))())
		if m.request.Entrypoint != "python train.py --lr 1" || m.request.NumCPUs != 4 {
			t.Errorf("request = %+v", m.request)
		}
	})
	t.Run("says what is not known", func(t *testing.T) {
		t.Parallel()
		env := embedded(t, newServer(t))
		if m := edit(t, env); !strings.Contains(m.View(), "not known") {
			t.Errorf("View:\n%s", m.View())
		}
	})
	t.Run("hidden values must be typed", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		m := started(t, Edit(embedded(t, jobs), jobOf(rayapi.SubmitRequest{
			SubmissionID: "a", Entrypoint: "x", RuntimeEnv: json.RawMessage(`{"env_vars":{"HF_TOKEN":"<redacted>"},"pip":["https://<redacted>@host/x"]}`),
		})), 140, 37)
		if m, _ = typed(m, "ctrl+s"); len(m.problems) != 2 || len(jobs.sent) > 0 {
			t.Errorf("problems = %v", m.problems)
		}
	})
}

// TestDraft_RoundTrip: a request that is spread over the fields and read back
// is the same.
func TestDraft_RoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.StringOf(rapid.Rune())
	name := rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_.]{0,9}`)
	env := remote(t, newServer(t))
	env.Drafts = nil
	amount := rapid.Map(rapid.IntRange(0, 99999), func(n int) float64 { return float64(n) / 100 })
	rapid.Check(t, func(t *rapid.T) {
		r := rayapi.SubmitRequest{
			Entrypoint: "python " + text.Draw(t, "entrypoint"),
			NumCPUs:    amount.Draw(t, "cpus"), NumGPUs: amount.Draw(t, "gpus"), Memory: rapid.Int64Range(0, 1<<50).Draw(t, "memory"),
		}
		if m := rapid.MapOfN(name, text, 0, 5).Draw(t, "metadata"); len(m) > 0 {
			r.Metadata = m
		}
		if m := rapid.MapOfN(name, amount, 0, 3).Draw(t, "resources"); len(m) > 0 {
			delete(m, "memory")
			delete(m, "CPU")
			delete(m, "GPU")
			if len(m) > 0 {
				r.Resources = m
			}
		}
		keys := map[string]any{}
		if vars := rapid.MapOfN(name, text, 0, 5).Draw(t, "vars"); len(vars) > 0 {
			keys["env_vars"] = vars
		}
		if rapid.Bool().Draw(t, "dir") {
			keys["working_dir"] = "s3://bucket/x.zip"
		}
		if rapid.Bool().Draw(t, "pip") {
			keys["pip"] = map[string]any{"packages": []string{"a<2"}, "pip_check": false}
		}
		if len(keys) > 0 {
			r.RuntimeEnv = renv.Marshal(keys)
		}
		if strings.Contains(r.Entrypoint, "\x00") || strings.Contains(string(r.RuntimeEnv), `\u0000`) {
			return // cannot be run, and is refused
		}
		m := newModel(env, "t", "t", jobOf(full()), r, nil)
		m.Close()
		got := m.request
		if len(m.problems) > 0 {
			t.Fatalf("problems %v of %+v", m.problems, r)
		}
		var wantEnv, gotEnv any
		if len(r.RuntimeEnv) > 0 && json.Unmarshal(r.RuntimeEnv, &wantEnv) != nil || len(got.RuntimeEnv) > 0 && json.Unmarshal(got.RuntimeEnv, &gotEnv) != nil {
			t.Fatal("not JSON")
		}
		if diff := cmp.Diff(wantEnv, gotEnv); diff != "" {
			t.Fatalf("runtime env (-want +got):\n%s", diff)
		}
		r.RuntimeEnv, got.RuntimeEnv = nil, nil
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatalf("request (-want +got):\n%s", diff)
		}
	})
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	m := started(t, New(env), 80, 21)
	m, cmd := typed(m, "echo hi", "at:env_vars", "HF_TOKEN=s3cret", "esc")
	if k := kinds(messages(cmd)); !slices.Equal(k, []string{"pop"}) {
		t.Fatalf("esc = %v", k)
	}
	m.Close()
	again := started(t, New(env), 80, 21)
	if again.form.Value(fieldEntrypoint) != "echo hi" || again.form.Value(fieldEnv) != "HF_TOKEN=s3cret" || !strings.Contains(again.View(), "draft restored") {
		t.Errorf("draft = %v:\n%s", again.draft(), again.View())
	}
	if edit := started(t, Edit(env, jobOf(full())), 80, 21); edit.restored {
		t.Error("the draft of one form shows up in another")
	}
	again, cmd = typed(again, "shift+tab", "right", "right", "enter")
	if again.form.Value(fieldEntrypoint) != "echo hi" {
		t.Error("cleared unasked")
	}
	ask, ok := cmd().(screen.AskMsg)
	if !ok || !strings.Contains(ask.Lines[0], "2 fields go back") {
		t.Fatalf("question %+v", ask)
	}
	again = answered(again, ask)
	if again.form.Value(fieldEntrypoint) != "" || again.form.Value(fieldDir) != "local://"+env.Cwd {
		t.Errorf("after clearing: %v", again.draft())
	}
	again.Close()
	if env.Drafts.Fields("new") != nil {
		t.Error("a cleared draft is kept")
	}
}

func TestDrafts_Submitted(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	m := started(t, New(env), 80, 21)
	m, _ = typed(m, "echo hi")
	m.Close()
	m, cmd := typed(m, "ctrl+s")
	m, _ = finish(t, m, cmd)
	m.Close()
	if env.Drafts.Fields("new") != nil {
		t.Error("the draft of a submitted job is kept")
	}
}

func TestDrafts_None(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	env.Drafts = nil
	m, _ := typed(started(t, New(env), 80, 21), "x", "esc")
	m.Close()
	if again := started(t, New(env), 80, 21); again.restored {
		t.Error("restored from nowhere")
	}
}

func TestModel_Copy(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	sub := mkdir(t, env.Cwd+"/sub")
	m := started(t, New(env), 80, 21)
	steps := []struct {
		keys []string
		want string
	}{
		{[]string{"at:copy", "space"}, env.Cwd},
		{[]string{"space"}, inPlace + env.Cwd},
		{[]string{"at:working_dir", "ctrl+u", "sub", "tab"}, "sub"},
		{[]string{"space"}, inPlace + sub},
		{[]string{"left"}, sub},
	}
	for _, s := range steps {
		m, _ = typed(m, s.keys...)
		if got := m.form.Value(fieldDir); got != s.want {
			t.Fatalf("after %v the working dir is %q, want %q", s.keys, got, s.want)
		}
	}
	m, _ = settled(t, m)
	if !m.dir.upload || m.dir.path != sub || len(m.dir.reason) > 0 {
		t.Errorf("dir = %+v", m.dir)
	}
}

func BenchmarkModel_KeyAndView(b *testing.B) {
	env := embedded(b, newServer(b))
	m := started(b, New(env), 140, 37)
	m, _ = typed(m, "python train.py", "at:env_vars", "paste:"+strings.Repeat("x", 10), "tab", "shift+tab")
	for b.Loop() {
		m, _ = typed(m, "x", "backspace")
		_ = m.View()
	}
}
