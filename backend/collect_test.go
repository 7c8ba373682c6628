//go:build linux

package backend

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dray/backend/packages"
	"dray/backend/runtimeenv"
	"dray/backend/runtimeenv/envcache"
)

// On a disk that is nearly full all goes that no job needs: packages that were
// not asked for just now, and environments that are not in use.
func TestCollector(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pkgs, err := packages.OpenStore(filepath.Join(dir, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old.zip", "needed.zip", "new.zip"} {
		if err := pkgs.Put(t.Context(), name, strings.NewReader(name)); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-time.Hour)
		if name == "new.zip" {
			continue
		}
		if err := os.Chtimes(filepath.Join(dir, "packages", "names", name), then, then); err != nil {
			t.Fatal(err)
		}
	}
	envs, err := runtimeenv.Open(pkgs, runtimeenv.Options{Root: filepath.Join(dir, "envs")})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"aa", "bb"} {
		build := func(_ context.Context, dir string) error {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600)
		}
		if _, err := envs.Cache().Use(t.Context(), envcache.Entry{Kind: "pip", Key: key}, "job "+key, func() {}, build); err != nil {
			t.Fatal(err)
		}
	}
	if err := envs.Release("job bb"); err != nil {
		t.Fatal(err)
	}
	c := &collector{packages: pkgs, envs: envs, log: slog.New(slog.DiscardHandler)}
	state := func() string {
		var have []string
		for _, name := range []string{"old.zip", "needed.zip", "new.zip"} {
			if _, err := os.Stat(filepath.Join(dir, "packages", "names", name)); err == nil {
				have = append(have, name)
			}
		}
		list, err := envs.Cache().List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			have = append(have, e.Name)
		}
		return strings.Join(have, " ")
	}
	needed := func(name string) bool { return name == "needed.zip" }
	if err := c.Collect(t.Context(), needed, false); err != nil || strings.Count(state(), " ") != 4 {
		t.Errorf("with room: %s, %v, want all five", state(), err)
	}
	if err := c.Collect(t.Context(), needed, true); err != nil || state() != "needed.zip new.zip pip-aa" {
		t.Errorf("without: %s, %v", state(), err)
	}
}
