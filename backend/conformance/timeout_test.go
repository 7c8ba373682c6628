//go:build linux

package conformance_test

import (
	"strings"
	"testing"

	"dray/backend/rayapi"
)

// TestStartTimeout is §3's text of a job that waited too long, on a server
// that waits a second; a job that only has to wait for its turn is not meant.
func TestStartTimeout(t *testing.T) {
	t.Parallel()
	s := startDray(t, drayBin(t), "dray serve", "", "RAY_JOB_START_TIMEOUT_SECONDS=1")
	j := s.run(t, body{"entrypoint": "true", "entrypoint_num_cpus": 1000})
	wantStatus(t, j, rayapi.StatusFailed)
	const want = "Job supervisor actor failed to start within 1.0 seconds. This timeout can be configured by setting the environment " +
		"variable RAY_JOB_START_TIMEOUT_SECONDS. This may be because the job entrypoint's specified resources (entrypoint_num_cpus, " +
		"entrypoint_num_gpus, entrypoint_resources, entrypoint_memory)"
	if !strings.HasPrefix(j.MessageText(), want) || j.ErrorTypeText() != "JOB_SUPERVISOR_ACTOR_START_TIMEOUT" {
		t.Errorf("error_type %q, message %q", j.ErrorTypeText(), j.MessageText())
	}
	slow := s.run(t, body{"entrypoint": "true", "runtime_env": body{"pip": pipEnv(t, "dray_slow", "1.0")}})
	wantStatus(t, slow, rayapi.StatusSucceeded) // its set-up does not count
}
