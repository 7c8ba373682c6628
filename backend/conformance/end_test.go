//go:build linux

package conformance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
)

func endChecks() []check {
	exits := func(entrypoint string, code int) func(*testing.T, *target) {
		return func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": entrypoint})
			wantStatus(t, j, rayapi.StatusFailed)
			if j.ErrorTypeText() != rayapi.ErrEntrypointCommand {
				t.Errorf("error_type %q", j.ErrorTypeText())
			}
			if j.DriverExitCode == nil || *j.DriverExitCode != code {
				t.Errorf("driver_exit_code %v, want %d", j.DriverExitCode, code)
			}
			if want := fmt.Sprintf("Job entrypoint command failed with exit code %d", code); !strings.HasPrefix(j.MessageText(), want) {
				t.Errorf("message %q, want %q…", j.MessageText(), want)
			}
			if j.EndTime == nil || *j.EndTime < *j.StartTime {
				t.Errorf("start %v, end %v", j.StartTime, j.EndTime)
			}
		}
	}
	return []check{
		{name: "4.4/end: success", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "echo hi"})
			wantStatus(t, j, rayapi.StatusSucceeded)
			if j.MessageText() != rayapi.MessageSucceeded || j.ErrorType != nil || j.DriverExitCode == nil || *j.DriverExitCode != 0 {
				t.Errorf("record %+v", j)
			}
		}},
		{name: "4.4/end: exit 3", run: exits("exit 3", 3)},
		{name: "4.4/end: exit 300 wraps", run: exits("exit 300", 44)},
		{name: "4.4/end: command not found", run: exits("no-such-command-anywhere", 127)},
		{name: "4.4/end: killed by a signal", run: exits("kill -9 $$", -9)},
		{name: "4.4/end: a child of the shell was killed", run: exits("sh -c 'kill -9 $$'; exit $?", 137)},
		{name: "3/end: message has the last 10 lines", run: func(t *testing.T, s *target) {
			m := s.run(t, body{"entrypoint": "i=0; while [ $i -lt 50 ]; do echo line$i; i=$((i+1)); done; sleep 1; exit 1"}).MessageText()
			if !strings.HasPrefix(m, "Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000 chars):\n") {
				t.Errorf("message %q", m)
			}
			if !strings.Contains(m, "line49") || !strings.Contains(m, "line42") || strings.Contains(m, "line38") {
				t.Errorf("message has not the last 10 lines: %q", m)
			}
		}},
		{name: "3/end: message is cut to 20,000 characters", run: func(t *testing.T, s *target) {
			m := s.run(t, body{"entrypoint": "head -c 50000 /dev/zero | tr '\\0' x; sleep 1; exit 1"}).MessageText()
			_, tail, _ := strings.Cut(m, ":\n")
			if len(tail) != 20000 {
				t.Errorf("the log in the message has %d characters, want 20000", len(tail))
			}
		}},
		{name: "2.2/end: NUL in the entrypoint", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "echo a\x00b"})
			wantStatus(t, j, rayapi.StatusFailed)
			if j.ErrorTypeText() != rayapi.ErrEntrypointStart {
				t.Errorf("error_type %q, want %q", j.ErrorTypeText(), rayapi.ErrEntrypointStart)
			}
		}},
		{name: "4.3/end: quoting reaches the shell as sent", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "printf '%s|' 'a b' \"c'd\" $((1+1)) \"$(echo e)\" '\\n'\nprintf second"})
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, `a b|c'd|2|e|\n|second`) {
				t.Errorf("log %q", log)
			}
		}},
		{name: "4.3/end: stdin is empty", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "test -z \"$(cat)\""}), rayapi.StatusSucceeded)
		}},
		{name: "4.3/end: background child does not hold the job", run: func(t *testing.T, s *target) {
			began := time.Now()
			j := s.run(t, body{"entrypoint": "sleep 50 & exit 0"})
			wantStatus(t, j, rayapi.StatusSucceeded)
			if took := time.Since(began); took > 40*time.Second {
				t.Errorf("ended after %s, with the background child", took)
			}
		}},
		{name: "3/pending: message without resources", run: func(t *testing.T, s *target) {
			if got := rayapi.MessagePending(false, false); got != "Job has not started yet." {
				t.Error(got)
			}
		}},
		{name: "3/pending: waits for resources", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "entrypoint_resources": body{"unobtainium": 1}})
			j := s.await(t, id, "PENDING", func(j rayapi.Job) bool { return true })
			wantStatus(t, j, rayapi.StatusPending)
			if !strings.HasPrefix(j.MessageText(), rayapi.MessagePending(true, false)) {
				t.Errorf("message %q", j.MessageText())
			}
		}},
		{name: "9/pending: asks for nothing, starts at once", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "true"}), rayapi.StatusSucceeded)
		}},
		{name: "3/pending: fits and runs", run: func(t *testing.T, s *target) {
			wantStatus(t, s.run(t, body{"entrypoint": "true", "entrypoint_num_cpus": 0.1}), rayapi.StatusSucceeded)
		}},
		{name: "8.41/pending: label nothing has", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "entrypoint_label_selector": map[string]string{"zone": "nowhere"}})
			if j := s.get(t, id); !strings.HasPrefix(j.MessageText(), "Job has not started yet.") {
				t.Errorf("message %q", j.MessageText())
			}
		}},
	}
}

