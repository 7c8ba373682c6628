//go:build linux

package store

import (
	"context"
	"fmt"
	"strings"
)

// maxBatch bounds how many writes share one commit.
const maxBatch = 256

// write is one change that waits for a commit.
type write struct {
	apply func(ctx context.Context) (rows int64, err error)
	rows  int64
	err   error
	done  chan struct{}
}

// Insert adds a row; it is durable on return. ErrExists: the id or the
// sequence number is taken. rayapi.ErrNoSpace: the disk is full.
func (s *Store) Insert(ctx context.Context, r Row) error {
	n, err := s.do(ctx, func(ctx context.Context) (int64, error) { return s.insert(ctx, r) })
	if err != nil {
		return fmt.Errorf("insert record %s: %w", r.ID, err)
	}
	if n != 1 {
		return fmt.Errorf("insert record %s: %w", r.ID, ErrExists)
	}
	return nil
}

func (s *Store) insert(ctx context.Context, r Row) (int64, error) {
	res, err := s.stmts.insert.ExecContext(ctx, r.Seq, r.ID, string(r.Phase), r.HasSecret, r.StopAsked, r.LogFlaw, string(r.DetailsJSON))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Update replaces what can change of the row with r.ID, if the row is in one
// of the phases from; else, and for a row that does not exist, it returns
// ErrConflict. A terminal row never matches, whatever from says, except for
// the change to Deleted.
func (s *Store) Update(ctx context.Context, r Row, from ...Phase) error {
	allowed := phaseList(from, r.Phase)
	n, err := s.do(ctx, func(ctx context.Context) (int64, error) {
		res, err := s.stmts.update.ExecContext(ctx, string(r.Phase), r.StopAsked, r.LogFlaw, string(r.DetailsJSON), r.ID, allowed)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	})
	if err != nil {
		return fmt.Errorf("update record %s to %s: %w", r.ID, r.Phase, err)
	}
	if n != 1 {
		return fmt.Errorf("update record %s to %s: %w", r.ID, r.Phase, ErrConflict)
	}
	return nil
}

// phaseList is ",A,B,": what the statement searches the row's phase in.
func phaseList(from []Phase, to Phase) string {
	var b strings.Builder
	b.WriteByte(',')
	for _, p := range from {
		if p == Deleted || p.Terminal() && to != Deleted {
			continue
		}
		b.WriteString(string(p))
		b.WriteByte(',')
	}
	return b.String()
}

// Forget removes a row that is in phase Deleted; its id is free afterwards.
func (s *Store) Forget(ctx context.Context, id string) error {
	_, err := s.do(ctx, func(ctx context.Context) (int64, error) {
		res, err := s.stmts.forget.ExecContext(ctx, id)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	})
	if err != nil {
		return fmt.Errorf("forget record %s: %w", id, err)
	}
	return nil
}

// Restore adds the rows to a database that was made anew, in one transaction,
// and marks it as filled.
func (s *Store) Restore(ctx context.Context, rows []Row) error {
	_, err := s.do(ctx, func(ctx context.Context) (int64, error) {
		for _, r := range rows {
			if _, err := s.insert(ctx, r); err != nil {
				return 0, err
			}
		}
		_, err := s.w.ExecContext(ctx, "INSERT OR REPLACE INTO meta VALUES ('restored', 'yes')")
		return int64(len(rows)), err
	})
	if err != nil {
		return fmt.Errorf("restore %d records: %w", len(rows), err)
	}
	return nil
}

// do hands a change to the writing goroutine and waits until it is durable, or
// has failed. Once it was taken, ctx no longer matters: a caller that left
// early would not know whether the change was made.
func (s *Store) do(ctx context.Context, apply func(context.Context) (int64, error)) (int64, error) {
	w := &write{apply: apply, done: make(chan struct{})}
	select {
	case s.writes <- w:
	case <-s.closing:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	<-w.done
	return w.rows, classify(w.err)
}

// writeLoop commits what waits, all of it together: sixteen clients that
// submit at once share one flush of the disk. It ends with Close.
func (s *Store) writeLoop() {
	defer close(s.wrote)
	batch := make([]*write, 0, maxBatch)
	for {
		select {
		case <-s.closing:
			return
		case w := <-s.writes:
			batch = s.collect(append(batch[:0], w))
		}
		if err := s.commit(batch); err != nil && len(batch) > 1 {
			for i := range batch { // one bad change must not spoil the others
				batch[i].err = s.commit(batch[i : i+1])
			}
		} else {
			for _, w := range batch {
				w.err = err
			}
		}
		for _, w := range batch {
			close(w.done)
		}
	}
}

func (s *Store) collect(batch []*write) []*write {
	for len(batch) < maxBatch {
		select {
		case w := <-s.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

func (s *Store) commit(batch []*write) (err error) {
	ctx := context.Background() // see do
	if _, err := s.w.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, w := range batch {
		if w.rows, err = w.apply(ctx); err != nil {
			break
		}
	}
	if err == nil {
		_, err = s.w.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		// SQLite has rolled back by itself after some errors; then this one
		// finds no transaction, which is as good.
		_, _ = s.w.ExecContext(ctx, "ROLLBACK")
	}
	return err
}
