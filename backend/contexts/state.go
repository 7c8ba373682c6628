package contexts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dray/backend/atomicfile"
)

// State is what is remembered of the clusters, beside the config file, which
// is the user's.
type State struct {
	// Current is the cluster that was chosen for good, or the word embedded.
	Current string `json:"current,omitempty"`
	// Used tells when each cluster was last talked to.
	Used map[string]time.Time `json:"used,omitempty"`
	// Keys are the clusters' names in the ledger.
	Keys map[string]string `json:"keys,omitempty"`
}

func statePath(dir string) string { return filepath.Join(dir, "clusters.json") }

// LoadState reads what is remembered in dir. A file that is not there is an
// empty one.
func LoadState(dir string) (State, error) {
	var s State
	text, err := os.ReadFile(statePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return State{}, fmt.Errorf("read %s: %w", statePath(dir), err)
	}
	return s, nil
}

// Change changes what is remembered in dir. Nothing is written when it stays
// the same.
func Change(dir string, change func(*State)) error {
	s, err := LoadState(dir)
	if err != nil {
		s = State{} // a broken file is replaced: nothing in it is missed for long
	}
	before, err := json.Marshal(s)
	if err != nil {
		return err
	}
	change(&s)
	after, err := json.Marshal(s)
	if err != nil || string(after) == string(before) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return atomicfile.Write(statePath(dir), append(after, '\n'), 0o600)
}

// Key is the name in the ledger of the cluster name at address, which has no
// password. It is the address alone, as for a server without a name, so that
// records from before the name are found; a second cluster at the same address
// (a forwarded port leads now here, now there) has its name in it too.
func (s *State) Key(name, address string) string {
	if key := s.Keys[name]; key == address || strings.HasPrefix(key, address+"#") {
		return key
	}
	key := address
	for other, taken := range s.Keys {
		if other != name && taken == address {
			key = address + "#" + name
		}
	}
	if s.Keys == nil {
		s.Keys = map[string]string{}
	}
	s.Keys[name] = key
	return key
}
