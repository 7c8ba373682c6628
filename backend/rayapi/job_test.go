package rayapi_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"dray/backend/rayapi"
)

// recorded is what a Ray 2.60.0 head answered for a job that had failed.
const recorded = `{"type":"SUBMISSION","job_id":"02000000","submission_id":"raysubmit_Xe7cvjyGJCpk3wQa",` +
	`"driver_info":{"id":"02000000","node_ip_address":"10.0.0.1","pid":"4711"},"status":"FAILED","entrypoint":"python x.py",` +
	`"message":"Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000 chars):\nboom\n",` +
	`"error_type":"JOB_ENTRYPOINT_COMMAND_ERROR","start_time":1763900000000,"end_time":1763900002500,"metadata":{"a":"b"},` +
	`"runtime_env":{"env_vars":{"A":"1"}},"driver_agent_http_address":"http://10.0.0.1:52365","driver_node_id":"abc","driver_exit_code":1}`

func TestJob_roundTrip(t *testing.T) {
	t.Parallel()
	var j rayapi.Job
	if err := json.Unmarshal([]byte(recorded), &j); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != recorded {
		t.Errorf("round trip changed the record:\n got %s\nwant %s", got, recorded)
	}
	if j.ID() != "raysubmit_Xe7cvjyGJCpk3wQa" || j.Ended().Sub(j.Started()).Milliseconds() != 2500 {
		t.Errorf("ID %s, took %s", j.ID(), j.Ended().Sub(j.Started()))
	}
}

func TestJob_nullsStayNull(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(rayapi.Job{Type: rayapi.TypeDriver, Status: rayapi.StatusRunning})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(got), ":null"); n != 12 {
		t.Errorf("%d of 12 unset keys are null in %s", n, got)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^raysubmit_[A-HJ-NP-Za-km-np-z1-9]{16}$`)
	seen := map[string]bool{}
	for range 10000 {
		id := rayapi.NewID()
		if !shape.MatchString(id) || seen[id] || rayapi.CheckID(id) != nil {
			t.Fatalf("NewID() = %q (seen before: %t)", id, seen[id])
		}
		seen[id] = true
	}
}

func TestMessageFailed(t *testing.T) {
	t.Parallel()
	prefix := "Job entrypoint command failed with exit code 3, last available logs (truncated to 20,000 chars):\n"
	long := strings.Repeat("ü", 30000)
	tests := []struct{ name, tail, want string }{
		{"empty", "", "Job entrypoint command failed with exit code 3. No logs available."},
		{"short", "a\nb\n", prefix + "a\nb\n"},
		{"ten lines", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", prefix + "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n"},
		{"long line", long, prefix + long[:20000*2]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := rayapi.MessageFailed(3, tt.tail); got != tt.want {
				t.Errorf("MessageFailed = %.200q…, want %.200q…", got, tt.want)
			}
		})
	}
}

func TestMessageStartTimeout(t *testing.T) {
	t.Parallel()
	if got := rayapi.MessageStartTimeout(900, false); !strings.HasPrefix(got, "Job supervisor actor failed to start within 900.0 seconds. ") {
		t.Errorf("MessageStartTimeout(900) = %q", got)
	}
	if got := rayapi.MessageStartTimeout(1.5, true); !strings.Contains(got, "within 1.5 seconds") || !strings.Contains(got, "`ray status`") {
		t.Errorf("MessageStartTimeout(1.5, resources) = %q", got)
	}
}
