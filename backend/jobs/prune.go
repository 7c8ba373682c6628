//go:build linux

package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"dray/backend/rayapi"
	"dray/backend/store"
)

// PruneOptions say which jobs that are over are kept, newest first. A bound of
// 0 is none; without any, Prune takes those of Config.Retention.
type PruneOptions struct {
	MaxAge   time.Duration `json:"max_age,omitempty"`   // since the job's end
	MaxCount int           `json:"max_count,omitempty"` // records
	MaxBytes int64         `json:"max_bytes,omitempty"` // of the jobs' folders
	DryRun   bool          `json:"dry_run,omitempty"`   // only say what would go
}

// DefaultRetention is what a backend keeps that was told nothing.
func DefaultRetention() PruneOptions {
	return PruneOptions{MaxCount: 100_000, MaxAge: 90 * 24 * time.Hour}
}

// Pruned is a job that was removed, or would be.
type Pruned struct {
	ID      string `json:"id"`
	EndedAt int64  `json:"ended_at"` // ms
	Bytes   int64  `json:"bytes"`    // of its folder, log included
	Reason  string `json:"reason"`
}

// Prune removes jobs that are over and beyond the bounds, with their logs. The
// record of each, values of env_vars left out, is first added to a file of JSON
// lines, one for each month, in the archive's folder. Jobs that are pinned
// (MetaPin) stay, and are not counted. Packages and environments that nothing
// needs any more go with them. With an error, what was removed before it is
// returned too.
func (m *Manager) Prune(ctx context.Context, o PruneOptions) ([]Pruned, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if o.DryRun {
		defer m.noteDryRun()()
	}
	if o == (PruneOptions{DryRun: o.DryRun}) {
		dry := o.DryRun
		o = m.cfg.Retention
		o.DryRun = dry
	}
	surplus, err := m.surplus(ctx, o)
	if err != nil || o.DryRun {
		return surplus, err
	}
	for i, p := range surplus {
		if err := m.archive(ctx, p); err != nil {
			return surplus[:i], err
		}
	}
	if len(surplus) > 0 {
		m.collect(ctx, false)
	}
	return surplus, nil
}

// surplus returns what is beyond the bounds, newest first.
func (m *Manager) surplus(ctx context.Context, o PruneOptions) ([]Pruned, error) {
	var gone []Pruned
	var count int
	var bytes int64
	err := m.cfg.Store.Rows(ctx, func(page []store.Row) error {
		for _, row := range page {
			p, ok := m.prunable(row)
			if !ok {
				continue
			}
			count++
			if o.MaxBytes > 0 {
				p.Bytes = folderSize(m.dirOf(p.ID).Path())
				bytes += p.Bytes
			}
			if p.Reason = o.beyond(m.cfg.Now().UnixMilli()-p.EndedAt, count, bytes); p.Reason == "" {
				continue
			}
			if o.MaxBytes == 0 {
				p.Bytes = folderSize(m.dirOf(p.ID).Path())
			}
			gone = append(gone, p)
		}
		return ctx.Err()
	})
	return gone, err
}

// prunable reads what of a record matters here; false when it must stay.
func (m *Manager) prunable(row store.Row) (Pruned, bool) {
	if !row.Phase.Terminal() {
		return Pruned{}, false
	}
	d, err := decode(row)
	if err != nil || d.EndTime == nil {
		return Pruned{}, false
	}
	w, _ := wishesOf(d.Metadata)
	return Pruned{ID: row.ID, EndedAt: *d.EndTime}, !w.pin
}

// beyond says which bound a job is beyond, or "".
func (o PruneOptions) beyond(ageMS int64, count int, bytes int64) string {
	switch {
	case 0 < o.MaxAge && o.MaxAge < time.Millisecond:
		return "no job that is over is kept"
	case o.MaxAge > 0 && ageMS > o.MaxAge.Milliseconds():
		return fmt.Sprintf("it ended more than %s ago", o.MaxAge)
	case o.MaxCount > 0 && count > o.MaxCount:
		return fmt.Sprintf("%d newer jobs are kept", o.MaxCount)
	case o.MaxBytes > 0 && bytes > o.MaxBytes:
		return fmt.Sprintf("the newer jobs fill %d bytes", o.MaxBytes)
	}
	return ""
}

func folderSize(dir string) int64 {
	var size int64
	// What cannot be read is gone meanwhile, and takes no space.
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

// archived is one line of the archive.
type archived struct {
	ArchivedAt int64           `json:"archived_at"` // ms
	Reason     string          `json:"reason"`
	Job        json.RawMessage `json:"job"`
}

// archive moves one record to the archive. One that is gone by now, or was
// replaced by a job that lives, is left.
func (m *Manager) archive(ctx context.Context, p Pruned) error {
	row, err := m.cfg.Store.Get(ctx, p.ID)
	if errors.Is(err, store.ErrNoRow) || err == nil && !row.Phase.Terminal() {
		return nil
	}
	if err != nil {
		return err
	}
	now := m.cfg.Now()
	line, err := json.Marshal(archived{ArchivedAt: now.UnixMilli(), Reason: p.Reason, Job: row.DetailsJSON})
	if err != nil {
		return fmt.Errorf("archive job %s: %w", p.ID, err)
	}
	if err := appendLine(m.cfg.Archive, now.UTC().Format("jobs-2006-01")+".jsonl", line); err != nil {
		return fmt.Errorf("archive job %s: %w", p.ID, err)
	}
	var state *rayapi.StateError
	err = m.Delete(ctx, p.ID)
	if errors.Is(err, rayapi.ErrNotFound) || errors.As(err, &state) {
		return nil
	}
	return err
}

// appendLine adds a line to a file, durably.
func appendLine(dir, name string, line []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}
