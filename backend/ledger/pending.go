package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dray/backend/atomicfile"
	"dray/backend/rayapi"
)

// pendingDir holds a file for each request whose answer has not come, so that
// a start need not read the whole ledger to find them. No id has a name that
// begins with a dot.
const pendingDir = ".pending"

// intent is a request that is about to be sent.
type intent struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func (l *Ledger) intentPath(key, id string) string {
	return filepath.Join(l.dir, fileName(key), pendingDir, fileName(id)+".json")
}

// intend writes an intent down. The folder of key is locked.
func (l *Ledger) intend(key, id string, at time.Time) error {
	path := l.intentPath(key, id)
	if err := privateDir(filepath.Dir(path)); err != nil {
		return err
	}
	data, err := json.Marshal(intent{id, at.UTC()})
	if err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o600)
}

func readIntent(path string) (in intent, err error) {
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	return in, err
}

// Done notes that what became of the request id is known: the server answered,
// or its job was found. What was not pending is no error.
func (l *Ledger) Done(key, id string) error {
	if err := os.Remove(l.intentPath(key, id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("note that %s is answered: %w", id, err)
	}
	return nil
}

// Pending returns the requests to the server key of which this machine does
// not know whether they arrived, the oldest first: dray ended, or the
// connection broke, between sending and the answer. A request that another
// process is sending right now is among them.
func (l *Ledger) Pending(key string) ([]Entry, error) {
	files, err := os.ReadDir(filepath.Join(l.dir, fileName(key), pendingDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("list the unanswered submits: %w", err)
	}
	var list []Entry
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".json" || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		in, err := readIntent(filepath.Join(l.dir, fileName(key), pendingDir, f.Name()))
		if err != nil {
			continue // answered meanwhile; or it tells nothing, and must not stop the others
		}
		if e, ok := l.at(key, in); ok {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return a.SubmittedAt.Compare(b.SubmittedAt) })
	return list, nil
}

// at returns the record of an intent. An intent without one was written down
// by a process that ended before it could send anything.
func (l *Ledger) at(key string, in intent) (Entry, bool) {
	entries, err := read(l.path(key, in.ID), in.ID)
	if err != nil {
		return Entry{}, false
	}
	for _, e := range slices.Backward(entries) {
		if e.SubmittedAt.Equal(in.At) {
			return e, true
		}
	}
	return Entry{}, false
}

// Same reports whether job is what the request r makes, as far as a server's
// answer tells: it may hide the values of a runtime environment.
func Same(job rayapi.Job, r rayapi.SubmitRequest) bool {
	return job.Entrypoint == r.Entrypoint && maps.Equal(job.Metadata, r.Metadata) &&
		maps.Equal(envNames(job.RuntimeEnv), envNames(r.RuntimeEnv))
}

// envNames returns the keys of a runtime environment that hold something.
func envNames(raw json.RawMessage) map[string]bool {
	var env map[string]json.RawMessage
	if len(raw) > 0 && json.Unmarshal(raw, &env) != nil {
		return nil
	}
	names := make(map[string]bool, len(env))
	for k := range env {
		names[k] = true
	}
	return names
}
