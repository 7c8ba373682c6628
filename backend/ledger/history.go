package ledger

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dray/backend/rayapi"
)

// Query says which entries of the history are wanted.
type Query struct {
	// Text is looked for in the entrypoint, the id and the metadata, without
	// regard to case; each of its words must be there.
	Text       string
	Entrypoint string // the whole of it; "" is any
	Limit      int    // 0 is all
}

// History returns what was submitted to the server key from this machine, the
// newest first. A file that is damaged is left out.
func (l *Ledger) History(key string, q Query) ([]Entry, error) {
	words := strings.Fields(strings.ToLower(q.Text))
	var list []Entry
	err := l.newest(key, func(e Entry) bool {
		if (q.Entrypoint == "" || e.Request.Entrypoint == q.Entrypoint) && matches(e, words) {
			list = append(list, e)
		}
		return q.Limit <= 0 || len(list) < q.Limit
	})
	slices.SortStableFunc(list, func(a, b Entry) int { return b.SubmittedAt.Compare(a.SubmittedAt) })
	return list, err
}

// newest hands the newest entry of each id to take, the newest first, until
// take wants no more.
func (l *Ledger) newest(key string, take func(Entry) bool) error {
	dir := filepath.Join(l.dir, fileName(key))
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the history: %w", err)
	}
	type file struct {
		path string
		at   time.Time
	}
	var list []file
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".json" || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		if info, err := f.Info(); err == nil {
			list = append(list, file{filepath.Join(dir, f.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(list, func(a, b file) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.path, b.path)) })
	for _, f := range list {
		data, err := os.ReadFile(f.path)
		var entries []Entry
		if err != nil || json.Unmarshal(data, &entries) != nil || len(entries) == 0 {
			continue
		}
		if !take(entries[len(entries)-1]) {
			break
		}
	}
	return nil
}

func matches(e Entry, words []string) bool {
	if len(words) == 0 {
		return true
	}
	var b strings.Builder
	b.WriteString(strings.ToLower(e.Request.Entrypoint + "\n" + e.Request.SubmissionID))
	for k, v := range e.Request.Metadata {
		b.WriteString("\n" + strings.ToLower(k+"="+v))
	}
	for _, w := range words {
		if !strings.Contains(b.String(), w) {
			return false
		}
	}
	return true
}

// Entrypoints returns the last n commands that were submitted to key, the
// newest first, each once.
func (l *Ledger) Entrypoints(key string, n int) ([]string, error) {
	var list []string
	err := l.newest(key, func(e Entry) bool {
		if !slices.Contains(list, e.Request.Entrypoint) {
			list = append(list, e.Request.Entrypoint)
		}
		return len(list) < n
	})
	return list, err
}

// SameEntrypoint returns the last n submits to key of the same command, the
// newest first.
func (l *Ledger) SameEntrypoint(key, entrypoint string, n int) ([]Entry, error) {
	return l.History(key, Query{Entrypoint: entrypoint, Limit: n})
}

// RuntimeEnv is a runtime environment that was used before.
type RuntimeEnv struct {
	JSON json.RawMessage
	Jobs int       // how many of the jobs that were looked at have it
	Last time.Time // when it was used last
}

// maxEnvScan bounds the jobs that RuntimeEnvs looks at.
const maxEnvScan = 500

// RuntimeEnvs returns the last n runtime environments of jobs that were
// submitted to key, the one used last first, each once.
func (l *Ledger) RuntimeEnvs(key string, n int) ([]RuntimeEnv, error) {
	var list []RuntimeEnv
	looked := 0
	err := l.newest(key, func(e Entry) bool {
		looked++
		if e.Request.HasRuntimeEnv() {
			i := slices.IndexFunc(list, func(r RuntimeEnv) bool { return bytes.Equal(r.JSON, e.Request.RuntimeEnv) })
			switch {
			case i >= 0:
				list[i].Jobs++
			case len(list) < n:
				list = append(list, RuntimeEnv{e.Request.RuntimeEnv, 1, e.SubmittedAt})
			}
		}
		return looked < maxEnvScan
	})
	return list, err
}

// ParentOf returns the job of which the entry or the details of a job say that
// it is a rerun, or "".
func ParentOf(job rayapi.Job, entry *Entry) string {
	if entry != nil && entry.Parent != "" {
		return entry.Parent
	}
	return job.Metadata[ParentKey]
}

const maxAncestors = 100

// Ancestors returns the jobs of which id is a rerun, its parent first; parent
// returns the parent of a job, or "".
func Ancestors(id string, parent func(id string) string) []string {
	var list []string
	for p := parent(id); p != "" && p != id && !slices.Contains(list, p) && len(list) < maxAncestors; p = parent(p) {
		list = append(list, p)
	}
	return list
}

// Parent returns the parent of a job as this machine recorded it, or "".
func (l *Ledger) Parent(key, id string) string {
	e, err := l.Get(key, id)
	if err != nil {
		return ""
	}
	return cmp.Or(e.Parent, e.Request.Metadata[ParentKey])
}
