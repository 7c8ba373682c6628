//go:build linux

package jobdir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
)

func create(t *testing.T, root, id string) jobdir.Dir {
	t.Helper()
	d, err := jobdir.Create(root, jobdir.Spec{Version: 1, Request: rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "true"}},
		jobdir.Secret{EnvVars: map[string]string{"K": "v"}}, []byte("head\n"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCreate(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := create(t, root, "job-1")
	spec, err := d.Spec()
	if err != nil || spec.Request.SubmissionID != "job-1" {
		t.Errorf("Spec() = %+v, %v", spec, err)
	}
	secret, err := d.Secret()
	if err != nil || secret.EnvVars["K"] != "v" {
		t.Errorf("Secret() = %+v, %v", secret, err)
	}
	if started, err := d.HasStarted(); started || err != nil {
		t.Errorf("HasStarted() = %t, %v, want false", started, err)
	}
	if info, err := os.Lstat(d.FIFO()); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("FIFO: %v, %v", info, err)
	}
	if _, err := d.Launch(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Launch() = %v, want ErrNotExist", err)
	}
	_, err = jobdir.Create(root, jobdir.Spec{Request: rayapi.SubmitRequest{SubmissionID: "job-1"}}, jobdir.Secret{}, nil)
	if !errors.Is(err, os.ErrExist) {
		t.Errorf("second Create = %v, want ErrExist", err)
	}
	left, err := filepath.Glob(filepath.Join(root, ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 97)
	seen := map[string]string{}
	for _, id := range []string{"a", "A", "raysubmit_x", ".hidden", "-dash", long, long + "b", "x-abc", "_u"} {
		name := jobdir.Name(id)
		if other, twice := seen[name]; twice {
			t.Errorf("Name(%q) = Name(%q) = %q", id, other, name)
		}
		if len(name) > 100 || strings.HasPrefix(name, ".") || strings.ContainsRune(name, '/') {
			t.Errorf("Name(%q) = %q is no safe folder name", id, name)
		}
		seen[name] = id
	}
}

func TestSlot_newestHalfWins(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "s")
	if _, err := d.ReadSlot(); !errors.Is(err, jobdir.ErrNoSlot) {
		t.Fatalf("ReadSlot() of a new slot = %v, want ErrNoSlot", err)
	}
	w, err := d.OpenSlot()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []jobdir.Phase{jobdir.PhaseStarting, jobdir.PhaseRunning, jobdir.PhaseExited} {
		if err := w.Write(jobdir.Slot{Phase: p}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := d.ReadSlot(); err != nil || s.Phase != jobdir.PhaseExited {
		t.Fatalf("ReadSlot() = %+v, %v", s, err)
	}
	if w, err = d.OpenSlot(); err != nil { // a successor goes on after what stands there
		t.Fatal(err)
	}
	defer w.Close()
	want := jobdir.Slot{Version: 1, Phase: jobdir.PhaseSealed, LogBytes: 7, Exit: &jobdir.Exit{Code: -9, Signal: 9}}
	if err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	got, err := d.ReadSlot()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("ReadSlot(): %v\n%s", err, diff)
	}
}

// A write that is torn at any byte leaves the state before it readable.
func TestSlot_tornWrite(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "torn")
	w, err := d.OpenSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	path := filepath.Join(d.Path(), "slot")
	before := jobdir.Slot{Version: 1, Phase: jobdir.PhaseRunning, Leader: &jobdir.Process{PID: 42}}
	if err := w.Write(before); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(jobdir.Slot{Version: 1, Phase: jobdir.PhaseExited, Exit: &jobdir.Exit{Code: 1}}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 { // the second write went to the first half
		torn := append(append([]byte{}, whole[:n]...), old[n:]...)
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := d.ReadSlot(); err != nil || got.Phase != jobdir.PhaseRunning {
			t.Fatalf("torn at byte %d: %+v, %v", n, got, err)
		}
	}
}

// A power cut may write any of the sectors that changed since the last sync.
// What was durable must be found then: an empty slot would mean that the
// entrypoint never ran.
func TestSlot_powerCut(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "cut")
	path := filepath.Join(d.Path(), "slot")
	w, err := d.OpenSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	steps := []struct {
		phase   jobdir.Phase
		durable bool
	}{
		{jobdir.PhaseStarting, false}, {jobdir.PhaseRunning, true}, {jobdir.PhaseExited, false}, {jobdir.PhaseSealed, true},
	}
	var old []byte // as of the last sync
	began := false
	for _, step := range steps {
		put := w.Put
		if step.durable {
			put = w.Write
		}
		if err := put(jobdir.Slot{Phase: step.phase, LogIncomplete: strings.Repeat(string(step.phase), 150)}); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if began {
			checkCuts(t, d, old, whole)
		}
		if step.durable {
			old, began = whole, true
		}
	}
}

// checkCuts reads the slot as each mixture of the sectors of old and whole, and
// restores it.
func checkCuts(t *testing.T, d jobdir.Dir, old, whole []byte) {
	t.Helper()
	const sector = 512
	path := filepath.Join(d.Path(), "slot")
	for mask := range 1 << (len(whole) / sector) {
		cut := bytes.Clone(old)
		for i := range len(whole) / sector {
			if mask&(1<<i) != 0 {
				copy(cut[i*sector:(i+1)*sector], whole[i*sector:])
			}
		}
		if err := os.WriteFile(path, cut, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := d.ReadSlot(); err != nil || got.Phase == jobdir.PhaseStarting {
			t.Fatalf("after a power cut that wrote the sectors %b: %+v, %v", mask, got.Phase, err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A slot of a later version keeps what this one does not know when it is
// written again.
func TestSlot_unknownFields(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "later")
	w, err := d.OpenSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	later := jobdir.Slot{Version: 7, Phase: jobdir.PhaseRunning, Unknown: map[string]json.RawMessage{"mood": json.RawMessage(`{"good":[1,2]}`)}}
	for range 2 {
		if err := w.Write(later); err != nil {
			t.Fatal(err)
		}
		got, err := d.ReadSlot()
		if diff := cmp.Diff(later, got); diff != "" || err != nil {
			t.Fatalf("ReadSlot(): %v\n%s", err, diff)
		}
		later = got
		later.Phase = jobdir.PhaseExited
	}
}

func TestSlot_longTextsAreCut(t *testing.T) {
	t.Parallel()
	d := create(t, t.TempDir(), "long")
	w, err := d.OpenSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	long := strings.Repeat("x", 5000)
	if err := w.Write(jobdir.Slot{Phase: jobdir.PhaseFailed, StartError: long, LogIncomplete: long, Unkillable: make([]int, 999)}); err != nil {
		t.Fatal(err)
	}
	if s, err := d.ReadSlot(); err != nil || s.Phase != jobdir.PhaseFailed || s.StartError == "" {
		t.Errorf("ReadSlot() = %+v, %v", s, err)
	}
}
