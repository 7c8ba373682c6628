//go:build linux

package runtimeenv_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, body := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestDownload(t *testing.T) {
	t.Parallel()
	var content, etag atomic.Value
	var sent atomic.Int64
	content.Store(zipOf(t, map[string]string{"top/script.py": "one", "__MACOSX/x": ""}))
	etag.Store(`"1"`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/code.zip":
			w.Header().Set("ETag", etag.Load().(string))
			if req.Header.Get("If-None-Match") == "" {
				sent.Add(1)
			}
			http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(content.Load().([]byte)))
		case "/demo-1.0-py3-none-any.whl":
			_, _ = w.Write(wheelBytes(t, "demo", "1.0"))
		case "/page.zip":
			_, _ = w.Write([]byte("<html>"))
		default:
			http.NotFound(w, req)
		}
	}))
	t.Cleanup(srv.Close)
	r := newRig(t)
	script := func(job string) string {
		built, _ := r.mustJob(t, job, map[string]any{"working_dir": srv.URL + "/code.zip?sig=s3cret"})
		data, err := os.ReadFile(built.Dir + "/script.py")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if got := script("a") + script("b"); got != "oneone" || sent.Load() != 1 {
		t.Errorf("got %q, sent %d times", got, sent.Load())
	}
	content.Store(zipOf(t, map[string]string{"script.py": "two"}))
	etag.Store(`"2"`)
	if got := script("c") + script("d"); got != "twotwo" {
		t.Errorf("after a change: %q", got)
	}
	built, _ := r.mustJob(t, "wheel", map[string]any{"py_modules": []string{srv.URL + "/demo-1.0-py3-none-any.whl"}})
	if got := shell(t, built, `python3 -c 'import demo; print(demo.VERSION)'`); got != "1.0" {
		t.Errorf("the wheel has %q", got)
	}
	for path, want := range map[string]string{"/gone.zip": "the server answered 404 Not Found", "/page.zip": "not a zip archive"} {
		_, _, err := r.job(t, "bad", map[string]any{"working_dir": strings.Replace(srv.URL, "//", "//u:s3cret@", 1) + path + "?sig=s3cret"})
		wantSetupError(t, err, want, "<redacted>@", path)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestFileAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "code.zip")
	if err := os.WriteFile(path, zipOf(t, map[string]string{"a/x.py": "", "b.py": ""}), 0o600); err != nil {
		t.Fatal(err)
	}
	built, _ := r.mustJob(t, "a", map[string]any{"working_dir": "file://" + path})
	mustExist(t, built.Dir+"/a/x.py", built.Dir+"/b.py")
	_, _, err := r.job(t, "b", map[string]any{"working_dir": "file:///not/there.zip"})
	wantSetupError(t, err, "Failed to download runtime_env file package file:///not/there.zip for working_dir", "no such file")
}
