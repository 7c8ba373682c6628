package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dray/backend/rayapi"
	"dray/backend/server"
)

const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json; charset=utf-8"
)

func TestRouting(t *testing.T) {
	t.Parallel()
	var asked string
	api := newAPI(&fakeJobs{job: func(id string) (rayapi.Job, error) {
		asked = id
		return rayapi.Job{}, rayapi.NotFoundError(id)
	}})
	tests := []struct {
		name, method, path string
		status             int
		body, allow        string
	}{
		{"unknown path", "GET", "/api/nothing", 404, "404: Not Found", ""},
		{"root", "GET", "/", 404, "404: Not Found", ""},
		{"trailing slash after an id", "GET", "/api/jobs/x/", 404, "404: Not Found", ""},
		{"double slash", "GET", "//api/jobs/", 404, "404: Not Found", ""},
		{"empty id", "GET", "/api/jobs//logs", 404, "404: Not Found", ""},
		{"dots are not resolved", "GET", "/static/../api/jobs/", 404, "404: Not Found", ""},
		{"list", "GET", "/api/jobs/", 200, "[]", ""},
		{"list without a slash", "GET", "/api/jobs", 200, "[]", ""},
		{"submit without a slash", "POST", "/api/jobs", 400, "the request body is not JSON: unexpected end of JSON input at byte 0", ""},
		{"wrong method on the list", "DELETE", "/api/jobs/", 405, "405: Method Not Allowed", "GET,HEAD,POST"},
		{"wrong method on a job", "PUT", "/api/jobs/x", 405, "405: Method Not Allowed", "DELETE,GET,HEAD"},
		{"OPTIONS", "OPTIONS", "/api/jobs/x", 405, "405: Method Not Allowed", "DELETE,GET,HEAD"},
		{"GET of stop", "GET", "/api/jobs/x/stop", 405, "405: Method Not Allowed", "POST"},
		{"POST of logs", "POST", "/api/jobs/x/logs", 405, "405: Method Not Allowed", "GET,HEAD"},
		{"POST of a package", "POST", "/api/packages/gcs/x.zip", 405, "405: Method Not Allowed", "GET,HEAD,PUT"},
		{"POST of version", "POST", "/api/version", 405, "405: Method Not Allowed", "GET,HEAD"},
		{"unknown method", "BREW", "/api/version", 405, "405: Method Not Allowed", "GET,HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, api, tt.method, tt.path, "")
			if got.status != tt.status || got.body != tt.body || got.header.Get("Allow") != tt.allow {
				t.Errorf("%s %s = %d %q Allow %q, want %d %q Allow %q", tt.method, tt.path,
					got.status, got.body, got.header.Get("Allow"), tt.status, tt.body, tt.allow)
			}
			if got.status >= 400 && got.header.Get("Content-Type") != textType {
				t.Errorf("Content-Type = %q, want %q", got.header.Get("Content-Type"), textType)
			}
		})
	}
	for path, want := range map[string]string{"a%2Fb": "a/b", "%C3%BC": "ü", "a%20b": "a b", "%2E%2E": "..", "%FF": "%FF"} {
		got := ask(t, api, "GET", "/api/jobs/"+path, "")
		if asked != want || got.status != 404 || got.body != "Job "+want+" does not exist" {
			t.Errorf("GET /api/jobs/%s asked for %q = %d %q, want %q", path, asked, got.status, got.body, want)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	l := newLog(t, "x")
	l.finish(t)
	jobs := l.jobs()
	jobs.job = func(string) (rayapi.Job, error) { return rayapi.Job{}, nil }
	srv := serve(t, newAPI(jobs))
	for _, path := range []string{"/api/version", "/api/jobs/", "/api/jobs/j", "/api/jobs/j/logs", "/api/gcs_healthz"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("HEAD %s = %d, want 200", path, res.StatusCode)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api/version", "/api/ray/version"} {
		got := ask(t, newAPI(&fakeJobs{}), "GET", path, "")
		want := `{"version": "4", "ray_version": "2.60.0", "ray_commit": "dray-dev", "session_name": "session_x"}`
		if got.status != 200 || got.body != want || got.header.Get("Content-Type") != jsonType {
			t.Errorf("GET %s = %d %s %s", path, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		err        error
		status     int
		want       string
	}{
		{"ok", `{"entrypoint":"x"}`, nil, 200, `{"job_id": "new", "submission_id": "new"}`},
		{"empty entrypoint", `{"entrypoint":""}`, nil, 200, `{"job_id": "new", "submission_id": "new"}`},
		{"null of an unknown key", `{"entrypoint":"x","nope":null}`, nil, 200, `{"job_id": "new", "submission_id": "new"}`},
		{"not JSON", `entrypoint=x`, nil, 400, "the request body is not JSON: invalid character 'e' looking for beginning of value at byte 1"},
		{"not an object", `[]`, nil, 400, "the request body must be a JSON object"},
		{"unknown key", `{"entrypoint":"x","key":1}`, nil, 400, "TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument 'key'"},
		{"no entrypoint", `{}`, nil, 400, "TypeError: JobSubmitRequest.__init__() missing 1 required positional argument: 'entrypoint'"},
		{"wrong type", `{"entrypoint":1}`, nil, 400, "TypeError: entrypoint must be a string, got <class 'int'>"},
		{"bad id", `{"entrypoint":"x","submission_id":"a/b"}`, nil, 400, "submission_id contains '/': only letters, digits, '.', '_' and '-' are allowed"},
		{"negative", `{"entrypoint":"x","entrypoint_num_cpus":-1}`, nil, 400, "entrypoint_num_cpus must not be negative, got -1"},
		{"refused by the jobs", `{"entrypoint":"x"}`, fmt.Errorf("runtime_env: %w", rayapi.ErrInvalid), 400, "runtime_env: invalid request"},
		{
			"duplicate", `{"entrypoint":"x","submission_id":"X"}`, fmt.Errorf("submit: %w", rayapi.ExistsError("X")), 500,
			"Request failed with status code 400: ValueError: Job with submission_id X already exists. Please use a different submission_id.",
		},
		{
			"bad label", `{"entrypoint":"x"}`, fmt.Errorf("submit: %w", &rayapi.LabelError{Reason: "Invalid label key name `-`."}), 500,
			"Request failed with status code 400: ValueError: Invalid label key name `-`.",
		},
		{"closing", `{"entrypoint":"x"}`, rayapi.ErrUnavailable, 503, "the backend is not ready"},
		{"disk full", `{"entrypoint":"x"}`, rayapi.ErrNoSpace, 507, "no space left on the device"},
		{"unforeseen", `{"entrypoint":"x"}`, errors.New("boom"), 500, "boom"},
		{"too large an entrypoint", `{"entrypoint":"` + strings.Repeat("x", 3<<20) + `"}`, nil, 400, "entrypoint has 3145730 bytes, at most 2097152 are allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(&fakeJobs{submit: func(rayapi.SubmitRequest) (string, error) { return "new", tt.err }})
			got := ask(t, api, "POST", "/api/jobs/", tt.body, "Content-Type", "text/html")
			if got.status != tt.status || got.body != tt.want {
				t.Errorf("POST = %d %q, want %d %q", got.status, got.body, tt.status, tt.want)
			}
			if wantType := map[bool]string{true: jsonType, false: textType}[tt.status == 200]; got.header.Get("Content-Type") != wantType {
				t.Errorf("Content-Type = %q, want %q", got.header.Get("Content-Type"), wantType)
			}
		})
	}
}

func TestSubmit_limit(t *testing.T) {
	t.Parallel()
	srv := serve(t, newAPI(&fakeJobs{}))
	fill := func(size int) string { return `{"entrypoint":"x"}` + strings.Repeat(" ", size-18) }
	t.Run("exactly the limit passes", func(t *testing.T) {
		t.Parallel()
		if got := post(t, srv, "/api/jobs/", fill(104857600)); got.status != 200 {
			t.Errorf("POST = %d %s, want 200", got.status, got.body)
		}
	})
	t.Run("one more does not", func(t *testing.T) {
		t.Parallel()
		if got := post(t, srv, "/api/jobs/", fill(104857601)); got.status != 413 {
			t.Errorf("POST = %d %s, want 413", got.status, got.body)
		}
	})
	t.Run("a far larger body is read before it is refused", func(t *testing.T) {
		t.Parallel()
		if got := post(t, srv, "/api/jobs/", fill(200<<20)); got.status != 413 {
			t.Errorf("POST = %d %s, want 413", got.status, got.body)
		}
	})
}

// post sends body to a real server.
func post(t testing.TB, srv *httptest.Server, path, body string) answer {
	t.Helper()
	return send(t, srv, http.MethodPost, path, body)
}

func TestList(t *testing.T) {
	t.Parallel()
	rows := func(n int, err error) *fakeJobs {
		return &fakeJobs{rows: func(yield func([]byte) error) error {
			for i := range n {
				if err := yield(fmt.Appendf(nil, `{"submission_id":"%d"}`, i)); err != nil {
					return err
				}
			}
			return err
		}}
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if got := ask(t, newAPI(rows(0, nil)), "GET", "/api/jobs/", ""); got.body != "[]" || got.header.Get("Content-Type") != jsonType {
			t.Errorf("GET = %q %q", got.header.Get("Content-Type"), got.body)
		}
	})
	t.Run("in the order of the rows", func(t *testing.T) {
		t.Parallel()
		want := `[{"submission_id": "0"}, {"submission_id": "1"}]`
		if got := ask(t, newAPI(rows(2, nil)), "GET", "/api/jobs/", ""); got.body != want {
			t.Errorf("GET = %q, want %q", got.body, want)
		}
	})
	t.Run("an error before the first row is an answer", func(t *testing.T) {
		t.Parallel()
		if got := ask(t, newAPI(rows(0, rayapi.ErrUnavailable)), "GET", "/api/jobs/", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("GET = %d %q, want 503 with Retry-After", got.status, got.body)
		}
	})
	t.Run("an error after it breaks the answer off", func(t *testing.T) {
		t.Parallel()
		srv := serve(t, newAPI(rows(10000, errors.New("disk"))))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/jobs/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := srv.Client().Do(r)
		if err != nil {
			return // broken off before the first byte
		}
		defer res.Body.Close()
		var list []json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&list); err == nil {
			t.Errorf("the client read a whole list of %d jobs", len(list))
		}
	})
}

