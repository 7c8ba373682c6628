//go:build linux

package conformance_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/client"
)

// TestUploadCanceled stops an upload half way: neither the server nor this
// machine keeps any of it, and the next one is whole.
func TestUploadCanceled(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	s := startDray(t, drayBin(t), "dray", "")
	c, err := client.New(client.Endpoint{BaseURL: s.base})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	dir := t.TempDir()
	data := make([]byte, 24<<20)
	_, _ = rand.Read(data)
	if err := os.WriteFile(filepath.Join(dir, "weights.bin"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := c.Preflight(t.Context(), dir, nil, nil)
	if err != nil || before.There || before.URI == "" || before.AskErr != nil {
		t.Fatalf("preflight = %+v, %v", before, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.Upload(ctx, dir, nil, func(done, total int64) {
		if done > total/2 {
			cancel()
		}
	})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("canceled upload: %v", err)
	}
	if p, err := c.Preflight(t.Context(), dir, nil, nil); err != nil || p.There {
		t.Errorf("after the cancel the server says it has it: %+v, %v", p, err)
	}
	end, tick := time.After(10*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for leftBytes(t, s.dir) > 1<<20 || leftBytes(t, tmp) > 0 { // the server notices the cut a moment later
		select {
		case <-end:
			t.Fatalf("%d bytes are left on the server, %d here", leftBytes(t, s.dir), leftBytes(t, tmp))
		case <-tick.C:
		}
	}
	uri, err := c.Upload(t.Context(), dir, nil, nil)
	if err != nil || uri != before.URI {
		t.Fatalf("second upload: %s, %v; preflight said %s", uri, err, before.URI)
	}
	if p, err := c.Preflight(t.Context(), dir, nil, nil); err != nil || !p.There {
		t.Errorf("after the upload: %+v, %v", p, err)
	}
}

// leftBytes is how much of packages lies in a folder.
func leftBytes(t *testing.T, dir string) int64 {
	t.Helper()
	var n int64
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "pack") && !strings.Contains(path, "dray-upload") {
			return nil //nolint:nilerr // what goes meanwhile is not left
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
