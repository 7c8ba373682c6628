//go:build linux

package conformance_test

import (
	"net/http"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// body is a submit request as a raw client writes it.
type body map[string]any

// submit sends a request that must be taken, and returns the id.
func (s *target) submit(t *testing.T, b body) string {
	t.Helper()
	a := s.do(t, http.MethodPost, "/api/jobs/", b)
	a.want(t, http.StatusOK)
	var r rayapi.SubmitResponse
	a.decode(t, &r)
	if r.SubmissionID == "" || r.JobID != r.SubmissionID {
		t.Fatalf("submit answered %s, want the id twice", a.body)
	}
	t.Cleanup(func() { s.do2(http.MethodPost, "/api/jobs/"+r.SubmissionID+"/stop") })
	return r.SubmissionID
}

// do2 is do where nobody looks at the answer: tidying up.
func (s *target) do2(method, path string) {
	req, err := http.NewRequest(method, s.base+path, nil) //nolint:noctx // tidying up
	if err != nil {
		return
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
}

func (s *target) get(t *testing.T, id string) rayapi.Job {
	t.Helper()
	a := s.do(t, http.MethodGet, "/api/jobs/"+id, nil)
	a.want(t, http.StatusOK)
	var j rayapi.Job
	a.decode(t, &j)
	return j
}

// await polls the job until ready; a real head needs seconds.
func (s *target) await(t *testing.T, id, what string, ready func(rayapi.Job) bool) rayapi.Job {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		j := s.get(t, id)
		if ready(j) {
			return j
		}
		if time.Now().After(deadline) {
			t.Fatalf("job %s: no %s within a minute: %+v", id, what, j)
		}
		time.Sleep(20 * time.Millisecond) // the wire has no event for a status
	}
}

func (s *target) end(t *testing.T, id string) rayapi.Job {
	t.Helper()
	return s.await(t, id, "end", func(j rayapi.Job) bool { return j.Status.IsTerminal() })
}

func (s *target) running(t *testing.T, id string) rayapi.Job {
	t.Helper()
	return s.await(t, id, "RUNNING", func(j rayapi.Job) bool { return j.Status == rayapi.StatusRunning })
}

// run submits, waits for the end and returns the record.
func (s *target) run(t *testing.T, b body) rayapi.Job {
	t.Helper()
	return s.end(t, s.submit(t, b))
}

func (s *target) logs(t *testing.T, id string) string {
	t.Helper()
	a := s.do(t, http.MethodGet, "/api/jobs/"+id+"/logs", nil)
	a.want(t, http.StatusOK)
	var l rayapi.LogsResponse
	a.decode(t, &l)
	return l.Logs
}

func wantStatus(t *testing.T, j rayapi.Job, want rayapi.Status) {
	t.Helper()
	if j.Status != want {
		t.Errorf("status %s, want %s; message %.500q", j.Status, want, j.MessageText())
	}
}
