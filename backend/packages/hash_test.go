package packages_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dray/backend/packages"
)

func noEnv(string) (string, bool) { return "", false }

func envOf(name, value string) func(string) (string, bool) {
	return func(n string) (string, bool) { return value, n == name }
}

func TestHashDir(t *testing.T) {
	t.Parallel()
	for _, tc := range hashCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.tree.write(t, dir)
			got, err := packages.HashDir(dir, packages.Options{
				Excludes: tc.excludes, IgnoreGitignore: tc.noGitignore, LookupEnv: noEnv,
			})
			if err != nil || got != tc.hash {
				t.Errorf("hash is %s, %v; Ray's is %s", got, err, tc.hash)
			}
		})
	}
}

func TestHashDirVariables(t *testing.T) {
	t.Parallel()
	all := tree{"a": "1", ".git/x": "1", "venv/x": "1", "sub/__pycache__/x": "1", "sub/b": "2"}
	slim := tree{"a": "1", "sub/b": "2"}
	for _, tc := range []struct {
		name string
		tree tree
		opt  packages.Options
		same tree // the folder that has the same hash without any option
	}{
		{"module keeps all", all, packages.Options{LookupEnv: noEnv}, all},
		{"working dir drops the usual", all, packages.Options{DefaultExcludes: true, LookupEnv: noEnv}, slim},
		{
			"usual and own", all,
			packages.Options{DefaultExcludes: true, Excludes: []string{"sub"}, LookupEnv: noEnv},
			tree{"a": "1"},
		},
		{
			"variable replaces the usual",
			tree{"a": "1", ".git/x": "1", "tmp/y": "2", "old/z": "3"},
			packages.Options{DefaultExcludes: true, LookupEnv: envOf("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES", " tmp , old,")},
			tree{"a": "1", ".git/x": "1"},
		},
		{
			"empty variable drops nothing", all,
			packages.Options{DefaultExcludes: true, LookupEnv: envOf("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES", "")},
			all,
		},
		{"top level is not hashed", slim, packages.Options{TopLevel: "mod", LookupEnv: noEnv}, slim},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, b := t.TempDir(), t.TempDir()
			tc.tree.write(t, a)
			tc.same.write(t, b)
			got, err := packages.HashDir(a, tc.opt)
			want, err2 := packages.HashDir(b, packages.Options{LookupEnv: noEnv})
			if err != nil || err2 != nil || got != want {
				t.Errorf("hash is %s (%v), want %s (%v)", got, err, want, err2)
			}
		})
	}
	t.Run("variable switches gitignore off", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		tree{".gitignore": "*.py\n", "a.py": "1"}.write(t, dir)
		off, err := packages.HashDir(dir, packages.Options{LookupEnv: envOf("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "1")})
		want, err2 := packages.HashDir(dir, packages.Options{IgnoreGitignore: true, LookupEnv: noEnv})
		on, err3 := packages.HashDir(dir, packages.Options{LookupEnv: noEnv})
		if err != nil || err2 != nil || err3 != nil || off != want || off == on {
			t.Errorf("with the variable %s, with the option %s, with neither %s (%v %v %v)", off, want, on, err, err2, err3)
		}
	})
}

func TestHashDirOddFiles(t *testing.T) {
	t.Parallel()
	t.Run("pipe counts by its name", func(t *testing.T) {
		t.Parallel()
		pipe, gone := t.TempDir(), t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(pipe, "p"), 0o600); err != nil {
			t.Fatal(err)
		}
		tree{"p": "-> nowhere"}.write(t, gone)
		a, err := packages.HashDir(pipe, packages.Options{LookupEnv: noEnv})
		b, err2 := packages.HashDir(gone, packages.Options{LookupEnv: noEnv})
		if err != nil || err2 != nil || a != b {
			t.Errorf("hash %s (%v), want %s (%v)", a, err, b, err2)
		}
	})
	t.Run("many links upwards are refused", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		tree{"one": "-> .", "two": "-> .", "file": "x"}.write(t, dir)
		_, err := packages.HashDir(dir, packages.Options{LookupEnv: noEnv})
		if err == nil || !strings.Contains(err.Error(), "leads back to a folder above it") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("excluded link upwards is no trouble", func(t *testing.T) {
		t.Parallel()
		dir, want := t.TempDir(), t.TempDir()
		tree{"one": "-> .", "two": "-> .", "file": "x"}.write(t, dir)
		tree{"file": "x"}.write(t, want)
		a, err := packages.HashDir(dir, packages.Options{Excludes: []string{"one", "two"}, LookupEnv: noEnv})
		b, err2 := packages.HashDir(want, packages.Options{LookupEnv: noEnv})
		if err != nil || err2 != nil || a != b {
			t.Errorf("hash %s (%v), want %s (%v)", a, err, b, err2)
		}
	})
	t.Run("not a folder", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		tree{"file": "x"}.write(t, dir)
		for _, path := range []string{filepath.Join(dir, "file"), filepath.Join(dir, "missing")} {
			if _, err := packages.HashDir(path, packages.Options{LookupEnv: noEnv}); err == nil {
				t.Errorf("%s was hashed", path)
			}
		}
	})
}

