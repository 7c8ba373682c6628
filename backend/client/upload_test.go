package client

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dray/backend/packages"
	"dray/backend/rayapi"
)

// packageServer keeps what is PUT.
type packageServer struct {
	mu    sync.Mutex
	have  map[string][]byte
	asked []string // methods
}

func (s *packageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/api/packages/gcs/")
	s.asked = append(s.asked, r.Method)
	if r.Method == http.MethodPut {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(body)) || len(r.TransferEncoding) > 0 {
			http.Error(w, "a length is needed", http.StatusLengthRequired)
			return
		}
		s.have[name] = body
		return
	}
	if _, ok := s.have[name]; !ok {
		http.Error(w, "Package gcs://"+name+" does not exist", http.StatusNotFound)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func zipNames(t *testing.T, data []byte) []string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

func TestClient_Upload_folder(t *testing.T) {
	t.Parallel()
	srv := &packageServer{have: map[string][]byte{}}
	c, _ := serve(t, srv)
	dir := filepath.Join(t.TempDir(), "proj")
	write(t, filepath.Join(dir, "script.py"), "print(1)\n")
	write(t, filepath.Join(dir, "data", "big.bin"), strings.Repeat("x", 1<<20))
	write(t, filepath.Join(dir, "notes.log"), "no")
	write(t, filepath.Join(dir, ".git", "config"), "no")
	var done, total int64
	uri, err := c.Upload(t.Context(), dir, []string{"*.log"}, func(d, n int64) { done, total = d, n })
	if err != nil {
		t.Fatal(err)
	}
	hash, err := packages.HashDir(dir, packages.Options{Excludes: []string{"*.log"}, DefaultExcludes: true})
	if err != nil || uri != "gcs://_ray_pkg_"+hash+".zip" {
		t.Errorf("uri %s, hash %s, %v", uri, hash, err)
	}
	body := srv.have[strings.TrimPrefix(uri, "gcs://")]
	if got := zipNames(t, body); !slices.Equal(got, []string{"data/big.bin", "script.py"}) {
		t.Errorf("the package holds %v", got)
	}
	if done != int64(len(body)) || total != done {
		t.Errorf("progress ended at %d of %d, want %d", done, total, len(body))
	}
	if again, err := c.Upload(t.Context(), dir, []string{"*.log"}, nil); again != uri || err != nil {
		t.Errorf("second upload: %s, %v", again, err)
	}
	if want := []string{"GET", "PUT", "GET"}; !slices.Equal(srv.asked, want) {
		t.Errorf("requests %v, want %v: the second upload sends nothing", srv.asked, want)
	}
}

func TestClient_UploadModule_folder(t *testing.T) {
	t.Parallel()
	srv := &packageServer{have: map[string][]byte{}}
	c, _ := serve(t, srv)
	dir := filepath.Join(t.TempDir(), "mymod")
	write(t, filepath.Join(dir, "__init__.py"), "")
	uri, err := c.UploadModule(t.Context(), dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := zipNames(t, srv.have[strings.TrimPrefix(uri, "gcs://")]); !slices.Equal(got, []string{"mymod/__init__.py"}) {
		t.Errorf("the package holds %v, want the module's folder", got)
	}
}

func TestClient_Upload_files(t *testing.T) {
	t.Parallel()
	tests := []struct{ file, want string }{
		{"a.zip", "gcs://_ray_pkg_a9993e364706816aba3e25717850c26c9cd0d89d.zip"}, // SHA-1 of "abc"
		{"a.tar.gz", "gcs://_ray_pkg_a9993e364706816aba3e25717850c26c9cd0d89d.tar.gz"},
		{"a.tar.xz", "gcs://_ray_pkg_a9993e364706816aba3e25717850c26c9cd0d89d.tar.xz"},
		{"a-1.0+x-py3-none-any.whl", "gcs://a-1.0+x-py3-none-any.whl"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			srv := &packageServer{have: map[string][]byte{}}
			c, _ := serve(t, srv)
			path := filepath.Join(t.TempDir(), tt.file)
			write(t, path, "abc")
			uri, err := c.Upload(t.Context(), path, nil, nil)
			if err != nil || uri != tt.want {
				t.Fatalf("Upload = %s, %v; want %s", uri, err, tt.want)
			}
			if got := srv.have[strings.TrimPrefix(uri, "gcs://")]; string(got) != "abc" {
				t.Errorf("sent %q, want the file as it is", got)
			}
		})
	}
	t.Run("module.py", func(t *testing.T) {
		t.Parallel()
		srv := &packageServer{have: map[string][]byte{}}
		c, _ := serve(t, srv)
		path := filepath.Join(t.TempDir(), "module.py")
		write(t, path, "x = 1\n")
		uri, err := c.UploadModule(t.Context(), path, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := zipNames(t, srv.have[strings.TrimPrefix(uri, "gcs://")]); !slices.Equal(got, []string{"module.py"}) {
			t.Errorf("the package holds %v", got)
		}
	})
}

func TestClient_Upload_refused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sparse := func(name string) string {
		path := filepath.Join(dir, name)
		write(t, path, "")
		if err := os.Truncate(path, packages.MaxBytes+1); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(t, filepath.Join(dir, "notes.txt"), "x")
	sparse("huge/data.bin")
	c, _ := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked: %s %s", r.Method, r.URL) }))
	tests := []struct {
		name, path, says string
		is               error
	}{
		{"missing", filepath.Join(dir, "none"), "cannot be read: no such file", os.ErrNotExist},
		{"text file", filepath.Join(dir, "notes.txt"), "neither a folder nor a supported archive", rayapi.ErrInvalid},
		{"large archive", sparse("big.zip"), "104857601 bytes, a package may have 100 MiB (104857600 bytes)", packages.ErrTooLarge},
		{"large folder", filepath.Join(dir, "huge"), "104857601 bytes, a package may have 100 MiB", packages.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Upload(t.Context(), tt.path, nil, nil)
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Upload = %v, want %q", err, tt.says)
			}
		})
	}
}

func TestClient_Upload_serverRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.zip")
	write(t, path, "abc")
	tests := []struct {
		name string
		code int
		body string
		is   error
		says string
	}{
		{"too large", 413, "Maximum request body size 1 exceeded.", rayapi.ErrInvalid, "100 MiB"},
		{"old server", 404, "404: Not Found", ErrNotRay, "no Jobs API at this path"},
		{"token", 401, "", ErrUnauthorized, "RAY_AUTH_TOKEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					http.Error(w, "Package gcs://x does not exist", http.StatusNotFound)
					return
				}
				http.Error(w, tt.body, tt.code)
			}))
			if _, err := c.Upload(t.Context(), path, nil, nil); !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Upload = %v, want %v with %q", err, tt.is, tt.says)
			}
		})
	}
}
