package ledger

import (
	"errors"
	"fmt"
	"maps"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
)

// SweepKey is the metadata key that says which variant of a sweep a job is:
// "--lr=0.1".
const SweepKey = "dray_sweep"

// MaxSweep is the largest number of jobs that one sweep makes.
const MaxSweep = 200

// Sweep returns a request for each value of one field: base with the value set
// at path, as jobspec.Spec.Set takes them. They are reruns of parent, or, when
// that is "", jobs of their own; taken reports the ids that cannot be used. All
// of them are valid, or there is an error and none.
func Sweep(base rayapi.SubmitRequest, parent, path string, values []string, taken func(id string) bool) ([]rayapi.SubmitRequest, error) {
	switch {
	case len(values) == 0:
		return nil, errors.New("a sweep needs at least one value")
	case len(values) > MaxSweep:
		return nil, fmt.Errorf("a sweep over %d values makes too many jobs at once: at most %d", len(values), MaxSweep)
	}
	used := make(map[string]bool, len(values))
	busy := func(id string) bool { return used[id] || taken != nil && taken(id) }
	list := make([]rayapi.SubmitRequest, 0, len(values))
	for _, v := range values {
		spec, err := jobspec.FromRequest(base).Set(path, v)
		if err != nil {
			return nil, err
		}
		for _, p := range spec.Check() {
			if !p.Warning {
				return nil, fmt.Errorf("%s=%s: %s", path, v, p)
			}
		}
		r := spec.Request()
		r.SubmissionID = rayapi.NewID()
		if parent != "" {
			r.SubmissionID = NextID(parent, busy)
		}
		used[r.SubmissionID] = true
		list = append(list, labelled(r, parent, path, v))
	}
	return list, nil
}

// labelled names the parent and the variant in the metadata, where there is
// room.
func labelled(r rayapi.SubmitRequest, parent, path, value string) rayapi.SubmitRequest {
	m := maps.Clone(r.Metadata)
	if m == nil {
		m = make(map[string]string, 2)
	}
	put := func(k, v string) {
		if _, has := m[k]; has || len(m) < rayapi.MaxMetadataKeys {
			m[k] = v
		}
	}
	if parent != "" {
		put(ParentKey, parent)
	}
	if label := path + "=" + value; len(label) < 256 && !jobspec.Secret(path, value) {
		put(SweepKey, label)
	}
	r.Metadata = m
	return r
}