// The names are those that the client of Ray 2.60.0 gives to the same files.
func TestNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree{"mod.py": "x = 1\n", "archive": "PK"}.write(t, dir)
	py, err := packages.HashPy(filepath.Join(dir, "mod.py"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := packages.HashFile(filepath.Join(dir, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, got, want string }{
		{"module", packages.URI(packages.NameOfHash(py)), "gcs://_ray_pkg_bcee05b8ded7daf6.zip"},
		{"zip", packages.URI(packages.NameOfArchive("a.zip", sum)), "gcs://_ray_pkg_e14e7438ed45ff5dc2ea8f847854b2fdc2afe1cf.zip"},
		{"tgz", packages.URI(packages.NameOfArchive("a.tgz", sum)), "gcs://_ray_pkg_e14e7438ed45ff5dc2ea8f847854b2fdc2afe1cf.tar.gz"},
		{"tar.gz", packages.URI(packages.NameOfArchive("a.tar.gz", sum)), "gcs://_ray_pkg_e14e7438ed45ff5dc2ea8f847854b2fdc2afe1cf.tar.gz"},
		{"tar.xz", packages.URI(packages.NameOfArchive("a.tar.xz", sum)), "gcs://_ray_pkg_e14e7438ed45ff5dc2ea8f847854b2fdc2afe1cf.tar.xz"},
		{"wheel", packages.URI(packages.NameOfArchive("w-1.0-py3-none-any.whl", sum)), "gcs://w-1.0-py3-none-any.whl"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, tc.got, tc.want)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := packages.HashPy(path); err == nil {
			t.Errorf("HashPy took %s", path)
		}
		if _, err := packages.HashFile(path); err == nil {
			t.Errorf("HashFile took %s", path)
		}
	}
}

func TestIsArchive(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a.zip": true, "a.tar.gz": true, "a.tgz": true, "a.tar.xz": true,
		"a.whl": false, "a.py": false, "zip": false, "a.gz": false, "a.tar.bz2": false, "": false,
	} {
		if got := packages.IsArchive(name); got != want {
			t.Errorf("IsArchive(%q) is %v", name, got)
		}
	}
}

func BenchmarkHashDir(b *testing.B) {
	dir := b.TempDir()
	for i := range 50 {
		sub := filepath.Join(dir, "sub", string(rune('a'+i%26))+string(rune('a'+i/26)))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 20 {
			if err := os.WriteFile(filepath.Join(sub, string(rune('a'+j))), make([]byte, 4096), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	opt := packages.Options{DefaultExcludes: true, Excludes: []string{"*.pyc", "build/"}, LookupEnv: noEnv}
	for b.Loop() {
		if _, err := packages.HashDir(dir, opt); err != nil {
			b.Fatal(err)
		}
	}
}
