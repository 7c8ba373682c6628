//go:build !linux

package logstore

import (
	"context"
	"time"
)

// lookEvery is how often the file is looked at.
const lookEvery = 100 * time.Millisecond

// watcher waits until it is time to look at a file again.
type watcher struct{}

func newWatcher(string) *watcher { return &watcher{} }

func (*watcher) wait(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(min(max(most, 0), lookEvery))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (*watcher) close() {}
