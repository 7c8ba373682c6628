//go:build linux

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dray/backend/store"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("STORE_TEST_INSERT_INTO"); path != "" {
		insertForEver(path)
	}
	goleak.VerifyTestMain(m)
}

func openAt(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func dbPath(t testing.TB) string { return filepath.Join(t.TempDir(), "with blank and ?", "state.db") }

func newStore(t testing.TB) *store.Store {
	t.Helper()
	path := dbPath(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path)
}

func row(seq int64, phase store.Phase) store.Row {
	id := fmt.Sprintf("job-%d", seq)
	return store.Row{Seq: seq, ID: id, Phase: phase, DetailsJSON: []byte(`{"submission_id":"` + id + `"}`)}
}

func insert(t testing.TB, s *store.Store, rows ...store.Row) {
	t.Helper()
	for _, r := range rows {
		if err := s.Insert(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t testing.TB, s *store.Store) []string {
	t.Helper()
	var ids []string
	err := s.Rows(t.Context(), func(page []store.Row) error {
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestInsert(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	want := store.Row{Seq: 3, ID: "a", Phase: store.Accepted, HasSecret: true, StopAsked: 7, LogFlaw: "why", DetailsJSON: []byte(`{"x": 1}`)}
	insert(t, s, want)
	got, err := s.Get(t.Context(), "a")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Get: %v\n%s", err, diff)
	}
	if err := s.Insert(t.Context(), store.Row{Seq: 4, ID: "a"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("same id: %v, want ErrExists", err)
	}
	if _, err := s.Get(t.Context(), "A"); !errors.Is(err, store.ErrNoRow) {
		t.Errorf("Get of an unknown id: %v, want ErrNoRow", err)
	}
	if seq, err := s.LastSeq(t.Context()); seq != 3 || err != nil {
		t.Errorf("LastSeq = %d, %v", seq, err)
	}
}

// Exactly one of many inserts of one id wins, and neighbours in the same
// commit are not hurt by the ones that lose.
func TestInsert_together(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var mu sync.Mutex
	var won, lost int
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			err := s.Insert(t.Context(), store.Row{Seq: int64(i + 1), ID: "same", Phase: store.Accepted})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, store.ErrExists):
				lost++
			default:
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := s.Insert(t.Context(), row(int64(i+100), store.Accepted)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 31 {
		t.Errorf("%d won and %d lost, want 1 and 31", won, lost)
	}
	if n := len(list(t, s)); n != 33 {
		t.Errorf("%d rows, want 33", n)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	pending := []store.Phase{store.Accepted, store.Starting}
	every := []store.Phase{
		store.Accepted, store.Starting, store.Running, store.Succeeded, store.Failed, store.Stopped, store.Deleted,
	}
	tests := []struct {
		name     string
		from, to store.Phase
		allowed  []store.Phase
		ok       bool
	}{
		{"allowed", store.Accepted, store.Running, pending, true},
		{"not allowed", store.Running, store.Starting, pending, false},
		{"nothing allowed", store.Running, store.Stopped, nil, false},
		{"terminal is final", store.Succeeded, store.Failed, every, false},
		{"terminal to itself", store.Failed, store.Failed, every, false},
		{"terminal can be deleted", store.Succeeded, store.Deleted, every, true},
		{"deleted is final", store.Deleted, store.Accepted, every, false},
		{"deleted once", store.Deleted, store.Deleted, every, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			insert(t, s, row(1, tt.from))
			err := s.Update(t.Context(), row(1, tt.to), tt.allowed...)
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, store.ErrConflict) {
				t.Errorf("Update = %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var want []string
	for i := range 1200 { // several pages
		r := row(int64(i+1), store.Succeeded)
		insert(t, s, r)
		want = append([]string{r.ID}, want...)
	}
	if diff := cmp.Diff(want, list(t, s)); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("enough")
	if err := s.Rows(t.Context(), func([]store.Row) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Rows = %v, want the error of yield", err)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	insert(t, s, row(1, store.Succeeded), row(2, store.Running), row(3, store.Failed), row(4, store.Accepted), row(5, store.Deleted))
	live, err := s.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range live {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"job-2", "job-4", "job-5"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	insert(t, s, row(1, store.Succeeded), row(2, store.Succeeded))
	if err := s.Update(t.Context(), row(1, store.Deleted), store.Succeeded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"job-2"}, list(t, s)); diff != "" {
		t.Errorf("a deleted row is listed:\n%s", diff)
	}
	if _, err := s.Get(t.Context(), "job-1"); !errors.Is(err, store.ErrNoRow) {
		t.Errorf("Get of a deleted row: %v", err)
	}
	if err := s.Insert(t.Context(), store.Row{Seq: 9, ID: "job-1"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("the id is free before Forget: %v", err)
	}
	for _, id := range []string{"job-1", "job-2"} {
		if err := s.Forget(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := s.IDs(t.Context())
	if diff := cmp.Diff([]string{"job-2"}, ids); diff != "" || err != nil {
		t.Errorf("IDs after Forget: %v\n%s", err, diff)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if fresh, err := s.NeedsRestore(t.Context()); !fresh || err != nil {
		t.Errorf("NeedsRestore of a new database = %t, %v", fresh, err)
	}
	if err := s.Restore(t.Context(), []store.Row{row(1, store.Failed), row(2, store.Running)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Insert(t.Context(), row(3, store.Accepted)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Insert after Close = %v, want ErrClosed", err)
	}
	s = openAt(t, path)
	if fresh, err := s.NeedsRestore(t.Context()); fresh || err != nil {
		t.Errorf("NeedsRestore of a filled database = %t, %v", fresh, err)
	}
	if diff := cmp.Diff([]string{"job-2", "job-1"}, list(t, s)); diff != "" {
		t.Error(diff)
	}
	if s.Damaged() != "" {
		t.Errorf("Damaged() = %q", s.Damaged())
	}
}

func TestOpen_newerFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raiseVersion(t, path)
	if _, err := store.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer dray") {
		t.Errorf("Open of a newer format = %v", err)
	}
	if left, err := filepath.Glob(path + ".damaged-*"); err != nil || len(left) > 0 {
		t.Errorf("a newer database was taken for a damaged one: %v, %v", left, err)
	}
}

func TestOpen_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := store.Open(ctx, filepath.Join(t.TempDir(), "state.db")); err == nil {
		t.Errorf("Open with a cancelled context succeeded: %v", s.Close())
	}
}
