package jobspec

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"dray/backend/rayapi"
)

const mustFill = "its value was left out or hidden: type it in"

// Check returns what is wrong with s, and warnings about what is probably not
// meant, in the order of the fields.
func (s Spec) Check() []Problem {
	c := checker{}
	c.entrypoint(s.Entrypoint)
	if s.SubmissionID != "" {
		if err := rayapi.CheckID(s.SubmissionID); err != nil {
			c.fail("submission_id", "%s", strings.Replace(err.Error(), "submission_id", "it", 1))
		}
	}
	if s.WorkingDir != "" {
		if lookup(s.RuntimeEnv, workingDir) != nil {
			c.fail(workingDir, "runtime_env.working_dir says it too: remove one")
		}
		c.problems = append(c.problems, checkDir(workingDir, s.WorkingDir)...)
	}
	c.problems = append(c.problems, checkEnv(s.RuntimeEnv)...)
	c.metadata(s.Metadata)
	c.amount("entrypoint_num_cpus", s.NumCPUs)
	c.amount("entrypoint_num_gpus", s.NumGPUs)
	c.amount("entrypoint_memory", float64(s.Memory))
	for _, name := range slices.Sorted(maps.Keys(s.Resources)) {
		field := "entrypoint_resources." + name
		switch own := map[string]string{"CPU": "entrypoint_num_cpus", "GPU": "entrypoint_num_gpus", "memory": "entrypoint_memory"}[name]; {
		case own != "":
			c.fail(field, "it has a key of its own: write %s", own)
		default:
			c.amount(field, s.Resources[name])
		}
	}
	switch s.After {
	case "", AfterLog, AfterStay, AfterNotify:
	default:
		c.fail("after", "%q is none of %s, %s, %s", clip(s.After), AfterLog, AfterStay, AfterNotify)
	}
	return c.problems
}

type checker struct{ problems []Problem }

func (c *checker) fail(field, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) warn(field, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Text: fmt.Sprintf(format, args...), Warning: true})
}

func (c *checker) entrypoint(s string) {
	switch {
	case strings.TrimSpace(s) == "":
		c.fail("entrypoint", "it is missing: write the job's command, such as entrypoint: python train.py")
	case strings.ContainsRune(s, 0):
		c.fail("entrypoint", "it contains a NUL byte, which no shell can run")
	case len(s) > rayapi.MaxEntrypoint:
		c.fail("entrypoint", "it has %d bytes, at most %d are allowed: put the commands into a script", len(s), rayapi.MaxEntrypoint)
	}
}

// amount checks a count of resources. Ray counts in ten-thousandths.
func (c *checker) amount(field string, v float64) {
	switch {
	case v < 0:
		c.fail(field, "it must not be negative, got %s", strconv.FormatFloat(v, 'g', -1, 64))
	case math.IsNaN(v) || math.IsInf(v, 0):
		c.fail(field, "%s is no amount: write a number from 0", strconv.FormatFloat(v, 'g', -1, 64))
	case v < 1e6 && math.Abs(v*1e4-math.Round(v*1e4)) > 1e-6:
		c.warn(field, "it has more than four decimals, which Ray does not count")
	}
}

func (c *checker) metadata(m map[string]string) {
	if len(m) > rayapi.MaxMetadataKeys {
		c.fail("metadata", "it has %d keys, at most %d are allowed", len(m), rayapi.MaxMetadataKeys)
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v, field := m[k], "metadata."+k
		switch {
		case unfilled(v):
			c.fail(field, mustFill)
		case len(k)+len(v) > rayapi.MaxMetadataBytes:
			c.fail(field, "it has %d bytes, at most %d are allowed", len(k)+len(v), rayapi.MaxMetadataBytes)
		}
		c.wish(field, k, v)
	}
}

const (
	maxRetries = 100
	maxSeconds = 365 * 24 * 3600
)

// wish checks the metadata by which dray's server is asked for more.
func (c *checker) wish(field, k, v string) {
	f, err := strconv.ParseFloat(v, 64)
	ok := err == nil && f >= 0 && f <= maxSeconds
	switch k {
	case MetaDeadline:
		if !ok || f == 0 {
			c.fail(field, "%q is no deadline: write seconds above 0, at most a year", clip(v))
		}
	case MetaDelay:
		if !ok {
			c.fail(field, "%q is no delay: write seconds, at most a year", clip(v))
		}
	case MetaRetries:
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > maxRetries {
			c.fail(field, "%q is no number of retries: write 0 to %d", clip(v), maxRetries)
		}
	}
}
