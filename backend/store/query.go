//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Query says which records Page returns.
type Query struct {
	Before int64   // a sequence number that all of them are below; 0: no bound
	Limit  int     // how many at most
	Phases []Phase // empty: all but Deleted
	Text   string  // in the id, the entrypoint or the metadata; "" is in all
}

// textCondition compares without regard to the case of ASCII letters.
const textCondition = ` AND (instr(lower(id), ?1) > 0
	OR instr(lower(coalesce(details ->> '$.entrypoint', '')), ?1) > 0
	OR EXISTS (SELECT 1 FROM json_each(details, '$.metadata')
		WHERE type = 'text' AND (instr(lower(key), ?1) > 0 OR instr(lower(value), ?1) > 0)))`

// anywhereCondition rules most rows out without their JSON being read.
const anywhereCondition = ` AND (instr(lower(id), ?1) > 0 OR instr(lower(details), ?1) > 0)`

// sameInJSON reports whether text within a JSON string looks as it does
// outside.
func sameInJSON(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r)
	})
}

// Page returns the records that q asks for, newest first.
func (s *Store) Page(ctx context.Context, q Query) ([]Row, error) {
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	args := []any{asciiLower(q.Text), q.Before, q.Limit}
	var where strings.Builder
	where.WriteString("seq < ?2 AND phase <> 'DELETED'")
	if len(q.Phases) > 0 {
		where.WriteString(" AND phase IN (")
		for i, p := range q.Phases {
			if i > 0 {
				where.WriteByte(',')
			}
			args = append(args, p)
			fmt.Fprintf(&where, "?%d", len(args))
		}
		where.WriteByte(')')
	}
	if q.Text != "" {
		if sameInJSON(q.Text) {
			where.WriteString(anywhereCondition)
		}
		where.WriteString(textCondition)
	}
	page, err := s.query(ctx, "SELECT "+columns+" FROM jobs WHERE "+where.String()+" ORDER BY seq DESC LIMIT ?3", args...)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	return page, nil
}

// asciiLower is what SQLite's lower does.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// SeqOf returns the sequence number of a record. ErrNoRow: there is none, or it
// was deleted.
func (s *Store) SeqOf(ctx context.Context, id string) (int64, error) {
	var seq int64
	err := s.readers.QueryRowContext(ctx, "SELECT seq FROM jobs WHERE id = ? AND phase <> 'DELETED'", id).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read record %s: %w", id, ErrNoRow)
	}
	if err != nil {
		return 0, fmt.Errorf("read record %s: %w", id, err)
	}
	return seq, nil
}

// Counts returns how many records are in each phase; deleted ones are left out.
func (s *Store) Counts(ctx context.Context) (map[Phase]int, error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT phase, count(*) FROM jobs WHERE phase <> 'DELETED' GROUP BY phase")
	if err != nil {
		return nil, fmt.Errorf("count records: %w", err)
	}
	defer rows.Close()
	counts := map[Phase]int{}
	for rows.Next() {
		var p Phase
		var n int
		if err := rows.Scan(&p, &n); err != nil {
			return nil, fmt.Errorf("count records: %w", err)
		}
		counts[p] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count records: %w", err)
	}
	return counts, nil
}
