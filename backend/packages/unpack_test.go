package packages_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/packages"
	"dray/backend/rayapi"
)

// item is one entry of an archive to be made.
type item struct {
	name string
	body string
	mode fs.FileMode
	raw  func(*zip.FileHeader) // changes the header; the body is then written as it is
}

func zipOf(t *testing.T, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, it := range items {
		h := &zip.FileHeader{Name: it.name, Method: zip.Deflate}
		h.SetMode(it.mode)
		var w io.Writer
		var err error
		if it.raw != nil {
			h.Method = zip.Store
			h.CompressedSize64, h.UncompressedSize64 = uint64(len(it.body)), uint64(len(it.body))
			it.raw(h)
			w, err = z.CreateRaw(h)
		} else {
			w, err = z.CreateHeader(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, it.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	w := tar.NewWriter(gz)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, zeros{}, h.Size); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// unpack writes the archive beside dest and unpacks it. It reports what lies
// below dest and fails the test when anything else appears.
func unpack(t *testing.T, ctx context.Context, data []byte, kind packages.Kind, lim packages.Limits) (map[string]string, error) {
	t.Helper()
	outer := t.TempDir()
	work := filepath.Join(outer, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outer, "archive"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(outer, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = packages.Unpack(ctx, f, int64(len(data)), kind, filepath.Join(work, "dest"), lim)
	got := listing(t, outer)
	delete(got, "archive")
	delete(got, "work/")
	out := map[string]string{}
	for path, what := range got {
		rel, inside := strings.CutPrefix(path, "work/dest/")
		if !inside || err != nil {
			t.Errorf("%s is there (error %v)", path, err)
		}
		out[rel] = what
	}
	return out, err
}

// listing maps the paths below dir to mode and content.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(path, dir+"/")
		if d.IsDir() {
			out[rel+"/"] = info.Mode().Perm().String()
			return nil
		}
		data, err := os.ReadFile(path)
		out[rel] = info.Mode().String() + " " + string(data[:min(len(data), 50)])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUnpackZip(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		items []item
		want  map[string]string
	}{
		{"nothing", nil, map[string]string{"": "-rwxr-xr-x"}},
		{"the folder itself", []item{{name: "./"}}, map[string]string{"": "-rwxr-xr-x"}},
		{
			"files, folders and modes",
			[]item{
				{name: "a/b/c.py", body: "c", mode: 0o644},
				{name: "a/", mode: fs.ModeDir | 0o700},
				{name: "run.sh", body: "r", mode: 0o777},
				{name: "empty/", mode: fs.ModeDir},
				{name: "secret", body: "s", mode: 0o400},
				{name: "./dot", body: "d", mode: 0o600},
			},
			map[string]string{
				"": "-rwxr-xr-x", "a/": "-rwxr-xr-x", "a/b/": "-rwxr-xr-x", "a/b/c.py": "-rw-r--r-- c", "run.sh": "-rwxr-xr-x r",
				"empty/": "-rwxr-xr-x", "secret": "-rw------- s", "dot": "-rw------- d",
			},
		},
		{
			"setuid and sticky bits go",
			[]item{{name: "su", body: "x", mode: fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o755}},
			map[string]string{"": "-rwxr-xr-x", "su": "-rwxr-xr-x x"},
		},
		{
			"no modes at all",
			[]item{{name: "f", body: "x", raw: func(h *zip.FileHeader) { h.ExternalAttrs, h.CRC32 = 0, 0x8cdc1683 }}},
			map[string]string{"": "-rwxr-xr-x", "f": "-rw-r--r-- x"},
		},
		{
			"names that differ in case",
			[]item{{name: "A", body: "1", mode: 0o644}, {name: "a", body: "2", mode: 0o644}},
			map[string]string{"": "-rwxr-xr-x", "A": "-rw-r--r-- 1", "a": "-rw-r--r-- 2"},
		},
		{
			"a folder named twice",
			[]item{{name: "d/", mode: fs.ModeDir | 0o755}, {name: "d/", mode: fs.ModeDir | 0o755}},
			map[string]string{"": "-rwxr-xr-x", "d/": "-rwxr-xr-x"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := unpack(t, t.Context(), zipOf(t, tc.items...), packages.Zip, packages.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("unpacked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnpackZipRefuses(t *testing.T) {
	t.Parallel()
	text := func(name string) item { return item{name: name, body: "x", mode: 0o644} }
	bomb := strings.Repeat("\x00", 2<<20)
	overlapping := zipOf(t, text("a"), text("b"))
	second := bytes.LastIndex(overlapping, []byte("PK\x01\x02"))
	copy(overlapping[second+42:], []byte{0, 0, 0, 0}) // the second entry's offset
	whole := zipOf(t, text("a"))
	for _, tc := range []struct {
		name string
		data []byte
		lim  func(*packages.Limits)
		want string
	}{
		{name: "two dots", data: zipOf(t, text("../evil")), want: "leads out of the folder"},
		{name: "two dots inside", data: zipOf(t, text("ok"), text("a/../../evil")), want: "leads out of the folder"},
		{name: "absolute", data: zipOf(t, text("/tmp/evil")), want: "must be relative"},
		{name: "drive", data: zipOf(t, text("C:evil")), want: "must be relative"},
		{name: "backslash", data: zipOf(t, text(`..\evil`)), want: "backslash"},
		{name: "NUL", data: zipOf(t, text("a\x00b")), want: "NUL"},
		{name: "symbolic link", data: zipOf(t, item{name: "l", body: "/etc", mode: fs.ModeSymlink | 0o777}), want: "symbolic link"},
		{
			name: "symbolic link and a file through it",
			data: zipOf(t, item{name: "l", body: "..", mode: fs.ModeSymlink | 0o777}, text("l/evil")), want: "symbolic link",
		},
		{name: "device", data: zipOf(t, item{name: "d", mode: fs.ModeDevice | fs.ModeCharDevice | 0o600}), want: "neither a file nor a folder"},
		{name: "pipe", data: zipOf(t, item{name: "p", mode: fs.ModeNamedPipe | 0o600}), want: "neither a file nor a folder"},
		{name: "same name twice", data: zipOf(t, text("a"), text("a")), want: "occurs twice"},
		{name: "same name twice, written differently", data: zipOf(t, text("d/a"), text("d/./a")), want: "occurs twice"},
		{name: "file and folder", data: zipOf(t, text("a"), text("a/b")), want: "both a file and a folder"},
		{name: "folder and file", data: zipOf(t, text("a/b"), text("a")), want: "occurs twice"},
		{name: "file without a name", data: zipOf(t, item{name: ".", body: "x", mode: 0o644}), want: "no name"},
		{name: "overlapping entries", data: overlapping, want: "overlap"},
		{
			name: "bomb", data: zipOf(t, item{name: "b", body: bomb, mode: 0o644}),
			lim: func(l *packages.Limits) { l.RatioAfter = 1 << 20 }, want: "more than 200 times its size",
		},
		{
			name: "size that lies low",
			data: zipOf(t, item{name: "f", body: "0123456789", raw: func(h *zip.FileHeader) { h.UncompressedSize64 = 1 }}),
			want: `"f"`,
		},
		{
			name: "size that lies high",
			data: zipOf(t, item{name: "f", body: "0123456789", raw: func(h *zip.FileHeader) { h.UncompressedSize64 = 100 }}),
			want: `"f"`,
		},
		{
			name: "packed size beyond the archive",
			data: zipOf(t, item{name: "f", body: "x", raw: func(h *zip.FileHeader) { h.CompressedSize64 = 1 << 40 }}),
			want: "larger than the archive",
		},
		{
			name: "wrong checksum",
			data: zipOf(t, item{name: "f", body: "0123456789", raw: func(h *zip.FileHeader) { h.CRC32 = 1 }}), want: "checksum",
		},
		{
			name: "encrypted", want: "encrypted",
			data: zipOf(t, item{name: "f", body: "x", raw: func(h *zip.FileHeader) { h.Flags |= 1 }}),
		},
		{
			name: "strange method", want: "method 99",
			data: zipOf(t, item{name: "f", body: "x", raw: func(h *zip.FileHeader) { h.Method = 99 }}),
		},
		{name: "long part of a name", data: zipOf(t, text(strings.Repeat("n", 256))), want: "256 bytes"},
		{name: "long name", data: zipOf(t, text(strings.Repeat("n/", 2048)+"x")), want: "4097 bytes"},
		{name: "deep", data: zipOf(t, text(strings.Repeat("d/", 41)+"x")), want: "41 folders deep"},
		{name: "file over the limit", data: zipOf(t, text("a")), lim: func(l *packages.Limits) { l.File = 0 }, want: "more than 0 MiB"},
		{name: "total over the limit", data: zipOf(t, text("a"), text("b")), lim: func(l *packages.Limits) { l.Total = 1 }, want: "unpacks to more"},
		{name: "too many entries", data: zipOf(t, text("a"), text("b")), lim: func(l *packages.Limits) { l.Entries = 1 }, want: "more than 1 entries"},
		{name: "cut short", data: whole[:len(whole)-10], want: "not a zip archive"},
		{name: "empty file", data: nil, want: "not a zip archive"},
		{name: "something else", data: []byte(strings.Repeat("hello", 1000)), want: "not a zip archive"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			lim := packages.DefaultLimits()
			if tc.lim != nil {
				tc.lim(&lim)
			}
			_, err := unpack(t, t.Context(), tc.data, packages.Zip, lim)
			if !errors.Is(err, packages.ErrUnsafe) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
		})
	}
}

func TestUnpackTarGz(t *testing.T) {
	t.Parallel()
	t.Run("files and folders", func(t *testing.T) {
		t.Parallel()
		data := tarOf(
			t,
			tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o700},
			tar.Header{Name: "./a/", Typeflag: tar.TypeDir, Mode: 0},
			tar.Header{Name: "./a/run", Typeflag: tar.TypeReg, Mode: 0o4777, Size: 2},
			tar.Header{Name: "b/c", Typeflag: tar.TypeReg, Mode: 0o640},
		)
		got, err := unpack(t, t.Context(), data, packages.TarGz, packages.DefaultLimits())
		want := map[string]string{
			"": "-rwxr-xr-x", "a/": "-rwxr-xr-x", "a/run": "-rwxr-xr-x \x00\x00", "b/": "-rwxr-xr-x", "b/c": "-rw-r----- ",
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("error %v, unpacked (-want +got):\n%s", err, diff)
		}
	})
	reg := func(name string, size int64) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}
	}
	whole := tarOf(t, reg("a", 100000))
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"two dots", tarOf(t, reg("../evil", 1)), "leads out of the folder"},
		{"absolute", tarOf(t, reg("/evil", 1)), "must be relative"},
		{"symbolic link", tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}), "is a link"},
		{"hard link", tarOf(t, reg("a", 1), tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "a"}), "is a link"},
		{"device", tarOf(t, tar.Header{Name: "d", Typeflag: tar.TypeChar}), "neither a file nor a folder"},
		{"same name twice", tarOf(t, reg("a", 1), reg("./a", 1)), "occurs twice"},
		{"bomb", tarOf(t, reg("a", 2<<20)), "more than 200 times its size"},
		{"cut short", whole[:len(whole)/2], "unexpected EOF"},
		{"not gzip", []byte("hello"), "not a gzip archive"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			lim := packages.DefaultLimits()
			lim.RatioAfter = 1 << 20
			_, err := unpack(t, t.Context(), tc.data, packages.TarGz, lim)
			if !errors.Is(err, packages.ErrUnsafe) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
		})
	}
}

