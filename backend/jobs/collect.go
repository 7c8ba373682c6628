//go:build linux

package jobs

import (
	"context"
	"time"

	"dray/backend/runtimeenv"
	"dray/backend/store"
)

// RerunGrace is how long after a job's end its packages are kept for sure, so
// that it can be run again from its record.
const RerunGrace = 7 * 24 * time.Hour

// Collector removes what can be made or sent again: packages that no job needs
// and environments that are not in use.
type Collector interface {
	// Collect keeps what isNeeded names. Urgent means that the disk is nearly
	// full: all that may go goes.
	Collect(ctx context.Context, isNeeded func(pkg string) bool, urgent bool) error
}

// urgentEvery bounds how often a submit may have to wait for a collection.
const urgentEvery = 30 * time.Second

// collect lets the Collector do its work.
func (m *Manager) collect(ctx context.Context, urgent bool) {
	if m.cfg.Collect == nil {
		return
	}
	isNeeded, err := m.packagesNeeded(ctx)
	if err == nil {
		err = m.cfg.Collect.Collect(ctx, isNeeded, urgent)
	}
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.Warn("collect packages and environments", "err", err)
	}
}

// packagesNeeded tells the packages of jobs that are not over, those accepted
// meanwhile included, and of jobs that ended within RerunGrace or are pinned.
func (m *Manager) packagesNeeded(ctx context.Context) (func(pkg string) bool, error) {
	kept := make(map[string]bool)
	since := m.cfg.Now().Add(-RerunGrace).UnixMilli()
	err := m.cfg.Store.Rows(ctx, func(page []store.Row) error {
		for _, row := range page {
			d, err := decode(row)
			if err != nil {
				continue // a damaged record can be run by nobody
			}
			w, _ := wishesOf(d.Metadata)
			if d.EndTime != nil && *d.EndTime < since && !w.pin {
				continue
			}
			for _, name := range runtimeenv.PackageNames(d.RuntimeEnv) {
				kept[name] = true
			}
		}
		return ctx.Err()
	})
	return func(pkg string) bool { return kept[pkg] || m.UsesPackage(pkg) }, err
}

// UsesPackage reports whether a job that is not over refers to a package.
func (m *Manager) UsesPackage(pkg string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		for _, name := range runtimeenv.PackageNames(j.req.RuntimeEnv) {
			if name == pkg {
				return true
			}
		}
	}
	return false
}

// mayCollectNow says, at most once in urgentEvery, that it is time.
func (m *Manager) mayCollectNow() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.house.collected) < urgentEvery {
		return false
	}
	m.house.collected = now
	return true
}
