package action_test

import (
	"strings"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/action"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

func TestOffered_tellsTheTruth(t *testing.T) {
	t.Parallel()
	ids := []string{"job.open", "job.log", "job.stop", "job.rerun", "job.edit", "job.delete", "job.copy-id", "job.new"}
	tests := []struct {
		name  string
		job   rayapi.Job
		known bool
		off   string
	}{
		{"running", tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0), true, "job.delete"},
		{"ended", tuitest.Job("a", rayapi.StatusFailed, "true", time.Minute, time.Second), true, "job.stop"},
		{"driver", tuitest.Driver("02000000", rayapi.StatusRunning, time.Minute, 0), true, "job.log job.stop job.rerun job.edit job.delete"},
		{"gone", tuitest.Job("a", rayapi.StatusRunning, "true", time.Minute, 0), false, "job.log job.stop job.rerun job.edit job.delete"},
		{"no job", rayapi.Job{}, false, "job.open job.log job.stop job.rerun job.edit job.delete job.copy-id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bindings := make([]screen.Binding, len(ids))
			for i, id := range ids {
				bindings[i].ID = id
				bindings[i].SetKeys("z")
			}
			var off []string
			for _, b := range action.Offered(bindings, tt.job, tt.known) {
				if !b.Enabled() {
					off = append(off, b.ID)
				}
			}
			if got := strings.Join(off, " "); got != tt.off {
				t.Errorf("off are %q, want %q", got, tt.off)
			}
			if !bindings[2].Enabled() {
				t.Error("the page's own bindings were changed")
			}
		})
	}
}
