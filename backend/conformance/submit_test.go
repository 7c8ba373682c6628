//go:build linux

package conformance_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"dray/backend/rayapi"
)

func versionChecks() []check {
	wantVersion := func(t *testing.T, a answer) {
		t.Helper()
		a.want(t, http.StatusOK)
		a.wantType(t, "application/json; charset=utf-8")
		var v map[string]any
		a.decode(t, &v)
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if want := []string{"ray_commit", "ray_version", "session_name", "version"}; !slices.Equal(keys, want) {
			t.Errorf("keys %v, want %v", keys, want)
		}
		if v["version"] != "4" {
			t.Errorf("version %v, want \"4\"", v["version"])
		}
		if s, _ := v["session_name"].(string); !regexp.MustCompile(`^session_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}_\d+$`).MatchString(s) {
			t.Errorf("session_name %q", s)
		}
		if s, _ := v["ray_version"].(string); !regexp.MustCompile(`^\d+\.\d+\.\d+`).MatchString(s) {
			t.Errorf("ray_version %q", s)
		}
	}
	return []check{
		{name: "1.2/version: four keys", run: func(t *testing.T, s *target) { wantVersion(t, s.do(t, "GET", "/api/version", nil)) }},
		{name: "1.2/version: serve's path", run: func(t *testing.T, s *target) { wantVersion(t, s.do(t, "GET", "/api/ray/version", nil)) }},
	}
}

func routeChecks() []check {
	notFound := func(method, path string) func(*testing.T, *target) {
		return func(t *testing.T, s *target) {
			a := s.do(t, method, path, nil)
			a.want(t, http.StatusNotFound)
			if a.body != "404: Not Found" {
				t.Errorf("body %q, want 404: Not Found", a.body)
			}
		}
	}
	notAllowed := func(method, path, allow string) func(*testing.T, *target) {
		return func(t *testing.T, s *target) {
			a := s.do(t, method, path, nil)
			a.want(t, http.StatusMethodNotAllowed)
			if a.body != "405: Method Not Allowed" || a.header.Get("Allow") != allow {
				t.Errorf("body %q, Allow %q, want Allow %q", a.body, a.header.Get("Allow"), allow)
			}
		}
	}
	noJob := func(method, path string) func(*testing.T, *target) {
		return func(t *testing.T, s *target) {
			a := s.do(t, method, path, nil)
			a.want(t, http.StatusNotFound)
			a.wantType(t, "text/plain; charset=utf-8")
			if a.body != "Job nobody does not exist" {
				t.Errorf("body %q", a.body)
			}
		}
	}
	return []check{
		{name: "1.1/route: unknown path", run: notFound("GET", "/api/nothing")},
		{name: "1.1/route: slash after an id", run: notFound("GET", "/api/jobs/x/")},
		{name: "1.1/route: list without slash", only: "ray", run: notFound("GET", "/api/jobs")},
		{name: "8.4/route: list without slash, taken", only: "dray", run: func(t *testing.T, s *target) { s.do(t, "GET", "/api/jobs", nil).want(t, 200) }},
		{name: "1.10/route: one segment of a package", only: "ray", run: notFound("GET", "/api/packages/x")},
		{name: "1.1/route: PUT on the list", run: notAllowed("PUT", "/api/jobs/", "GET,HEAD,POST")},
		{name: "1.1/route: PATCH on a job", run: notAllowed("PATCH", "/api/jobs/x", "DELETE,GET,HEAD")},
		{name: "1.1/route: GET on stop", run: notAllowed("GET", "/api/jobs/x/stop", "POST")},
		{name: "1.1/route: OPTIONS on the list", run: notAllowed("OPTIONS", "/api/jobs/", "GET,HEAD,POST")},
		{name: "1.1/route: HEAD where GET is", run: func(t *testing.T, s *target) {
			a := s.do(t, "HEAD", "/api/version", nil)
			a.want(t, 200)
			if a.body != "" {
				t.Errorf("HEAD has a body: %q", a.body)
			}
		}},
		{name: "1.5/unknown: get", run: noJob("GET", "/api/jobs/nobody")},
		{name: "1.7/unknown: stop", run: noJob("POST", "/api/jobs/nobody/stop")},
		{name: "1.6/unknown: delete", run: noJob("DELETE", "/api/jobs/nobody")},
		{name: "1.8/unknown: logs", run: noJob("GET", "/api/jobs/nobody/logs")},
		{name: "1.9/unknown: tail", run: noJob("GET", "/api/jobs/nobody/logs/tail")},
		{name: "1.1/unknown: id is decoded", run: func(t *testing.T, s *target) {
			s.do(t, "GET", "/api/jobs/a%2Fb", nil).want(t, 404, "Job a/b does not exist")
		}},
	}
}

