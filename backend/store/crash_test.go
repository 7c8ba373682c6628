//go:build linux

package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dray/backend/rayapi"
	"dray/backend/store"
)

func raiseVersion(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
}

// insertForEver is a process of its own: it prints each id once its row is
// durable, until it is killed.
func insertForEver(path string) {
	s, err := store.Open(context.Background(), path)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	seq, err := s.LastSeq(context.Background())
	for ; err == nil; seq++ {
		r := row(seq+1, store.Accepted)
		if err = s.Insert(context.Background(), r); err == nil {
			fmt.Println(r.ID)
		}
	}
	fmt.Println("error:", err)
	os.Exit(1)
}

// What was acknowledged before kill -9 is there afterwards.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	acked := map[string]bool{}
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "STORE_TEST_INSERT_INTO="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
			acked[lines.Text()] = true
			if n == 5+10*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed: always an error
	}
	s := openAt(t, path)
	for _, id := range list(t, s) {
		delete(acked, id)
	}
	if len(acked) > 0 {
		t.Errorf("%d acknowledged rows are gone: %v", len(acked), acked)
	}
	if s.Damaged() != "" {
		t.Errorf("kill -9 damaged the database: %s", s.Damaged())
	}
}

func TestOpen_damaged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
	}{
		{"garbage", func(t *testing.T, path string) { overwrite(t, path, 0, "this is no database at all") }},
		{"a page in the middle", func(t *testing.T, path string) {
			overwrite(t, path, 2*4096, strings.Repeat("\xff\x00garbage", 1000))
		}},
		{"cut in the middle", func(t *testing.T, path string) {
			if err := os.Truncate(path, 3*4096); err != nil {
				t.Fatal(err)
			}
		}},
		{"cut to nothing", func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.db")
			fill(t, path, 200)
			if err := os.Remove(path + "-wal"); err != nil { // it would repair what is spoilt
				t.Fatal(err)
			}
			tt.spoil(t, path)
			s := openAt(t, path)
			if fresh, err := s.NeedsRestore(t.Context()); !fresh || err != nil {
				t.Errorf("NeedsRestore = %t, %v, want true", fresh, err)
			}
			insert(t, s, row(1, store.Accepted))
		})
	}
}

func fill(t testing.TB, path string, n int) {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]store.Row, n)
	for i := range rows {
		rows[i] = row(int64(i+1), store.Succeeded)
		rows[i].DetailsJSON = fmt.Appendf(nil, `{"submission_id":%q,"pad":%q}`, rows[i].ID, strings.Repeat("x", 600))
	}
	if err := s.Restore(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), at); err != nil {
		t.Fatal(err)
	}
}

// smallDisk mounts a tmpfs of size bytes; that needs root.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("NOT TESTED: behaviour on a full disk: mounting a small tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fillDisk takes all free space and returns what gives it back.
func fillDisk(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 16, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// On a full disk writes fail with ErrNoSpace, reads go on, the database can
// even be opened, and all is well once there is space again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "2m")
	path := filepath.Join(dir, "state.db")
	fill(t, path, 100)
	free := fillDisk(t, dir)
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("Open on a full disk: %v", err)
	}
	if n := len(list(t, s)); n != 100 {
		t.Errorf("%d rows can be read, want 100", n)
	}
	seq := int64(100)
	for err == nil && seq < 5000 { // the journal has some space of its own
		seq++
		r := row(seq, store.Accepted)
		r.DetailsJSON = make([]byte, 3000)
		err = s.Insert(t.Context(), r)
	}
	if !errors.Is(err, rayapi.ErrNoSpace) {
		t.Errorf("Insert on a full disk = %v, want ErrNoSpace", err)
	}
	if n := len(list(t, s)); n != int(seq-1) {
		t.Errorf("%d rows can be read, want %d", n, seq-1)
	}
	free()
	insert(t, s, row(seq, store.Accepted))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if n := len(list(t, s)); n != int(seq) || s.Damaged() != "" {
		t.Errorf("%d rows, damaged %q, want %d", n, s.Damaged(), seq)
	}
}
