package logstore

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/tui/clean"
	"dray/tui/loglevel"
)

// countAll steps until all is counted.
func countAll(t fataler, f *Finder, final bool) Progress {
	for {
		p, err := f.Step(context.Background(), time.Millisecond, final)
		if err != nil {
			t.Fatalf("step: %v", err)
		}
		if p.Done {
			return p
		}
	}
}

// hitsIn returns the offsets of the lines that match, by looking at each.
func hitsIn(text string, q Query) []int64 {
	var hits []int64
	off := int64(0)
	for _, l := range wantLines(text) {
		if q.Matches(clean.LogPlain(nil, []byte(l))) {
			hits = append(hits, off)
		}
		off += int64(len(l)) + 1
	}
	return hits
}

// walk goes over all hits by a step function.
func walk(t fataler, step func(context.Context, int64) (int64, bool, error), from int64, on int64) []int64 {
	var hits []int64
	for {
		hit, ok, err := step(context.Background(), from)
		if err != nil {
			t.Fatalf("hit from %d: %v", from, err)
		}
		if !ok {
			return hits
		}
		hits = append(hits, hit)
		from = hit + on
	}
}

func anyQuery(rt *rapid.T) Query {
	if rapid.Bool().Draw(rt, "regexp") {
		q, err := Regexp(rapid.SampledFrom([]string{"lo.s", "^a", "b$", "loss|nan", "(a|b)c?", `\d\d`, "x{3}", "^$"}).Draw(rt, "expr"))
		if err != nil {
			rt.Fatalf("%v", err)
		}
		return q
	}
	return Literal(rapid.SampledFrom([]string{"a", "loss", "Loss", "日本", "99", "xx", "an", "ss 1"}).Draw(rt, "text"))
}

// logText draws a log of a few spans, with colours, bars and long lines.
func logText(rt *rapid.T) string {
	parts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
		line := rapid.SampledFrom([]string{
			"", "a", "b", "loss 1", "\x1b[31mlo\x1b[0mss 12", "Loss=nan", "10%\ra 20%\r99%", "日本語", "\x1b]8;;http://loss\x1b\\an\x1b]8;;\x1b\\", "x", "\x00los\x00s", "loss\tnan", "e\u200bpoch",
		}).Draw(rt, "line")
		times := rapid.SampledFrom([]int{1, 1, 3, 100}).Draw(rt, "times")
		switch rapid.IntRange(0, 9).Draw(rt, "kind") {
		case 0:
			return strings.Repeat(strings.Repeat("q", 4000)+"\n", 300) // over a span
		case 1:
			return strings.Repeat(line, min(times, 5000))
		}
		return strings.Repeat(line+"\n", times)
	}), 0, 12).Draw(rt, "parts")
	return strings.Join(parts, "")
}

// Counting, and going from hit to hit with or without counts, finds what a look
// at each line finds.
func TestFinderEqualsLooking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text, q := logText(rt), anyQuery(rt)
		for _, l := range wantLines(text) {
			if len(l) > MaxLine { // such a line is searched as it is, not as it is drawn
				return
			}
		}
		s := NewSpill()
		defer s.Close()
		if err := s.Append([]byte(text)); err != nil {
			rt.Fatalf("%v", err)
		}
		want := hitsIn(text, q)
		from := rapid.Int64Range(0, int64(len(text))).Draw(rt, "from")
		f := NewFinder(s, q, from)
		if rapid.Bool().Draw(rt, "seek") {
			p, err := f.Seek(rt.Context(), true)
			if err != nil || (p.Hits > 0) != (len(want) > 0) || p.Hits == 0 && !p.Done {
				rt.Fatalf("%v: Seek: %+v, %v; %d lines match", q, p, err, len(want))
			}
		}
		if len(want) < 3000 {
			if diff := cmp.Diff(want, walk(rt, f.NextHit, 0, 1)); diff != "" {
				rt.Fatalf("%v forwards (-want +got):\n%s", q, diff)
			}
		}
		p := countAll(rt, f, true)
		if p.Hits != int64(len(want)) {
			rt.Fatalf("%v: %d hits were counted, want %d", q, p.Hits, len(want))
		}
		if len(want) >= 3000 {
			return
		}
		back := walk(rt, f.PrevHit, int64(len(text)), 0)
		if len(back) != len(want) {
			rt.Fatalf("%v: %d hits backwards, want %d", q, len(back), len(want))
		}
		for i, hit := range back {
			if hit != want[len(want)-1-i] {
				rt.Fatalf("%v: hit %d from the end is at %d, want %d", q, i, hit, want[len(want)-1-i])
			}
		}
		for range min(5, len(want)) {
			k := rapid.IntRange(0, len(want)-1).Draw(rt, "rank of")
			if n, ok, err := f.Rank(want[k]); err != nil || !ok || n != int64(k)+1 {
				rt.Fatalf("%v: the rank of hit %d is %d (%v), %v", q, k, n, ok, err)
			}
		}
	})
}

