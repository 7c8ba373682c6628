package handoff

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists says that there is a file already.
var ErrExists = errors.New("there is a file of that name already")

// ErrNoFile says that the name is a device's or a pipe's.
var ErrNoFile = errors.New("it is a device or a pipe; name a file, or give the log to a command with |")

// Save writes a file: all of it or nothing. It takes the place of another only
// if overwrite says so; where the name is a link, of the file that it leads to.
func Save(path string, overwrite bool, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", path, ErrNoFile)
	}
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return named(path, replace(path, overwrite, write))
}

// named makes an error speak of the user's file, not of ours that is to become
// it.
func named(path string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return fmt.Errorf("%s: %w", path, of.Err)
	}
	return err
}

// replace writes a file beside path and gives it that name.
func replace(path string, overwrite bool, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Chmod(mode(path))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = publish(f.Name(), path, overwrite)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it was never the user's file
	}
	return err
}

// mode is that of the file which is replaced; a new one is for its owner alone:
// logs hold secrets.
func mode(path string) fs.FileMode {
	if info, err := os.Stat(path); err == nil {
		return info.Mode().Perm()
	}
	return 0o600
}

// publish gives the finished file its name.
func publish(temp, path string, overwrite bool) error {
	if overwrite {
		return os.Rename(temp, path)
	}
	err := os.Link(temp, path)
	switch {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	// The file system has no links: take the name first, so that no other
	// program's file is replaced.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
