//go:build linux

// Package envcache keeps built environments on disk: each is built once,
// whoever asks, used by many jobs, and removed when no job uses it and room is
// needed. All it knows survives the death of this process at any instant.
//
// How an environment is built is the business of package runtimeenv.
package envcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/runtimeenv/tool"
)

// Cache is a folder of environments. For NAME, which is kind and key, there is
// NAME itself, NAME.lock, whose flock is held by whoever changes it, and
// NAME.complete, written last. refs has a folder for each user with an empty
// file NAME for each environment in use. Several processes may have one open.
type Cache struct {
	root string
	max  int64 // bytes of each kind
	log  *slog.Logger

	mu      sync.Mutex // guards flights
	flights map[string]*flight
}

// flight is a use of one environment that others of this process wait for.
type flight struct {
	done chan struct{}
	err  error // what the others share; set before done is closed
}

// Entry says which environment is meant.
type Entry struct {
	Kind  string // pip, uv or conda
	Key   string // hex digits
	Title string // what is in it, for people
}

func (e Entry) name() string { return e.Kind + "-" + e.Key }

// mark is the content of NAME.complete; its modification time is the last use.
type mark struct {
	Title string    `json:"title"`
	Built time.Time `json:"built"`
	Bytes int64     `json:"bytes"`
}

const (
	refsDir     = "refs"
	trashDir    = "trash"
	userFile    = "user"
	lockExt     = ".lock"
	completeExt = ".complete"
)

// Open opens the cache in root, an absolute path, which it makes if it is
// missing. Of each kind it keeps maxBytes of what is not in use.
func Open(root string, maxBytes int64, log *slog.Logger) (*Cache, error) {
	for _, dir := range []string{root, filepath.Join(root, refsDir), filepath.Join(root, trashDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open the environments: %w", err)
		}
	}
	return &Cache{root: root, max: maxBytes, log: log, flights: make(map[string]*flight)}, nil
}

// Use returns the folder of an environment, which build makes if there is
// none, and notes that user uses it until Release. Of several that ask at once
// one builds and the others wait and share its error, unless that one's
// context ended. Build gets the final path, which does not exist yet.
func (c *Cache) Use(ctx context.Context, e Entry, user string, waits func(), build func(ctx context.Context, dir string) error) (string, error) {
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		c.mu.Lock()
		f, busy := c.flights[e.name()]
		if !busy {
			f = &flight{done: make(chan struct{})}
			c.flights[e.name()] = f
		}
		c.mu.Unlock()
		if !busy {
			return c.lead(ctx, f, e, user, build)
		}
		waits()
		select {
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (c *Cache) lead(ctx context.Context, f *flight, e Entry, user string, build func(ctx context.Context, dir string) error) (dir string, err error) {
	built := false
	defer func() {
		if err != nil && ctx.Err() == nil {
			f.err = err
		}
		c.mu.Lock()
		delete(c.flights, e.name())
		c.mu.Unlock()
		close(f.done)
		if err == nil && built {
			if _, gcErr := c.GC(ctx); gcErr != nil && ctx.Err() == nil {
				c.log.Warn("collect environments", "err", gcErr)
			}
		}
	}()
	lock, err := c.lock(ctx, e.name())
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := c.refer(e.name(), user); err != nil {
		return "", err
	}
	dir = filepath.Join(c.root, e.name())
	if c.isComplete(e.name()) {
		now := time.Now()
		return dir, os.Chtimes(dir+completeExt, now, now)
	}
	if err := c.build(ctx, e, dir, build); err != nil {
		return "", errors.Join(err, c.unrefer(e.name(), user))
	}
	built = true
	return dir, nil
}

func (c *Cache) isComplete(name string) bool {
	if _, err := c.readMark(name); err != nil {
		return false
	}
	info, err := os.Stat(filepath.Join(c.root, name))
	return err == nil && info.IsDir()
}

func (c *Cache) readMark(name string) (m mark, err error) {
	data, err := os.ReadFile(filepath.Join(c.root, name+completeExt))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(data, &m)
}

// build makes the environment anew: whatever is there without a mark belongs
// to a build that was cut off, perhaps with its tool still writing.
func (c *Cache) build(ctx context.Context, e Entry, dir string, build func(ctx context.Context, dir string) error) error {
	if err := tool.KillMarked(dir); err != nil {
		return err
	}
	if err := c.discard(e.name()); err != nil {
		return err
	}
	if err := build(ctx, dir); err != nil {
		return errors.Join(err, c.discard(e.name()))
	}
	size, err := sizeOf(dir)
	if err != nil {
		return err
	}
	data, err := json.Marshal(mark{Title: e.Title, Built: time.Now().UTC().Truncate(time.Second), Bytes: size})
	if err != nil {
		return err
	}
	if err := syncDisk(dir); err != nil {
		return err
	}
	return atomicfile.Write(dir+completeExt, data, 0o600)
}

// discard removes an environment and its mark; the lock must be held. What a
// crash leaves in the trash goes with the next collection.
func (c *Cache) discard(name string) error {
	dir := filepath.Join(c.root, name)
	if err := os.Remove(dir + completeExt); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove environment %s: %w", name, err)
	}
	trash, err := os.MkdirTemp(filepath.Join(c.root, trashDir), name+"-*")
	if err != nil {
		return fmt.Errorf("remove environment %s: %w", name, err)
	}
	if err := os.Rename(dir, filepath.Join(trash, "env")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove environment %s: %w", name, err)
	}
	if err := os.RemoveAll(trash); err != nil {
		return fmt.Errorf("remove environment %s: %w", name, err)
	}
	return nil
}

func (c *Cache) userDir(user string) string {
	sum := sha256.Sum256([]byte(user))
	return filepath.Join(c.root, refsDir, hex.EncodeToString(sum[:16]))
}

// refer notes a use, durably, before the environment may be relied on.
func (c *Cache) refer(name, user string) error {
	dir := c.userDir(user)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("note the use of environment %s: %w", name, err)
	}
	for file, text := range map[string]string{userFile: user, name: ""} {
		if err := atomicfile.Write(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return fmt.Errorf("note the use of environment %s: %w", name, err)
		}
	}
	return nil
}

func (c *Cache) unrefer(name, user string) error {
	if err := os.Remove(filepath.Join(c.userDir(user), name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Release says that user uses no environment any more. It may be called for
// one that never did.
func (c *Cache) Release(user string) error {
	if err := os.RemoveAll(c.userDir(user)); err != nil {
		return fmt.Errorf("release the environments of %s: %w", user, err)
	}
	return nil
}

// Sweep releases every user that is not live: those whose end this process did
// not see.
func (c *Cache) Sweep(isLive func(user string) bool) error {
	dirs, err := os.ReadDir(filepath.Join(c.root, refsDir))
	if err != nil {
		return fmt.Errorf("sweep the uses of environments: %w", err)
	}
	var errs []error
	for _, d := range dirs {
		path := filepath.Join(c.root, refsDir, d.Name())
		user, err := os.ReadFile(filepath.Join(path, userFile))
		if err == nil && isLive(string(user)) {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
