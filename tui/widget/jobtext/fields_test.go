package jobtext_test

import (
	"testing"

	"dray/backend/rayapi"
	"dray/tui/widget/jobtext"
)

func TestFields_node(t *testing.T) {
	t.Parallel()
	id := "a1b2c3d4e5f60718"
	for want, job := range map[string]rayapi.Job{
		"a1b2c3d4e5f6": {DriverNodeID: &id},
		"10.4.0.17  pid 7  node a1b2c3d4e5f6": {
			DriverNodeID: &id, DriverInfo: &rayapi.DriverInfo{NodeIPAddress: "10.4.0.17", PID: "7"},
		},
	} {
		got := ""
		for _, f := range jobtext.Fields(&job, job.Started()) {
			if f.Label == "node" {
				got = f.Text
			}
		}
		if got != want {
			t.Errorf("node %q, want %q", got, want)
		}
	}
}
