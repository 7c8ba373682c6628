// Package atomicfile writes small files so that a reader, or a crash at any
// instant, finds either the old content or the new one, never a part.
//
// It is for files that are replaced whole. It needs free space; what must be
// recorded on a full disk goes into a job's slot (package jobdir).
package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
)

// Write replaces the file at path by data: temporary file in the same folder,
// fsync, rename, fsync of the folder. mode is the new file's permission bits.
func Write(path string, data []byte, mode os.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir makes the names in a folder durable: without it a rename can be
// undone by a power cut although the file's bytes are safe.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	syncErr := d.Sync()
	if err := d.Close(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	if syncErr != nil {
		return fmt.Errorf("sync folder %s: %w", dir, syncErr)
	}
	return nil
}