func TestUnpackStops(t *testing.T) {
	t.Parallel()
	data := zipOf(t, item{name: "a", body: "x", mode: 0o644})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := unpack(t, ctx, data, packages.Zip, packages.DefaultLimits()); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("too little space", func(t *testing.T) {
		t.Parallel()
		lim := packages.DefaultLimits()
		lim.MinFree = 1 << 60
		for kind, archive := range map[packages.Kind][]byte{packages.Zip: data, packages.TarGz: tarOf(t)} {
			_, err := unpack(t, t.Context(), archive, kind, lim)
			if !errors.Is(err, rayapi.ErrNoSpace) || errors.Is(err, packages.ErrUnsafe) {
				t.Errorf("error is %v", err)
			}
		}
	})
	t.Run("something is in the way", func(t *testing.T) {
		t.Parallel()
		dest := t.TempDir()
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := packages.Unpack(t.Context(), f, 0, packages.Zip, dest, packages.DefaultLimits()); !errors.Is(err, os.ErrExist) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]packages.Kind{
		"a.zip": packages.Zip, "a.whl": packages.Zip, "a.tar.gz": packages.TarGz, "a.tgz": packages.TarGz, "a.tar.xz": packages.TarXZ, "a": 0, "a.tar": 0,
	} {
		kind, err := packages.KindOf(name)
		if kind != want || (err == nil) != (want != 0) {
			t.Errorf("%s: %v, %v", name, kind, err)
		}
	}
}
