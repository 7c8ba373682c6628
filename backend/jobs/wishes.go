//go:build linux

package jobs

import (
	"fmt"
	"strconv"
	"time"

	"dray/backend/rayapi"
)

// The keys of a job's metadata that this backend acts on. Ray passes metadata
// on without looking at it, so a client needs nothing new to ask for them.
const (
	MetaDeadline = "dray_deadline_s"    // seconds that the entrypoint may run
	MetaRetries  = "dray_max_retries"   // how often a job that failed is tried again
	MetaDelay    = "dray_retry_delay_s" // seconds before the first retry; each later one waits twice as long
	MetaPin      = "dray_pin"           // "true": Prune keeps the job
	MetaAttempt  = "dray_attempt"       // set by us: 2 for the first retry
	MetaRetryOf  = "dray_retry_of"      // set by us: the id of the first attempt
)

const (
	maxRetries   = 100
	maxWait      = 365 * 24 * time.Hour // the longest time that can be asked for
	defaultDelay = 5 * time.Second
	maxBackoff   = time.Hour
)

// wishes are what a job's metadata asks for.
type wishes struct {
	deadline time.Duration // 0: none
	retries  int
	delay    time.Duration
	pin      bool
}

// wishesOf reads the metadata. The error wraps rayapi.ErrInvalid and names the
// first key whose value cannot be taken; the other wishes are valid even then.
func wishesOf(meta map[string]string) (wishes, error) {
	w := wishes{delay: defaultDelay}
	var first error
	bad := func(key, want string) {
		if first == nil {
			first = fmt.Errorf("%w: metadata %s is %q: it must be %s", rayapi.ErrInvalid, key, meta[key], want)
		}
	}
	if v, ok := meta[MetaDeadline]; ok {
		if d, ok := seconds(v); ok && d > 0 {
			w.deadline = d
		} else {
			bad(MetaDeadline, "a number of seconds above 0")
		}
	}
	if v, ok := meta[MetaRetries]; ok {
		if n, err := strconv.Atoi(v); err == nil && n >= 0 && n <= maxRetries {
			w.retries = n
		} else {
			bad(MetaRetries, fmt.Sprintf("a whole number from 0 to %d", maxRetries))
		}
	}
	if v, ok := meta[MetaDelay]; ok {
		if d, ok := seconds(v); ok {
			w.delay = d
		} else {
			bad(MetaDelay, "a number of seconds")
		}
	}
	switch meta[MetaPin] {
	case "true":
		w.pin = true
	case "", "false":
	default:
		bad(MetaPin, "true or false")
	}
	return w, first
}

// seconds reads a number of seconds, fractions allowed, of at most a year.
func seconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= maxWait.Seconds()) {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)), true
}

// backoff is how long attempt n, 2 for the first retry, waits after the end of
// the one before.
func (w wishes) backoff(attempt int) time.Duration {
	d := w.delay
	for range attempt - 2 {
		if d >= maxBackoff {
			break
		}
		d *= 2
	}
	return max(w.delay, min(d, maxBackoff))
}
