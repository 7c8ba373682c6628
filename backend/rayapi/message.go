package rayapi

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The message texts of the stages of a job's life. Clients match parts of
// them, so they are Ray's to the letter (dashboard/modules/job/common.py).
const (
	MessageRunning   = "Job is currently running."
	MessageSucceeded = "Job finished successfully."
	MessageStopped   = "Job was intentionally stopped."

	messagePending   = "Job has not started yet."
	messageResources = " It may be waiting for resources (CPUs, GPUs, memory, custom resources) to become available."
	messageEnv       = " It may be waiting for the runtime environment to be set up."

	// TailLines and TailChars bound the log tail in a failure message.
	TailLines = 10
	TailChars = 20000
)

// MessagePending returns the message of a job that has not started: resources
// tells that it asked for any, env that it has a runtime environment.
func MessagePending(resources, env bool) string {
	m := messagePending
	if resources {
		m += messageResources
	}
	if env {
		m += messageEnv
	}
	return m
}

// MessageFailed returns the message of an entrypoint that ended with code.
// logTail is the end of its log; only the last TailLines lines and of these
// the last TailChars characters are used.
func MessageFailed(code int, logTail string) string {
	tail := lastChars(lastLines(logTail, TailLines), TailChars)
	if tail == "" {
		return fmt.Sprintf("Job entrypoint command failed with exit code %d. No logs available.", code)
	}
	return fmt.Sprintf("Job entrypoint command failed with exit code %d, "+
		"last available logs (truncated to 20,000 chars):\n%s", code, tail)
}

// MessageStartTimeout returns the message of a job that stayed PENDING for
// longer than seconds.
func MessageStartTimeout(seconds float64, resources bool) string {
	m := fmt.Sprintf("Job supervisor actor failed to start within %s seconds. This timeout can be configured "+
		"by setting the environment variable RAY_JOB_START_TIMEOUT_SECONDS.", pyFloat(seconds))
	if resources {
		m += " This may be because the job entrypoint's specified resources (entrypoint_num_cpus, " +
			"entrypoint_num_gpus, entrypoint_resources, entrypoint_memory) aren't available on the cluster. " +
			"Try checking the cluster's available resources with `ray status` and specifying fewer resources " +
			"for the job entrypoint."
	}
	return m
}

// MessageStartFailure returns the message of a job whose runtime environment
// or resources were found impossible after the submit was answered.
func MessageStartFailure(id, reason string) string {
	return fmt.Sprintf("Failed to start supervisor actor %s: '%s'.", id, reason)
}

// MessageEnvFailure returns the message of a job whose runtime environment
// could not be built.
func MessageEnvFailure(detail string) string {
	return "runtime_env setup failed: Failed to set up runtime environment.\n" + detail
}

// MessageSupervisorDied returns the message of a job whose supervisor was lost.
func MessageSupervisorDied(detail string) string {
	return "Job supervisor actor died: " + detail
}

func lastLines(s string, n int) string {
	end := len(strings.TrimSuffix(s, "\n"))
	i := end
	for range n {
		j := strings.LastIndexByte(s[:i], '\n')
		if j < 0 {
			return s
		}
		i = j
	}
	return s[i+1:]
}

func lastChars(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	i := len(s)
	for range n {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return s[i:]
}

// pyFloat prints f as Python's str does for the values that occur here.
func pyFloat(f float64) string {
	s := fmt.Sprintf("%g", f)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
