package drafts_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/drafts"
	"dray/backend/jobspec"
)

func secretJob() jobspec.Spec {
	return jobspec.Spec{
		Entrypoint: "python train.py", SubmissionID: "once",
		RuntimeEnv: json.RawMessage(`{"env_vars":{"LR":"1","HF_TOKEN":"hf_very_secret"}}`),
		Metadata:   map[string]string{"password": "very_secret"},
	}
}

// noSecret looks into every file below dir.
func noSecret(t *testing.T, dir string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "very_secret") {
			t.Errorf("%s holds a secret:\n%s", path, data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "drafts")
	d := drafts.New(dir)
	at := time.Now().Round(0)
	draft := drafts.Draft{
		Form: "edit job-1", Spec: secretJob(), SavedAt: at,
		Fields: map[string]string{"entrypoint_num_cpus": "1.", "env_vars": "A=b\nMY_TOKEN=very_secret\nhalf"},
	}
	for range 2 { // the second replaces the first
		if err := d.Save(draft); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Save(drafts.Draft{Form: "new", SavedAt: at.Add(time.Second), Fields: map[string]string{"x": "y"}}); err != nil {
		t.Fatal(err)
	}
	noSecret(t, dir)
	got, err := drafts.New(dir).Load("edit job-1") // as after a crash
	if err != nil {
		t.Fatal(err)
	}
	want := drafts.Draft{
		Form: "edit job-1", SavedAt: at,
		Spec: jobspec.Spec{
			Entrypoint: "python train.py", SubmissionID: "once", RuntimeEnv: json.RawMessage(`{"env_vars":{"LR":"1","HF_TOKEN":"<fill in>"}}`),
			Metadata: map[string]string{"password": "<fill in>"},
		},
		Fields:  map[string]string{"entrypoint_num_cpus": "1.", "env_vars": "A=b\nMY_TOKEN=<fill in>\nhalf"},
		LeftOut: []string{"metadata.password", "runtime_env.env_vars.HF_TOKEN", "env_vars.MY_TOKEN"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	list, err := d.List()
	if err != nil || len(list) != 2 || list[0].Form != "new" {
		t.Errorf("list: %v %v", list, err)
	}
	for range 2 {
		if err := d.Delete("edit job-1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Load("edit job-1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the delete: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("files: %v %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, entries[0].Name()), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("new"); err == nil {
		t.Error("a damaged draft was read")
	}
	if list, err := d.List(); len(list) != 0 || err != nil {
		t.Errorf("list of a damaged draft: %v %v", list, err)
	}
}

func TestDrafts_nowhere(t *testing.T) {
	t.Parallel()
	for _, d := range []*drafts.Drafts{nil, drafts.New("")} {
		if err := d.Save(drafts.Draft{Form: "x"}); err != nil {
			t.Error(err)
		}
		if _, err := d.Load("x"); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		if err := d.Delete("x"); err != nil {
			t.Error(err)
		}
		if list, err := d.List(); list != nil || err != nil {
			t.Error(list, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "templates")
	tpl := drafts.NewTemplates(dir)
	left, err := tpl.Save("gpu train", secretJob(), false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"metadata.password", "runtime_env.env_vars.HF_TOKEN"}, left); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	noSecret(t, dir)
	got, err := tpl.Load("gpu train")
	if err != nil || got.Spec.SubmissionID != "" || got.Spec.Entrypoint != "python train.py" || len(got.Spec.Unfilled()) != 2 {
		t.Errorf("loaded: %+v %v", got, err)
	}
	if _, err := tpl.Save("gpu train", secretJob(), false); !errors.Is(err, os.ErrExist) {
		t.Errorf("a template was replaced: %v", err)
	}
	if _, err := tpl.Save("gpu train", jobspec.Spec{Entrypoint: "new"}, true); err != nil {
		t.Error(err)
	}
	for name, content := range map[string]string{"by hand.yml": "entrypoint: x\n", "wrong.json": `{"entrypoint": 5}`, "notes.txt": "x", ".hidden.yaml": "entrypoint: x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := tpl.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range list {
		name := l.Name
		if l.Err != nil {
			name += "!"
		}
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"by hand", "gpu train", "wrong!"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var wrong *jobspec.Error
	if _, err := tpl.Load("wrong"); !errors.As(err, &wrong) {
		t.Errorf("a wrong template: %v", err)
	}
	if err := tpl.Delete("by hand"); err != nil {
		t.Error(err)
	}
	if err := tpl.Delete("by hand"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestTemplates_names(t *testing.T) {
	t.Parallel()
	tpl := drafts.NewTemplates(t.TempDir())
	for _, name := range []string{"", "../x", "a/b", ".x", "-x", strings.Repeat("x", 65), "a\n", "x "} {
		if _, err := tpl.Save(name, jobspec.Spec{Entrypoint: "x"}, false); err == nil {
			t.Errorf("%q was saved", name)
		}
		if _, err := tpl.Load(name); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := tpl.Save("empty", jobspec.Spec{}, false); err == nil {
		t.Error("an empty job was saved")
	}
	if _, err := drafts.NewTemplates("").Save("x", jobspec.Spec{Entrypoint: "x"}, false); err == nil {
		t.Error("it was saved nowhere")
	}
}

func TestTemplateDir(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ config, home, want string }{
		{"/cfg", "/home/me", "/cfg/dray/templates"},
		{"", "/home/me", "/home/me/.config/dray/templates"},
		{"relative", "/home/me", "/home/me/.config/dray/templates"},
		{"", "", ""},
	} {
		got := drafts.TemplateDir(func(k string) string { return map[string]string{"XDG_CONFIG_HOME": tt.config, "HOME": tt.home}[k] })
		if got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}
