package packages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/rayapi"
)

// Store keeps the uploaded packages of one state folder by content: a blob for
// each SHA-256, and for each package name a small file that holds the hash of
// its blob. A name changes its content only by Replace. One process at a time may
// have a folder open; within it all methods may be called at once.
type Store struct {
	dir string

	mu sync.Mutex // orders the decisions about names
}

const (
	blobsDir = "sha256"
	namesDir = "names"
	tempDir  = "tmp"
)

// OpenStore opens the store in dir, which it makes if it is missing, and
// removes what uploads that were cut off have left.
func OpenStore(dir string) (*Store, error) {
	if err := os.RemoveAll(filepath.Join(dir, tempDir)); err != nil {
		return nil, fmt.Errorf("open package store: %w", err)
	}
	for _, sub := range []string{blobsDir, namesDir, tempDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("open package store: %w", err)
		}
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, namesDir, ".tmp-*"))
	if err != nil {
		return nil, fmt.Errorf("open package store: %w", err)
	}
	for _, path := range leftovers {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("open package store: %w", err)
		}
	}
	return &Store{dir: dir}, nil
}

// Has reports whether a package of that name is stored. It marks the package
// as used now, because the caller will skip an upload on the answer's
// strength. The error wraps ErrName for what cannot be a name.
func (s *Store) Has(ctx context.Context, name string) (bool, error) {
	if err := CheckName(name); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock() // it may not be collected between the look and the mark
	defer s.mu.Unlock()
	_, err := s.lookup(name)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.touch(name)
}

// touch marks a package as used now.
func (s *Store) touch(name string) error {
	now := time.Now()
	if err := os.Chtimes(s.namePath(name), now, now); err != nil {
		return fmt.Errorf("mark package %s as used: %w", name, err)
	}
	return nil
}

// Put stores body under name, durably, or nothing at all. The same bytes under
// the same name are fine; other bytes are an error that wraps ErrConflict,
// more than MaxBytes one that wraps ErrTooLarge, a bad name ErrName and a full
// disk rayapi.ErrNoSpace.
func (s *Store) Put(ctx context.Context, name string, body io.Reader) error {
	return s.Replace(ctx, name, body, func(string) bool { return true })
}

// Replace is Put, but as with Ray other bytes take the place of those that a
// name stands for, unless inUse says that a job may still unpack these. It must
// not call the Store.
func (s *Store) Replace(ctx context.Context, name string, body io.Reader, inUse func(name string) bool) error {
	if err := CheckName(name); err != nil {
		return err
	}
	tmp, sum, err := s.receive(ctx, body)
	if err != nil {
		return fmt.Errorf("store package %s: %w", name, noSpace(err))
	}
	defer os.Remove(tmp) // gone already when it has become the blob
	s.mu.Lock()
	defer s.mu.Unlock()
	known, err := s.sumOf(name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if known != "" && known != sum && inUse(name) {
		return fmt.Errorf("store package %s: %w: upload it under another name", name, ErrConflict)
	}
	if err := s.keep(tmp, sum); err != nil {
		return fmt.Errorf("store package %s: %w", name, noSpace(err))
	}
	if known == sum {
		return s.touch(name)
	}
	if err := atomicfile.Write(s.namePath(name), []byte(sum+"\n"), 0o600); err != nil {
		return fmt.Errorf("store package %s: %w", name, noSpace(err))
	}
	return nil
}

// receive writes body to a temporary file on the store's file system and
// returns its path and SHA-256. On an error there is no file.
func (s *Store) receive(ctx context.Context, body io.Reader) (path, sum string, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, tempDir), "put-*")
	if err != nil {
		return "", "", err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(contextReader{ctx, body}, MaxBytes+1))
	if err != nil {
		return "", "", err
	}
	if n > MaxBytes {
		return "", "", fmt.Errorf("%w: exclude large files, or put them where the job can read them", ErrTooLarge)
	}
	if err := f.Sync(); err != nil {
		return "", "", err
	}
	if err := f.Close(); err != nil {
		return "", "", err
	}
	return f.Name(), hex.EncodeToString(h.Sum(nil)), nil
}

// keep makes the file at tmp the blob of sum, unless there is one.
func (s *Store) keep(tmp, sum string) error {
	blob := s.blobPath(sum)
	if _, err := os.Stat(blob); err == nil {
		return nil
	}
	dir := filepath.Dir(blob)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Rename(tmp, blob); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(dir); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(dir))
}

// Open opens a stored package for reading; the caller closes it. The error
// wraps ErrNotFound when there is none, and ErrName for a bad name.
func (s *Store) Open(name string) (*os.File, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	s.mu.Lock() // it may not be collected between the look and the opening
	defer s.mu.Unlock()
	sum, err := s.lookup(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.blobPath(sum))
	if err != nil {
		return nil, fmt.Errorf("open package %s: %w", name, err)
	}
	return f, s.touch(name)
}

// lookup returns the hash of a package whose blob exists.
func (s *Store) lookup(name string) (string, error) {
	sum, err := s.sumOf(name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(s.blobPath(sum)); errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("package %s: %w", name, ErrNotFound)
	} else if err != nil {
		return "", fmt.Errorf("find package %s: %w", name, err)
	}
	return sum, nil
}

func (s *Store) sumOf(name string) (string, error) {
	data, err := os.ReadFile(s.namePath(name))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("package %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("find package %s: %w", name, err)
	}
	sum := strings.TrimSpace(string(data))
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		// A damaged entry counts as none: the next upload writes it anew.
		return "", fmt.Errorf("package %s: %w", name, ErrNotFound)
	}
	return sum, nil
}

func (s *Store) namePath(name string) string { return filepath.Join(s.dir, namesDir, name) }

func (s *Store) blobPath(sum string) string {
	return filepath.Join(s.dir, blobsDir, sum[:2], sum)
}

// noSpace adds the sentence and the sentinel of a full disk.
func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", rayapi.ErrNoSpace, err)
	}
	return err
}
