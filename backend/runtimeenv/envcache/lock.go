//go:build linux

package envcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

var errBusy = errors.New("the environment is being built or looked at")

// lock waits for the lock of an environment; closing the file gives it back.
func (c *Cache) lock(ctx context.Context, name string) (*os.File, error) {
	tick := time.NewTicker(50 * time.Millisecond) // only another process can hold it, which tells nothing
	defer tick.Stop()
	for {
		f, err := c.tryLock(name)
		if !errors.Is(err, errBusy) {
			return f, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryLock returns errBusy when somebody else holds the lock.
func (c *Cache) tryLock(name string) (*os.File, error) {
	path := filepath.Join(c.root, name+lockExt)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock environment %s: %w", name, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errBusy
		}
		return nil, fmt.Errorf("lock environment %s: %w", name, err)
	}
	// A file that was removed while we waited protects nothing.
	mine, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if there, err := os.Stat(path); err != nil || !os.SameFile(mine, there) {
		f.Close()
		return nil, errBusy
	}
	return f, nil
}

// sizeOf counts the bytes that a folder takes on the disk.
func sizeOf(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return err
	})
	return total, err
}

// syncDisk makes all files of an environment durable before its mark is. It
// syncs the whole file system: one call, where a file at a time takes seconds.
func syncDisk(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync environment: %w", err)
	}
	return nil
}
