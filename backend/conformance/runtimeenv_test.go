//go:build linux

package conformance_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
)

// pipEnv writes a wheel whose module holds its version and returns a pip field
// that installs it without any index.
func pipEnv(t *testing.T, module, version string) body {
	t.Helper()
	dir := t.TempDir()
	info := module + "-" + version + ".dist-info/"
	_, data := zipOf(t, map[string]string{
		module + ".py":    "V = '" + version + "'",
		info + "METADATA": "Metadata-Version: 2.1\nName: " + module + "\nVersion: " + version + "\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   module + ".py,,\n",
	})
	if err := os.WriteFile(filepath.Join(dir, module+"-"+version+"-py3-none-any.whl"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return body{"packages": []string{module + "==" + version}, "pip_install_options": []string{"--no-index", "--find-links", dir}}
}

func wantSetupFailure(t *testing.T, j rayapi.Job, texts ...string) {
	t.Helper()
	wantStatus(t, j, rayapi.StatusFailed)
	for _, text := range append(texts, "runtime_env setup failed: Failed to set up runtime environment.") {
		if !strings.Contains(j.MessageText(), text) {
			t.Errorf("message %q lacks %q", j.MessageText(), text)
		}
	}
	if j.ErrorTypeText() != rayapi.ErrRuntimeEnvSetup {
		t.Errorf("error_type is %q", j.ErrorTypeText())
	}
}

// runtimeEnvChecks are about environments that are built. On a real head the
// pip field needs virtualenv and, for many, minutes, so most are for us alone.
func runtimeEnvChecks() []check {
	return []check{
		{name: "5.2/runtime env: pip, two versions that do not mix", only: "dray", run: func(t *testing.T, s *target) {
			for _, version := range []string{"1.5", "2.5"} {
				id := s.submit(t, body{
					"entrypoint":  `python -c 'import dray_demo; print("V is", dray_demo.V)'`,
					"runtime_env": body{"pip": pipEnv(t, "dray_demo", version)},
				})
				wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
				if log := s.logs(t, id); !strings.Contains(log, "V is "+version) || !strings.Contains(log, "Successfully installed dray_demo-"+version) &&
					!strings.Contains(log, "Successfully installed dray-demo-"+version) {
					t.Errorf("log %q", log)
				}
			}
		}},
		{name: "5.2/runtime env: pip, no such package", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true", "runtime_env": body{"pip": body{
				"packages": []string{"no-such-package-of-dray"}, "pip_install_options": []string{"--no-index"},
			}}})
			wantSetupFailure(t, j, "No matching distribution found for no-such-package-of-dray", "Last 50 lines of stdout:")
			if log := s.logs(t, *j.SubmissionID); !strings.Contains(log, "No matching distribution found") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.2/runtime env: set-up takes too long", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true", "runtime_env": body{
				"pip":    body{"packages": []string{"x"}, "pip_install_options": []string{"--index-url", silentIndex(t)}},
				"config": body{"setup_timeout_seconds": 1},
			}})
			wantSetupFailure(t, j, "Timeout", "setup_timeout_seconds", "Failed to install runtime_env within the timeout of 1 seconds.")
		}},
		{name: "5.2/runtime env: stopped while it is built", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "runtime_env": body{
				"pip": body{"packages": []string{"y"}, "pip_install_options": []string{"--index-url", silentIndex(t)}},
			}})
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, "true")
			wantStatus(t, s.end(t, id), rayapi.StatusStopped)
		}},
		{name: "5.2/runtime env: mistakes are accepted and fail", run: func(t *testing.T, s *target) {
			for _, env := range []body{
				{"pip": []string{"a"}, "conda": "b"},
				{"pip": 3},
				{"config": body{"setup_timeout_seconds": 0}},
			} {
				j := s.run(t, body{"entrypoint": "true", "runtime_env": env})
				wantStatus(t, j, rayapi.StatusFailed)
				if j.ErrorTypeText() != rayapi.ErrStartFailure && j.ErrorTypeText() != rayapi.ErrRuntimeEnvSetup {
					t.Errorf("%v: error_type %q, message %q", env, j.ErrorTypeText(), j.MessageText())
				}
			}
		}},
		{name: "5.2/runtime env: what cannot be built here is refused", only: "dray", run: func(t *testing.T, s *target) {
			for _, env := range []body{{"working_dir": "s3://b/x.zip"}} {
				s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "runtime_env": env}).want(t, 400, "not supported by this server")
			}
		}},
		{name: "5.2/runtime env: file:// archive with one folder in it", only: "dray", run: func(t *testing.T, s *target) {
			_, data := zipOf(t, map[string]string{"top/data.txt": "from a file address"})
			path := filepath.Join(t.TempDir(), "code.zip")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			id := s.submit(t, body{"entrypoint": "cat data.txt", "runtime_env": body{"working_dir": "file://" + path}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "from a file address") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.2/runtime env: py_executable and hook are handed on", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{
				"entrypoint":  `echo "$RAY_JOB_CONFIG_JSON_ENV_VAR"`,
				"runtime_env": body{"py_executable": "python -v", "worker_process_setup_hook": "m.f", "config": body{"eager_install": true}},
			})
			s.end(t, id)
			if log := tight(s.logs(t, id)); !strings.Contains(log, tight(`"py_executable": "python -v"`)) || !strings.Contains(log, tight(`"worker_process_setup_hook": "m.f"`)) {
				t.Errorf("log %q", log)
			}
		}},
	}
}

// silentIndex is a package index of this machine that takes connections and
// never answers.
func silentIndex(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() }) // the kernel takes the connections; nobody accepts
	return "http://" + ln.Addr().String() + "/simple"
}
