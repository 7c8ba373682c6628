//go:build linux

package jobs

import "context"

// CollectNow is what the hourly round does.
func (m *Manager) CollectNow(ctx context.Context) { m.collect(ctx, false) }