func stopChecks() []check {
	return []check{
		{name: "1.7/stop: running", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 100"})
			s.running(t, id)
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, `"stopped": true`)
			j := s.end(t, id)
			wantStatus(t, j, rayapi.StatusStopped)
			if j.MessageText() != rayapi.MessageStopped || j.DriverExitCode != nil || j.ErrorType != nil || j.EndTime == nil {
				t.Errorf("record %+v", j)
			}
		}},
		{name: "1.7/stop: ended already", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true"})
			time.Sleep(2 * time.Second) // a real head answers true for a second or so
			s.do(t, "POST", "/api/jobs/"+j.ID()+"/stop", nil).want(t, 200, `"stopped": false`)
		}},
		{name: "1.7/stop: a body is ignored", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 100"})
			s.running(t, id)
			s.do(t, "POST", "/api/jobs/"+id+"/stop", "not json").want(t, 200, `"stopped": true`)
			wantStatus(t, s.end(t, id), rayapi.StatusStopped)
		}},
		{name: "4.5/stop: TERM can be handled", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "trap 'echo got-term; exit 5' TERM; echo ready; while :; do sleep 0.1; done"})
			s.awaitLog(t, id, "ready")
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			j := s.end(t, id)
			wantStatus(t, j, rayapi.StatusStopped)
			if j.DriverExitCode != nil {
				t.Errorf("driver_exit_code %d, want null", *j.DriverExitCode)
			}
			if log := s.logs(t, id); !strings.Contains(log, "got-term") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "4.5/stop: INT by RAY_JOB_STOP_SIGNAL", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{
				"entrypoint":  "trap 'echo got-int; exit 0' INT; echo ready; while :; do sleep 0.1; done",
				"runtime_env": body{"env_vars": map[string]string{"RAY_JOB_STOP_SIGNAL": "SIGINT"}},
			})
			s.awaitLog(t, id, "ready")
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			s.end(t, id)
			if log := s.logs(t, id); !strings.Contains(log, "got-int") {
				t.Errorf("log %q", log)
			}
		}},
		{name: "4.5/stop: KILL after RAY_JOB_STOP_WAIT_TIME_S", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{
				"entrypoint":  "trap '' TERM; echo ready; while :; do sleep 0.1; done",
				"runtime_env": body{"env_vars": map[string]string{"RAY_JOB_STOP_WAIT_TIME_S": "1"}},
			})
			s.awaitLog(t, id, "ready")
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			wantStatus(t, s.end(t, id), rayapi.StatusStopped)
		}},
		{name: "4.5/stop: the end is when the last process is gone", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{
				"entrypoint":  "sh -c \"trap '' TERM; echo ready; while :; do sleep 0.1; done\"; echo never",
				"runtime_env": body{"env_vars": map[string]string{"RAY_JOB_STOP_WAIT_TIME_S": "2"}},
			})
			s.awaitLog(t, id, "ready")
			asked := time.Now()
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
			if j := s.end(t, id); j.Ended().Before(asked.Add(1500 * time.Millisecond)) {
				t.Errorf("the end is %s after the stop, with 2 seconds of grace", j.Ended().Sub(asked))
			}
		}},
		{name: "8.5/stop: PENDING ends at once", only: "dray", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "entrypoint_resources": body{"unobtainium": 1}})
			s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200, `"stopped": true`)
			wantStatus(t, s.end(t, id), rayapi.StatusStopped)
		}},
		{name: "8.39/stop: right after submit is never FAILED", only: "dray", run: func(t *testing.T, s *target) {
			for range 20 {
				id := s.submit(t, body{"entrypoint": "true"})
				s.do(t, "POST", "/api/jobs/"+id+"/stop", nil).want(t, 200)
				if j := s.end(t, id); j.Status == rayapi.StatusFailed {
					t.Fatalf("a stop that met the end made it FAILED: %s", j.MessageText())
				}
			}
		}},
	}
}

