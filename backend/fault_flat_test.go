//go:build linux

package backend_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"dray/backend/rayapi"
)

// Many jobs, some of them stopped and deleted, leave the backend with as many
// descriptors and threads as a few did, and with no child.
func TestFault46_flat(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	h := startHost(t, state)
	c := h.client(t)
	pid := h.cmd.Process.Pid
	run := func(jobs int) {
		slots := make(chan struct{}, 8)
		var wg sync.WaitGroup
		for i := range jobs {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				entrypoint := []string{"true", "exit 3", "sleep 300", "seq 1000"}[i%4]
				id, err := c.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: entrypoint})
				if err != nil {
					t.Error(err)
					return
				}
				if entrypoint == "sleep 300" {
					if _, err := c.Stop(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
				ended(t, c, id)
				if i%2 == 0 {
					if err := c.Delete(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		eventually(t, "no child is left", func() bool { return len(descendants(pid)) == 0 })
	}
	threads := func() int {
		tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(tasks)
	}
	run(40)
	fds, tasks := descriptors(t, pid), threads()
	run(160)
	eventually(t, "as few descriptors as before", func() bool { return descriptors(t, pid) <= fds+4 })
	if n := threads(); n > tasks+8 {
		t.Errorf("%d threads after 40 jobs, %d after 200", tasks, n)
	}
}
