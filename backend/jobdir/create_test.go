//go:build linux

package jobdir_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

// Without values there is no secret file; its absence is told.
func TestCreate_noSecret(t *testing.T) {
	t.Parallel()
	d, err := jobdir.Create(t.TempDir(), jobdir.Spec{Version: 1, Request: rayapi.SubmitRequest{SubmissionID: "job"}}, jobdir.Secret{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Secret(); !errors.Is(err, os.ErrNotExist) || len(s.EnvVars) > 0 {
		t.Errorf("Secret() = %+v, %v, want ErrNotExist", s, err)
	}
}

// The mark is the lock, but in the folder of an earlier version.
func TestDir_Lock(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "job")
	if d.Lock() != d.Started() {
		t.Errorf("Lock() = %s, want %s", d.Lock(), d.Started())
	}
	old := filepath.Join(d.Path(), "lock")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d.Lock() != old {
		t.Errorf("Lock() = %s, want %s", d.Lock(), old)
	}
}

// A power cut before the acknowledgement leaves the spec empty.
func TestDir_Accepted(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "job")
	if !d.Accepted() {
		t.Error("a whole folder counts as not accepted")
	}
	if err := os.Truncate(filepath.Join(d.Path(), "spec.json"), 0); err != nil {
		t.Fatal(err)
	}
	if d.Accepted() {
		t.Error("a folder with an empty spec counts as accepted")
	}
}
