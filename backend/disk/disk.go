//go:build linux

// Package disk looks after the space on the file system that holds the state:
// it keeps some back for the moment when the disk is full, and says when there
// is too little left for more work.
//
// What is done with a full disk is left to packages jobs and supervise.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"dray/backend/rayapi"
)

// Sizes in bytes.
const (
	DefaultBallast = 32 << 20
	DefaultReserve = 64 << 20

	// share is the part of a file system that ballast and reserve may take at
	// most, each: on a small one they are smaller.
	share = 50

	ballastName = "ballast"
	blockBytes  = 1 << 20
)

// Options are how much is kept; 0 means the default, below 0 none.
type Options struct {
	Ballast int64 // written to a file, and given back when the disk is full
	Reserve int64 // free space below which Check refuses
}

// Guard looks after one folder's file system.
type Guard struct {
	dir              string
	ballast, reserve int64

	mu   sync.Mutex
	held bool // the ballast is on the disk
}

// Open returns the Guard of the file system that holds dir. The ballast is
// written by the first Refill, which takes its time.
func Open(dir string, o Options) (*Guard, error) {
	_, total, err := space(dir)
	if err != nil {
		return nil, err
	}
	g := &Guard{dir: dir, ballast: size(o.Ballast, DefaultBallast, total), reserve: size(o.Reserve, DefaultReserve, total)}
	info, err := os.Stat(g.path())
	g.held = err == nil && info.Size() == g.ballast // from the last run
	return g, nil
}

func size(asked, normal, total int64) int64 {
	switch {
	case asked < 0:
		return 0
	case asked > 0:
		return asked
	}
	return min(normal, total/share)
}

// space returns what this user may still write and the size of all.
func space(dir string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("look for space in %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize, nil
}

// Check returns an error that wraps rayapi.ErrNoSpace when less than the
// reserve is free. One that space cannot be asked for is none: the disk itself
// will say.
func (g *Guard) Check() error {
	free, _, err := space(g.dir)
	if err == nil && free < g.reserve {
		return g.low(free)
	}
	return nil
}

func (g *Guard) low(free int64) error {
	return fmt.Errorf("%w: %s has %d MiB free, and the last %d MiB are kept for the jobs that run: free some and submit again",
		rayapi.ErrNoSpace, g.dir, free>>20, g.reserve>>20)
}

// Release gives the ballast back to the file system. It needs no space.
func (g *Guard) Release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.held {
		return nil
	}
	if err := os.Truncate(g.path(), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give back the ballast: %w", err)
	}
	g.held = false
	return nil
}

// Refill writes the ballast, when that leaves the reserve free. Without room
// it does nothing and returns nil.
func (g *Guard) Refill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held || g.ballast == 0 {
		return nil
	}
	free, _, err := space(g.dir)
	if err != nil {
		return err
	}
	if free < g.ballast+2*g.reserve { // else it would be given back at once
		return nil
	}
	if err := g.write(); err != nil {
		return errors.Join(fmt.Errorf("write the ballast: %w", err), os.Truncate(g.path(), 0))
	}
	g.held = true
	return nil
}

func (g *Guard) path() string { return filepath.Join(g.dir, ballastName) }

// write fills the file with bytes that no file system stores as a hole or
// compresses away entirely: a reservation alone is not kept by all of them.
func (g *Guard) write() (err error) {
	f, err := os.OpenFile(g.path(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	block, state := make([]byte, blockBytes), uint64(1)
	for left := g.ballast; left > 0; {
		for i := range block {
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			block[i] = byte(state)
		}
		n, err := f.Write(block[:min(left, int64(len(block)))])
		if err != nil {
			return err
		}
		left -= int64(n)
	}
	return f.Sync()
}
