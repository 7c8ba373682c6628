//go:build linux

package main

import (
	"testing"

	"dray/backend/rayapi"
)

// A serve that finds a dashboard holding the lock works all the same, and
// becomes the backend when the dashboard goes.
func TestServe_behindDashboard(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	u := user{t, dashboard(t, home, 80, 24)}
	u.sees("live")
	s := serve(t, home)
	long := printer{id: "long", mark: home + "/mark-long", lines: 1500, code: 2}
	if err := s.call(t.Context(), "POST", "/api/jobs/", long.request(), nil); err != nil {
		t.Fatal(err)
	}
	u.seesRow("long", "RUNNING")
	u.types("q")
	if err := u.term.Wait(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	wantExact(t, s, home, long)
	if err := s.call(t.Context(), "POST", "/api/jobs/", rayapi.SubmitRequest{SubmissionID: "after", Entrypoint: "true"}, nil); err != nil {
		t.Fatal(err)
	}
	if j := s.end(t, "after"); j.Status != rayapi.StatusSucceeded {
		t.Errorf("after the dashboard: %+v", j)
	}
}