func submitChecks() []check {
	refused := func(status int, payload any, texts ...string) func(*testing.T, *target) {
		return func(t *testing.T, s *target) {
			a := s.do(t, "POST", "/api/jobs/", payload)
			a.want(t, status, texts...)
			a.wantType(t, "text/plain; charset=utf-8")
		}
	}
	typeError := func(field, value, text string) check {
		return check{name: "1.3/submit: type of " + field + " " + value, run: refused(400,
			`{"entrypoint":"true","`+field+`":`+value+`}`, "TypeError: "+text)}
	}
	checks := []check{
		{name: "1.3/submit: unknown key", run: refused(400, `{"entrypoint":"true","nope":1}`, "TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument 'nope'")},
		{name: "1.3/submit: no entrypoint", run: refused(400, `{}`, "TypeError: JobSubmitRequest.__init__() missing 1 required positional argument: 'entrypoint'")},
		{name: "1.3/submit: null entrypoint", run: refused(400, `{"entrypoint":null}`, "missing 1 required positional argument: 'entrypoint'")},
		{name: "1.3/submit: entrypoint is a number", run: refused(400, `{"entrypoint":1}`, "TypeError: entrypoint must be a string, got <class 'int'>")},
		{name: "1.3/submit: not JSON", only: "ray", run: refused(500, `{`)},
		{name: "8.3/submit: not JSON, 400", only: "dray", run: refused(400, `{`, "not JSON")},
		{name: "8.3/submit: JSON that is no object, 400", only: "dray", run: refused(400, `[1]`, "JSON object")},
		{name: "1.3/submit: unknown key that is null", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "true", "future": nil}), rayapi.StatusSucceeded)
		}},
		{name: "1.3/submit: empty id counts as absent", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "submission_id": ""})
			if !regexp.MustCompile(`^raysubmit_[A-HJ-NP-Za-km-np-z1-9]{16}$`).MatchString(id) {
				t.Errorf("generated id %q", id)
			}
		}},
		{name: "1.3/submit: job_id as old name", run: func(t *testing.T, s *target) {
			want := rayapi.NewID()
			if id := s.submit(t, body{"entrypoint": "true", "job_id": want}); id != want {
				t.Errorf("id %q, want %q", id, want)
			}
		}},
		{name: "1.1/submit: content type is not looked at", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", `{"entrypoint":"true"}`, "Content-Type", "text/plain").want(t, 200)
		}},
		{name: "1.3/submit: last of repeated keys wins", run: func(t *testing.T, s *target) {
			a := s.do(t, "POST", "/api/jobs/", `{"entrypoint":"false","entrypoint":"true"}`)
			a.want(t, 200)
			var r rayapi.SubmitResponse
			a.decode(t, &r)
			wantStatus(t, s.end(t, r.SubmissionID), rayapi.StatusSucceeded)
		}},
		{name: "1.3/submit: empty entrypoint is taken", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": ""}), rayapi.StatusSucceeded)
		}},
		{name: "1.3/submit: duplicate id", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true"})
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "submission_id": id}).want(t, 500,
				"Request failed with status code 400", "Job with submission_id "+id+" already exists. Please use a different submission_id.")
		}},
		{name: "1.3/submit: 32 at once with one id", run: oneOf32},
		{name: "4.2/submit: bad label key", run: refused(500, body{"entrypoint": "true", "entrypoint_label_selector": map[string]string{"-bad-": "x"}}, "ValueError: Invalid label key name")},
		{name: "4.2/submit: bad label value", run: refused(500, body{"entrypoint": "true", "entrypoint_label_selector": map[string]string{"a": "b c!"}}, "ValueError: Invalid label selector value")},
		{name: "8.23/submit: negative number", only: "dray", run: refused(400, body{"entrypoint": "true", "entrypoint_num_cpus": -1}, "entrypoint_num_cpus")},
		{name: "1.1/submit: body over the limit", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", `{"entrypoint":"`+strings.Repeat("x", 105<<20)+`"}`).want(t, 413, "Maximum request body size")
		}},
		{name: "1.3/submit: entrypoint too long to start", only: "dray", run: refused(400, body{"entrypoint": strings.Repeat("x", 120001)}, "120001 bytes")},
	}
	for _, bad := range []string{"a/b", "a\x00b", "a b", "ü", "..", strings.Repeat("a", 201)} {
		checks = append(checks, check{name: "8.21/submit: bad id " + clipped(bad), only: "dray", run: refused(400, body{"entrypoint": "true", "submission_id": bad}, "submission_id")})
	}
	return append(checks,
		typeError("submission_id", "1", "submission_id must be a string if provided, got <class 'int'>"),
		typeError("job_id", "[]", "job_id must be a string if provided, got <class 'list'>"),
		typeError("runtime_env", "[]", "runtime_env must be a dict, got <class 'list'>"),
		typeError("metadata", `"a"`, "metadata must be a dict, got <class 'str'>"),
		typeError("metadata", `{"a":1}`, "metadata values must be strings, got <class 'int'>"),
		typeError("entrypoint_num_cpus", `"1"`, "entrypoint_num_cpus must be a number, got <class 'str'>"),
		typeError("entrypoint_num_gpus", `[]`, "entrypoint_num_gpus must be a number, got <class 'list'>"),
		typeError("entrypoint_memory", "1.5", "entrypoint_memory must be an integer, got <class 'float'>"),
		typeError("entrypoint_resources", "1", "entrypoint_resources must be a dict, got <class 'int'>"),
		typeError("entrypoint_resources", `{"a":"b"}`, "entrypoint_resources values must be numbers, got <class 'str'>"),
		typeError("entrypoint_label_selector", "1", "entrypoint_label_selector must be a dict, got <class 'int'>"),
		typeError("entrypoint_label_selector", `{"a":1}`, "entrypoint_label_selector values must be strings, got <class 'int'>"),
	)
}