// A log that grows is counted on, each line once.
func TestFinderFollows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := NewSpill()
		defer s.Close()
		q := Literal("a")
		f := NewFinder(s, q, 0)
		var text strings.Builder
		for _, p := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "\n", "b\n", "xa\n", strings.Repeat("a\n", 1000), strings.Repeat("ba", 40_000) + "\n"}), 1, 40).Draw(rt, "pieces") {
			text.WriteString(p)
			if err := s.Append([]byte(p)); err != nil {
				rt.Fatalf("%v", err)
			}
			got := countAll(rt, f, false).Hits
			whole := text.String()[:strings.LastIndexByte(text.String(), '\n')+1]
			if want := strings.Count(whole, "a\n"); got < int64(want) || got != int64(countLines(whole, "a")) {
				rt.Fatalf("%d hits in %d bytes, want %d", got, len(whole), countLines(whole, "a"))
			}
		}
		if got, want := countAll(rt, f, true).Hits, countLines(text.String(), "a"); got != int64(want) {
			rt.Fatalf("%d hits at the end, want %d", got, want)
		}
	})
}

func countLines(text, with string) (n int) {
	for _, l := range wantLines(text) {
		if strings.Contains(l, with) {
			n++
		}
	}
	return n
}

// A hit far inside a line that is longer than what is drawn is found.
func TestFinderInLongLine(t *testing.T) {
	t.Parallel()
	s := spill(t, "first\n"+strings.Repeat("x", 5<<20)+"needle"+strings.Repeat("y", 3<<20)+"\nneedle\n")
	f := NewFinder(s, Literal("needle"), 0)
	if diff := cmp.Diff([]int64{6, 6 + 8<<20 + 7}, walk(t, f.NextHit, 0, 1)); diff != "" {
		t.Error(diff)
	}
	if p := countAll(t, f, true); p.Hits != 2 {
		t.Errorf("%d hits", p.Hits)
	}
}

func TestFinderStops(t *testing.T) {
	t.Parallel()
	s := spill(t, numbered(0, 500_000))
	f := NewFinder(s, Literal("zzz"), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Step(ctx, time.Hour, true); !errors.Is(err, context.Canceled) {
		t.Errorf("Step = %v", err)
	}
	if _, _, err := f.NextHit(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("NextHit = %v", err)
	}
}

func TestErrorsQuery(t *testing.T) {
	t.Parallel()
	s := spill(t, "ok\nTraceback (most recent call last):\n  File\nValueError: x\nE1124 09:30:00 1 a.cc:1] gone\nerror rate 0\n")
	f := NewFinder(s, Levels(loglevel.Error), 0)
	if diff := cmp.Diff([]int64{3, 45, 59}, walk(t, f.NextHit, 0, 1)); diff != "" {
		t.Error(diff)
	}
}

// visible returns the lines that a filter leaves, by looking at each.
func visible(lines []string, q Query, context int) []string {
	shown := make([]bool, len(lines))
	for i, l := range lines {
		if !q.Matches(clean.LogPlain(nil, []byte(l))) {
			continue
		}
		for k := max(0, i-context); k <= min(len(lines)-1, i+context); k++ {
			shown[k] = true
		}
	}
	var out []string
	for i, l := range lines {
		if shown[i] {
			out = append(out, l)
		}
	}
	return out
}

func TestFilterEqualsLooking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "\x1b[31ma\x1b[m"}), 0, 60).Draw(rt, "lines")
		if rapid.IntRange(0, 5).Draw(rt, "far") == 0 {
			lines = append(lines, strings.Split(strings.Repeat(strings.Repeat("far ", 200)+"\n", 3000)+"a", "\n")...)
		}
		text := strings.Join(lines, "\n") + "\n"
		lines = wantLines(text)
		s := NewSpill()
		defer s.Close()
		if err := s.Append([]byte(text)); err != nil {
			rt.Fatalf("%v", err)
		}
		q, err := Regexp("^a")
		if err != nil {
			rt.Fatalf("%v", err)
		}
		n := rapid.IntRange(0, MaxContext).Draw(rt, "context")
		want := visible(lines, q, n)
		v := NewFinder(s, q, 0).Filter(context.Background(), s.Reader(), n)
		var got []string
		l, ok, err := v.At(0)
		for ; ok && err == nil; l, ok, err = v.Next(l) {
			got = append(got, string(l.Text))
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			rt.Fatalf("context %d forwards (-want +got), %v:\n%s", n, err, diff)
		}
		k := len(want)
		for l, ok, err = v.Last(); ok && err == nil; l, ok, err = v.Prev(l) {
			if k--; k < 0 || string(l.Text) != want[k] {
				rt.Fatalf("context %d backwards: %q at %d", n, l.Text, k)
			}
		}
		if k != 0 || err != nil {
			rt.Fatalf("context %d backwards: %d lines are missing, %v", n, k, err)
		}
	})
}

func TestEscapeLen(t *testing.T) {
	t.Parallel()
	plain := regexp.MustCompile(`^[a-z\n]*$`)
	for _, in := range []string{"a\x1b[31mb", "a\x1b]0;t\x07b", "a\x1b]8;;x\x1b\\b", "\x1b[m\n\x1b[\nx", "\x1b", "\x1b\n", "a\x1b[1;2;3Hb"} {
		got := string(stripEscapes(nil, []byte(in)))
		if !plain.MatchString(got) || strings.Count(got, "\n") != strings.Count(in, "\n") {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}
