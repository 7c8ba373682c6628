//go:build linux

package runtimeenv_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dray/backend/packages"
	"dray/backend/runtimeenv"
)

func TestPip(t *testing.T) {
	t.Parallel()
	t.Run("installs, shares, keeps apart", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.wheel(t, "demo", "1.0", "needed")
		r.wheel(t, "demo", "2.0")
		r.wheel(t, "needed", "3.1")
		first, log := r.mustJob(t, "a", r.pip(t, "demo==1.0"))
		if !strings.Contains(log, "Successfully installed demo-1.0 needed-3.1") {
			t.Errorf("log %q", log)
		}
		got := shell(t, first, `python -c 'import demo, needed, sys; print(demo.VERSION, needed.VERSION, sys.prefix)'; python3 -m demo; demo-tool; echo $VIRTUAL_ENV`)
		if want := "1.0 3.1 " + first.Venv + "\n1.0\n" + first.Venv; got != want {
			t.Errorf("the job saw %q, want %q", got, want)
		}
		again, log := r.mustJob(t, "b", r.pip(t, "demo==1.0"))
		if again.Venv != first.Venv || log != "" {
			t.Errorf("the second time: %q, log %q", again.Venv, log)
		}
		other, _ := r.mustJob(t, "c", r.pip(t, "demo==2.0"))
		if got := shell(t, other, "demo-tool") + shell(t, first, "demo-tool"); got != "2.01.0" || other.Venv == first.Venv {
			t.Errorf("the environments mix: %s", got)
		}
	})
	t.Run("options of the dict", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.wheel(t, "lonely", "1.0", "missing_thing")
		env := r.pip(t, "lonely")
		pip := env["pip"].(map[string]any)
		pip["pip_install_options"] = append(pip["pip_install_options"].([]string), "--no-deps")
		r.mustJob(t, "a", env)
		pip["pip_check"] = true
		_, _, err := r.job(t, "b", env)
		wantSetupError(t, err, "pip check", "lonely 1.0 requires missing-thing, which is not installed")
	})
	t.Run("requirements in the working directory", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.wheel(t, "demo", "1.0")
		r.wheel(t, "demo", "2.0")
		dir := t.TempDir()
		env := r.pip(t, "-r ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/requirements.txt")
		env["working_dir"] = "local://" + dir
		relative := r.pip(t)
		relative["pip"].(map[string]any)["packages"] = "requirements.txt"
		relative["working_dir"] = env["working_dir"]
		for i, version := range []string{"1.0", "2.0"} {
			if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte("# demo\ndemo=="+version+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for j, env := range []map[string]any{env, relative} {
				built, _ := r.mustJob(t, fmt.Sprint(i, j), env)
				if got := shell(t, built, "demo-tool"); got != version {
					t.Errorf("the requirements say %s, the job has %s", version, got)
				}
			}
		}
		relative["working_dir"] = "local://" + t.TempDir()
		_, _, err := r.job(t, "none", relative)
		wantSetupError(t, err, "could not open requirements file", "requirements.txt: no such file")
	})
	t.Run("a wheel that changes under its name", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		path := r.wheel(t, "demo", "1.0")
		first, _ := r.mustJob(t, "a", r.pip(t, path))
		if err := os.WriteFile(path, wheelBytes(t, "demo", "1.0", "demo"), 0o600); err != nil {
			t.Fatal(err)
		}
		if second, _ := r.mustJob(t, "b", r.pip(t, path)); second.Venv == first.Venv {
			t.Error("the environment of the old wheel is used")
		}
	})
}

func TestPipFails(t *testing.T) {
	t.Parallel()
	t.Run("no such package", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		_, log, err := r.job(t, "a", r.pip(t, "no-such-package-of-dray"))
		wantSetupError(t, err, "Failed to install pip packages", "exit status 1", "Last 50 lines of stdout:", "No matching distribution found for no-such-package-of-dray")
		if !strings.Contains(log, "No matching distribution found") || strings.Contains(log, "Attempt") {
			t.Errorf("log %q", log)
		}
		if left, err := filepath.Glob(r.root + "/pip-*[0-9a-f]"); err != nil || len(left) > 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
	t.Run("passwords are masked", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		env := map[string]any{"pip": map[string]any{
			"packages":            []string{"nope", "gone @ http://user:s3cret@127.0.0.1:1/gone-1.0-py3-none-any.whl"},
			"pip_install_options": []string{"--extra-index-url", "http://user:s3cret@127.0.0.1:1/simple", "--retries", "0", "--no-index"},
		}}
		_, log, err := r.job(t, "a", env)
		wantSetupError(t, err, "127.0.0.1")
		if strings.Contains(log+err.Error(), "s3cret") || !strings.Contains(log, "Attempt 2 of 3 failed") {
			t.Errorf("error %v, log %q", err, log)
		}
	})
	t.Run("time-out kills the tools", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		ln := silentServer(t)
		env := map[string]any{
			"pip":    map[string]any{"packages": []string{"x"}, "pip_install_options": []string{"--index-url", "http://" + ln + "/simple"}},
			"config": map[string]any{"setup_timeout_seconds": 2},
		}
		begin := time.Now()
		_, log, err := r.job(t, "a", env)
		wantSetupError(t, err, "TimeoutError", "Failed to install runtime_env within the timeout of 2 seconds. Consider increasing the timeout in the runtime_env config",
			"setup_timeout_seconds", "If not provided, the default timeout is 600 seconds")
		if took := time.Since(begin); took > time.Minute || strings.Contains(log, "Attempt") {
			t.Errorf("it took %v, log %q", took, log)
		}
		if left := toolsBelow(t, r.root); len(left) > 0 {
			t.Errorf("still there: %q", left)
		}
	})
}

