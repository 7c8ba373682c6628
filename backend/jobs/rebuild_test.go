//go:build linux

package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

// A submit that a power cut met before it was acknowledged leaves no record,
// also when the database is lost with it.
func TestFault14_unwrittenFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	r.submit(rayapi.SubmitRequest{SubmissionID: "kept", Entrypoint: "sleep", NumCPUs: 9})
	closeAll(t, r.m, r.store)
	d, err := jobdir.Create(r.root(), jobdir.Spec{Version: 1, Request: rayapi.SubmitRequest{SubmissionID: "unwritten"}}, jobdir.Secret{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"spec.json", "slot", "log", "started"} {
		err = errors.Join(err, os.Truncate(filepath.Join(d.Path(), name), 0))
	}
	if err := errors.Join(err, os.Remove(r.db()), os.Remove(r.db()+"-wal")); err != nil {
		t.Fatal(err)
	}
	r.start()
	if j := r.job("kept"); j.Status != rayapi.StatusPending {
		t.Errorf("the other job is %s", j.Status)
	}
	if _, err := r.m.Job(t.Context(), "unwritten"); !errors.Is(err, rayapi.ErrNotFound) {
		t.Errorf("Job() of what was never acknowledged: %v", err)
	}
	if _, err := os.Stat(d.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
}
