//go:build linux

package conformance_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"dray/backend/rayapi"
)

// wireChecks are about what every client sees of answers and of a job's life.
func wireChecks() []check {
	return []check{
		{name: "1.1/types of answers", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/api/jobs/", nil).wantType(t, "application/json; charset=utf-8")
			s.do(t, "GET", "/api/jobs/none", nil).wantType(t, "text/plain; charset=utf-8")
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": 3}).wantType(t, "text/plain; charset=utf-8")
		}},
		{name: "1.3/submit: the answer has the id twice", run: func(t *testing.T, s *target) {
			var got map[string]string
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true"}).decode(t, &got)
			if len(got) != 2 || got["job_id"] != got["submission_id"] || !regexp.MustCompile(`^raysubmit_[A-HJ-NP-Za-km-np-z1-9]{16}$`).MatchString(got["job_id"]) {
				t.Errorf("answer %v", got)
			}
		}},
		{name: "1.3/submit: booleans are numbers", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "entrypoint_num_cpus": false, "entrypoint_num_gpus": false}).want(t, 200)
		}},
		{name: "1.3/submit: the first of several mistakes is told", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "submission_id": 1, "runtime_env": 1, "metadata": 1}).
				want(t, 400, "TypeError: submission_id must be a string if provided, got <class 'int'>")
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "metadata": body{"a": 1}, "entrypoint_memory": 1.5}).
				want(t, 400, "TypeError: metadata values must be strings, got <class 'int'>")
		}},
		{name: "1.7/stop: twice", run: stopTwice},
		{name: "1.9/tail: what a client sends is ignored", run: tailIgnores},
		{name: "1.9/tail: a plain GET is no answer", run: func(t *testing.T, s *target) {
			if s.ray {
				return // 5 to 12 s, and the same status
			}
			id := s.submit(t, body{"entrypoint": "true"})
			s.end(t, id)
			if a := s.do(t, "GET", "/api/jobs/"+id+"/logs/tail", nil); a.status < 400 {
				t.Errorf("status %d", a.status)
			}
		}},
		{name: "1.10/package: an empty answer", run: func(t *testing.T, s *target) {
			name := strings.TrimPrefix(s.upload(t, map[string]string{"a": "b"}), "gcs://")
			a := s.do(t, "GET", "/api/packages/gcs/"+name, nil)
			a.want(t, 200)
			if a.body != "" || a.header.Get("Content-Type") != "" && !s.ray {
				t.Errorf("body %q of type %q", a.body, a.header.Get("Content-Type"))
			}
		}},
		{name: "1.11/package: names that clients send", run: func(t *testing.T, s *target) {
			for i, suffix := range []string{".zip", ".tar.gz", ".tgz", ".tar.xz", "-py3-none-any.whl"} {
				s.do(t, "PUT", fmt.Sprintf("/api/packages/gcs/names_%d%s", i, suffix), []byte("x")).want(t, 200)
			}
		}},
		{name: "1.12/component activities", run: func(t *testing.T, s *target) {
			var got map[string]map[string]any
			s.do(t, "GET", "/api/component_activities?timeout=5", nil).decode(t, &got)
			for _, key := range []string{"is_active", "reason", "timestamp", "last_activity_at"} {
				if _, ok := got["driver"][key]; !ok {
					t.Errorf("no %s in %v", key, got)
				}
			}
		}},
		{name: "2/details: start is the submission, the end is later", run: func(t *testing.T, s *target) {
			before := time.Now().Add(-time.Second).UnixMilli()
			j := s.run(t, body{"entrypoint": "sleep 0.3"})
			if j.StartTime == nil || j.EndTime == nil || *j.StartTime < before || *j.EndTime < *j.StartTime+300 {
				t.Errorf("start %v, end %v", j.StartTime, j.EndTime)
			}
		}},
		{name: "2/details: values of env_vars are plain for a client", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "runtime_env": body{"env_vars": body{"PLAIN": "to be seen"}}})
			s.do(t, "GET", "/api/jobs/"+id, nil).want(t, 200, `"PLAIN": "to be seen"`)
			s.end(t, id)
		}},
		{name: "2/details: no exit code when stopped", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 300"})
			s.running(t, id)
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			j := s.end(t, id)
			if j.DriverExitCode != nil || j.MessageText() != "Job was intentionally stopped." {
				t.Errorf("exit code %v, message %q", j.DriverExitCode, j.MessageText())
			}
		}},
		{name: "3/message: while running and at the end", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 2"})
			s.running(t, id)
			if m := s.get(t, id).MessageText(); m != "Job is currently running." {
				t.Errorf("message %q", m)
			}
			if j := s.end(t, id); j.MessageText() != "Job finished successfully." {
				t.Errorf("message %q", j.MessageText())
			}
		}},
		{name: "3/message: pending on a runtime environment", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "runtime_env": body{
				"pip": body{"packages": []string{"z"}, "pip_install_options": []string{"--index-url", silentIndex(t)}},
			}})
			if m := s.get(t, id).MessageText(); m != "Job has not started yet. It may be waiting for the runtime environment to be set up." {
				t.Errorf("message %q", m)
			}
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			s.end(t, id)
		}},
		{name: "4.3/life: the shell leads a session of its own", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `set -- $(cat /proc/$$/stat); echo "$([ "$6" = $$ ] && echo leads)"`})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "leads\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "4.3/life: job config, the user's metadata wins", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": `echo "$RAY_JOB_CONFIG_JSON_ENV_VAR"`, "metadata": body{"job_name": "mine", "k": "v"}})
			s.end(t, id)
			log := tight(s.logs(t, id))
			for _, want := range []string{`"job_submission_id":"` + id + `"`, `"job_name":"mine"`, `"k":"v"`} {
				if !strings.Contains(log, want) {
					t.Errorf("log %q lacks %s", log, want)
				}
			}
		}},
	}
}

