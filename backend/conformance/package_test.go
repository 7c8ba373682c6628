//go:build linux

package conformance_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/rayapi"
)

// zipOf makes an archive of name → content; a name that ends in / is a folder.
func zipOf(t *testing.T, files map[string]string) (name string, data []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for n, content := range files {
		f, err := w.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(buf.Bytes())
	return "_ray_pkg_" + hex.EncodeToString(sum[:8]) + ".zip", buf.Bytes()
}

func (s *target) upload(t *testing.T, files map[string]string) string {
	t.Helper()
	name, data := zipOf(t, files)
	s.do(t, "PUT", "/api/packages/gcs/"+name, data).want(t, 200)
	return "gcs://" + name
}

func packageChecks() []check {
	return []check{
		{name: "1.10/package: missing, then put, then there", run: func(t *testing.T, s *target) {
			name, data := zipOf(t, map[string]string{"a.txt": t.Name()})
			s.do(t, "GET", "/api/packages/gcs/"+name, nil).want(t, 404, "Package gcs://"+name+" does not exist")
			a := s.do(t, "PUT", "/api/packages/gcs/"+name, data)
			a.want(t, 200)
			if a.body != "" {
				t.Errorf("PUT answered %q", a.body)
			}
			a = s.do(t, "GET", "/api/packages/gcs/"+name, nil)
			a.want(t, 200)
			if a.body != "" {
				t.Errorf("GET answered %q", a.body)
			}
			s.do(t, "PUT", "/api/packages/gcs/"+name, data).want(t, 200)
		}},
		{name: "1.11/package: over 100 MiB", run: func(t *testing.T, s *target) {
			a := s.do(t, "PUT", "/api/packages/gcs/_ray_pkg_ffffffffffffffff.zip", bytes.Repeat([]byte{0}, 104857601))
			a.want(t, 413, "Maximum request body size 104857600 exceeded")
		}},
		{name: "1.10/package: other protocol", only: "dray", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/api/packages/s3/x.zip", nil).want(t, 400)
			s.do(t, "PUT", "/api/packages/s3/x.zip", "x").want(t, 400)
		}},
		{name: "1.11/package: a name that leaves the folder", only: "dray", run: func(t *testing.T, s *target) {
			for _, name := range []string{"..%2f..%2fetc%2fpasswd.zip", "a%00b.zip", ".hidden.zip", strings.Repeat("a", 300) + ".zip"} {
				s.do(t, "PUT", "/api/packages/gcs/"+name, "x").want(t, 400)
			}
		}},
		{name: "1.11/package: neither content nor suffix is looked at", run: func(t *testing.T, s *target) {
			for name, content := range map[string]string{"no_suffix": "x", "notes.txt": "x", "empty.zip": "", "UPPER.ZIP": "x"} {
				s.do(t, "PUT", "/api/packages/gcs/"+name, content).want(t, 200)
				s.do(t, "GET", "/api/packages/gcs/"+name, nil).want(t, 200)
			}
		}},
		{name: "1.11/package: other bytes under a name", run: func(t *testing.T, s *target) {
			name, data := zipOf(t, map[string]string{"a.txt": "old"})
			_, other := zipOf(t, map[string]string{"a.txt": "new " + t.Name()})
			s.do(t, "PUT", "/api/packages/gcs/"+name, data).want(t, 200)
			s.do(t, "PUT", "/api/packages/gcs/"+name, other).want(t, 200)
			id := s.submit(t, body{"entrypoint": "cat a.txt", "runtime_env": body{"working_dir": "gcs://" + name}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "new "+t.Name()) {
				t.Errorf("log %q", log)
			}
		}},
		{name: "1.11/package: other bytes under a name that a job is about to use", only: "dray", run: func(t *testing.T, s *target) {
			uri := s.upload(t, map[string]string{"a.txt": t.Name()})
			id := s.submit(t, body{"entrypoint": "true", "runtime_env": body{"working_dir": uri}, "entrypoint_resources": body{"unobtainium": 1}})
			s.do(t, "PUT", "/api/packages/gcs/"+strings.TrimPrefix(uri, "gcs://"), "other").want(t, 409, "a job is about to use")
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
		}},
	}
}

func envChecks() []check {
	return []check{
		{name: "5.2/env: working_dir is the current folder and importable", run: func(t *testing.T, s *target) {
			uri := s.upload(t, map[string]string{"data.txt": "from the package", "lib_x/__init__.py": "V = 41 + 1"})
			id := s.submit(t, body{
				"entrypoint":  `cat data.txt; python3 -c 'import lib_x; print("V is", lib_x.V)'; case "$PYTHONPATH" in "$PWD"*) echo first;; esac`,
				"runtime_env": body{"working_dir": uri},
			})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "from the package") || !strings.Contains(log, "V is 42") || !strings.Contains(log, "first") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.2/env: package that is not there", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true", "runtime_env": body{"working_dir": "gcs://_ray_pkg_00000000deadbeef.zip"}})
			wantStatus(t, j, rayapi.StatusFailed)
			if j.ErrorTypeText() != rayapi.ErrRuntimeEnvSetup || !strings.Contains(j.MessageText(), "runtime_env setup failed: Failed to set up runtime environment.") {
				t.Errorf("error_type %q, message %q", j.ErrorTypeText(), j.MessageText())
			}
		}},
		{name: "5.1/env: local path is refused after the submit", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true", "runtime_env": body{"working_dir": "/nope"}})
			wantStatus(t, j, rayapi.StatusFailed)
			if j.ErrorTypeText() != rayapi.ErrStartFailure || !strings.Contains(j.MessageText(), "/nope is not a valid path") {
				t.Errorf("error_type %q, message %q", j.ErrorTypeText(), j.MessageText())
			}
		}},
		{name: "5.2/env: local folder in place", run: func(t *testing.T, s *target) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "here.txt"), []byte("in place"), 0o600); err != nil {
				t.Fatal(err)
			}
			id := s.submit(t, body{"entrypoint": "cat here.txt; echo made > out.txt", "runtime_env": body{"working_dir": "local://" + dir}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if got, err := os.ReadFile(filepath.Join(dir, "out.txt")); err != nil || string(got) != "made\n" {
				t.Errorf("the job wrote %q, %v", got, err)
			}
		}},
		{name: "5.2/env: py_modules", run: func(t *testing.T, s *target) {
			uri := s.upload(t, map[string]string{"mod_y/__init__.py": "W = 7"})
			id := s.submit(t, body{"entrypoint": `python3 -c 'import mod_y; print("W is", mod_y.W)'`, "runtime_env": body{"py_modules": []string{uri}}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "W is 7") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.2/env: env_vars in sorted order with expansion", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{
				"entrypoint": `echo "[$A_X|$B_X|$C_X|$D_X]"`,
				"runtime_env": body{"env_vars": map[string]string{
					"B_X": "got ${A_X}", "A_X": "one", "C_X": "no ${NOT_SET_ANYWHERE}.", "D_X": "keep $NOT_SET_EITHER",
				}},
			})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "[one|got one|no .|keep $NOT_SET_EITHER]") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "8.22/env: env_vars null", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "true", "runtime_env": body{"env_vars": nil}}), rayapi.StatusSucceeded)
		}},
		{name: "5.2/env: a PATH of the job's own", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `echo "$PATH"`, "runtime_env": body{"env_vars": map[string]string{"PATH": "/my/bin:$PATH"}}})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "\n/my/bin:/") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "4.3/env: what Ray sets", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{
				"entrypoint": `echo "$PYTHONUNBUFFERED"; echo "$RAY_JOB_CONFIG_JSON_ENV_VAR"`,
				"metadata":   map[string]string{"k": "v"},
			})
			s.end(t, id)
			log := s.logs(t, id)
			for _, want := range []string{"\n1\n", `"job_submission_id": "` + id + `"`, `"job_name": "` + id + `"`, `"k": "v"`} {
				if !strings.Contains(tight(log), tight(want)) {
					t.Errorf("log %q lacks %q", log, want)
				}
			}
		}},
		{name: "own/env: no token and no address of ours", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `env | grep -E '^(RAY_AUTH_TOKEN|RAY_ADDRESS|RAY_API_SERVER_ADDRESS|DRAY_STATE_DIR)' ; echo "mode=$RAY_AUTH_MODE"`})
			s.end(t, id)
			log := s.logs(t, id)
			if strings.Contains(log, "RAY_AUTH_TOKEN=") || strings.Contains(log, "ADDRESS=") || !strings.Contains(log, "mode=disabled") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "4.3/env: umask is 022", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "umask"})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "\n0022\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.4/env: zip that escapes", only: "dray", run: func(t *testing.T, s *target) {
			uri := s.upload(t, map[string]string{"../../escaped.txt": "x", "ok.txt": "y"})
			j := s.run(t, body{"entrypoint": "true", "runtime_env": body{"working_dir": uri}})
			wantStatus(t, j, rayapi.StatusFailed)
			if j.ErrorTypeText() != rayapi.ErrRuntimeEnvSetup {
				t.Errorf("error_type %q, message %q", j.ErrorTypeText(), j.MessageText())
			}
			found, err := filepath.Glob(filepath.Join(s.dir, "*", "escaped.txt"))
			if err != nil || len(found) > 0 {
				t.Errorf("escaped to %v, %v", found, err)
			}
		}},
		{name: "own/env: two jobs of one package do not meet", only: "dray", run: func(t *testing.T, s *target) {
			uri := s.upload(t, map[string]string{"n.txt": "0"})
			b := body{"entrypoint": "cat n.txt; echo spoilt > n.txt", "runtime_env": body{"working_dir": uri}}
			s.run(t, b)
			id := s.submit(t, b)
			s.end(t, id)
			if log := s.logs(t, id); strings.Contains(log, "spoilt\n") && !strings.Contains(log, "echo spoilt") {
				t.Errorf("log %q", log)
			}
		}},
	}
}
