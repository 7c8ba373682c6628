//go:build linux

package jobs

import (
	"context"
	"time"
)

// CollectNow is what the hourly round does.
func (m *Manager) CollectNow(ctx context.Context) { m.collect(ctx, false) }

// AwaitQuiet waits as the housekeeping does before its first round.
func (m *Manager) AwaitQuiet(delay time.Duration) bool { return m.awaitQuiet(delay) }
