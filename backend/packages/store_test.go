package packages_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"dray/backend/packages"
)

func openStore(t *testing.T) (*packages.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "packages")
	s, err := packages.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func readAll(t *testing.T, s *packages.Store, name string) string {
	t.Helper()
	f, err := s.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// countFiles counts the regular files below dir/sub.
func countFiles(t *testing.T, dir, sub string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(dir, sub), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStore(t *testing.T) {
	t.Parallel()
	const name = "_ray_pkg_64dc495c54e649c8.zip"
	t.Run("put, has, open, and again after a restart", func(t *testing.T) {
		t.Parallel()
		s, dir := openStore(t)
		if ok, err := s.Has(t.Context(), name); ok || err != nil {
			t.Fatalf("an empty store has it: %v, %v", ok, err)
		}
		if _, err := s.Open(name); !errors.Is(err, packages.ErrNotFound) {
			t.Fatalf("open: %v", err)
		}
		if err := s.Put(t.Context(), name, strings.NewReader("content")); err != nil {
			t.Fatal(err)
		}
		s, err := packages.OpenStore(dir)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Has(t.Context(), name); !ok || err != nil {
			t.Fatalf("has: %v, %v", ok, err)
		}
		if got := readAll(t, s, name); got != "content" {
			t.Errorf("content is %q", got)
		}
	})
	t.Run("same bytes again, and under another name", func(t *testing.T) {
		t.Parallel()
		s, dir := openStore(t)
		for _, n := range []string{name, name, "other.whl"} {
			if err := s.Put(t.Context(), n, strings.NewReader("content")); err != nil {
				t.Fatal(err)
			}
		}
		if n := countFiles(t, dir, "sha256"); n != 1 {
			t.Errorf("%d blobs, want 1", n)
		}
		if n := countFiles(t, dir, "tmp"); n != 0 {
			t.Errorf("%d temporary files", n)
		}
	})
	t.Run("other bytes conflict", func(t *testing.T) {
		t.Parallel()
		s, dir := openStore(t)
		if err := s.Put(t.Context(), name, strings.NewReader("content")); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), name, strings.NewReader("other")); !errors.Is(err, packages.ErrConflict) {
			t.Fatalf("error is %v", err)
		}
		if got := readAll(t, s, name); got != "content" {
			t.Errorf("content is %q", got)
		}
		if n := countFiles(t, dir, "sha256") + countFiles(t, dir, "tmp"); n != 1 {
			t.Errorf("%d files, want the one blob", n)
		}
	})
	t.Run("other bytes take the place of those that nobody uses", func(t *testing.T) {
		t.Parallel()
		s, dir := openStore(t)
		used := func(yes bool) func(string) bool { return func(n string) bool { return yes && n == name } }
		for i, inUse := range []bool{true, false} { // the first has nothing to replace
			if err := s.Replace(t.Context(), name, strings.NewReader(fmt.Sprint("content ", i)), used(inUse)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Replace(t.Context(), name, strings.NewReader("third"), used(true)); !errors.Is(err, packages.ErrConflict) {
			t.Errorf("of one in use: %v", err)
		}
		if got := readAll(t, s, name); got != "content 1" {
			t.Errorf("content is %q", got)
		}
		if _, err := s.Collect(t.Context(), packages.DefaultCollect()); err != nil {
			t.Fatal(err)
		}
		if n := countFiles(t, dir, "sha256"); n != 1 {
			t.Errorf("%d blobs are left, want the new one", n)
		}
	})
	t.Run("empty body", func(t *testing.T) {
		t.Parallel()
		s, _ := openStore(t)
		if err := s.Put(t.Context(), name, strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Has(t.Context(), name); !ok || err != nil {
			t.Errorf("has: %v, %v", ok, err)
		}
	})
	t.Run("a lost blob and a damaged name are uploaded anew", func(t *testing.T) {
		t.Parallel()
		s, dir := openStore(t)
		damage := []func() error{
			func() error { return os.RemoveAll(filepath.Join(dir, "sha256")) },
			func() error { return os.WriteFile(filepath.Join(dir, "names", name), []byte("../../x"), 0o600) },
		}
		for _, harm := range damage {
			if err := s.Put(t.Context(), name, strings.NewReader("content")); err != nil {
				t.Fatal(err)
			}
			if err := harm(); err != nil {
				t.Fatal(err)
			}
			if ok, err := s.Has(t.Context(), name); ok || err != nil {
				t.Fatalf("has: %v, %v", ok, err)
			}
			if err := s.Put(t.Context(), name, strings.NewReader("content")); err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, s, name); got != "content" {
				t.Errorf("content is %q", got)
			}
		}
	})
	t.Run("has marks the use", func(t *testing.T) {
		t.Parallel()
		s, dir := openStore(t)
		if err := s.Put(t.Context(), name, strings.NewReader("content")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "names", name)
		long := time.Now().Add(-48 * time.Hour)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Has(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || time.Since(info.ModTime()) > time.Hour {
			t.Errorf("last use is %v, %v", info.ModTime(), err)
		}
	})
}

func TestStoreKeepsNothingHalf(t *testing.T) {
	t.Parallel()
	const name = "a.zip"
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		body io.Reader
		want error
	}{
		{"cut in the middle", t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		{"one byte too large", t.Context(), io.LimitReader(zeros{}, packages.MaxBytes+1), packages.ErrTooLarge},
		{"cancelled", cancelled, strings.NewReader("x"), context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, dir := openStore(t)
			if err := s.Put(tc.ctx, name, tc.body); !errors.Is(err, tc.want) {
				t.Fatalf("error is %v, want %v", err, tc.want)
			}
			if n := countFiles(t, dir, ""); n != 0 {
				t.Errorf("%d files were left", n)
			}
		})
	}
	t.Run("leftovers go at the next open", func(t *testing.T) {
		t.Parallel()
		_, dir := openStore(t)
		for _, path := range []string{"tmp/put-1", "names/.tmp-1"} {
			if err := os.WriteFile(filepath.Join(dir, path), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := packages.OpenStore(dir); err != nil {
			t.Fatal(err)
		}
		if n := countFiles(t, dir, ""); n != 0 {
			t.Errorf("%d files were left", n)
		}
	})
	t.Run("the largest size passes", func(t *testing.T) {
		t.Parallel()
		s, _ := openStore(t)
		if err := s.Put(t.Context(), name, io.LimitReader(zeros{}, packages.MaxBytes)); err != nil {
			t.Fatal(err)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestStoreTwoAtOnce(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{true, false} {
		s, dir := openStore(t)
		errs := make([]error, 16)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				body := bytes.Repeat([]byte{'x'}, 100000)
				if !same {
					body[0] = byte(i)
				}
				errs[i] = s.Put(t.Context(), "a.zip", bytes.NewReader(body))
			})
		}
		wg.Wait()
		fine := 0
		for _, err := range errs {
			switch {
			case err == nil:
				fine++
			case same || !errors.Is(err, packages.ErrConflict):
				t.Error(err)
			}
		}
		if want := map[bool]int{true: len(errs), false: 1}[same]; fine != want {
			t.Errorf("same bytes %v: %d went through, want %d", same, fine, want)
		}
		if n := countFiles(t, dir, "sha256"); n != 1 {
			t.Errorf("%d blobs, want 1", n)
		}
	}
}

func TestStoreNames(t *testing.T) {
	t.Parallel()
	good := []string{
		"_ray_pkg_64dc495c54e649c8.zip", "my_pkg-1.0+cu12-py3-none-any.whl", "a.tar.gz", "a.tgz", "a.tar.xz", "A.zip",
		strings.Repeat("a", 204) + ".zip", "a", "a.zipx", "a.ZIP", "a.tar", "0..zip",
	}
	bad := []string{
		"", ".zip", "..zip", "../../etc/passwd.zip", "..\\x.zip", "a/b.zip", "/a.zip", "a\x00.zip", "a b.zip", "a.zip\n",
		"-a.zip", "+a.zip", ".tmp-1", "ä.zip", "a%2fb.zip",
		strings.Repeat("a", 205) + ".zip", strings.Repeat("a", 10240) + ".zip",
	}
	s, dir := openStore(t)
	for _, name := range good {
		if err := s.Put(t.Context(), name, strings.NewReader("x")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	before := countFiles(t, filepath.Dir(dir), "")
	for _, name := range bad {
		touched := iotest.ErrReader(errors.New("the body was read"))
		if err := s.Put(t.Context(), name, touched); !errors.Is(err, packages.ErrName) {
			t.Errorf("Put(%.40q): %v", name, err)
		}
		if _, err := s.Has(t.Context(), name); !errors.Is(err, packages.ErrName) {
			t.Errorf("Has(%.40q): %v", name, err)
		}
		if _, err := s.Open(name); !errors.Is(err, packages.ErrName) {
			t.Errorf("Open(%.40q): %v", name, err)
		}
	}
	if after := countFiles(t, filepath.Dir(dir), ""); after != before {
		t.Errorf("%d files before, %d after", before, after)
	}
}
