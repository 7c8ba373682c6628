//go:build linux

package envcache_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"dray/backend/runtimeenv/envcache"
)

// Fault 36: fifty jobs that want the same new environment get it from one
// build, while a collection that would keep nothing runs all the time and jobs
// that used it go. It is there for as long as one uses it, also in the eyes of
// the process after a kill.
func TestFault36_oneBuild(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	c := open(t, root, 0)
	const jobs = 50
	var builds atomic.Int32
	build := func(_ context.Context, dir string) error {
		builds.Add(1)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "file"), []byte("whole"), 0o600)
	}
	ctx, stop := context.WithCancel(t.Context())
	var collecting, using sync.WaitGroup
	collecting.Go(func() {
		for ctx.Err() == nil {
			if _, err := c.GC(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("collect: %v", err)
				return
			}
		}
	})
	use(t, c, "a", "holds it", build)
	for i := range jobs {
		using.Go(func() {
			user := fmt.Sprint("job", i)
			dir, err := c.Use(ctx, envcache.Entry{Kind: "pip", Key: "a"}, user, func() {}, build)
			if err != nil {
				t.Errorf("%s: %v", user, err)
				return
			}
			if data, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(data) != "whole" {
				t.Errorf("%s sees %q, %v", user, data, err)
			}
			if i%2 == 0 { // its job is deleted
				if err := c.Release(user); err != nil {
					t.Error(err)
				}
			}
		})
	}
	using.Wait()
	stop()
	collecting.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("%d builds, want 1", n)
	}
	list, err := open(t, root, 0).List(t.Context()) // nothing of the first process is in memory
	if err != nil || len(list) != 1 || list[0].Users != jobs/2+1 {
		t.Errorf("after a kill: %+v, %v, want %d users", list, err, jobs/2+1)
	}
}
