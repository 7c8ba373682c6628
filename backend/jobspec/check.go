package jobspec

import (
	"fmt"
	"maps"
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
	if strings.TrimSpace(s.Entrypoint) == "" {
		c.fail("entrypoint", "it is missing: write the job's command, such as entrypoint: python train.py")
	}
	c.say("entrypoint", CheckEntrypoint(s.Entrypoint))
	if s.SubmissionID != "" {
		if err := rayapi.CheckID(s.SubmissionID); err != nil {
			c.fail("submission_id", "%s", strings.Replace(err.Error(), "submission_id", "it", 1))
		}
	}
	if s.WorkingDir != "" {
		if lookup(s.RuntimeEnv, workingDir) != nil {
			c.fail(workingDir, "runtime_env.working_dir says it too: remove one")
		}
		c.dir(s.WorkingDir)
	}
	c.problems = append(c.problems, LintEnv(s.RuntimeEnv, true)...)
	for _, path := range (Spec{RuntimeEnv: s.RuntimeEnv}).Unfilled() {
		c.fail(path, mustFill)
	}
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
	for _, name := range slices.Sorted(maps.Keys(s.LabelSelector)) {
		c.say("entrypoint_label_selector."+name, CheckLabel(name, s.LabelSelector[name]))
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

// say is fail with what a rule says, if it says anything.
func (c *checker) say(field, why string) {
	if why != "" {
		c.fail(field, "%s", why)
	}
}

func (c *checker) dir(dir string) {
	switch {
	case strings.TrimSpace(dir) == "":
		c.fail(workingDir, "it is blank: name a folder, or remove the key")
	case unfilled(dir):
		c.fail(workingDir, mustFill)
	default:
		c.say(workingDir, CheckDir(dir))
	}
}

func (c *checker) amount(field string, v float64) {
	wrong, warning := CheckAmount(v)
	c.say(field, wrong)
	if warning != "" {
		c.warn(field, "%s", warning)
	}
}

func (c *checker) metadata(m map[string]string) {
	if len(m) > rayapi.MaxMetadataKeys {
		c.fail("metadata", "it has %d keys, at most %d are allowed", len(m), rayapi.MaxMetadataKeys)
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if v, field := m[k], "metadata."+k; unfilled(v) {
			c.fail(field, mustFill)
		} else {
			c.say(field, CheckMetadata(k, v))
		}
	}
}

const (
	maxRetries = 100
	maxSeconds = 365 * 24 * 3600
)

// checkWish checks the metadata by which dray's server is asked for more.
func checkWish(k, v string) string {
	f, err := strconv.ParseFloat(v, 64)
	ok := err == nil && f >= 0 && f <= maxSeconds
	switch k {
	case MetaDeadline:
		if !ok || f == 0 {
			return fmt.Sprintf("%q is no deadline: write seconds above 0, at most a year", clip(v))
		}
	case MetaDelay:
		if !ok {
			return fmt.Sprintf("%q is no delay: write seconds, at most a year", clip(v))
		}
	case MetaRetries:
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > maxRetries {
			return fmt.Sprintf("%q is no number of retries: write 0 to %d", clip(v), maxRetries)
		}
	}
	return ""
}
