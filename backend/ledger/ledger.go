// Package ledger remembers what this machine submitted: the whole request of
// each job, per server, which no server gives back (resources and secret
// values are left out of a job's details).
//
// It also derives the request of a rerun. It sends nothing; that is for its
// callers. Values of environment variables are secrets: the files are for the
// owner alone, and nothing here logs.
package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/rayapi"
)

const (
	// An id is used again after a delete, or tried again after a refusal, so a
	// file keeps the last few requests.
	maxEntries = 4
	// maxName leaves room for ".json" in the 255 bytes of a file name.
	maxName = 200
)

// Ledger is a folder of requests. It may be used by several goroutines and,
// because each job has a file of its own, by several processes.
type Ledger struct{ dir string }

// Entry is one request as it was sent, or was about to be.
type Entry struct {
	Request     rayapi.SubmitRequest `json:"request"`
	Parent      string               `json:"parent,omitempty"` // the job of which it is a rerun
	SubmittedAt time.Time            `json:"submitted_at"`
}

// New returns the ledger in dir, which is made when something is written.
func New(dir string) *Ledger { return &Ledger{dir: dir} }

// Record writes down, durably, that r is about to be sent to the server named
// key. Call it before the request leaves, so that a crash in between loses
// nothing; r must have its submission id. It counts as pending until Done or
// Drop. An older request with the same id is kept until Drop or a few more
// requests push it out.
func (l *Ledger) Record(key string, r rayapi.SubmitRequest, parent string, at time.Time) error {
	if r.SubmissionID == "" {
		return errors.New("record a submit: the request has no submission id")
	}
	if err := l.record(key, Entry{Request: r, Parent: parent, SubmittedAt: at.UTC()}); err != nil {
		return fmt.Errorf("record the submit of %s: %w", r.SubmissionID, err)
	}
	return nil
}

func (l *Ledger) record(key string, e Entry) error {
	unlock, err := l.lock(key)
	if err != nil {
		return err
	}
	defer unlock()
	// The intent is first: a record that is not known to be unanswered would
	// pass for a job.
	if err := l.intend(key, e.Request.SubmissionID, e.SubmittedAt); err != nil {
		return err
	}
	path := l.path(key, e.Request.SubmissionID)
	entries, err := read(path, e.Request.SubmissionID)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		entries = nil // a damaged file must not stop a submit; it is replaced
	}
	entries = append(entries, e)
	return write(path, entries[max(0, len(entries)-maxEntries):])
}

// Drop takes back what Record wrote at that instant, because the server
// refused the request: the id may belong to an earlier job, whose own request
// must be found again. Nothing to take back is no error.
func (l *Ledger) Drop(key, id string, at time.Time) error {
	unlock, err := l.lock(key)
	if err != nil {
		return fmt.Errorf("take back the record of %s: %w", id, err)
	}
	defer unlock()
	path := l.path(key, id)
	entries, err := read(path, id)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("take back the record of %s: %w", id, err)
	}
	kept := make([]Entry, 0, len(entries))
	for _, e := range entries {
		if !e.SubmittedAt.Equal(at) {
			kept = append(kept, e)
		}
	}
	switch len(kept) {
	case len(entries):
		return nil
	case 0:
		err = os.Remove(path)
	default:
		err = write(path, kept)
	}
	if err != nil {
		return fmt.Errorf("take back the record of %s: %w", id, err)
	}
	if in, err := readIntent(l.intentPath(key, id)); err == nil && !in.At.Equal(at) {
		return nil // another process is sending a request with this id
	}
	return l.Done(key, id)
}

// Get returns the newest request that was sent to the server key under id. The
// error wraps os.ErrNotExist when this machine has sent none.
func (l *Ledger) Get(key, id string) (Entry, error) {
	entries, err := read(l.path(key, id), id)
	if err != nil {
		return Entry{}, fmt.Errorf("read the record of %s: %w", id, err)
	}
	return entries[len(entries)-1], nil
}

// lock keeps other processes from changing the records of key, whose folder it
// makes, until unlock.
func (l *Ledger) lock(key string) (unlock func(), err error) {
	dir := filepath.Join(l.dir, fileName(key))
	for _, d := range []string{l.dir, dir} {
		if err := privateDir(d); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing drops the lock
}

func (l *Ledger) path(key, id string) string {
	return filepath.Join(l.dir, fileName(key), fileName(id)+".json")
}

// read returns the entries of a file, oldest first and at least one. A file
// that holds another id counts as missing: on a file system that ignores case,
// "A" and "a" share one.
func read(path, id string) ([]Entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if len(entries) == 0 || entries[len(entries)-1].Request.SubmissionID != id {
		return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
	}
	return entries, nil
}

func write(path string, entries []Entry) error {
	data, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o600)
}

func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() == 0o700 {
		return err
	}
	return os.Chmod(dir, 0o700) // it is older, and wider
}

// fileName turns any text into one file name; plain names stay as they are.
func fileName(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	name := b.String()
	if name == "" || len(name) > maxName {
		sum := sha256.Sum256([]byte(s))
		return "%" + hex.EncodeToString(sum[:])
	}
	return name
}
