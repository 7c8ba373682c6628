//go:build linux

// Package store keeps the records of jobs in an SQLite database that survives
// kill -9 and, as far as the disk keeps its promises, a power cut.
//
// It knows which rows exist, in which phase they are and that a terminal row
// never changes; which transitions are legal, and what a phase means for
// processes and folders, is the business of package jobs. Values of
// environment variables never come here: a row only says that the job's secret
// file holds some.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Phase is where a job stands. The values are in the database: do not rename.
type Phase string

// The phases of a row. What a supervisor knows beyond them (the entrypoint was
// reaped, the log is complete) is in the job's slot.
const (
	Accepted  Phase = "ACCEPTED"  // the submit was answered
	Queued    Phase = "QUEUED"    // waits for resources
	Preparing Phase = "PREPARING" // its runtime environment is built
	Starting  Phase = "STARTING"  // a supervisor may exist
	Running   Phase = "RUNNING"   // the entrypoint was seen
	Stopping  Phase = "STOPPING"  // runs, and was asked to stop
	Succeeded Phase = "SUCCEEDED"
	Failed    Phase = "FAILED"
	Stopped   Phase = "STOPPED"
	Deleted   Phase = "DELETED" // no longer a record; its folder may still be there
)

// Terminal reports whether a row in phase p never changes, except that it can
// be deleted.
func (p Phase) Terminal() bool { return p == Succeeded || p == Failed || p == Stopped }

// Errors of rows.
var (
	ErrNoRow    = errors.New("no such record")
	ErrExists   = errors.New("the id has a record")
	ErrConflict = errors.New("the record is not in a phase that allows this")
	ErrClosed   = errors.New("the records are closed")
)

// Row is one job's record.
type Row struct {
	Seq         int64 // order of acceptance; chosen by the caller, never used twice
	ID          string
	Phase       Phase
	HasSecret   bool   // the values of env_vars are in the job's secret file
	StopAsked   int64  // ms; 0: nobody asked
	LogFlaw     string // why bytes of the log may be missing
	DetailsJSON []byte // the job as the API shows it, values of env_vars empty
}

// Store is the open database. Close it.
type Store struct {
	path    string
	readers *sql.DB
	writers *sql.DB   // one connection, w
	w       *sql.Conn // used by the writing goroutine alone
	stmts   statements
	damaged string

	writes  chan *write
	closing chan struct{}
	closed  sync.Once
	wrote   chan struct{} // the writing goroutine has ended
}

// Open opens the database at path, or makes it. One that is damaged is moved
// aside, together with its journal, and replaced by an empty one; Damaged
// tells, and NeedsRestore stays true until the caller has filled it.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err == nil || !isDamage(err) {
		return s, err
	}
	aside := fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405.000000000"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("move the damaged records aside: %w", err)
		}
	}
	if s, err = open(ctx, path); err != nil {
		return nil, err
	}
	s.damaged = aside
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	s := &Store{path: path, writes: make(chan *write), closing: make(chan struct{}), wrote: make(chan struct{})}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open the records %s: %w", path, errors.Join(err, s.closeParts()))
		}
	}()
	if err := s.openWriter(ctx); err != nil {
		return nil, err
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return nil, err
	}
	s.readers.SetMaxOpenConns(readConns)
	s.readers.SetMaxIdleConns(readConns)
	go s.writeLoop()
	return s, nil
}

// readConns is how many reads run at once; they never wait for a write.
const readConns = 4

// Damaged returns where a damaged database was moved to by Open, or "".
func (s *Store) Damaged() string { return s.damaged }

// Close writes the journal back into the database and closes it. Writes that
// wait get ErrClosed. A second call does nothing.
func (s *Store) Close() error {
	var err error
	s.closed.Do(func() {
		close(s.closing)
		<-s.wrote
		// No caller's context: nobody may cut a close short.
		_, err = s.w.ExecContext(context.Background(), "PRAGMA wal_checkpoint(FULL)")
		if codeOf(err) == sqlite3.SQLITE_FULL {
			err = nil // what is in the journal is as safe there
		}
		err = errors.Join(err, s.closeParts())
		if err != nil {
			err = fmt.Errorf("close the records: %w", err)
		}
	})
	return err
}

// closeParts closes the writer last: only it was told to leave the journal's
// files in place.
func (s *Store) closeParts() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	errs = append(errs, s.stmts.close())
	if s.w != nil {
		errs = append(errs, s.w.Close())
	}
	if s.writers != nil {
		errs = append(errs, s.writers.Close())
	}
	return errors.Join(errs...)
}
