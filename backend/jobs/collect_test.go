//go:build linux

package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dray/backend/jobs"
	"dray/backend/rayapi"
)

// lowDisk has no room until something was collected.
type lowDisk struct {
	room   atomic.Bool
	urgent atomic.Int32
	useful bool

	mu     sync.Mutex // the manager collects by itself, too
	needed map[string]bool
}

func (d *lowDisk) isNeeded(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.needed[name]
}

func (d *lowDisk) Check() error {
	if d.room.Load() {
		return nil
	}
	return rayapi.ErrNoSpace
}

func (d *lowDisk) Release() error { return nil }
func (d *lowDisk) Refill() error  { return nil }

func (d *lowDisk) Collect(_ context.Context, isNeeded func(string) bool, urgent bool) error {
	d.mu.Lock()
	d.needed = map[string]bool{}
	for _, name := range []string{"ended.zip", "live.zip", "other.zip"} {
		d.needed[name] = isNeeded(name)
	}
	d.mu.Unlock()
	if urgent {
		d.urgent.Add(1)
		d.room.Store(d.useful)
	}
	return nil
}

func withPackage(name, entrypoint string) rayapi.SubmitRequest {
	return rayapi.SubmitRequest{Entrypoint: entrypoint, RuntimeEnv: json.RawMessage(`{"py_modules": ["gcs://` + name + `"]}`)}
}

// Before work is refused for want of space, what can be made again goes; but
// nothing that a job that lives or has just ended refers to.
func TestCollectOnALowDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := &lowDisk{useful: true}
	d.room.Store(true)
	now := time.Now()
	var later atomic.Int64
	r.tune = func(c *jobs.Config) {
		c.Disk, c.Collect = d, d
		c.Now = func() time.Time { return now.Add(time.Duration(later.Load())) }
	}
	m := r.start()
	submit := func(req rayapi.SubmitRequest) string {
		id, err := m.Submit(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	ended := submit(withPackage("ended.zip", "exit 0"))
	r.awaitStatus(ended, rayapi.StatusSucceeded)
	r.awaitStatus(submit(withPackage("live.zip", "sleep")), rayapi.StatusRunning)

	d.room.Store(false)
	submit(rayapi.SubmitRequest{Entrypoint: "exit 0"})
	if n := d.urgent.Load(); n != 1 || !d.isNeeded("live.zip") || !d.isNeeded("ended.zip") || d.isNeeded("other.zip") {
		t.Errorf("%d collections, needed %v", n, d.needed)
	}

	d.room.Store(false) // again, at once: the submit is refused and does not wait
	if _, err := m.Submit(t.Context(), rayapi.SubmitRequest{Entrypoint: "exit 0"}); !errors.Is(err, rayapi.ErrNoSpace) || d.urgent.Load() != 1 {
		t.Errorf("the second time: %v after %d collections", err, d.urgent.Load())
	}
	d.room.Store(true)
	later.Store(int64(jobs.RerunGrace + time.Hour))
	m.CollectNow(t.Context())
	if !d.isNeeded("live.zip") || d.isNeeded("ended.zip") {
		t.Errorf("after the grace: needed %v", d.needed)
	}
}
