package submit

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/google/go-cmp/cmp"

	"dray/backend/client"
	"dray/tui/screen"
)

// withModule returns a form of a remote server with a working dir and three
// modules, one of which is an address.
func withModule(t *testing.T, jobs *server) Model {
	t.Helper()
	env := remote(t, jobs)
	env.PreflightModule = func(_ context.Context, path string, _ []string, _ func(client.Preflight)) (client.Preflight, error) {
		p := client.Preflight{Scanned: true}
		p.Files, p.Bytes, p.URI = 3, 3<<10, "gcs://_ray_pkg_"+filepath.Base(path)+".zip"
		p.There = filepath.Base(path) == "one.py"
		return p, nil
	}
	mkdir(t, filepath.Join(env.Cwd, "lib"))
	write(t, filepath.Join(env.Cwd, "one.py"), "x = 1")
	m := started(t, New(env), 140, 37)
	m, _ = typed(m, "python x.py", "at:working_dir", ".", "at:py_modules", "paste:./lib\nhttps://host/x.whl\none.py")
	m, _ = settled(t, m)
	return m
}

func TestModel_Modules(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	var sent []string
	jobs.UploadFn = func(_ context.Context, path string, _ []string, _ func(done, total int64)) (string, error) {
		sent = append(sent, "dir "+filepath.Base(path))
		return "gcs://_ray_pkg_dir.zip", nil
	}
	jobs.UploadModuleFn = func(_ context.Context, path string, _ []string, progress func(done, total int64)) (string, error) {
		progress(5, 10)
		progress(10, 10)
		sent = append(sent, "module "+filepath.Base(path))
		return "gcs://_ray_pkg_" + filepath.Base(path) + ".zip", nil
	}
	m := withModule(t, jobs)
	if len(m.problems) > 0 {
		t.Fatalf("problems %v", m.problems)
	}
	view := m.find(fieldModules).View()
	for _, want := range []string{"2 local modules, 6 files, 6 KiB to upload · 1", "Module ./lib: 3 KiB in 3 files", "gcs://_ray_pkg_one.py.zip is there already: no upload"} {
		if !strings.Contains(view, want) {
			t.Errorf("%q is not on screen:\n%s", want, view)
		}
	}
	if line := oneLine(m.shown().dray()); !strings.Contains(line, `"py_modules":["`+filepath.Join(m.env.Cwd, "lib")+`","https://host/x.whl","`) {
		t.Errorf("the command names no path that works from elsewhere: %s", line)
	}
	if body := strings.Join(m.shown().body(), ""); !strings.Contains(body, "gcs://_ray_pkg_lib.zip") || strings.Contains(body, "./lib") {
		t.Errorf("body %s", body)
	}
	if _, env, _ := strings.Cut(string(m.spec().YAML()), "runtime_env"); !strings.Contains(env, "- ./lib") {
		t.Errorf("a job file has the path as it was typed:\n%s", env)
	}
	m, cmd := typed(m, "pgup", "ctrl+s")
	_, msgs := finish(t, m, cmd)
	if diff := cmp.Diff([]string{"dir " + filepath.Base(m.env.Cwd), "module lib", "module one.py"}, sent); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
	want := `{"working_dir":"gcs://_ray_pkg_dir.zip","py_modules":["gcs://_ray_pkg_lib.zip","https://host/x.whl","gcs://_ray_pkg_one.py.zip"]}`
	if len(jobs.sent) != 1 || string(jobs.sent[0].RuntimeEnv) != want {
		t.Errorf("sent %v, messages %v", jobs.sent, msgs)
	}
}

func TestModel_ModuleUploadStops(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	jobs.UploadFn = func(context.Context, string, []string, func(done, total int64)) (string, error) {
		return "gcs://_ray_pkg_dir.zip", nil
	}
	begun := make(chan struct{})
	jobs.UploadModuleFn = func(ctx context.Context, _ string, _ []string, progress func(done, total int64)) (string, error) {
		progress(1<<20, 3<<20)
		close(begun)
		<-ctx.Done()
		return "", ctx.Err()
	}
	m := withModule(t, jobs)
	m, cmd := typed(m, "pgup", "ctrl+s")
	if !strings.Contains(m.View(), "packing "+m.env.Cwd) {
		t.Errorf("no word about the upload:\n%s", m.View())
	}
	m = update(m, progressMsg{gen: m.sending.gen, what: "/x/lib", part: 2, parts: 3, done: 1 << 20, total: 3 << 20})
	if !strings.Contains(m.View(), "uploading (2 of 3) 1 MiB of 3 MiB (33%)") {
		t.Errorf("no progress:\n%s", m.View())
	}
	all := make(chan []tea.Msg)
	go func() { all <- messages(cmd) }()
	<-begun
	m, _ = typed(m, "esc")
	var out []tea.Msg
	for _, msg := range <-all {
		s, next := m.Update(msg)
		m = s.(Model)
		if _, ok := msg.(sentMsg); ok {
			out = messages(next)
		}
	}
	if k := kinds(out); len(k) != 1 || !strings.Contains(k[0], "nothing was submitted") || len(jobs.sent) > 0 {
		t.Errorf("messages %q, sent %v", k, jobs.sent)
	}
}

// A module that was looked at is not looked at again when another line changes.
func TestModel_ModulesAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	env := remote(t, newServer(t))
	looks := map[string]int{}
	env.PreflightModule = func(_ context.Context, path string, _ []string, _ func(client.Preflight)) (client.Preflight, error) {
		looks[filepath.Base(path)]++
		if filepath.Base(path) == "bad" {
			return client.Preflight{}, errors.New("input/output error")
		}
		return client.Preflight{Scanned: true}, nil
	}
	for _, name := range []string{"a", "b", "bad"} {
		mkdir(t, filepath.Join(env.Cwd, name))
	}
	var m Model
	s := New(env).Resize(screen.Size{W: 100, H: 30})
	t.Cleanup(s.Close)
	m, _ = typed(s, "python x.py", "at:py_modules", "paste:./a\n./bad")
	m, _ = settled(t, m)
	m, _ = typed(m, "enter", "./b")
	m, _ = settled(t, m)
	if diff := cmp.Diff(map[string]int{"a": 1, "b": 1, "bad": 2}, looks); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
	if !strings.Contains(m.problemLine(), "Py modules") {
		t.Errorf("problems %v", m.problems)
	}
}

// A package that was uploaded before is looked for while one types, not when the
// job has been sent.
func TestModel_PackageThatIsGone(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]struct{ view, problem string }{
		"gcs://_ray_pkg_here.zip": {"a package that is on the server", ""},
		"gcs://_ray_pkg_kept.zip": {"a package that the server has dropped", ""},
		"gcs://_ray_pkg_gone.zip": {"the server has dropped this package", "the server has dropped this package, and no copy is kept here: name the folder again"},
	} {
		env := remote(t, newServer(t))
		env.PreflightModule = env.Preflight
		m := started(t, New(env), 200, 40)
		m, _ = typed(m, "python x.py", "at:py_modules", uri, "at:working_dir", uri)
		m, _ = settled(t, m)
		if !strings.Contains(m.View(), want.view) {
			t.Errorf("%s: %q is not on screen:\n%s", uri, want.view, m.View())
		}
		var got []string
		for _, p := range m.problems {
			got = append(got, p.field+" "+p.text)
		}
		if want.problem == "" && got != nil || want.problem != "" && !cmp.Equal(got, []string{fieldDir + " " + want.problem, fieldModules + " " + want.problem}) {
			t.Errorf("%s: problems %q", uri, got)
		}
	}
}
