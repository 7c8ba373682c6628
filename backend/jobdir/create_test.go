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

// The mark is the lock, by the name too under which earlier versions look for
// it. In a folder of theirs the lock is a file of its own.
func TestDir_Lock(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "job")
	name := filepath.Join(d.Path(), "lock")
	lock, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if mark, err := os.Stat(d.Started()); err != nil || !os.SameFile(lock, mark) {
		t.Errorf("the mark and the lock are two files, %v", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if d.Lock() != d.Started() {
		t.Errorf("Lock() = %s, want %s", d.Lock(), d.Started())
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d.Lock() != name {
		t.Errorf("Lock() = %s, want %s", d.Lock(), name)
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
