//go:build linux

package backend

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"dray/backend/jobs"
	"dray/backend/packages"
	"dray/backend/runtimeenv"
)

// urgentAge is how long a package is kept that a client was told is there,
// also on a disk that is nearly full: as long as Ray keeps one.
const urgentAge = 10 * time.Minute

// collector removes packages and environments.
type collector struct {
	packages *packages.Store
	envs     *runtimeenv.Builder
	log      *slog.Logger
}

// uploads is the package store as clients see it: an upload takes the place of
// one that no job needs.
type uploads struct {
	*packages.Store
	jobs *jobs.Manager
}

// Put stores a package under a name, which stood for another perhaps.
func (u *uploads) Put(ctx context.Context, name string, body io.Reader) error {
	return u.Replace(ctx, name, body, u.jobs.UsesPackage)
}

// Collect removes what is beyond the bounds; urgent, what nobody needs.
func (c *collector) Collect(ctx context.Context, isNeeded func(pkg string) bool, urgent bool) error {
	o := packages.DefaultCollect()
	keep := int64(runtimeenv.DefaultMaxBytes)
	if urgent {
		o.MaxBytes, o.MinAge, keep = 0, urgentAge, 0
	}
	o.Referenced = isNeeded
	gone, err := c.packages.Collect(ctx, o)
	removed, envErr := c.envs.Cache().Shrink(ctx, keep)
	var bytes int64
	for _, g := range gone {
		bytes += g.Bytes
	}
	for _, e := range removed {
		bytes += e.Bytes
	}
	if len(gone)+len(removed) > 0 {
		c.log.Info("packages and environments were removed", "packages", len(gone), "environments", len(removed), "bytes", bytes, "disk nearly full", urgent)
	}
	return errors.Join(err, envErr)
}