func TestJob(t *testing.T) {
	t.Parallel()
	id, exit := "j", 0
	api := newAPI(&fakeJobs{job: func(string) (rayapi.Job, error) {
		return rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &id, Status: rayapi.StatusSucceeded, DriverExitCode: &exit}, nil
	}})
	got := ask(t, api, "GET", "/api/jobs/j", "")
	want := `{"type": "SUBMISSION", "job_id": null, "submission_id": "j", "driver_info": null, "status": "SUCCEEDED", "entrypoint": "", ` +
		`"message": null, "error_type": null, "start_time": null, "end_time": null, "metadata": null, "runtime_env": null, ` +
		`"driver_agent_http_address": null, "driver_node_id": null, "driver_exit_code": 0}`
	if got.status != 200 || got.body != want || got.header.Get("Content-Type") != jsonType {
		t.Errorf("GET = %d %s, want %s", got.status, got.body, want)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	api := newAPI(&fakeJobs{
		stop: func(id string) (bool, error) {
			if id == "none" {
				return false, fmt.Errorf("stop: %w", rayapi.ErrNotFound)
			}
			return id == "running", nil
		},
		delete: func(id string) error {
			switch id {
			case "none":
				return fmt.Errorf("delete: %w", rayapi.ErrNotFound)
			case "running":
				return fmt.Errorf("delete: %w", &rayapi.StateError{ID: id, Status: rayapi.StatusRunning})
			default:
				return nil
			}
		},
	})
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"stop running", "POST", "/api/jobs/running/stop", "", 200, `{"stopped": true}`},
		{"stop ended", "POST", "/api/jobs/ended/stop", "", 200, `{"stopped": false}`},
		{"stop ignores a body", "POST", "/api/jobs/running/stop", "not JSON", 200, `{"stopped": true}`},
		{"stop unknown", "POST", "/api/jobs/none/stop", "", 404, "Job none does not exist"},
		{"delete ended", "DELETE", "/api/jobs/ended", "", 200, `{"deleted": true}`},
		{"delete unknown", "DELETE", "/api/jobs/none", "", 404, "Job none does not exist"},
		{"delete running", "DELETE", "/api/jobs/running", "", 500, "Attempted to delete job 'running', but it is in a non-terminal state RUNNING."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := ask(t, api, tt.method, tt.path, tt.body); got.status != tt.status || got.body != tt.want {
				t.Errorf("%s %s = %d %q, want %d %q", tt.method, tt.path, got.status, got.body, tt.status, tt.want)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/gcs_healthz": "success", "/api/local_raylet_healthz": "success", "/-/healthz": "success",
		"/api/healthz": "raylet: success\ngcs: success",
	} {
		if got := ask(t, newAPI(&fakeJobs{}), "GET", path, ""); got.status != 200 || got.body != want || got.header.Get("Content-Type") != "application/text; charset=utf-8" {
			t.Errorf("GET %s = %d %q %q", path, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
}

func TestActivities(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rows   []string
		active string
		reason any
		last   any
	}{
		{"no jobs", nil, "INACTIVE", nil, nil},
		{"ended", []string{`{"status":"FAILED","end_time":1500}`, `{"status":"STOPPED","end_time":500}`}, "INACTIVE", nil, 1.5},
		{
			"running and waiting",
			[]string{`{"status":"RUNNING","end_time":null}`, `{"status":"PENDING"}`, `{"status":"SUCCEEDED","end_time":2000}`},
			"ACTIVE", "Number of active drivers: 2", 2.0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(&fakeJobs{rows: func(yield func([]byte) error) error {
				for _, r := range tt.rows {
					if err := yield([]byte(r)); err != nil {
						return err
					}
				}
				return nil
			}})
			var got map[string]map[string]any
			body := ask(t, api, "GET", "/api/component_activities?timeout=5", "").body
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			d := got["driver"]
			if d["is_active"] != tt.active || d["reason"] != tt.reason || d["last_activity_at"] != tt.last {
				t.Errorf("driver = %s", body)
			}
			if ts, ok := d["timestamp"].(float64); !ok || ts < 1e9 {
				t.Errorf("timestamp = %v, want seconds", d["timestamp"])
			}
		})
	}
}

func TestShutdown_answers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	api := newAPI(&fakeJobs{stop: func(string) (bool, error) { cancel(); return false, ctx.Err() }})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/jobs/x/stop", nil)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("answer = %d %s, want 503", w.Code, w.Body)
	}
}

func FuzzSubmit(f *testing.F) {
	f.Add([]byte(`{"entrypoint":"x","runtime_env":{"env_vars":{"A":"b"}},"submission_id":"a"}`))
	f.Add([]byte(`{"entrypoint_resources":{"a":1e999}}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	api := newAPI(&fakeJobs{})
	h := server.Guard(api, server.GuardConfig{Unix: true, Log: quiet()})
	f.Fuzz(func(t *testing.T, body []byte) {
		got := ask(t, h, "POST", "/api/jobs/", string(body))
		if got.status != 200 && got.status != 400 {
			t.Fatalf("POST %q = %d %s", body, got.status, got.body)
		}
	})
}

func BenchmarkList10k(b *testing.B) {
	row := []byte(`{"type":"SUBMISSION","submission_id":"raysubmit_x","entrypoint":"` + strings.Repeat("x", 500) + `"}`)
	srv := serve(b, newAPI(&fakeJobs{rows: func(yield func([]byte) error) error {
		for range 10000 {
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	}}))
	for b.Loop() {
		if got := send(b, srv, http.MethodGet, "/api/jobs/", ""); len(got.body) < 10000*len(row) {
			b.Fatalf("%d bytes", len(got.body))
		}
	}
}
