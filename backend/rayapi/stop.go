package rayapi

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StopOptions are how one job is stopped this time: the parameters signal and
// grace of POST /api/jobs/{id}/stop, which Ray does not know. What is not given
// is as the job, or else the backend, was told by Ray's variables.
type StopOptions struct {
	Signal string         // "SIGINT"; "": not given
	Grace  *time.Duration // until what is left is killed; nil: not given
}

// MaxGrace bounds the grace of a stop.
const MaxGrace = 24 * time.Hour

// ParseStopOptions reads a signal, "INT" or "SIGINT", and a grace in seconds;
// "" means not given. The error wraps ErrInvalid.
func ParseStopOptions(signal, grace string) (StopOptions, error) {
	var o StopOptions
	if signal != "" {
		name := strings.TrimPrefix(strings.ToUpper(signal), "SIG")
		names := stopSignals()
		if !slices.Contains(names, name) {
			return StopOptions{}, invalid("signal %q must be one of %s", clip(signal), strings.Join(names, ", "))
		}
		o.Signal = "SIG" + name
	}
	if grace != "" {
		s, err := strconv.ParseFloat(grace, 64)
		if err != nil || math.IsNaN(s) || s < 0 || s > MaxGrace.Seconds() {
			return StopOptions{}, invalid("grace %q must be a number of seconds from 0 to %g", clip(grace), MaxGrace.Seconds())
		}
		d := time.Duration(s * float64(time.Second))
		o.Grace = &d
	}
	return o, nil
}

// stopSignals are the signals that end a process which does nothing about
// them.
func stopSignals() []string {
	return []string{"TERM", "INT", "HUP", "QUIT", "KILL", "ABRT", "ALRM", "USR1", "USR2"}
}
