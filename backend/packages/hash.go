package packages

import (
	"context"
	"crypto/sha1" //nolint:gosec // Ray's names are made of it; nothing is trusted to it
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// treeHash is Ray's hash of a set of files: the first eight bytes of each
// path's SHA-1, XORed together from eight ASCII zeros, so that order is
// without effect.
type treeHash [8]byte

func newTreeHash() treeHash { return treeHash([]byte("00000000")) }

// add takes in one path. A file that cannot be opened counts by its name, and
// so does what is no regular file: reading a pipe would wait for ever.
func (t *treeHash) add(path, rel string, regular bool) error {
	h := sha1.New() //nolint:gosec // see the import
	_, _ = io.WriteString(h, rel)
	if regular {
		if f, err := os.Open(path); err == nil {
			_, err = io.Copy(h, f)
			f.Close()
			if err != nil {
				return fmt.Errorf("hash package: %w", err)
			}
		}
	}
	for i, b := range h.Sum(nil)[:len(t)] {
		t[i] ^= b
	}
	return nil
}

func (t *treeHash) String() string { return hex.EncodeToString(t[:]) }

// HashDir returns the 16 hex digits by which Ray names the package of a
// folder. Two folders have the same hash when the same paths with the same
// contents belong to them; modes and times do not count.
func HashDir(dir string, opt Options) (string, error) {
	h := newTreeHash()
	err := walk(context.Background(), dir, opt, func(e entry) error {
		return h.add(e.path, e.rel, e.mode.IsRegular())
	})
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// HashPy returns the 16 hex digits by which Ray names the package of a single
// module file.
func HashPy(path string) (string, error) {
	if err := mustBeFile(path); err != nil {
		return "", err
	}
	h := newTreeHash()
	if err := h.add(path, filepath.Base(path), true); err != nil {
		return "", err
	}
	return h.String(), nil
}

// HashFile returns the 40 hex digits of the SHA-1 of a local archive, by which
// Ray names its package.
func HashFile(path string) (string, error) {
	if err := mustBeFile(path); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash package: %w", err)
	}
	defer f.Close()
	h := sha1.New() //nolint:gosec // see the import
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash package: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func mustBeFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("hash package: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("hash package: %s is not a regular file", path)
	}
	return nil
}
