//go:build linux

package runtimeenv_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/packages"
	"dray/backend/runtimeenv"
)

// rig is a builder with a cache, and a folder of wheels.
type rig struct {
	*runtimeenv.Builder
	root, wheels string
	jobs         string
}

func newRig(t *testing.T, change ...func(*runtimeenv.Options)) *rig {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("these tests install packages: python3 must be on the PATH")
	}
	dir := t.TempDir()
	store, err := packages.OpenStore(filepath.Join(dir, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	opts := runtimeenv.Options{Root: filepath.Join(dir, "envs")}
	for _, c := range change {
		c(&opts)
	}
	b, err := runtimeenv.Open(store, opts)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Builder: b, root: opts.Root, wheels: filepath.Join(dir, "wheels"), jobs: filepath.Join(dir, "jobs")}
	if err := os.Mkdir(r.wheels, 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// wheelBytes makes a wheel with one module, which holds its version.
func wheelBytes(t *testing.T, name, version string, requires ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	info := name + "-" + version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"
	for _, r := range requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	for _, file := range [][2]string{
		{name + ".py", fmt.Sprintf("VERSION = %q\ndef main(): print(VERSION)\n", version)},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "entry_points.txt", "[console_scripts]\n" + name + "-tool = " + name + ":main\n"},
		{info + "RECORD", name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "entry_points.txt,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(file[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(file[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func (r *rig) wheel(t *testing.T, name, version string, requires ...string) string {
	t.Helper()
	path := filepath.Join(r.wheels, name+"-"+version+"-py3-none-any.whl")
	if err := os.WriteFile(path, wheelBytes(t, name, version, requires...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pip is a runtime environment that installs from the rig's wheels alone.
func (r *rig) pip(t *testing.T, lines ...string) map[string]any {
	t.Helper()
	return map[string]any{"pip": map[string]any{
		"packages": lines, "pip_install_options": []string{"--no-index", "--find-links", r.wheels},
	}}
}

// job builds env as the job of that name.
func (r *rig) job(t *testing.T, name string, env map[string]any) (runtimeenv.Built, string, error) {
	t.Helper()
	raw, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(raw); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	built, err := r.Build(t.Context(), raw, r.workOf(name), &log)
	return built, log.String(), err
}

func (r *rig) workOf(job string) string { return filepath.Join(r.jobs, job, "work") }

func (r *rig) mustJob(t *testing.T, name string, env map[string]any) (runtimeenv.Built, string) {
	t.Helper()
	built, log, err := r.job(t, name, env)
	if err != nil {
		t.Fatalf("%s: %v\nlog:\n%s", name, err, log)
	}
	return built, log
}

// shell runs a command in a built environment, as a job would.
func shell(t *testing.T, built runtimeenv.Built, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
	cmd.Env = runtimeenv.Environ(os.Environ(), runtimeenv.Identity{ID: "job", Built: built})
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func wantSetupError(t *testing.T, err error, texts ...string) {
	t.Helper()
	var setup *runtimeenv.SetupError
	if !errors.As(err, &setup) {
		t.Fatalf("error is %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("no %q in the error %v", text, err)
		}
	}
}
