package rayapi

import "math"

// Limits of a request; the kernel refuses longer single arguments (131,072
// bytes), and a record must stay small enough to list by the thousand.
const (
	MaxEntrypoint    = 120000
	MaxEnvVar        = 120000
	MaxEnvTotal      = 1500000
	MaxMetadataKeys  = 64
	MaxMetadataBytes = 4096
	MaxRuntimeEnv    = 2 << 20
)

// Validate checks what Ray leaves unchecked and then suffers from: the id's
// characters, negative amounts, and sizes that no process could be started
// with. The error wraps ErrInvalid. An empty id is fine: the server makes one.
func (r SubmitRequest) Validate() error {
	if r.SubmissionID != "" {
		if err := CheckID(r.SubmissionID); err != nil {
			return invalid("%s", err)
		}
	}
	if len(r.Entrypoint) > MaxEntrypoint {
		return invalid("entrypoint has %d bytes, at most %d are allowed: put the commands into a script", len(r.Entrypoint), MaxEntrypoint)
	}
	if err := r.validateAmounts(); err != nil {
		return err
	}
	if len(r.RuntimeEnv) > MaxRuntimeEnv {
		return invalid("runtime_env has %d bytes, at most %d are allowed: put what is large into a file of working_dir", len(r.RuntimeEnv), MaxRuntimeEnv)
	}
	if len(r.Metadata) > MaxMetadataKeys {
		return invalid("metadata has %d keys, at most %d are allowed", len(r.Metadata), MaxMetadataKeys)
	}
	for k, v := range r.Metadata {
		if len(k)+len(v) > MaxMetadataBytes {
			return invalid("metadata %q has %d bytes, at most %d are allowed", clip(k), len(k)+len(v), MaxMetadataBytes)
		}
	}
	return nil
}

func (r SubmitRequest) validateAmounts() error {
	for _, a := range []struct {
		name  string
		value float64
	}{
		{"entrypoint_num_cpus", r.NumCPUs},
		{"entrypoint_num_gpus", r.NumGPUs},
		{"entrypoint_memory", float64(r.Memory)},
	} {
		if !finite(a.value) {
			return invalid("%s must not be negative, got %g", a.name, a.value)
		}
	}
	for name, v := range r.Resources {
		if !finite(v) {
			return invalid("entrypoint_resources[%q] must not be negative, got %g", name, v)
		}
	}
	return nil
}

// finite reports whether v is an amount that can be counted.
func finite(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }
