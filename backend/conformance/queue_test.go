//go:build linux

package conformance_test

import (
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

// queueChecks are about what only this server does with a job's metadata; a
// real head passes metadata on and does nothing with it.
func queueChecks() []check {
	return []check{
		{name: "own/queue: says what a job waits for", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "entrypoint_resources": body{"unobtainium": 1}})
			m := s.get(t, id).MessageText()
			if !strings.HasPrefix(m, rayapi.MessagePending(true, false)) || !strings.Contains(m, "It asks for 1 unobtainium, this machine has 0 unobtainium.") {
				t.Errorf("message %q", m)
			}
		}},
		{name: "own/deadline: a job that runs too long is FAILED", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "echo ready; sleep 100", "metadata": map[string]string{"dray_deadline_s": "0.5"}})
			wantStatus(t, j, rayapi.StatusFailed)
			if !strings.Contains(j.MessageText(), "longer than its deadline of 500ms") || j.ErrorTypeText() != rayapi.ErrEntrypointCommand {
				t.Errorf("message %q, error_type %q", j.MessageText(), j.ErrorTypeText())
			}
		}},
		{name: "own/deadline: metadata that says nothing is refused", only: "dray", run: func(t *testing.T, s *target) {
			s.do(t, "POST", "/api/jobs/", body{"entrypoint": "true", "metadata": map[string]string{"dray_deadline_s": "soon"}}).
				want(t, 400, "dray_deadline_s")
		}},
		{name: "own/retry: each attempt has an id and a log of its own", only: "dray", run: func(t *testing.T, s *target) {
			first := s.run(t, body{
				"entrypoint": "echo attempt ${DRAY_X:-none}; exit 3",
				"metadata":   map[string]string{"dray_max_retries": "1", "dray_retry_delay_s": "0.1"},
			})
			wantStatus(t, first, rayapi.StatusFailed)
			next := first.ID() + "-a2"
			if !strings.Contains(first.MessageText(), "Attempt 2 of 2 follows in 100ms as job "+next+".") {
				t.Errorf("message %q", first.MessageText())
			}
			s.awaitThere(t, next)
			second := s.end(t, next)
			wantStatus(t, second, rayapi.StatusFailed)
			if second.Metadata["dray_retry_of"] != first.ID() || second.Metadata["dray_attempt"] != "2" {
				t.Errorf("metadata %v", second.Metadata)
			}
			if a, b := s.logs(t, first.ID()), s.logs(t, next); !strings.Contains(a, "job "+first.ID()+":") || !strings.Contains(b, "job "+next+":") {
				t.Errorf("logs %q, %q", a, b)
			}
		}},
		{name: "own/retry: stopped while it waits", only: "dray", run: func(t *testing.T, s *target) {
			first := s.run(t, body{
				"entrypoint": "exit 3", "metadata": map[string]string{"dray_max_retries": "1", "dray_retry_delay_s": "600"},
			})
			next := first.ID() + "-a2"
			s.awaitThere(t, next)
			s.do(t, "POST", "/api/jobs/"+next+"/stop", nil).want(t, 200, `"stopped": true`)
			wantStatus(t, s.end(t, next), rayapi.StatusStopped)
		}},
		{name: "own/end: what an entrypoint left behind is counted", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "sleep 50 & sleep 51 & exit 0"})
			wantStatus(t, j, rayapi.StatusSucceeded)
			if want := rayapi.MessageSucceeded + "\nProcesses left behind by the entrypoint: 2."; j.MessageText() != want {
				t.Errorf("message %q, want %q", j.MessageText(), want)
			}
		}},
	}
}

// stopOptionChecks are about the parameters signal and grace of a stop.
func stopOptionChecks() []check {
	return []check{
		{name: "own/stop: signal and grace of this stop", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "trap 'echo got-int' INT; trap 'echo got-term' TERM; echo ready; while :; do sleep 0.1; done"})
			s.awaitLog(t, id, "ready")
			s.do(t, "POST", "/api/jobs/"+id+"/stop?signal=INT&grace=1", nil).want(t, 200, `"stopped": true`)
			wantStatus(t, s.end(t, id), rayapi.StatusStopped)
			if log := s.logs(t, id); !strings.Contains(log, "\ngot-int\n") || strings.Contains(log, "\ngot-term\n") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "own/stop: options that mean nothing are refused", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 100"})
			s.do(t, "POST", "/api/jobs/"+id+"/stop?signal=NONE", nil).want(t, 400, "signal")
			s.do(t, "POST", "/api/jobs/"+id+"/stop?grace=soon", nil).want(t, 400, "grace")
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			wantStatus(t, s.end(t, id), rayapi.StatusStopped)
		}},
	}
}

// awaitThere waits until a job is known.
func (s *target) awaitThere(t *testing.T, id string) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for s.do(t, "GET", "/api/jobs/"+id, nil).status != 200 {
		if time.Now().After(deadline) {
			t.Fatalf("job %s never came to be", id)
		}
		time.Sleep(20 * time.Millisecond) // the API has no event
	}
}