func stopTwice(t *testing.T, s *target) {
	id := s.submit(t, body{"entrypoint": "trap '' TERM; echo ready; while :; do sleep 0.1; done"})
	s.awaitLog(t, id, "ready\n")
	for range 2 {
		s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, `"stopped": true`)
	}
	wantStatus(t, s.end(t, id), rayapi.StatusStopped)
	if s.ray {
		time.Sleep(3 * time.Second) // its supervisor is there for a moment after the end
	}
	s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, `"stopped": false`)
}

func tailIgnores(t *testing.T, s *target) {
	id := s.submit(t, body{"entrypoint": "echo first; sleep 1; echo last"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := s.dialTail(ctx, t, id)
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			break
		}
		all.Write(data)
	}
	if !strings.Contains(all.String(), "last\n") {
		t.Errorf("text %q", all.String())
	}
}

// fieldChecks are about the fields of a runtime environment, as a client that
// checks nothing sends them.
func fieldChecks() []check {
	runs := func(name string, env body) check {
		return check{name: "5.2/" + name, run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "true", "runtime_env": env}), rayapi.StatusSucceeded)
		}}
	}
	fails := func(name string, env body, text string) check {
		return check{name: "5.2/" + name, run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true", "runtime_env": env})
			wantStatus(t, j, rayapi.StatusFailed)
			if !strings.Contains(j.MessageText(), text) {
				t.Errorf("message %q lacks %q", j.MessageText(), text)
			}
			if j.ErrorTypeText() != rayapi.ErrStartFailure && j.ErrorTypeText() != rayapi.ErrRuntimeEnvSetup {
				t.Errorf("error_type %q", j.ErrorTypeText())
			}
		}}
	}
	return []check{
		runs("field: unknown ones are passed on", body{"no_such_field": body{"a": 1}}),
		runs("field: excludes has no effect here", body{"excludes": []string{"*.bin"}}),
		runs("field: config without a limit, not eager", body{"config": body{"setup_timeout_seconds": -1, "eager_install": false}}),
		runs("field: what has no entries is not there", body{"pip": []string{}, "env_vars": body{}}),
		fails("field: working_dir that is no archive", body{"working_dir": "gcs://x.txt"}, ".tar.xz files are supported for"),
		fails("field: image_uri with others", body{"image_uri": "x", "pip": []string{"y"}}, "cannot be used together with other fields of runtime_env"),
		fails("field: container with others", body{"container": body{"image": "x"}, "working_dir": "local:///tmp"}, "cannot be used together with other fields of runtime_env"),
		fails("field: py_modules that is no list", body{"py_modules": "x"}, ""),
		fails("field: env_vars with a number", body{"env_vars": body{"A": 1}}, "must be of type Dict[str, str]"),
		fails("field: a relative local:// folder", body{"working_dir": "local://x"}, "the path must be absolute"),
		{name: "5.2/field: a wheel as py_module", run: func(t *testing.T, s *target) {
			dir := pipEnv(t, "dray_wheel", "3.1")["pip_install_options"].([]string)[2]
			files, err := filepath.Glob(filepath.Join(dir, "*.whl"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			name := filepath.Base(files[0])
			s.do(t, "PUT", "/api/packages/gcs/"+name, read(t, files[0])).want(t, 200)
			id := s.submit(t, body{"entrypoint": `python3 -c 'import dray_wheel; print("V is", dray_wheel.V)'`, "runtime_env": body{"py_modules": []string{"gcs://" + name}}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "V is 3.1\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.4/package: a tar.gz is unpacked", run: func(t *testing.T, s *target) {
			name, data := tarOf(t, map[string]string{"data.txt": "from a tar"})
			s.do(t, "PUT", "/api/packages/gcs/"+name, data).want(t, 200)
			id := s.submit(t, body{"entrypoint": "cat data.txt", "runtime_env": body{"working_dir": "gcs://" + name}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "from a tar") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.4/package: a tar.xz is unpacked", run: func(t *testing.T, s *target) {
			// A tar with sub/a.txt that says hello; no Go package at hand writes xz.
			const small = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AJBdADmdSGQR5JSzSsi80f5CS2Je1+T3bD5AMoqaSDiCYBrCyA5BD+ls2ygfNMMGDqHagEIX5c" +
				"6Xg/jDzCdpWVoK0vFbFeLKNn7Z0OlezdfG2AQ8gDZtd4zzyT2CIQDU3WDHobViTdQsIsT90eCvRftXZ82zn39+TR+0bY8KYYHoQ1uRzJDWAj52" +
				"WwE4efeis5ggGABg4SF1nmyoDwABrAGAUAAAc7QOEbHEZ/sCAAAAAARZWg=="
			data, err := base64.StdEncoding.DecodeString(small)
			if err != nil {
				t.Fatal(err)
			}
			s.do(t, "PUT", "/api/packages/gcs/_ray_pkg_small.tar.xz", data).want(t, 200)
			id := s.submit(t, body{"entrypoint": "cat sub/a.txt", "runtime_env": body{"working_dir": "gcs://_ray_pkg_small.tar.xz"}})
			wantStatus(t, s.end(t, id), rayapi.StatusSucceeded)
			if log := s.logs(t, id); !strings.Contains(log, "hello") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "5.2/field: record keeps what was sent", run: func(t *testing.T, s *target) {
			env := body{"env_vars": body{"A": "b"}, "config": body{"setup_timeout_seconds": 600}, "custom": []int{1}}
			j := s.run(t, body{"entrypoint": "true", "runtime_env": env})
			var got map[string]json.RawMessage
			if err := json.Unmarshal(j.RuntimeEnv, &got); err != nil || len(got) < len(env) {
				t.Errorf("runtime_env %s, %v", j.RuntimeEnv, err)
			}
		}},
	}
}
