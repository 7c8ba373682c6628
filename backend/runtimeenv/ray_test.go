//go:build ray

package runtimeenv_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dray/backend/runtimeenv"
)

const counterScript = `
import json, os, ray
import helper, extra
@ray.remote
class Counter:
    def __init__(self): self.n = 0
    def inc(self):
        import helper, extra
        self.n += 1
        return self.n
    def where(self): return [os.getcwd(), os.environ.get("FOO"), open("data.txt").read()]
ray.init(num_cpus=1, include_dashboard=False)
c = Counter.remote()
print("counts", [ray.get(c.inc.remote()) for _ in range(5)])
print("worker", json.dumps(ray.get(c.where.remote())))
print("meta", ray.get_runtime_context().runtime_env.get("env_vars"), ray.get_runtime_context().get_job_id() != "")
`

func rayPython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("DRAY_RAY_PYTHON")
	if python == "" {
		t.Fatal("DRAY_RAY_PYTHON must name a Python that has Ray installed")
	}
	return python
}

// rayHome returns variables that keep a Ray away from the user's home folder
// and from any cluster that runs on this machine. Ray's sockets need a path
// shorter than t.TempDir.
func rayHome(t *testing.T) (home string, vars []string) {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "dray-ray-") //nolint:usetesting // too long, see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})
	return home, append(os.Environ(), "HOME="+home, "RAY_TMPDIR="+home)
}

// runScript runs script.py of a folder as a job would be; whatever it starts
// is in its process group and ends with it.
func runScript(t *testing.T, dir string, env []string) (string, error) {
	t.Helper()
	return runWith(t, rayPython(t), dir, env)
}

func runWith(t *testing.T, python, dir string, env []string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "script.py")
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return string(out), err
}

// TestRayInit runs a script that calls ray.init() itself, with its files from
// packages that no Ray has seen: driver and workers must find folder, modules
// and variables. The last case shows why the addresses are not handed over.
func TestRayInit(t *testing.T) {
	f := newFixture(t)
	f.put(t, "_ray_pkg_1.zip", map[string]string{"script.py": counterScript, "helper.py": "", "data.txt": "found"})
	f.put(t, "_ray_pkg_2.zip", map[string]string{"extra/__init__.py": ""})
	inPlace := t.TempDir()
	for name, body := range map[string]string{"script.py": counterScript, "helper.py": "", "data.txt": "found"} {
		if err := os.WriteFile(filepath.Join(inPlace, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name string
		dir  string
	}{
		{"uploaded", "gcs://_ray_pkg_1.zip"},
		{"in place", "local://" + inPlace},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := `{"working_dir": "` + tc.dir + `", "py_modules": ["gcs://_ray_pkg_2.zip"], "env_vars": {"FOO": "bar"}}`
			g := f
			g.work = filepath.Join(t.TempDir(), "work")
			built, _, err := g.build(t, env)
			if err != nil {
				t.Fatal(err)
			}
			home, base := rayHome(t)
			out, err := runScript(t, built.Dir, runtimeenv.Environ(
				append(base, "RAY_ADDRESS=http://127.0.0.1:1"),
				runtimeenv.Identity{ID: "job", RuntimeEnv: json.RawMessage(env), Built: built},
			))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{
				"counts [1, 2, 3, 4, 5]", `worker ["` + built.Dir + `", "bar", "found"]`, "meta {'FOO': 'bar'} True",
			} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if _, err := os.Stat(home + "/.ray/auth_token"); err == nil {
				t.Error("a token file was left in the home folder")
			}
		})
	}
	t.Run("pip", func(t *testing.T) {
		r := newRig(t, func(o *runtimeenv.Options) {
			o.Env = append(os.Environ(), "PATH="+filepath.Dir(rayPython(t))+":"+os.Getenv("PATH"))
		})
		r.wheel(t, "demo", "1.0")
		dir := t.TempDir()
		script := "import ray, demo\nray.init(num_cpus=1, include_dashboard=False)\n@ray.remote\ndef f():\n    import demo, sys\n" +
			"    return demo.VERSION, sys.prefix\nprint('task', *ray.get(f.remote()))\n"
		if err := os.WriteFile(filepath.Join(dir, "script.py"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		env := r.pip(t, "demo")
		built, _ := r.mustJob(t, "a", env)
		raw, err := json.Marshal(env)
		if err != nil {
			t.Fatal(err)
		}
		_, base := rayHome(t)
		environ := runtimeenv.Environ(base, runtimeenv.Identity{ID: "job", RuntimeEnv: raw, Built: built})
		out, err := runWith(t, filepath.Join(built.Venv, "bin", "python"), dir, environ)
		if err != nil || !strings.Contains(out, "task 1.0 "+built.Venv) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("Ray cannot find our packages", func(t *testing.T) {
		built, _, err := f.build(t, `{"working_dir": "gcs://_ray_pkg_1.zip", "py_modules": ["gcs://_ray_pkg_2.zip"]}`)
		if err != nil {
			t.Fatal(err)
		}
		_, base := rayHome(t)
		env := runtimeenv.Environ(base, runtimeenv.Identity{ID: "job", Built: built})
		for _, field := range []string{`"working_dir": "gcs://_ray_pkg_1.zip"`, `"py_modules": ["gcs://_ray_pkg_2.zip"]`} {
			out, err := runScript(t, built.Dir, append(env, `RAY_JOB_CONFIG_JSON_ENV_VAR={"runtime_env": {`+field+`}, "metadata": {}}`))
			if err == nil || !strings.Contains(out, "Failed to download runtime_env file package") {
				t.Errorf("%s: %v\n%s", field, err, out)
			}
		}
	})
}

// TestRayAgreesOnCheck compares with what Ray itself says about the same
// runtime environments when it is about to start a job.
func TestRayAgreesOnCheck(t *testing.T) {
	t.Parallel()
	envs := []string{
		`{"working_dir": "/nope"}`, `{"working_dir": "./nope"}`, `{"working_dir": "git://x/y.zip"}`,
		`{"working_dir": "gcs://a.whl"}`, `{"py_modules": ["gcs://a"]}`, `{"py_modules": ["/nope"]}`,
		`{"working_dir": "gcs://a.zip"}`, `{"working_dir": "local:///not/there"}`, `{"py_modules": ["gcs://a.whl"]}`,
	}
	in, err := json.Marshal(envs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), rayPython(t), "-c", `
import json, sys
from ray.runtime_env import RuntimeEnv
out = []
for e in json.loads(sys.argv[1]):
    try:
        RuntimeEnv(**json.loads(e)); out.append("")
    except Exception as x:
        out.append(str(x))
json.dump(out, sys.stdout)
`, string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	for i, env := range envs {
		got := ""
		if err := runtimeenv.Check(json.RawMessage(env)); err != nil {
			got = err.Error()
		}
		if got != answers[i] {
			t.Errorf("%s: %q, Ray says %q", env, got, answers[i])
		}
	}
}
