package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dray/backend/packages"
	"dray/backend/server"
)

// send asks a real server.
func send(t testing.TB, srv *httptest.Server, method, path, body string, header ...string) answer {
	t.Helper()
	return sendReader(t, srv, method, path, strings.NewReader(body), int64(len(body)), header...)
}

func sendReader(t testing.TB, srv *httptest.Server, method, path string, body io.Reader, size int64, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = size
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(data)}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	has := func(name string) (bool, error) {
		if !strings.HasSuffix(name, ".zip") {
			return false, packages.ErrName
		}
		return name == "here.zip", nil
	}
	put := func(name string, body io.Reader) error {
		switch name {
		case "bad":
			return fmt.Errorf("put: %w", packages.ErrName)
		case "taken.zip":
			return fmt.Errorf("put: %w", packages.ErrConflict)
		case "large.zip":
			return fmt.Errorf("put: %w", packages.ErrTooLarge)
		}
		_, err := io.Copy(io.Discard, body)
		return err
	}
	srv := serve(t, server.New(server.Config{
		Jobs: &fakeJobs{}, Packages: &fakePackages{has: has, put: put}, Version: testVersion(), Log: quiet(),
	}))
	tests := []struct {
		name, method, path string
		status             int
		want               string
	}{
		{"exists", "GET", "/api/packages/gcs/here.zip", 200, ""},
		{"missing", "GET", "/api/packages/gcs/not.zip", 404, "Package gcs://not.zip does not exist"},
		{"a name that none can have", "GET", "/api/packages/gcs/x%2Fy", 404, "Package gcs://x/y does not exist"},
		{"other protocol", "GET", "/api/packages/s3/here.zip", 400, `Packages are kept under the protocol gcs only, not "s3".`},
		{"one segment", "GET", "/api/packages/here.zip", 400, "A package's path is /api/packages/gcs/<name>."},
		{"put", "PUT", "/api/packages/gcs/here.zip", 200, ""},
		{"put other protocol", "PUT", "/api/packages/s3/x.zip", 400, `Packages are kept under the protocol gcs only, not "s3".`},
		{"put one segment", "PUT", "/api/packages/x.zip", 400, "A package's path is /api/packages/gcs/<name>."},
		{"put bad name", "PUT", "/api/packages/gcs/bad", 400, "put: not a package name"},
		{"put other content", "PUT", "/api/packages/gcs/taken.zip", 409, "put: the package name stands for other content, which a job is about to use"},
		{"put too large", "PUT", "/api/packages/gcs/large.zip", 413, "Maximum request body size 104857600 exceeded."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := send(t, srv, tt.method, tt.path, "content")
			if got.status != tt.status || got.body != tt.want {
				t.Errorf("%s %s = %d %q, want %d %q", tt.method, tt.path, got.status, got.body, tt.status, tt.want)
			}
			if got.status == 200 && (got.header.Get("Content-Length") != "0" || got.header.Get("Content-Type") != "") {
				t.Errorf("headers = %v, want Content-Length 0 and no type", got.header)
			}
		})
	}
}

func TestPutPackage_size(t *testing.T) {
	t.Parallel()
	store, err := packages.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, server.New(server.Config{Jobs: &fakeJobs{}, Packages: store, Version: testVersion(), Log: quiet()}))
	tests := []struct {
		name   string
		size   int64
		known  bool // by Content-Length
		status int
	}{
		{"exactly the limit", packages.MaxBytes, true, 200},
		{"one more", packages.MaxBytes + 1, true, 413},
		{"one more, chunked", packages.MaxBytes + 1, false, 413},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			length := int64(-1)
			if tt.known {
				length = tt.size
			}
			got := sendReader(t, srv, "PUT", fmt.Sprintf("/api/packages/gcs/p%d.zip", i), io.LimitReader(zeros{}, tt.size), length)
			if got.status != tt.status {
				t.Fatalf("PUT = %d %q, want %d", got.status, got.body, tt.status)
			}
			if tt.status == 413 && got.body != "Maximum request body size 104857600 exceeded." {
				t.Errorf("PUT = %q", got.body)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
