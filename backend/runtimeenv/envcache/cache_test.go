//go:build linux

package envcache_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"dray/backend/runtimeenv/envcache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, root string, maxBytes int64) *envcache.Cache {
	t.Helper()
	c, err := envcache.Open(root, maxBytes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ofSize returns a build that writes one file, and counts how often it runs.
func ofSize(n int, runs *int) func(context.Context, string) error {
	return func(_ context.Context, dir string) error {
		*runs++
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "file"), make([]byte, n), 0o600)
	}
}

func use(t *testing.T, c *envcache.Cache, key, user string, build func(context.Context, string) error) string {
	t.Helper()
	dir, err := c.Use(t.Context(), envcache.Entry{Kind: "pip", Key: key, Title: "title of " + key}, user, func() {}, build)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func names(t *testing.T, c *envcache.Cache) string {
	t.Helper()
	list, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range list {
		all = append(all, i.Name)
	}
	return strings.Join(all, " ")
}

func TestUse(t *testing.T) {
	t.Parallel()
	t.Run("built once, also for the next process", func(t *testing.T) {
		t.Parallel()
		root, runs := t.TempDir(), 0
		first := use(t, open(t, root, 100), "a", "job1", ofSize(10, &runs))
		if second := use(t, open(t, root, 100), "a", "job2", ofSize(10, &runs)); second != first || runs != 1 {
			t.Errorf("%d builds, %s and %s", runs, first, second)
		}
		list, err := open(t, root, 100).List(t.Context())
		if err != nil || len(list) != 1 || list[0].Users != 2 || list[0].Bytes != 10 || list[0].Title != "title of a" || list[0].Kind != "pip" {
			t.Errorf("list %+v, %v", list, err)
		}
	})
	t.Run("a cut-off build is made anew and its tools are killed", func(t *testing.T) {
		t.Parallel()
		root, runs := t.TempDir(), 0
		c := open(t, root, 100)
		dir := use(t, c, "a", "job1", ofSize(10, &runs))
		if err := os.Remove(dir + ".complete"); err != nil {
			t.Fatal(err)
		}
		orphan := exec.Command("sleep", "600") //nolint:noctx // to be killed by the cache
		orphan.Env = append(os.Environ(), "DRAY_ENV_BUILD="+dir)
		if err := orphan.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = orphan.Process.Kill() })
		ended := make(chan error, 1)
		go func() { ended <- orphan.Wait() }()
		use(t, open(t, root, 100), "a", "job2", ofSize(20, &runs))
		if err := <-ended; err == nil || runs != 2 {
			t.Errorf("%d builds, the orphan ended with %v", runs, err)
		}
	})
	t.Run("a failed build leaves nothing", func(t *testing.T) {
		t.Parallel()
		root, runs := t.TempDir(), 0
		c, boom := open(t, root, 100), errors.New("boom")
		_, err := c.Use(t.Context(), envcache.Entry{Kind: "pip", Key: "a"}, "job", func() {}, func(ctx context.Context, dir string) error {
			return errors.Join(ofSize(10, &runs)(ctx, dir), boom)
		})
		if !errors.Is(err, boom) {
			t.Errorf("error %v", err)
		}
		if _, err := os.Stat(filepath.Join(root, "pip-a")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder: %v", err)
		}
		use(t, c, "a", "job", ofSize(10, &runs))
		if runs != 2 {
			t.Errorf("%d builds", runs)
		}
	})
	t.Run("who waits for a stopped job builds itself", func(t *testing.T) {
		t.Parallel()
		c, runs := open(t, t.TempDir(), 100), 0
		ctx, cancel := context.WithCancel(t.Context())
		begun, waiting := make(chan struct{}), make(chan struct{})
		done := make(chan error)
		e := envcache.Entry{Kind: "pip", Key: "a"}
		go func() {
			_, err := c.Use(ctx, e, "job1", func() {}, func(ctx context.Context, _ string) error {
				close(begun)
				<-ctx.Done()
				return ctx.Err()
			})
			done <- err
		}()
		<-begun
		go func() {
			_, err := c.Use(t.Context(), e, "job2", func() { close(waiting) }, ofSize(10, &runs))
			done <- err
		}()
		<-waiting
		cancel()
		for range 2 {
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if runs != 1 || names(t, c) != "pip-a" {
			t.Errorf("%d builds, there are %s", runs, names(t, c))
		}
	})
}

func TestCollect(t *testing.T) {
	t.Parallel()
	root, runs := t.TempDir(), 0
	c := open(t, root, 25)
	use(t, c, "a", "job1", ofSize(10, &runs))
	use(t, c, "b", "job2", ofSize(10, &runs))
	use(t, c, "c", "job3", ofSize(10, &runs))
	use(t, c, "a", "job1", ofSize(10, &runs)) // now b is the one used longest ago
	if got := names(t, c); got != "pip-a pip-c pip-b" || runs != 3 {
		t.Errorf("all are in use, and there are %s", got)
	}
	if err := c.Remove(t.Context(), "pip-b"); !errors.Is(err, envcache.ErrInUse) {
		t.Errorf("remove what is in use: %v", err)
	}
	if err := c.Remove(t.Context(), "pip-z"); !errors.Is(err, envcache.ErrNotFound) {
		t.Errorf("remove what is not there: %v", err)
	}
	if err := c.Sweep(func(user string) bool { return user == "job3" }); err != nil {
		t.Fatal(err)
	}
	removed, err := c.GC(t.Context())
	if err != nil || len(removed) != 1 || names(t, c) != "pip-a pip-c" {
		t.Errorf("removed %+v, %v, there are %s", removed, err, names(t, c))
	}
	if err := errors.Join(c.Release("job3"), c.Release("nobody"), c.Remove(t.Context(), "pip-c")); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(root + "/*-*")
	if err != nil || len(left) != 3 || names(t, c) != "pip-a" {
		t.Errorf("left are %v, %v", left, err)
	}
	trash, err := filepath.Glob(root + "/trash/*")
	if err != nil || len(trash) > 0 {
		t.Errorf("in the trash: %v, %v", trash, err)
	}
}
