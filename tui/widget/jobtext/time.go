package jobtext

import (
	"fmt"
	"strconv"
	"time"

	"dray/backend/rayapi"
)

const day = 24 * time.Hour

// Duration prints d in at most six cells: "41s", "14m03", "3h01m", "2d05h".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d > 0 && d < time.Second:
		return "<1s"
	case d < time.Minute:
		return small(d/time.Second, "s")
	case d < time.Hour:
		return small(d/time.Minute, "m") + two(d%time.Minute/time.Second)
	case d < day:
		return small(d/time.Hour, "h") + two(d%time.Hour/time.Minute) + "m"
	case d < 100*day:
		return small(d/day, "d") + two(d%day/time.Hour) + "h"
	default:
		return small(d/day, "d")
	}
}

// small and two print numbers without the cost of a format: a list has one of
// them in each row of each frame.
func small(n time.Duration, unit string) string { return strconv.Itoa(int(n)) + unit }

func two(n time.Duration) string {
	const digits = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960"
	return digits[2*n : 2*n+2]
}

// Ago prints how long ago d is, so coarsely that it seldom changes.
func Ago(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", d/(10*time.Second)*10)
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh ago", d/time.Hour)
	default:
		return fmt.Sprintf("%dd ago", d/day)
	}
}

// Clock prints when t was, for a column of six cells: the time of day within
// the last day, else the number of days.
func Clock(t, now time.Time) string {
	switch age := now.Sub(t); {
	case t.IsZero():
		return ""
	case age < day:
		hour, minute, _ := t.In(now.Location()).Clock()
		return two(time.Duration(hour)) + ":" + two(time.Duration(minute))
	default:
		return small(age/day, "d")
	}
}

// Instant prints t to the second with its zone.
func Instant(t, now time.Time) string {
	return t.In(now.Location()).Format("2006-01-02 15:04:05 MST")
}

// Took is how long the job took, or has taken so far, since it was submitted.
// It reports false when that is not known.
func Took(job *rayapi.Job, now time.Time) (time.Duration, bool) {
	start := job.Started()
	if start.IsZero() {
		return 0, false
	}
	end := job.Ended()
	if end.IsZero() {
		if job.Status.IsTerminal() {
			return 0, false
		}
		end = now
	}
	return max(0, end.Sub(start)), true
}
