package packages_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dray/backend/packages"
)

// contents maps each entry to Unix mode, method and content.
func contents(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = fmt.Sprintf("%o %d %s", f.ExternalAttrs>>16, f.Method, body)
	}
	return out
}

func TestWriteZip(t *testing.T) {
	t.Parallel()
	files := tree{
		"a.py": "a", "sub/b": "bb", "empty/": "", "only/ignored.o": "x", "link": "-> a.py", "gone": "-> nowhere", ".gitignore": "*.o",
	}
	for _, tc := range []struct {
		name string
		tree tree
		opt  packages.Options
		want map[string]string
		size packages.Size
	}{
		{
			"folder", files,
			packages.Options{},
			map[string]string{
				"a.py": "100644 0 a", "sub/b": "100644 0 bb", "empty/": "40755 0 ", "link": "100644 0 a", ".gitignore": "100644 0 *.o",
			},
			packages.Size{Files: 4, Bytes: 7},
		},
		{
			"module", files,
			packages.Options{TopLevel: "mod", Excludes: []string{"link", "empty", ".gitignore"}},
			map[string]string{"mod/a.py": "100644 0 a", "mod/sub/b": "100644 0 bb"},
			packages.Size{Files: 2, Bytes: 3},
		},
		{"empty", tree{}, packages.Options{}, map[string]string{"./": "40755 0 "}, packages.Size{}},
		{"empty module", tree{}, packages.Options{TopLevel: "mod"}, map[string]string{"mod/": "40755 0 "}, packages.Size{}},
		{"all excluded", files, packages.Options{Excludes: []string{"*"}}, map[string]string{}, packages.Size{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.tree.write(t, dir)
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			tc.opt.LookupEnv = noEnv
			var buf bytes.Buffer
			if err := packages.WriteZip(t.Context(), &buf, dir, tc.opt); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, contents(t, buf.Bytes())); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if size, err := packages.Measure(dir, tc.opt); err != nil || size != tc.size {
				t.Errorf("size is %v, %v; want %v", size, err, tc.size)
			}
			if _, err := unpack(t, t.Context(), buf.Bytes(), packages.Zip, packages.DefaultLimits()); err != nil {
				t.Errorf("our own package is refused: %v", err)
			}
		})
	}
}

func TestWriteZipOddities(t *testing.T) {
	t.Parallel()
	t.Run("single module, executable and older than the format", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "mod.py")
		old := time.Unix(0, 0)
		if err := errors.Join(os.WriteFile(path, []byte("x"), 0o700), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if err := packages.WriteZip(t.Context(), &buf, path, packages.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"mod.py": "100700 0 x"}, contents(t, buf.Bytes())); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		z, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil || z.File[0].Modified.Year() != 1980 {
			t.Errorf("time is %v, %v", z.File[0].Modified, err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		err := packages.WriteZip(t.Context(), io.Discard, filepath.Join(t.TempDir(), "missing"), packages.Options{})
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		tree{"a": "1"}.write(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := packages.WriteZip(ctx, io.Discard, dir, packages.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("the writer fails", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		tree{"a": "1"}.write(t, dir)
		if err := packages.WriteZip(t.Context(), failing{}, dir, packages.Options{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("error is %v", err)
		}
	})
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
