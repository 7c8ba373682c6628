//go:build linux

package jobs

import (
	"context"
	"fmt"
	"time"

	"dray/backend/rayapi"
)

// Disk looks after the space on the disk; *disk.Guard does.
type Disk interface {
	// Check says, by an error that is rayapi.ErrNoSpace, that there is too
	// little space for more work.
	Check() error
	// Release gives back what was kept for the moment when the disk is full.
	Release() error
	// Refill keeps it again, when there is space.
	Refill() error
}

const (
	houseDelay  = 3 * time.Second // after a start, which has better things to do
	refillEvery = 30 * time.Second
	pruneEvery  = time.Hour
)

// keepHouse does what must be done now and then. It ends with Close.
func (m *Manager) keepHouse() {
	select {
	case <-m.ready:
	case <-m.ctx.Done():
		return
	}
	if !m.awaitQuiet(houseDelay) {
		return
	}
	refill, prune := time.NewTicker(refillEvery), time.NewTicker(pruneEvery)
	defer refill.Stop()
	defer prune.Stop()
	m.pruneOld()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-prune.C:
			m.pruneOld()
		case <-refill.C:
			if m.cfg.Disk == nil {
				continue
			}
			if err := m.cfg.Disk.Refill(); err != nil {
				m.cfg.Log.Warn("keep space for a full disk", "err", err)
			}
		}
	}
}

// house is what the housekeeping knows; Manager.mu guards it.
type house struct {
	collected time.Time // when a full disk made us collect last
	dryRuns   int       // of Prune, under way
	dryRun    time.Time // when the last one ended
}

// awaitQuiet waits until for a delay nobody has asked what would be removed: a
// process that is the backend only to answer that must not remove it. It
// returns false when the Manager closes.
func (m *Manager) awaitQuiet(delay time.Duration) bool {
	for {
		select {
		case <-time.After(delay):
		case <-m.ctx.Done():
			return false
		}
		m.mu.Lock()
		quiet := m.house.dryRuns == 0 && time.Since(m.house.dryRun) >= delay
		m.mu.Unlock()
		if quiet {
			return true
		}
	}
}

// noteDryRun keeps the housekeeping waiting until done is called.
func (m *Manager) noteDryRun() (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.house.dryRuns++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.house.dryRuns--
		m.house.dryRun = time.Now()
	}
}

func (m *Manager) pruneOld() {
	gone, err := m.Prune(m.ctx, m.cfg.Retention)
	if err != nil && m.ctx.Err() == nil {
		m.cfg.Log.Warn("archive old records", "err", err)
	}
	if len(gone) > 0 {
		m.cfg.Log.Info("old records were archived", "count", len(gone), "archive", m.cfg.Archive)
	}
	m.collect(m.ctx, false)
}

// space refuses work that the disk has no room for, after what can be made
// again was removed.
func (m *Manager) space(ctx context.Context) error {
	if m.cfg.Disk == nil {
		return nil
	}
	err := m.cfg.Disk.Check()
	if err == nil || m.cfg.Collect == nil || !m.mayCollectNow() {
		return err
	}
	m.collect(ctx, true)
	return m.cfg.Disk.Check()
}

// full gives back the ballast when err says that the disk is full, so that what
// has happened can be recorded.
func (m *Manager) full(err error) {
	if m.cfg.Disk == nil || !isNoSpace(err) {
		return
	}
	if err := m.cfg.Disk.Release(); err != nil {
		m.cfg.Log.Error("give back the space kept for a full disk", "err", fmt.Errorf("%w: %w", rayapi.ErrNoSpace, err))
	}
}
