//go:build linux

package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dray/backend/packages"
)

// It changes PATH, so it runs alone.
func TestContainerEngines(t *testing.T) {
	bin := t.TempDir()
	for name, script := range map[string]string{"podman": "echo 4.3.1", "docker": "echo 'Cannot connect to the Docker daemon' >&2; exit 1"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	found := containerEngines(t.Context(), Options{})
	wantOne(t, found, "podman", OK, "4.3.1 at "+bin)
	wantOne(t, found, "docker", Warn, "does not work: exit status 1")
	t.Setenv("PATH", "/nowhere")
	wantOne(t, containerEngines(t.Context(), Options{}), "podman", OK, "Not installed.")
}

func TestPackagesSize(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	wantOne(t, packagesSize(t.Context(), Options{StateDir: state}), "packages", OK, "0 uploaded packages take 0 MiB")
	s, err := packages.OpenStore(filepath.Join(state, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "x.zip", strings.NewReader(strings.Repeat("x", 2<<20))); err != nil {
		t.Fatal(err)
	}
	wantOne(t, packagesSize(t.Context(), Options{StateDir: state}), "packages", OK, "1 uploaded packages take 2 MiB")
}
