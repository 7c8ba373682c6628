//go:build linux

package doctor

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"

	"dray/backend/packages"
)

// containerEngines looks for what runs image_uri and container. That a program
// is there says little: docker's client needs a daemon.
func containerEngines(ctx context.Context, _ Options) []Finding {
	probes := [][]string{
		{"podman", "info", "--format", "{{.Version.Version}}"},
		{"docker", "version", "--format", "{{.Server.Version}}"},
	}
	found := make([]Finding, len(probes))
	var wg sync.WaitGroup
	for i, p := range probes {
		wg.Go(func() { found[i] = containerEngine(ctx, p[0], p[1:]) })
	}
	wg.Wait()
	return found
}

func containerEngine(ctx context.Context, name string, args []string) Finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return Finding{name, OK, "Not installed.", ""}
	}
	line, err := ask(ctx, path, args...)
	if errors.Is(err, errSlow) {
		return Finding{name, OK, fmt.Sprintf("%s is installed; whether it works cannot be said within a second.", path), ""}
	}
	if err != nil {
		return Finding{name, Warn, fmt.Sprintf("%s is installed but does not work: %v.", path, err), "Jobs with image_uri or container need it, or another engine that works."}
	}
	return Finding{name, OK, fmt.Sprintf("%.80s at %s.", line, path), ""}
}

// packagesSize says what uploads take on the disk.
func packagesSize(ctx context.Context, opt Options) []Finding {
	const name = "packages"
	size, err := packages.SizeOf(ctx, filepath.Join(opt.StateDir, "packages"))
	if err != nil {
		return []Finding{{name, Warn, fmt.Sprintf("The uploaded packages cannot be counted: %v.", err), ""}}
	}
	return []Finding{{name, OK, fmt.Sprintf("%d uploaded packages take %d MiB; beyond %d MiB the oldest that no job needs are removed.",
		size.Packages, size.Bytes>>20, packages.DefaultCollect().MaxBytes>>20), ""}}
}
