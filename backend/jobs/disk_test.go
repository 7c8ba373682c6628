//go:build linux

package jobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"dray/backend/rayapi"
)

// On a disk that is really full a submit is refused and leaves nothing, the
// jobs that are there can be read, stopped and end, and all goes on when there
// is space again.
func TestFault09_12_fullDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := unix.Mount("tmpfs", r.dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("NOT TESTED: a submit on a full disk: mounting a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(r.dir, 0); err != nil {
			t.Errorf("unmount %s: %v", r.dir, err)
		}
	})
	m := r.start()
	id := r.run("sleep")
	r.awaitStatus(id, rayapi.StatusRunning)
	filler := filepath.Join(r.dir, "filler")
	fill(t, filler)
	for range 3 {
		if _, err := m.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "exit 0"}); !errors.Is(err, rayapi.ErrNoSpace) {
			t.Errorf("Submit on a full disk = %v, want ErrNoSpace", err)
		}
	}
	entries, err := os.ReadDir(r.root())
	if len(entries) != 1 || err != nil || len(allRows(t, m)) != 1 {
		t.Errorf("after refused submits: folders %v, %v, rows %s", entries, err, allRows(t, m))
	}
	stop(t, r, id, true)
	r.awaitStatus(id, rayapi.StatusStopped)
	m = r.restart() // also a restart works
	r.awaitStatus(id, rayapi.StatusStopped)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	checkStopped(t, r, id)
	r.ended(r.run("exit 0"))
	if n := len(allRows(t, m)); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// fill takes all space that is left with one file.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 16, 1 << 12, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}
