package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"

	"dray/backend/ledger"
	"dray/backend/packages"
	"dray/backend/rayapi"
)

// submitServer takes jobs beside packages.
type submitServer struct {
	packageServer
	jobs int
}

func (s *submitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.packageServer.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs++
	writeJSON(w, rayapi.SubmitResponse{SubmissionID: "id"})
}

func (s *submitServer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.have)
}

// A package that the server has dropped is there again before its job is
// submitted again; without a copy nothing is sent.
func TestClient_Submit_droppedPackage(t *testing.T) {
	t.Parallel()
	srv := &submitServer{packageServer: packageServer{have: map[string][]byte{}}}
	http := httptest.NewServer(srv)
	defer http.Close()
	kept := ledger.New(t.TempDir()).Packages(1 << 20)
	c, err := New(Endpoint{BaseURL: http.URL, Packages: kept})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mod", "a.py"), "A = 1\n")
	write(t, filepath.Join(dir, "run.py"), "print(1)\n")
	folder, err := c.Upload(t.Context(), dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	module, err := c.UploadModule(t.Context(), filepath.Join(dir, "mod"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := srv.have[folder[len(packages.URI("")):]]
	env, err := json.Marshal(map[string]any{"working_dir": folder, "py_modules": []string{module, "https://h/x.zip"}})
	if err != nil {
		t.Fatal(err)
	}
	srv.forget()
	request := rayapi.SubmitRequest{Entrypoint: "python run.py", SubmissionID: "id", RuntimeEnv: env}
	if _, err := c.Submit(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if len(srv.have) != 2 || !slices.Equal(srv.have[folder[len(packages.URI("")):]], before) {
		t.Errorf("%d packages are there again", len(srv.have))
	}
	// What the server had already is kept too: another client may have sent it.
	other, err := New(Endpoint{BaseURL: http.URL, Packages: ledger.New(t.TempDir()).Packages(1 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Upload(t.Context(), dir, nil, nil); err != nil {
		t.Fatal(err)
	}
	srv.forget()
	request.RuntimeEnv = json.RawMessage(`{"working_dir":"` + folder + `"}`)
	if _, err := other.Submit(t.Context(), request); err != nil {
		t.Errorf("a package that was there when it was uploaded: %v", err)
	}
	srv.forget()
	request.RuntimeEnv = json.RawMessage(`{"working_dir":"gcs://_ray_pkg_0123.zip"}`)
	jobs := srv.jobs
	_, err = c.Submit(t.Context(), request)
	if !errors.Is(err, ErrNotSent) || srv.jobs != jobs {
		t.Errorf("without a copy: %v, %d jobs more", err, srv.jobs-jobs)
	}
}

// Whether a package can be used again is known before anything is submitted,
// and its name alone is asked for.
func TestClient_Preflight_package(t *testing.T) {
	t.Parallel()
	srv := &packageServer{have: map[string][]byte{}}
	http := httptest.NewServer(srv)
	defer http.Close()
	c, err := New(Endpoint{BaseURL: http.URL, Packages: ledger.New(t.TempDir()).Packages(1 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "run.py"), "print(1)\n")
	uri, err := c.Upload(t.Context(), dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	look := func(uri string) [2]bool {
		p, err := c.Preflight(t.Context(), uri, nil, nil)
		if err != nil || p.AskErr != nil || p.URI != uri {
			t.Fatalf("%s: %+v, %v", uri, p, err)
		}
		return [2]bool{p.There, p.Kept}
	}
	if got := look(uri); got != [2]bool{true, true} {
		t.Errorf("there and kept = %v", got)
	}
	srv.mu.Lock()
	clear(srv.have)
	srv.mu.Unlock()
	if got := look(uri); got != [2]bool{false, true} {
		t.Errorf("after the server has dropped it, there and kept = %v", got)
	}
	if got := look("gcs://_ray_pkg_0123.zip"); got != [2]bool{false, false} {
		t.Errorf("a package of nobody: there and kept = %v", got)
	}
	if p, err := c.PreflightModule(t.Context(), filepath.Join(dir, "run.py"), nil, nil); err != nil || p.There || p.Files != 1 {
		t.Errorf("module: %+v, %v", p, err)
	}
}
