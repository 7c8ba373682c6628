package packages_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dray/backend/packages"
)

// aged stores a package that was used some days ago.
func aged(t *testing.T, s *packages.Store, dir, name, content string, days int) {
	t.Helper()
	if err := s.Put(t.Context(), name, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "names", name), then, then); err != nil {
		t.Fatal(err)
	}
}

func collect(t *testing.T, s *packages.Store, o packages.CollectOptions) []string {
	t.Helper()
	gone, err := s.Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range gone {
		names = append(names, c.Name)
	}
	return names
}

func TestCollect(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	used := func(names ...string) func(string) bool {
		return func(n string) bool { return slices.Contains(names, n) }
	}
	for name, tc := range map[string]struct {
		o    packages.CollectOptions
		want string
	}{
		"there is room":                          {packages.CollectOptions{MaxBytes: 100, MinAge: day}, ""},
		"the oldest go first":                    {packages.CollectOptions{MaxBytes: 20, MinAge: day}, "d40.zip"},
		"as many as needed":                      {packages.CollectOptions{MaxBytes: 10, MinAge: day}, "d40.zip d9.zip"},
		"never what is young":                    {packages.CollectOptions{MinAge: day}, "d40.zip d9.zip"},
		"never what is referenced":               {packages.CollectOptions{MinAge: day, Referenced: used("d40.zip")}, "d9.zip"},
		"by age":                                 {packages.CollectOptions{MaxBytes: 100, MaxAge: 30 * day, MinAge: day}, "d40.zip"},
		"not by age what is referenced":          {packages.CollectOptions{MaxBytes: 100, MaxAge: 30 * day, Referenced: used("d40.zip")}, ""},
		"when the disk is full also what is new": {packages.CollectOptions{}, "d40.zip d9.zip d0.zip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := openStore(t)
			aged(t, s, dir, "d9.zip", "9999999999", 9)
			aged(t, s, dir, "d40.zip", "4444444444", 40)
			aged(t, s, dir, "d0.zip", "0000000000", 0)
			if got := strings.Join(collect(t, s, tc.o), " "); got != tc.want {
				t.Errorf("removed %q, want %q", got, tc.want)
			}
			for _, n := range []string{"d0.zip", "d9.zip", "d40.zip"} {
				if has, err := s.Has(t.Context(), n); err != nil || has == strings.Contains(tc.want, n) {
					t.Errorf("%s is there: %v, %v", n, has, err)
				}
			}
			if files, gone := countFiles(t, dir, "sha256"), len(strings.Fields(tc.want)); files != 3-gone {
				t.Errorf("%d blobs are left", files)
			}
		})
	}
}

// Content that two names share goes with the second of them.
func TestCollectShared(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t)
	aged(t, s, dir, "a.zip", "same", 5)
	aged(t, s, dir, "b.zip", "same", 4)
	o := packages.CollectOptions{Referenced: func(n string) bool { return n == "b.zip" }}
	if got := collect(t, s, o); len(got) != 1 || readAll(t, s, "b.zip") != "same" {
		t.Errorf("removed %v", got)
	}
	if size, err := packages.SizeOf(t.Context(), dir); err != nil || size != (packages.Stored{Packages: 1, Bytes: 4}) {
		t.Errorf("size %v, %v", size, err)
	}
	collect(t, s, packages.CollectOptions{})
	if n := countFiles(t, dir, ""); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// Fault 2, in the middle of a collection: what a process that was killed
// between a name and its blob leaves is removed by the next collection, and a
// package without its blob can be uploaded again.
func TestFault02_killedWhileCollecting(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t)
	aged(t, s, dir, "gone.zip", "name removed", 5)
	aged(t, s, dir, "kept.zip", "kept", 5)
	if err := os.Remove(filepath.Join(dir, "names", "gone.zip")); err != nil {
		t.Fatal(err)
	}
	s, err := packages.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := collect(t, s, packages.DefaultCollect()); len(got) != 0 || countFiles(t, dir, "sha256") != 1 || readAll(t, s, "kept.zip") != "kept" {
		t.Errorf("removed %v, %d blobs are left", got, countFiles(t, dir, "sha256"))
	}
	if err := s.Put(t.Context(), "gone.zip", strings.NewReader("name removed")); err != nil || readAll(t, s, "gone.zip") != "name removed" {
		t.Errorf("uploaded again: %v", err)
	}
}

// Fault 34, in use: a package that is asked for, uploaded and opened while it
// is collected is there whole or not at all.
func TestFault34_collectedWhileInUse(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if err := s.Put(t.Context(), "x.zip", strings.NewReader("content")); err != nil {
					t.Error(err)
					return
				}
				f, err := s.Open("x.zip")
				if errors.Is(err, packages.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				data := make([]byte, 7)
				if n, err := f.Read(data); err != nil || string(data[:n]) != "content" {
					t.Errorf("read %q, %v", data[:n], err)
				}
				f.Close()
			}
		})
	}
	wg.Go(func() {
		for range 200 {
			if _, err := s.Collect(t.Context(), packages.CollectOptions{}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	collect(t, s, packages.CollectOptions{})
	if n := countFiles(t, dir, ""); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// An upload of the same content under another name, between the listing of the
// names and the removal of the last one listed, keeps the content.
func TestCollect_uploadBetween(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t)
	aged(t, s, dir, "oldest.zip", "0000000000", 50)
	aged(t, s, dir, "old.zip", "1111111111", 40)
	between := func(name string) bool {
		if name == "oldest.zip" { // as Put does it; the content is there
			sum, err := os.ReadFile(filepath.Join(dir, "names", "old.zip"))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "names", "new.zip"), sum, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
		return false
	}
	gone := collect(t, s, packages.CollectOptions{MinAge: time.Hour, Referenced: between})
	if got := strings.Join(gone, " "); got != "oldest.zip old.zip" {
		t.Errorf("removed %q", got)
	}
	if has, err := s.Has(t.Context(), "new.zip"); err != nil || !has {
		t.Errorf("the package that was uploaded meanwhile is there: %v, %v", has, err)
	}
}