// silentServer accepts connections and never answers.
func silentServer(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String() // the kernel's queue accepts
}

func TestPipSingleFlight(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *runtimeenv.Options) { o.MaxBytes = 1 })
	r.wheel(t, "demo", "1.0")
	raw, err := json.Marshal(r.pip(t, "demo"))
	if err != nil {
		t.Fatal(err)
	}
	const jobs = 50
	logs := make([]strings.Builder, jobs)
	errs := make([]error, jobs)
	var wg sync.WaitGroup
	for i := range jobs {
		wg.Go(func() {
			_, errs[i] = r.Build(t.Context(), raw, r.workOf(fmt.Sprint(i)), &logs[i])
		})
	}
	for range 20 {
		if _, err := r.Cache().GC(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	builds := 0
	for i := range jobs {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		builds += strings.Count(logs[i].String(), "Building the pip environment")
	}
	list, err := r.Cache().List(t.Context())
	if err != nil || builds != 1 || len(list) != 1 || list[0].Users != jobs || list[0].Title != "demo" {
		t.Errorf("%d builds, list %+v, %v", builds, list, err)
	}
	for i := range jobs {
		if removed, err := r.Cache().GC(t.Context()); err != nil || len(removed) > 0 {
			t.Fatalf("with %d users left: removed %v, %v", jobs-i, removed, err)
		}
		if err := r.Release(r.workOf(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if removed, err := r.Cache().GC(t.Context()); err != nil || len(removed) != 1 {
		t.Errorf("at the end: removed %v, %v", removed, err)
	}
}

// TestPipInVirtualEnvironment has the job's Python in a virtual environment
// without pip: what is installed there must be seen, as Ray often is.
func TestPipInVirtualEnvironment(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), `pa"rent`)
	if out, err := exec.CommandContext(t.Context(), "python3", "-m", "venv", "--without-pip", parent).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sites, err := filepath.Glob(parent + "/lib/python*/site-packages")
	if err != nil || len(sites) != 1 {
		t.Fatal(sites, err)
	}
	if err := os.WriteFile(sites[0]+"/from_parent.py", []byte("X = 'parent'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *runtimeenv.Options) {
		o.Env = append(os.Environ(), "PATH="+parent+"/bin:"+os.Getenv("PATH"))
	})
	r.wheel(t, "demo", "1.0")
	built, _ := r.mustJob(t, "a", r.pip(t, "demo"))
	if got := shell(t, built, `python -c 'import demo, from_parent; print(demo.VERSION, from_parent.X)'`); got != "1.0 parent" {
		t.Errorf("the job saw %q", got)
	}
}

// TestRealIndex installs from the package index of this machine with pip, and
// with a uv that it may have to install first.
func TestRealIndex(t *testing.T) {
	t.Parallel()
	probe := exec.CommandContext(t.Context(), "python3", "-m", "pip", "download", "--no-deps", "--timeout", "5", "--retries", "0", "-d", t.TempDir(), "six")
	if out, err := probe.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI has a package index, and it does not answer: %v\n%s", err, out)
		}
		t.Skipf("NO PACKAGE INDEX ANSWERS HERE, so no real install is tested: %v\n%s", err, out)
	}
	r := newRig(t)
	for _, env := range []map[string]any{
		{"pip": []string{"six==1.16.0"}},
		{"uv": []string{"six==1.16.0"}},
		{"uv": map[string]any{"packages": []string{"six==1.16.0"}, "uv_check": true, "uv_pip_install_options": []string{"--no-cache"}}},
	} {
		built, log := r.mustJob(t, "a", env)
		if got := shell(t, built, `python -c 'import six; print(six.__version__, six.__file__)'`); !strings.HasPrefix(got, "1.16.0 "+built.Venv+"/") {
			t.Errorf("%v: the job saw %q, log\n%s", env, got, log)
		}
	}
	_, _, err := r.job(t, "b", map[string]any{"uv": []string{"no-such-package-of-dray"}})
	wantSetupError(t, err, "Failed to install uv packages", "no-such-package-of-dray")
}

var _ runtimeenv.PackageSource = (*packages.Store)(nil)