// awaitLog waits until the job's log holds text.
func (s *target) awaitLog(t *testing.T, id, text string) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !strings.Contains(s.logs(t, id), text) {
		if time.Now().After(deadline) {
			t.Fatalf("the log of %s never held %q: %q", id, text, s.logs(t, id))
		}
		time.Sleep(50 * time.Millisecond) // GET logs has no event
	}
}

func deleteChecks() []check {
	return []check{
		{name: "1.6/delete: ended", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true"})
			if s.ray {
				time.Sleep(4 * time.Second) // its monitor resurrects a record that is deleted too soon
			}
			s.do(t, "DELETE", "/api/jobs/"+j.ID(), nil).want(t, 200, `"deleted": true`)
			s.do(t, "GET", "/api/jobs/"+j.ID(), nil).want(t, 404)
			s.do(t, "DELETE", "/api/jobs/"+j.ID(), nil).want(t, 404)
		}},
		{name: "1.6/delete: running", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "sleep 100"})
			s.running(t, id)
			s.do(t, "DELETE", "/api/jobs/"+id, nil).want(t, 500,
				"Attempted to delete job '"+id+"', but it is in a non-terminal state RUNNING.")
		}},
		{name: "1.6/delete: pending", run: func(t *testing.T, s *target) {
			id := s.submit(t, body{"entrypoint": "true", "entrypoint_resources": body{"unobtainium": 1}})
			s.do(t, "DELETE", "/api/jobs/"+id, nil).want(t, 500, "but it is in a non-terminal state PENDING.")
		}},
		{name: "8.19/delete: right after the end it stays deleted", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "true"})
			s.do(t, "DELETE", "/api/jobs/"+j.ID(), nil).want(t, 200)
			time.Sleep(1500 * time.Millisecond)
			s.do(t, "GET", "/api/jobs/"+j.ID(), nil).want(t, 404)
		}},
		{name: "1.6/delete: the id is free again", only: "dray", run: func(t *testing.T, s *target) {
			j := s.run(t, body{"entrypoint": "echo first"})
			s.do(t, "DELETE", "/api/jobs/"+j.ID(), nil).want(t, 200)
			s.run(t, body{"entrypoint": "echo second", "submission_id": j.ID()})
			if log := s.logs(t, j.ID()); strings.Contains(log, "first") || !strings.Contains(log, "second") {
				t.Errorf("log %q", log)
			}
		}},
	}
}
