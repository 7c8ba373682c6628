package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dray/backend/jobspec"
	"dray/backend/rayapi"
)

const (
	// ParentKey is the metadata key that names the job of which another is a
	// rerun.
	ParentKey = "dray_rerun_of"

	// Redacted is what a server shows in place of a value that it hides.
	Redacted = jobspec.Redacted
)

// ErrNoRerun is wrapped by the errors that say why a job has no request that
// could be sent again.
var ErrNoRerun = errors.New("cannot be rerun")

var rerunSuffix = regexp.MustCompile(`^(.+)-r([1-9][0-9]{0,8})$`)

// Rerun returns the request that submits job again under newID: the recorded
// one if entry is not nil, else what the job's details tell. It differs from
// the original in the id and in the lineage metadata only. The notes are
// sentences for the user about what could not be known.
func Rerun(job rayapi.Job, entry *Entry, newID string) (rayapi.SubmitRequest, []string, error) {
	return RerunWith(job, entry, newID, nil)
}

// RerunWith is Rerun with a change of the request, which may be nil. What a
// server hides must have been replaced by it.
func RerunWith(job rayapi.Job, entry *Entry, newID string, change func(rayapi.SubmitRequest) (rayapi.SubmitRequest, error)) (rayapi.SubmitRequest, []string, error) {
	if err := refuse(job); err != nil {
		return rayapi.SubmitRequest{}, nil, err
	}
	r, notes := Original(job, entry)
	if change != nil {
		var err error
		if r, err = change(r); err != nil {
			return rayapi.SubmitRequest{}, nil, err
		}
	}
	if hidden := HiddenValues(r); len(hidden) > 0 {
		return rayapi.SubmitRequest{}, nil, fmt.Errorf("job %s %w: the server hides the value of %s; edit the job and type it in",
			job.ID(), ErrNoRerun, strings.Join(hidden, ", "))
	}
	r.SubmissionID = newID
	r.Metadata = maps.Clone(r.Metadata)
	if _, has := r.Metadata[ParentKey]; !has && len(r.Metadata) >= rayapi.MaxMetadataKeys {
		return r, append(notes, "the metadata is full, so the new job does not name the old one"), nil
	}
	if r.Metadata == nil {
		r.Metadata = make(map[string]string, 1)
	}
	r.Metadata[ParentKey] = job.ID()
	return r, notes, nil
}

// Forgotten returns a job as the server would show one that it no longer has,
// from what was recorded of it, so that it can be rerun.
func Forgotten(e Entry) rayapi.Job {
	id := e.Request.SubmissionID
	return rayapi.Job{
		Type: rayapi.TypeSubmission, SubmissionID: &id, Entrypoint: e.Request.Entrypoint, Metadata: e.Request.Metadata,
		RuntimeEnv: e.Request.RuntimeEnv,
	}
}

// Original returns the request by which job was submitted, as far as it can be
// known, with its own id, and notes about what is not known. An entry of
// another job (the id was used twice) is passed over.
func Original(job rayapi.Job, entry *Entry) (rayapi.SubmitRequest, []string) {
	var notes []string
	if entry != nil && entry.Request.Entrypoint == job.Entrypoint {
		return entry.Request, nil
	}
	if entry != nil {
		notes = append(notes, "what this machine recorded under the id is another job")
	}
	notes = append(notes, "not submitted from this machine: CPUs, GPUs, memory and other resources are not known and are left out")
	r := rayapi.SubmitRequest{Entrypoint: job.Entrypoint, SubmissionID: job.ID(), Metadata: job.Metadata, RuntimeEnv: job.RuntimeEnv}
	if !r.HasRuntimeEnv() {
		r.RuntimeEnv = nil
	}
	if uri := packageURI(r.RuntimeEnv); uri != "" {
		notes = append(notes, "the uploaded package "+uri+" may be gone from the server")
	}
	return r, notes
}

// refuse says why a job has no request that could be sent again.
func refuse(job rayapi.Job) error {
	switch {
	case job.Type == rayapi.TypeDriver || job.SubmissionID == nil || *job.SubmissionID == "":
		return fmt.Errorf("job %s %w: it is a driver that was started without a submit", job.ID(), ErrNoRerun)
	case job.IsGhost():
		return fmt.Errorf("job %s %w: it is what is left of a deleted job, its command is gone", job.ID(), ErrNoRerun)
	}
	return nil
}

// HiddenValues names the runtime environment keys and metadata whose value the
// server has replaced by Redacted, sorted.
func HiddenValues(r rayapi.SubmitRequest) []string {
	var names []string
	var env any
	if len(r.RuntimeEnv) > 0 && json.Unmarshal(r.RuntimeEnv, &env) == nil {
		names = hiddenIn(env, "", names)
	}
	for k, v := range r.Metadata {
		if v == Redacted {
			names = append(names, "metadata."+k)
		}
	}
	slices.Sort(names)
	return names
}

func hiddenIn(v any, path string, names []string) []string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, Redacted) {
			names = append(names, path)
		}
	case []any:
		for i, e := range v {
			names = hiddenIn(e, path+"["+strconv.Itoa(i)+"]", names)
		}
	case map[string]any:
		for k, e := range v {
			names = hiddenIn(e, strings.TrimPrefix(path+"."+k, "."), names)
		}
	}
	return names
}

func packageURI(env json.RawMessage) string {
	var e struct {
		WorkingDir string `json:"working_dir"`
	}
	if len(bytes.TrimSpace(env)) == 0 || json.Unmarshal(env, &e) != nil || !strings.HasPrefix(e.WorkingDir, "gcs://") {
		return ""
	}
	return e.WorkingDir
}

// NextID returns the first of id-r2, id-r3 … that taken does not report as
// used; a rerun of x-r2 is x-r3. An id from which no valid one can be made
// gives a random one.
func NextID(id string, taken func(string) bool) string {
	base, n := id, 1
	if m := rerunSuffix.FindStringSubmatch(id); m != nil {
		base = m[1]
		n, _ = strconv.Atoi(m[2])
	}
	if rayapi.CheckID(base) != nil && len(base) <= rayapi.MaxIDLength {
		return rayapi.NewID()
	}
	for {
		n++
		suffix := "-r" + strconv.Itoa(n)
		next := base[:min(len(base), rayapi.MaxIDLength-len(suffix))] + suffix
		if rayapi.CheckID(next) != nil {
			return rayapi.NewID()
		}
		if taken == nil || !taken(next) {
			return next
		}
	}
}
