package server_test

import (
	"errors"
	"strings"
	"testing"

	"dray/backend/logfile"
	"dray/backend/rayapi"
	"dray/backend/server"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	api := cluster(t)
	ask(t, api, "GET", "/api/jobs/b", "")
	ask(t, api, "GET", "/api/jobs/nobody", "")
	ask(t, api, "PATCH", "/api/jobs/b", "")
	ask(t, api, "GET", "/made/up", "")
	ask(t, api, "POST", "/api/jobs/", `{"entrypoint":"true"}`)
	ask(t, api, "GET", "/api/jobs/a/logs/raw", "", "Range", "bytes=-4")
	got := ask(t, api, "GET", "/metrics", "")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("answer = %d %s", got.status, got.header.Get("Content-Type"))
	}
	for _, line := range []string{
		`dray_jobs{status="PENDING"} 1`, `dray_jobs{status="RUNNING"} 0`, `dray_jobs{status="FAILED"} 1`, `dray_jobs_queued 1`,
		`dray_log_followers 0`, `dray_log_bytes_served_total 4`, `dray_submit_duration_seconds_count 1`, `dray_store_errors_total 0`,
		`dray_resources{kind="total",resource="CPU"} 4`, `dray_resources{kind="used",resource="CPU"} 0.5`,
		`dray_http_requests_total{code="200",method="GET",route="/api/jobs/{}"} 1`,
		`dray_http_requests_total{code="404",method="GET",route="/api/jobs/{}"} 1`,
		`dray_http_requests_total{code="405",method="other",route="/api/jobs/{}"} 1`,
		`dray_http_requests_total{code="404",method="other",route="other"} 1`,
		`dray_http_requests_total{code="206",method="GET",route="/api/jobs/{}/logs/raw"} 1`,
		`dray_http_request_duration_seconds_count{method="GET",route="/api/jobs/{}"} 2`,
	} {
		if !strings.Contains(got.body, line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
}

func TestMetrics_storeErrors(t *testing.T) {
	t.Parallel()
	api := newAPI(&fakeJobs{
		submit: func(rayapi.SubmitRequest) (string, error) { return "", rayapi.ErrNoSpace },
		job:    func(string) (rayapi.Job, error) { return rayapi.Job{}, errors.New("broken") },
		stop:   func(id string) (bool, error) { return false, rayapi.NotFoundError(id) },
		delete: func(id string) error { return &rayapi.StateError{ID: id, Status: rayapi.StatusRunning} },
	})
	ask(t, api, "POST", "/api/jobs/", `{"entrypoint":"true"}`)
	ask(t, api, "GET", "/api/jobs/x", "")
	ask(t, api, "POST", "/api/jobs/x/stop", "")
	ask(t, api, "DELETE", "/api/jobs/x", "")
	if got := ask(t, api, "GET", "/metrics", ""); !strings.Contains(got.body, "dray_store_errors_total 2\n") {
		t.Error("not two: the full disk and the broken record")
	}
}

// A followed log counts while it is followed, with the bytes that were sent.
func TestMetrics_followers(t *testing.T) {
	t.Parallel()
	l := newLog(t, "12345\n")
	api := newAPI(l.jobs())
	srv := serve(t, server.Guard(api, server.GuardConfig{Unix: true, Log: quiet()}))
	conn := dial(t, srv)
	if _, text, err := conn.Read(t.Context()); err != nil || string(text) != "12345\n" {
		t.Fatalf("%q %v", text, err)
	}
	metrics := func() string { return ask(t, api, "GET", "/metrics", "").body }
	if got := metrics(); !strings.Contains(got, "dray_log_followers 1\n") {
		t.Error("the follower does not count")
	}
	l.set(logfile.State{Final: true, Size: 6}, nil)
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the tail goes on")
	}
	if got := metrics(); !strings.Contains(got, "dray_log_bytes_served_total 6\n") {
		t.Error("its six bytes do not count")
	}
}

func TestMetrics_needsToken(t *testing.T) {
	t.Parallel()
	h := server.Guard(cluster(t), server.GuardConfig{Token: testToken, Hosts: []string{testHost}, Log: quiet()})
	for _, path := range []string{"/metrics", "/api/openapi.json", "/api/v0/jobs", "/nodes?view=summary", "/timezone"} {
		if a := ask(t, h, "GET", "http://"+testHost+path, ""); a.status != 401 {
			t.Errorf("GET %s = %d without a token", path, a.status)
		}
		if a := ask(t, h, "GET", "http://"+testHost+path, "", "Authorization", good); a.status != 200 {
			t.Errorf("GET %s = %d with it", path, a.status)
		}
	}
}
