package jobspec_test

import (
	"testing"

	"dray/backend/jobs"
	"dray/backend/jobspec"
)

// What a file asks for is what the server looks for.
func TestMetadataKeys(t *testing.T) {
	t.Parallel()
	for ours, servers := range map[string]string{jobspec.MetaDeadline: jobs.MetaDeadline, jobspec.MetaRetries: jobs.MetaRetries, jobspec.MetaDelay: jobs.MetaDelay} {
		if ours != servers {
			t.Errorf("the file writes %s, the server reads %s", ours, servers)
		}
	}
}
