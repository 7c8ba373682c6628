//go:build linux

package runtimeenv_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault 35: kill -9 of the backend in the middle of pip install, then the same
// environment again.
func TestFault35KilledWhileInstalling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.wheel(t, "demo", "1.0")
	asked, release := make(chan struct{}, 100), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-req.Context().Done():
		}
		http.NotFound(w, req)
	}))
	t.Cleanup(srv.Close)
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	env := map[string]any{"pip": map[string]any{
		"packages":            []string{"demo"},
		"pip_install_options": []string{"--index-url", srv.URL + "/simple", "--find-links", r.wheels},
	}}
	raw, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), exe)
	victim.Env = append(os.Environ(), varRoot+"="+r.root, varWork+"="+r.workOf("first"), varEnv+"="+string(raw))
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	half, err := filepath.Glob(r.root + "/pip-*/bin/python")
	if err != nil || len(half) != 1 {
		t.Errorf("the kill met no half environment: %v, %v", half, err)
	}
	waitForNoTool(t, r.root)
	free()
	built, log := r.mustJob(t, "second", env)
	if got := shell(t, built, "demo-tool"); got != "1.0" || !strings.Contains(log, "Building the pip environment") {
		t.Errorf("the job saw %q, log %q", got, log)
	}
	list, err := r.Cache().List(t.Context())
	if err != nil || len(list) != 1 || list[0].Users != 2 {
		t.Errorf("list %+v, %v", list, err)
	}
	// The next backend knows that the first job is not live.
	if err := r.Sweep(func(work string) bool { return work == r.workOf("second") }); err != nil {
		t.Error(err)
	}
	if list, err = r.Cache().List(t.Context()); err != nil || len(list) != 1 || list[0].Users != 1 {
		t.Errorf("after the sweep: %+v, %v", list, err)
	}
}

// waitForNoTool waits until no program runs in an environment below root.
func waitForNoTool(t *testing.T, root string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		left := toolsBelow(t, root)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there: %q", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func toolsBelow(t *testing.T, root string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(text), root+"/") {
			left = append(left, string(text))
		}
	}
	return left
}
