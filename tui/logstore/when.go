package logstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	day = 24 * time.Hour
	// stampIn is how much of a line is looked at for its time.
	stampIn = 200
	// probe is how much log is looked through for a line that tells its time.
	probe = 1 << 20
)

// When is a moment to go to: a time of day, perhaps of a day, or so long before
// the end of the log.
type When struct {
	at     time.Time // on the first of January of year 1 if there is no day
	hasDay bool
	back   time.Duration // before the last time in the log; then at says nothing
}

// ParseWhen reads "14:02", "14:02:11" or one of those after a day, as in
// "2026-11-24 14:02", a day alone, or a time before the end: "-10m", "-1h30m",
// "-2d".
func ParseWhen(text string) (When, error) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		if d, ok := ago(rest); ok {
			return When{back: d}, nil
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return When{at: time.Date(1, 1, 1, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)}, nil
		}
		for _, sep := range []string{" ", "T"} {
			if at, err := time.Parse(time.DateOnly+sep+layout, text); err == nil {
				return When{at: at, hasDay: true}, nil
			}
		}
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return When{at: at, hasDay: true}, nil
	}
	return When{}, fmt.Errorf("time %q: type 14:02, 14:02:11, 2026-11-24 14:02 or, back from the end, -10m", text)
}

// ago reads a duration that is more than nothing, with d for days.
func ago(text string) (time.Duration, bool) {
	days := time.Duration(0)
	if n, rest, ok := strings.Cut(text, "d"); ok {
		count, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			return 0, false
		}
		if days, text = time.Duration(count)*day, rest; text == "" {
			return days, days > 0
		}
	}
	d, err := time.ParseDuration(text)
	return days + d, err == nil && d > 0
}

// On is the moment that w means for one who asks now, where no line tells its
// time: in the zone of now, and not after it.
func (w When) On(now time.Time) time.Time {
	y, m, d := w.at.Date()
	if w.back > 0 {
		return now.Add(-w.back)
	}
	if !w.hasDay {
		y, m, d = now.Date()
	}
	at := time.Date(y, m, d, w.at.Hour(), w.at.Minute(), w.at.Second(), 0, now.Location())
	if !w.hasDay && at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at
}

// AtTime returns the first line whose time is w or later, going by the times
// that lines have at their beginning, which must not go back. It is the last
// line if all are earlier, and none if no line tells its time. A time of day
// without a day means the last one before the log's end.
func (r *Reader) AtTime(ctx context.Context, w When) (Line, bool, error) {
	end, ok, err := r.lastTime()
	if err != nil || !ok {
		return Line{}, false, err
	}
	target := w.at
	switch {
	case w.back > 0:
		target = end.at.Add(-w.back)
	case end.hasDay && !w.hasDay:
		target = end.at.Truncate(day).Add(w.at.Sub(w.at.Truncate(day)))
		if target.After(end.at) {
			target = target.Add(-day)
		}
	case !end.hasDay && w.hasDay:
		target = time.Time{}.Add(target.Sub(target.Truncate(day)))
	}
	best, found := Line{}, false
	for lo, hi := int64(0), r.size; lo < hi && ctx.Err() == nil; {
		mid := lo + (hi-lo)/2
		l, at, ok, err := r.timedFrom(mid, hi)
		if err != nil {
			return Line{}, false, err
		}
		if ok && at.at.Before(target) {
			lo = l.End
			continue
		}
		if ok {
			best, found = l, true
		}
		hi = mid
	}
	if err := ctx.Err(); err != nil {
		return Line{}, false, err
	}
	if !found {
		return r.Last()
	}
	return r.At(best.Off)
}

// timedFrom returns the first line that tells its time and holds or follows the
// byte at off, as long as it begins before end.
func (r *Reader) timedFrom(off, end int64) (Line, When, bool, error) {
	l, ok, err := r.At(off)
	for ; ok && err == nil && l.Off < end && l.Off-off < probe; l, ok, err = r.Next(l) {
		if at, timed := timeOf(l.Text); timed {
			return l, at, true, nil
		}
	}
	return Line{}, When{}, false, err
}

// lastTime returns the time of the last line that tells one.
func (r *Reader) lastTime() (When, bool, error) {
	l, ok, err := r.Last()
	for ; ok && err == nil && r.size-l.Off < probe; l, ok, err = r.Prev(l) {
		if at, timed := timeOf(l.Text); timed {
			return at, true, nil
		}
	}
	return When{}, false, err
}

// timeOf reads the time near the beginning of a line: HH:MM:SS, perhaps after
// YYYY-MM-DD.
func timeOf(line []byte) (When, bool) {
	line = line[:min(len(line), stampIn)]
	for i := 0; i+8 <= len(line); i++ {
		if line[i+2] != ':' || line[i+5] != ':' || i > 0 && isDigit(line[i-1]) {
			continue
		}
		h, ok1 := number(line[i : i+2])
		m, ok2 := number(line[i+3 : i+5])
		s, ok3 := number(line[i+6 : i+8])
		if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 60 {
			continue
		}
		at := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
		if date, ok := dateBefore(line[:i]); ok {
			return When{at: date.Add(at), hasDay: true}, true
		}
		return When{at: time.Time{}.Add(at)}, true
	}
	return When{}, false
}

// dateBefore reads the YYYY-MM-DD, and one more byte, that p ends with.
func dateBefore(p []byte) (time.Time, bool) {
	if len(p) < 11 {
		return time.Time{}, false
	}
	p = p[len(p)-11:]
	y1, ok1 := number(p[0:2])
	y2, ok2 := number(p[2:4])
	m, ok3 := number(p[5:7])
	d, ok4 := number(p[8:10])
	if !ok1 || !ok2 || !ok3 || !ok4 || p[4] != p[7] || m < 1 || m > 12 || d < 1 || d > 31 {
		return time.Time{}, false
	}
	return time.Date(100*y1+y2, time.Month(m), d, 0, 0, 0, 0, time.UTC), true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads two digits.
func number(p []byte) (int, bool) {
	if !isDigit(p[0]) || !isDigit(p[1]) {
		return 0, false
	}
	return 10*int(p[0]-'0') + int(p[1]-'0'), true
}
