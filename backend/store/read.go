//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
)

// pageRows is how many rows Rows reads at a time. Between pages it holds no
// connection, so a slow consumer keeps no old snapshot of the database alive.
const pageRows = 512

const columns = "seq, id, phase, has_secret, stop_asked, log_flaw, details"

// Get returns the record of a job. ErrNoRow: there is none, or it was deleted.
func (s *Store) Get(ctx context.Context, id string) (Row, error) {
	row := s.readers.QueryRowContext(ctx, "SELECT "+columns+" FROM jobs WHERE id = ? AND phase <> 'DELETED'", id)
	r, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Row{}, fmt.Errorf("read record %s: %w", id, ErrNoRow)
	}
	if err != nil {
		return Row{}, fmt.Errorf("read record %s: %w", id, err)
	}
	return r, nil
}

// Rows calls yield with pages of records, newest first, until yield returns an
// error, which Rows then returns. A page is the callee's to keep.
func (s *Store) Rows(ctx context.Context, yield func(page []Row) error) error {
	before := int64(math.MaxInt64)
	for {
		page, err := s.query(ctx, "SELECT "+columns+` FROM jobs
			WHERE seq < ? AND phase <> 'DELETED' ORDER BY seq DESC LIMIT ?`, before, pageRows)
		if err != nil {
			return fmt.Errorf("list records: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		if err := yield(page); err != nil {
			return err
		}
		if len(page) < pageRows {
			return nil
		}
		before = page[len(page)-1].Seq
	}
}

// Live returns the rows that are not terminal, deleted ones included, oldest
// first.
func (s *Store) Live(ctx context.Context) ([]Row, error) {
	rows, err := s.query(ctx, "SELECT "+columns+" FROM jobs INDEXED BY jobs_live WHERE "+live+" ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("list live records: %w", err)
	}
	return rows, nil
}

// IDs returns the ids of all rows, deleted ones included.
func (s *Store) IDs(ctx context.Context) ([]string, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT id FROM jobs")
	if err != nil {
		return nil, fmt.Errorf("list ids: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list ids: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// LastSeq returns the highest sequence number in use, or 0.
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	var seq int64
	if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM jobs").Scan(&seq); err != nil {
		return 0, fmt.Errorf("read the last sequence number: %w", err)
	}
	return seq, nil
}

// NeedsRestore reports whether the database was made anew and not filled yet
// from what the jobs' folders tell.
func (s *Store) NeedsRestore(ctx context.Context) (bool, error) {
	var n int
	err := s.readers.QueryRowContext(ctx, "SELECT count(*) FROM meta WHERE name = 'restored'").Scan(&n)
	if err != nil {
		return false, fmt.Errorf("read the state of the records: %w", err)
	}
	return n == 0, nil
}

func (s *Store) query(ctx context.Context, query string, args ...any) ([]Row, error) {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []Row
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

func scan(row interface{ Scan(...any) error }) (Row, error) {
	var r Row
	err := row.Scan(&r.Seq, &r.ID, &r.Phase, &r.HasSecret, &r.StopAsked, &r.LogFlaw, &r.DetailsJSON)
	return r, err
}
