package logstore

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAtTime(t *testing.T) {
	t.Parallel()
	var dated, clock strings.Builder
	at := time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	for range 20_000 { // over midnight, to 03:33:19 of the next day
		fmt.Fprintf(&dated, "%s INFO step\n  more of it\n", at.Format("2006-01-02 15:04:05,000"))
		at = at.Add(time.Second)
	}
	for i := range 10_000 {
		fmt.Fprintf(&clock, "%02d:%02d:%02d INFO step\n\n", 9+i/3600, i/60%60, i%60)
	}
	tests := []struct {
		name, log, when, want string
	}{
		{"day and time", dated.String(), "2026-11-23 22:10", "2026-11-23 22:10:00"},
		{"time of the last day", dated.String(), "03:00:07", "2026-11-24 03:00:07"},
		{"time of the day before", dated.String(), "23:30", "2026-11-23 23:30:00"},
		{"before all", dated.String(), "2020-01-01 00:00", "2026-11-23 22:00:00"},
		{"after all", dated.String(), "2027-01-01 00:00", "  more of it"},
		{"clock alone", clock.String(), "10:15", "10:15:00"},
		{"clock alone, asked with a day", clock.String(), "2026-11-24 10:15", "10:15:00"},
		{"a day", dated.String(), "2026-11-24", "2026-11-24 00:00:00"},
		{"back from the end", dated.String(), "-10m", "2026-11-24 03:23:19"},
		{"back over midnight", dated.String(), "-5h30m", "2026-11-23 22:03:19"},
		{"days back", dated.String(), "-1d", "2026-11-23 22:00:00"},
		{"back by the clock", clock.String(), "-10m", "11:36:39"},
		{"further back than the clock goes", clock.String(), "-12h", "09:00:00"},
		{"JSON", `{"ts":"2026-11-24T01:02:03Z"}` + "\n" + `{"ts":"2026-11-24T01:05:03Z"}` + "\n", "01:03", `{"ts":"2026-11-24T01:05:03Z"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, err := ParseWhen(tt.when)
			if err != nil {
				t.Fatal(err)
			}
			l, ok, err := spill(t, tt.log).Reader().AtTime(t.Context(), w)
			if err != nil || !ok || !strings.HasPrefix(string(l.Text), tt.want) {
				t.Errorf("at %s stands %q (%v), %v, want %q", tt.when, l.Text, ok, err, tt.want)
			}
		})
	}
	w, err := ParseWhen("10:00")
	if err != nil {
		t.Fatal(err)
	}
	if l, ok, err := spill(t, numbered(0, 1000)).Reader().AtTime(t.Context(), w); ok || err != nil {
		t.Errorf("in a log without times: %q, %v", l.Text, err)
	}
	for _, text := range []string{"", "noon", "-", "-x", "-0m", "10m", "--10m", "-1d-2h", "-d", "2026-13-01"} {
		if w, err := ParseWhen(text); err == nil {
			t.Errorf("%q is the time %+v", text, w)
		}
	}
}

func TestWhenOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 30, 0, 0, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"-10m": "2026-11-24T09:20:00+01:00", "09:00": "2026-11-24T09:00:00+01:00", "10:00:05": "2026-11-23T10:00:05+01:00",
		"2026-11-01 10:00": "2026-11-01T10:00:00+01:00", "2026-11-01": "2026-11-01T00:00:00+01:00",
	} {
		w, err := ParseWhen(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.On(now).Format(time.RFC3339); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
