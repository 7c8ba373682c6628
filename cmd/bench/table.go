//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// sample is a series of measurements of one thing, in the unit of its row.
type sample []float64

func (s sample) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

func (s sample) String() string {
	if len(s) == 0 {
		return "-"
	}
	if len(s) == 1 {
		return number(s[0])
	}
	return fmt.Sprintf("%s (%s-%s)", number(s.median()), number(slices.Min(s)), number(slices.Max(s)))
}

func number(f float64) string {
	switch {
	case f >= 1000:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.3g", f)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// row is one line of the table: what dray needs for an operation, and what
// something else needs for the same in the same run. Less is better, always.
type row struct {
	group, operation, unit string
	dray                   sample
	peer                   sample
	peerName               string
	most                   float64 // of dray/peer; 0: see limit
	limit                  float64 // of dray alone, in unit; 0: none
	note                   string  // why there is no figure
}

// failAt is how far behind its target a figure may be before it fails.
const failAt = 2

func (r row) ratio() float64 {
	if len(r.dray) == 0 || len(r.peer) == 0 || r.peer.median() == 0 {
		return 0
	}
	return r.dray.median() / r.peer.median()
}

// verdict compares the ratio, or where there is no peer the figure itself, with
// its target.
func (r row) verdict() string {
	got, want := r.ratio(), r.most
	if want == 0 {
		got, want = r.dray.median(), r.limit
	}
	switch {
	case len(r.dray) == 0:
		return "none"
	case r.most > 0 && len(r.peer) == 0:
		return "no peer"
	case want == 0:
		return "seen"
	case got <= want:
		return "pass"
	case got <= failAt*want:
		return "behind"
	}
	return "FAIL"
}

func (r row) target() string {
	switch {
	case r.most > 0:
		return fmt.Sprintf("<= %.3g x", r.most)
	case r.limit > 0:
		return "<= " + number(r.limit)
	}
	return "-"
}

// print writes the table and reports whether a row failed.
func printTable(w io.Writer, rows []row) (failed bool) {
	lines := [][]string{{"operation", "unit", "dray", "peer", "", "ratio", "target", "verdict"}}
	group := ""
	for _, r := range rows {
		if r.group != group {
			group = r.group
			lines = append(lines, []string{"# " + group})
		}
		ratio := "-"
		if x := r.ratio(); x > 0 {
			ratio = fmt.Sprintf("%.3g", x)
		}
		verdict := r.verdict()
		failed = failed || verdict == "FAIL"
		if r.note != "" {
			verdict += ": " + r.note
		}
		lines = append(lines, []string{r.operation, r.unit, r.dray.String(), r.peerName, r.peer.String(), ratio, r.target(), verdict})
	}
	widths := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, cell := range l {
			if len(l) > 1 {
				widths[i] = max(widths[i], len(cell))
			}
		}
	}
	for _, l := range lines {
		if len(l) == 1 {
			fmt.Fprintln(w, l[0])
			continue
		}
		var b strings.Builder
		for i, cell := range l {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	return failed
}
