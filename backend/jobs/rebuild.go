//go:build linux

package jobs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dray/backend/jobdir"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// rebuild makes records for folders that have none, numbered after last in
// order of acceptance. A folder in which nothing was started is a submit that
// was never acknowledged: it is removed, so that the client may send it again.
// When all records were lost (fresh) that is certain only of one that a power
// cut left unwritten.
func (m *Manager) rebuild(names []string, last int64, fresh bool) []store.Row {
	type found struct {
		row store.Row
		at  int64
	}
	var all []found
	for _, name := range names {
		path := filepath.Join(m.cfg.Root, name)
		d := jobdir.Open(path)
		if neverStarted(d) && (!fresh || !d.Accepted()) {
			if err := os.RemoveAll(path); err != nil {
				m.cfg.Log.Warn("remove a job that was never acknowledged", "folder", name, "err", err)
			}
			continue
		}
		row, at, err := m.rowOf(d)
		if err != nil {
			m.cfg.Log.Error("a job's folder is damaged; it is left as it is", "folder", name, "err", err)
			continue
		}
		all = append(all, found{row, at})
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.at, b.at) })
	rows := make([]store.Row, len(all))
	for i, f := range all {
		f.row.Seq = last + int64(i) + 1
		rows[i] = f.row
	}
	return rows
}

// neverStarted reports whether no supervisor was ever to be spawned in d.
func neverStarted(d jobdir.Dir) bool {
	_, slotErr := d.ReadSlot()
	_, launchErr := d.Launch()
	return errors.Is(slotErr, jobdir.ErrNoSlot) && errors.Is(launchErr, os.ErrNotExist)
}

// rowOf makes a job's record, without its number, from its folder, and returns
// when the job was accepted.
func (m *Manager) rowOf(d jobdir.Dir) (store.Row, int64, error) {
	spec, err := d.Spec()
	if err == nil && m.dirOf(spec.Request.SubmissionID) != d {
		err = fmt.Errorf("spec.json is of job %q", spec.Request.SubmissionID)
	}
	if err != nil {
		return m.damagedRow(d, err)
	}
	row := store.Row{ID: spec.Request.SubmissionID, Phase: store.Accepted}
	if secret, err := d.Secret(); err == nil {
		row.HasSecret = len(secret.EnvVars) > 0
	}
	details := newDetails(spec.Request, spec.AcceptedAt)
	st, over := stateOnDisk(d)
	switch {
	case over:
		w, _ := wishesOf(spec.Request.Metadata)
		e := verdict(d, st, asks{deadline: w.deadline})
		row.Phase, row.LogFlaw = e.phase, st.Slot.LogIncomplete
		m.applyEnding(&details, e)
	case !neverStarted(d):
		row.Phase = store.Starting
	}
	row.DetailsJSON, err = json.Marshal(details)
	return row, spec.AcceptedAt, err
}

// damagedRow is the record of a job whose spec cannot be read. Only an id that
// is the folder's name is known then.
func (m *Manager) damagedRow(d jobdir.Dir, cause error) (store.Row, int64, error) {
	id := filepath.Base(d.Path())
	info, err := os.Stat(d.Path())
	if err != nil || rayapi.CheckID(id) != nil || jobdir.Name(id) != id {
		return store.Row{}, 0, errors.Join(cause, err)
	}
	at := info.ModTime().UnixMilli()
	details := newDetails(rayapi.SubmitRequest{SubmissionID: id}, at)
	e := unstarted(rayapi.ErrUnknownFailure, fmt.Sprintf("Unexpected error occurred: the job's folder is damaged: %v", cause))
	e.at = max(at, m.cfg.Now().Truncate(time.Millisecond).UnixMilli())
	m.applyEnding(&details, e)
	data, err := json.Marshal(details)
	return store.Row{ID: id, Phase: e.phase, DetailsJSON: data}, at, err
}
