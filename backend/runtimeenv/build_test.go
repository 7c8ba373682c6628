//go:build linux

package runtimeenv_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/packages"
	"dray/backend/runtimeenv"
)

// fixture is a builder, its store and the work folder of one job.
type fixture struct {
	store *packages.Store
	*runtimeenv.Builder
	work string
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	dir := t.TempDir()
	store, err := packages.OpenStore(filepath.Join(dir, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	return fixture{store, runtimeenv.New(store), filepath.Join(dir, "job", "work")}
}

// put stores a zip of the given files.
func (f fixture) put(t *testing.T, name string, files map[string]string) {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for path, body := range files {
		w, err := z.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Put(t.Context(), name, &buf); err != nil {
		t.Fatal(err)
	}
}

func (f fixture) build(t *testing.T, env string) (runtimeenv.Built, string, error) {
	t.Helper()
	var log strings.Builder
	built, err := f.Build(t.Context(), json.RawMessage(env), f.work, &log)
	return built, log.String(), err
}

func mustExist(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	t.Run("nothing asked for", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, env := range []string{"", "{}", `{"env_vars": {"A": "b"}}`} {
			built, log, err := f.build(t, env)
			if diff := cmp.Diff(runtimeenv.Built{}, built); diff != "" || err != nil || log != "" {
				t.Errorf("%s: error %v, log %q, built %s", env, err, log, diff)
			}
		}
		if _, err := os.Stat(f.work); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the work folder: %v", err)
		}
	})
	t.Run("working_dir and py_modules", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.put(t, "_ray_pkg_1.zip", map[string]string{"script.py": "s"})
		f.put(t, "_ray_pkg_2.zip", map[string]string{"mod/__init__.py": "m"})
		local := t.TempDir()
		built, log, err := f.build(t, `{"working_dir": "gcs://_ray_pkg_1.zip", "py_modules": ["gcs://_ray_pkg_2.zip", "local://`+local+`"]}`)
		if err != nil || log != "" {
			t.Fatalf("error %v, log %q", err, log)
		}
		want := runtimeenv.Built{
			Dir:        f.work + "/working_dir",
			PythonPath: []string{f.work + "/working_dir", f.work + "/py_modules/0", local},
		}
		if diff := cmp.Diff(want, built); diff != "" {
			t.Errorf("built (-want +got):\n%s", diff)
		}
		mustExist(t, f.work+"/working_dir/script.py", f.work+"/py_modules/0/mod/__init__.py")
	})
	t.Run("what an earlier build left is replaced", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.put(t, "_ray_pkg_1.zip", map[string]string{"script.py": "s"})
		if err := os.MkdirAll(f.work+"/working_dir/half", 0o700); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.build(t, `{"working_dir": "gcs://_ray_pkg_1.zip"}`); err != nil {
			t.Fatal(err)
		}
		mustExist(t, f.work+"/working_dir/script.py")
		if _, err := os.Stat(f.work + "/working_dir/half"); err == nil {
			t.Error("the leftover is still there")
		}
	})
	t.Run("each job has its own copy", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.put(t, "_ray_pkg_1.zip", map[string]string{"script.py": "s"})
		for _, job := range []string{"a", "b"} {
			g := f
			g.work = filepath.Join(f.work, job)
			built, _, err := g.build(t, `{"working_dir": "gcs://_ray_pkg_1.zip"}`)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(built.Dir + "/script.py")
			if err != nil || string(data) != "s" {
				t.Errorf("script is %q, %v", data, err)
			}
			if err := os.WriteFile(built.Dir+"/script.py", []byte("spoilt"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("local folder is used in place", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		dir := t.TempDir()
		built, _, err := f.build(t, fmt.Sprintf(`{"working_dir": "local://%s"}`, dir))
		if diff := cmp.Diff(runtimeenv.Built{Dir: dir, PythonPath: []string{dir}}, built); diff != "" || err != nil {
			t.Errorf("error %v, built (-want +got):\n%s", err, diff)
		}
	})
	t.Run("unknown fields are named", func(t *testing.T) {
		t.Parallel()
		_, log, err := newFixture(t).build(t, `{"mpi": {}, "config": {}, "zzz": 1}`)
		if err != nil || strings.Count(log, "\n") != 2 || !strings.Contains(log, `"mpi" is not known`) || !strings.Contains(log, `"zzz"`) {
			t.Errorf("error %v, log %q", err, log)
		}
	})
}

func TestBuildWheel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, "w-1.0-py3-none-any.whl", map[string]string{
		"w/__init__.py":                    "x",
		"w-1.0.data/purelib/w/pure.py":     "x",
		"w-1.0.data/platlib/other/lib.so":  "x",
		"w-1.0.data/scripts/tool":          "x",
		"w-1.0.dist-info/METADATA":         "Name: w\nRequires-Dist: numpy (>=1)\nRequires-Dist: pytest; extra == 'test'\n\nRequires-Dist: no\n",
		"w-1.0.dist-info/entry_points.txt": "",
	})
	built, log, err := f.build(t, `{"py_modules": ["gcs://w-1.0-py3-none-any.whl"]}`)
	if err != nil || len(built.PythonPath) != 1 {
		t.Fatalf("built %v, %v", built, err)
	}
	dir := built.PythonPath[0]
	mustExist(t, dir+"/w/__init__.py", dir+"/w/pure.py", dir+"/other/lib.so", dir+"/w-1.0.dist-info/METADATA")
	if want := "is not installed by this server: numpy (>=1)\n"; !strings.HasSuffix(log, want) {
		t.Errorf("log is %q, want %q at its end", log, want)
	}
	f.put(t, "bad-1.0-py3-none-any.whl", map[string]string{"x.py": ""})
	f.put(t, "twice-1.0-py3-none-any.whl", map[string]string{"x.py": "", "t.data/purelib/x.py": "", "t.dist-info/METADATA": ""})
	for name, want := range map[string]string{"bad": "it is not a wheel", "twice": "x.py is in the wheel twice"} {
		_, _, err := f.build(t, `{"py_modules": ["gcs://`+name+`-1.0-py3-none-any.whl"]}`)
		var setup *runtimeenv.SetupError
		if !errors.As(err, &setup) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, "_ray_pkg_evil.zip", map[string]string{"../evil": "x"})
	if err := f.store.Put(t.Context(), "_ray_pkg_text.tar.gz", strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, env, want string
		is              error
	}{
		{"package is missing", `{"working_dir": "gcs://_ray_pkg_9.zip"}`, "_ray_pkg_9.zip: it is not in this server's store; upload the folder of working_dir again", packages.ErrNotFound},
		{"module is missing", `{"py_modules": ["gcs://_ray_pkg_9.zip"]}`, "upload the folder of py_modules again", packages.ErrNotFound},
		{"archive escapes", `{"working_dir": "gcs://_ray_pkg_evil.zip"}`, "leads out of the folder", packages.ErrUnsafe},
		{"archive is none", `{"working_dir": "gcs://_ray_pkg_text.tar.gz"}`, "not a gzip archive", packages.ErrUnsafe},
		{"local folder is missing", `{"working_dir": "local:///not/there"}`, "points to '/not/there', which is not a directory on this machine", os.ErrNotExist},
		{"local folder is a file", `{"py_modules": ["local://` + file + `"]}`, "which is not a directory on this machine", nil},
		{"plain path", `{"working_dir": "/nope"}`, "/nope is not a valid path.", nil},
		{"other type", `{"working_dir": 3}`, "must be a string", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := f
			g.work = filepath.Join(t.TempDir(), "work")
			built, _, err := g.build(t, tc.env)
			var setup *runtimeenv.SetupError
			if !errors.As(err, &setup) || !strings.Contains(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
			if diff := cmp.Diff(runtimeenv.Built{}, built); diff != "" {
				t.Errorf("built something: %s", diff)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		g := newFixture(t)
		g.put(t, "a.zip", map[string]string{"x": "y"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := g.Build(ctx, json.RawMessage(`{"working_dir": "gcs://a.zip"}`), g.work, &strings.Builder{})
		var setup *runtimeenv.SetupError
		if !errors.Is(err, context.Canceled) || errors.As(err, &setup) {
			t.Errorf("error is %v", err)
		}
	})
}
