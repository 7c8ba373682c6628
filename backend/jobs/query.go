//go:build linux

package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dray/backend/rayapi"
	"dray/backend/store"
)

// cursorPrefix cannot begin a submission id, so that a cursor is no id. Unlike
// an id it holds when the job that it names is deleted.
const cursorPrefix = "seq:"

// maxPage is how many rows Page reads at a time.
const maxPage = 512

// Querier is the part of a Store that Page and Counts read; *store.Store has
// it.
type Querier interface {
	Page(ctx context.Context, q store.Query) ([]store.Row, error)
	SeqOf(ctx context.Context, id string) (int64, error)
	Counts(ctx context.Context) (map[store.Phase]int, error)
}

// Page calls yield with the JSON of each record that q asks for, newest first,
// and stops at yield's error. It returns the cursor behind the last one when
// q.Limit cut the list short, else "". The error wraps rayapi.ErrInvalid when
// q.After means nothing.
func (m *Manager) Page(ctx context.Context, q rayapi.JobQuery, yield func(row []byte) error) (next string, err error) {
	before, err := m.cursor(ctx, q.After)
	if err != nil {
		return "", err
	}
	ask := store.Query{Before: before, Phases: phasesOf(q.Statuses), Text: q.Text}
	for shown := 0; ; {
		ask.Limit = maxPage
		if q.Limit > 0 {
			ask.Limit = min(maxPage, q.Limit-shown+1) // one more tells whether there is one
		}
		page, err := m.cfg.Store.Page(ctx, ask)
		if err != nil {
			return "", err
		}
		for _, row := range page {
			data, err := m.wanted(ctx, row, q.Statuses)
			if err != nil {
				return "", err
			}
			if data == nil {
				ask.Before = row.Seq
				continue
			}
			if q.Limit > 0 && shown == q.Limit {
				return cursorPrefix + strconv.FormatInt(ask.Before, 10), nil
			}
			if err := yield(data); err != nil {
				return "", err
			}
			shown++
			ask.Before = row.Seq
		}
		if len(page) < ask.Limit {
			return "", nil
		}
	}
}

// cursor returns the sequence number below which a list goes on; 0: the start.
func (m *Manager) cursor(ctx context.Context, after string) (int64, error) {
	if after == "" {
		return 0, nil
	}
	if text, ok := strings.CutPrefix(after, cursorPrefix); ok {
		seq, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seq <= 0 {
			return 0, rayapi.InvalidError(fmt.Sprintf("after=%q is not a cursor: take the one in the Link header of the page before.", after))
		}
		return seq, nil
	}
	seq, err := m.cfg.Store.SeqOf(ctx, after)
	if errors.Is(err, store.ErrNoRow) {
		return 0, rayapi.InvalidError(fmt.Sprintf("after=%q is no job: start from the beginning, or use the Link header of the page before.", after))
	}
	return seq, err
}

// phasesOf returns the phases in which a row may show one of the statuses. The
// phases of jobs that live are always among them: memory may be ahead of the
// store, and knows better.
func phasesOf(statuses []rayapi.Status) []store.Phase {
	if len(statuses) == 0 {
		return nil
	}
	phases := []store.Phase{
		store.Accepted, store.Queued, store.Preparing, store.Starting, store.Running, store.Stopping,
	}
	for _, p := range []store.Phase{store.Succeeded, store.Failed, store.Stopped} {
		if slices.Contains(statuses, statusOf(p)) {
			phases = append(phases, p)
		}
	}
	return phases
}

// wanted returns what the API shows of a row, or nil when the job has been
// deleted or has none of the statuses now.
func (m *Manager) wanted(ctx context.Context, row store.Row, statuses []rayapi.Status) ([]byte, error) {
	data, err := m.rowJSON(ctx, row)
	if err != nil || data == nil || len(statuses) == 0 || row.Phase.Terminal() {
		return data, err
	}
	var now struct {
		Status rayapi.Status `json:"status"`
	}
	if err := json.Unmarshal(data, &now); err != nil {
		return nil, fmt.Errorf("read record %s: %w", row.ID, err)
	}
	if !slices.Contains(statuses, now.Status) {
		return nil, nil
	}
	return data, nil
}

// Counts returns how many jobs there are in each status. Of those that live
// memory knows more than the store.
func (m *Manager) Counts(ctx context.Context) (rayapi.JobCounts, error) {
	phases, err := m.cfg.Store.Counts(ctx)
	if err != nil {
		return rayapi.JobCounts{}, err
	}
	counts := rayapi.JobCounts{ByStatus: map[rayapi.Status]int{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, n := range phases {
		if p.Terminal() || !m.recovered {
			counts.ByStatus[statusOf(p)] += n
		}
	}
	for _, j := range m.jobs {
		stored := j.phase.Terminal() && j.saved == j.version
		if m.recovered && j.durable && !stored {
			counts.ByStatus[statusOf(j.phase)]++
		}
	}
	for _, j := range m.queue {
		if j.durable {
			counts.Queued++
		}
	}
	return counts, nil
}

// Node returns this machine's logical resources.
func (m *Manager) Node(context.Context) (rayapi.NodeState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := rayapi.NodeState{ID: m.node, Total: m.capacity.numbers(), Used: map[string]float64{}}
	for name := range n.Total {
		n.Used[name] = float64(m.used[name]) / unit
	}
	for _, j := range m.queue {
		if !j.durable || j.holds || len(j.need) == 0 {
			continue
		}
		need := j.need.numbers()
		i := slices.IndexFunc(n.Demands, func(d rayapi.Demand) bool { return maps.Equal(d.Resources, need) })
		if i < 0 {
			i, n.Demands = len(n.Demands), append(n.Demands, rayapi.Demand{Resources: need})
		}
		n.Demands[i].Jobs++
	}
	return n, nil
}

// numbers are the amounts that are not 0, as the API shows them.
func (a amounts) numbers() map[string]float64 {
	out := make(map[string]float64, len(a))
	for name, v := range a {
		if v > 0 {
			out[name] = float64(v) / unit
		}
	}
	return out
}
