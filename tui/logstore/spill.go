package logstore

import (
	"fmt"
	"os"
	"path/filepath"
)

// newSpillFile opens a file in the user's cache folder, or else in the folder
// for temporary files, which may be in memory. It has no name any more, so it
// goes with the process however that ends.
func newSpillFile() (*os.File, error) {
	f, err := createIn(os.UserCacheDir())
	if err != nil {
		f, err = os.CreateTemp("", "dray-log-*")
	}
	if err != nil {
		return nil, fmt.Errorf("keep the log on disk: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("keep the log on disk: %w", err)
	}
	return f, nil
}

func createIn(cache string, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "dray")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, "log-*")
}