func clipped(s string) string {
	q, _ := json.Marshal(s)
	return string(q[:min(len(q), 12)])
}

func oneOf32(t *testing.T, s *target) {
	id := rayapi.NewID()
	var wg sync.WaitGroup
	answers := make([]answer, 32)
	for i := range answers {
		wg.Go(func() { answers[i] = s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "submission_id": id}) })
	}
	wg.Wait()
	taken := 0
	for _, a := range answers {
		if a.status == 200 {
			taken++
			continue
		}
		a.want(t, 500, "already exists")
	}
	if taken != 1 {
		t.Errorf("%d of 32 submits were taken, want 1", taken)
	}
}

func detailChecks() []check {
	return []check{
		{name: "2/details: 15 keys in order", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true"})
			s.end(t, id)
			a := s.do(t, "GET", "/api/jobs/"+id, nil)
			a.wantType(t, "application/json; charset=utf-8")
			want := []string{
				"type", "job_id", "submission_id", "driver_info", "status", "entrypoint", "message", "error_type", "start_time",
				"end_time", "metadata", "runtime_env", "driver_agent_http_address", "driver_node_id", "driver_exit_code",
			}
			if got := topKeys(t, a.body); !slices.Equal(got, want) {
				t.Errorf("keys %v, want %v", got, want)
			}
		}},
		{name: "2/details: as submitted", run: func(t *testing.T, s *target) {
			j := s.run(t, body{
				"entrypoint": "true # x", "metadata": map[string]string{"a": "ü", "job_name": "n"},
				"runtime_env": body{"env_vars": map[string]string{"K": "secret-value"}},
			})
			if j.Entrypoint != "true # x" || j.Metadata["a"] != "ü" || j.Metadata["job_name"] != "n" || len(j.Metadata) != 2 {
				t.Errorf("record %+v", j)
			}
			var env struct {
				EnvVars map[string]string `json:"env_vars"`
			}
			if err := json.Unmarshal(j.RuntimeEnv, &env); err != nil || env.EnvVars["K"] != "secret-value" {
				t.Errorf("runtime_env %s, %v", j.RuntimeEnv, err)
			}
		}},
		{name: "2/details: metadata is null when left out", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true"})

			if j := s.get(t, id); j.Metadata != nil {
				t.Errorf("metadata %v, want null", j.Metadata)
			}
		}},
		{name: "2/details: running", run: func(t *testing.T, s *target) {
			j := s.running(t, s.submit(t, body{"entrypoint": "sleep 30"}))
			if j.MessageText() != rayapi.MessageRunning || j.EndTime != nil || j.DriverExitCode != nil || j.StartTime == nil {
				t.Errorf("record %+v", j)
			}
			if j.DriverAgentHTTPAddress == nil || !strings.HasPrefix(*j.DriverAgentHTTPAddress, "http://") {
				t.Errorf("driver_agent_http_address %v", j.DriverAgentHTTPAddress)
			}
			if j.DriverNodeID == nil || len(*j.DriverNodeID) != 56 {
				t.Errorf("driver_node_id %v", j.DriverNodeID)
			}
		}},
		{name: "1.4/list: holds the record as get does", run: func(t *testing.T, s *target) {
			want := s.run(t, body{"entrypoint": "true", "metadata": map[string]string{"a": "b"}})
			a := s.do(t, "GET", "/api/jobs/", nil)
			a.want(t, 200)
			a.wantType(t, "application/json; charset=utf-8")
			var jobs []rayapi.Job
			a.decode(t, &jobs)
			for _, j := range jobs {
				if j.ID() == want.ID() {
					if got, exp := mustJSON(t, j), mustJSON(t, want); got != exp {
						t.Errorf("list has %s, get %s", got, exp)
					}
					return
				}
			}
			t.Errorf("%s is not in the list of %d", want.ID(), len(jobs))
		}},
		{name: "8.9/list: newest first", only: "dray", run: func(t *testing.T, s *target) {
			first := s.submit(t, body{"entrypoint": "true"})
			second := s.submit(t, body{"entrypoint": "true"})
			b := s.do(t, "GET", "/api/jobs/", nil).body
			if strings.Index(b, second) > strings.Index(b, first) {
				t.Errorf("%s comes before %s", first, second)
			}
		}},
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// topKeys returns the keys of a JSON object in their order.
func topKeys(t *testing.T, text string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		key, _ := tok.(string)
		keys = append(keys, key)
		var skip any
		if err := dec.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}
