// Package jobspec is one job as a file that people write, keep and share: YAML
// or JSON, with the fields of the Jobs API and a few of dray's own.
//
// It reads and writes such files, checks them, and turns them into requests
// and into the command lines of Ray's client and of dray, and back. It touches
// no disk and no network: where a file lies is the business of package drafts,
// sending that of package once.
package jobspec

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"strings"

	"dray/backend/rayapi"
)

// Spec is one job. The zero value is an empty one.
type Spec struct {
	Entrypoint   string
	SubmissionID string
	// WorkingDir is a local folder or archive that is uploaded at submit, or a
	// URI. It stands for runtime_env.working_dir, of which there is then none.
	WorkingDir    string
	RuntimeEnv    json.RawMessage // an object, its keys in the order of the file; nil for none
	Metadata      map[string]string
	NumCPUs       float64
	NumGPUs       float64
	Memory        int64 // bytes
	Resources     map[string]float64
	LabelSelector map[string]string
	// After is what the dashboard does after the submit: AfterLog, AfterStay,
	// AfterNotify or "".
	After string
}

// The values of After.
const (
	AfterLog    = "log"
	AfterStay   = "stay"
	AfterNotify = "notify"
)

// The metadata by which dray's own server is asked for a deadline and retries.
const (
	MetaDeadline = "dray_deadline_s"
	MetaRetries  = "dray_max_retries"
	MetaDelay    = "dray_retry_delay_s"
)

const (
	// Redacted is what a server shows in place of a value that it hides.
	Redacted = "<redacted>"
	// FillIn stands in templates and drafts for a secret that was left out.
	FillIn = "<fill in>"
)

const workingDir = "working_dir"

// FromRequest returns the spec of a request, which has lost nothing.
func FromRequest(r rayapi.SubmitRequest) Spec {
	s := Spec{
		Entrypoint: r.Entrypoint, SubmissionID: r.SubmissionID, Metadata: r.Metadata, NumCPUs: r.NumCPUs, NumGPUs: r.NumGPUs,
		Memory: r.Memory, Resources: r.Resources, LabelSelector: r.LabelSelector,
	}
	if r.HasRuntimeEnv() {
		s.RuntimeEnv = compact(r.RuntimeEnv)
	}
	return s
}

// Request returns the request. A local working dir stands in it as it is
// written: who sends it uploads the folder first.
func (s Spec) Request() rayapi.SubmitRequest {
	r := rayapi.SubmitRequest{
		Entrypoint: s.Entrypoint, SubmissionID: s.SubmissionID, RuntimeEnv: s.RuntimeEnv, Metadata: s.Metadata, NumCPUs: s.NumCPUs,
		NumGPUs: s.NumGPUs, Memory: s.Memory, Resources: s.Resources, LabelSelector: s.LabelSelector,
	}
	if s.WorkingDir != "" {
		r.RuntimeEnv = s.withDir(s.WorkingDir)
	}
	return r
}

// withDir returns the runtime environment with dir as its working dir, in the
// place where one was, else first.
func (s Spec) withDir(dir string) json.RawMessage {
	keys, _ := members(s.RuntimeEnv)
	for i, k := range keys {
		if k.name == workingDir {
			keys[i].raw = text(dir)
			return object(keys)
		}
	}
	return object(append([]member{{workingDir, text(dir)}}, keys...))
}

// Dir returns the working dir, wherever it is written, or "".
func (s Spec) Dir() string {
	if s.WorkingDir != "" {
		return s.WorkingDir
	}
	var dir string
	if raw := lookup(s.RuntimeEnv, workingDir); raw != nil && json.Unmarshal(raw, &dir) != nil {
		return ""
	}
	return dir
}

// InContainer reports whether the job runs in an image, which bears no working
// dir beside it.
func (s Spec) InContainer() bool {
	for _, key := range []string{"image_uri", "container"} {
		if raw := lookup(s.RuntimeEnv, key); raw != nil && !isNull(raw) {
			return true
		}
	}
	return false
}

// IsLocal reports whether a working dir or a module is a path on this machine,
// to be uploaded, and no URI.
func IsLocal(path string) bool { return path != "" && !strings.Contains(path, "://") }

// At returns s with its local working dir and modules made absolute; in the
// file they are relative to folder base.
func (s Spec) At(base string) Spec {
	abs := func(path string) string {
		if !IsLocal(path) || filepath.IsAbs(path) || unfilled(path) {
			return path
		}
		return filepath.Join(base, path)
	}
	s.WorkingDir = abs(s.WorkingDir)
	keys, err := members(s.RuntimeEnv)
	if err != nil || len(keys) == 0 {
		return s
	}
	for i, k := range keys {
		var one string
		var list []string
		switch {
		case k.name == workingDir && json.Unmarshal(k.raw, &one) == nil:
			keys[i].raw = text(abs(one))
		case k.name == "py_modules" && json.Unmarshal(k.raw, &list) == nil && list != nil:
			for j := range list {
				list[j] = abs(list[j])
			}
			keys[i].raw = marshal(list)
		}
	}
	s.RuntimeEnv = object(keys)
	return s
}

// Over returns s with the fields that over sets put over it: metadata and
// environment variables name by name, everything else whole.
func (s Spec) Over(over Spec) Spec {
	pick := func(old, value string) string {
		if value != "" {
			return value
		}
		return old
	}
	s.Entrypoint = pick(s.Entrypoint, over.Entrypoint)
	s.SubmissionID = pick(s.SubmissionID, over.SubmissionID)
	s.After = pick(s.After, over.After)
	if over.Dir() != "" {
		s.WorkingDir = over.WorkingDir
		s.RuntimeEnv = without(s.RuntimeEnv, workingDir)
	}
	s.Metadata = merged(s.Metadata, over.Metadata)
	s.Resources = merged(s.Resources, over.Resources)
	s.LabelSelector = merged(s.LabelSelector, over.LabelSelector)
	if over.NumCPUs != 0 {
		s.NumCPUs = over.NumCPUs
	}
	if over.NumGPUs != 0 {
		s.NumGPUs = over.NumGPUs
	}
	if over.Memory != 0 {
		s.Memory = over.Memory
	}
	s.RuntimeEnv = envOver(s.RuntimeEnv, over.RuntimeEnv)
	return s
}

// Without returns s without some of its metadata.
func (s Spec) Without(keys ...string) Spec {
	m := maps.Clone(s.Metadata)
	for _, k := range keys {
		delete(m, k)
	}
	if len(m) == 0 {
		m = nil
	}
	s.Metadata = m
	return s
}

func envOver(old, over json.RawMessage) json.RawMessage {
	keys, _ := members(old)
	news, _ := members(over)
	for _, n := range news {
		if n.name == "env_vars" {
			if vars := lookup(old, "env_vars"); vars != nil && isObject(vars) && isObject(n.raw) {
				have, _ := members(vars)
				add, _ := members(n.raw)
				for _, v := range add {
					have = set(have, v)
				}
				n.raw = object(have)
			}
		}
		keys = set(keys, n)
	}
	return object(keys)
}

func merged[V any](old, over map[string]V) map[string]V {
	if len(over) == 0 {
		return old
	}
	m := maps.Clone(old)
	if m == nil {
		m = make(map[string]V, len(over))
	}
	maps.Copy(m, over)
	return m
}
