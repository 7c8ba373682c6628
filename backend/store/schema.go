//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"dray/backend/rayapi"
)

// schemaVersion is PRAGMA user_version of what schema makes.
const schemaVersion = 1

// live is the condition of the partial index jobs_live. A query uses the index
// only if it repeats the condition to the letter.
const live = `phase NOT IN ('SUCCEEDED','FAILED','STOPPED')`

const schema = `
CREATE TABLE jobs (
  seq        INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  phase      TEXT    NOT NULL,
  has_secret INTEGER NOT NULL,
  stop_asked INTEGER NOT NULL,
  log_flaw   TEXT    NOT NULL,
  details    TEXT    NOT NULL
) STRICT;
CREATE INDEX jobs_live ON jobs(seq) WHERE ` + live + `;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;`

// statements are prepared on the writing connection.
type statements struct{ insert, update, forget *sql.Stmt }

func (s *statements) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{s.insert, s.update, s.forget} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	return u.String()
}

func (s *Store) openWriter(ctx context.Context) (err error) {
	s.writers, err = sql.Open("sqlite", dsn(s.path, "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return err
	}
	s.writers.SetMaxOpenConns(1)
	if s.w, err = s.writers.Conn(ctx); err != nil {
		return err
	}
	if err := s.w.Raw(keepJournal); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	return s.prepare(ctx)
}

// keepJournal leaves the files of the write-ahead log in place when the
// database is closed: on a full disk they could not be made again, and then
// not even the old records could be read.
func keepJournal(driverConn any) error {
	fc, ok := driverConn.(sqlite.FileControl)
	if !ok {
		return errors.New("the SQLite driver cannot keep its journal")
	}
	_, err := fc.FileControlPersistWAL("main", 1)
	return err
}

// check makes the tables of a new database and looks for damage in an old one.
func (s *Store) check(ctx context.Context) error {
	var version int
	if err := s.w.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return fmt.Errorf("written by a newer dray (format %d, this one knows %d): use that version, or another --state-dir",
			version, schemaVersion)
	case version == 0:
		return s.create(ctx)
	}
	var verdict string
	if err := s.w.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &damageError{verdict}
	}
	return nil
}

func (s *Store) create(ctx context.Context) error {
	var tables int
	if err := s.w.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return &damageError{"it has tables but no format number"}
	}
	_, err := s.w.ExecContext(ctx, "BEGIN IMMEDIATE;"+schema+"COMMIT;")
	return err
}

func (s *Store) prepare(ctx context.Context) (err error) {
	s.stmts.insert, err = s.w.PrepareContext(ctx, `
		INSERT INTO jobs (seq, id, phase, has_secret, stop_asked, log_flaw, details)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	s.stmts.update, err = s.w.PrepareContext(ctx, `
		UPDATE jobs SET phase = ?, stop_asked = ?, log_flaw = ?, details = ?
		WHERE id = ? AND instr(?, ',' || phase || ',') > 0`)
	if err != nil {
		return err
	}
	s.stmts.forget, err = s.w.PrepareContext(ctx, `DELETE FROM jobs WHERE id = ? AND phase = 'DELETED'`)
	return err
}

// damageError is damage that SQLite's own check found.
type damageError struct{ verdict string }

func (e *damageError) Error() string { return "the database is damaged: " + e.verdict }

func isDamage(err error) bool {
	var damage *damageError
	code := codeOf(err)
	return errors.As(err, &damage) || code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// codeOf returns SQLite's primary result code, or 0.
func codeOf(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// classify adds rayapi.ErrNoSpace to the error of a full disk.
func classify(err error) error {
	if codeOf(err) == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", rayapi.ErrNoSpace, err)
	}
	return err
}
