package logstore

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// What is looked for is what is rare in this log, not in others.
func TestTuned(t *testing.T) {
	t.Parallel()
	log := strings.Repeat("ERROR QQ zz(12) train step=10 loss nan\n", 5000)
	expr := func(text string) Query {
		q, err := Regexp(text)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	tests := []struct {
		name string
		q    Query
		text string // of the needle
		rare string // the bytes of which one is looked for
	}{
		{"a text", Literal("Qzf(1"), "Qzf(1", "f"},
		{"in both cases", Literal("qz(u"), "qz(u", "u"},
		{"one case is cheaper than two", Literal("u|z"), "u|z", "|"},
		{"an expression", expr("ERROR.*QQ.*loss=inf"), "loss=inf", "=f"},
		{"all are there", expr("QQ.*train"), "train", "ri"},
	}
	s := spill(t, log)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := tt.q.tuned(s.sample()).needles[0]
			if string(n.text) != tt.text || !strings.Contains(tt.rare, string(n.text[n.rare])) {
				t.Errorf("looks for %q by %q, want %q by one of %q", n.text, n.text[n.rare], tt.text, tt.rare)
			}
		})
	}
	if q := Literal("x").tuned(spill(t, "").sample()); len(q.needles) != 1 {
		t.Error("an empty log leaves nothing to look for")
	}
}

// A search that is not wanted any more ends within a span, and counts no part of
// it.
func TestSeekEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := spill(t, strings.Repeat("a\n", 2<<20))
	f := NewFinder(s, Literal("a"), 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := f.Seek(ctx, true); !errors.Is(err, context.Canceled) || p.Hits != 0 || p.Looked != 0 {
		t.Errorf("Seek: %+v, %v", p, err)
	}
	c := s.scanner(ctx)
	if n, err := c.count(&f.query, 0, spanSize, 4<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("%d hits were counted: %v", n, err)
	}
	if _, _, err := f.NextHit(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("NextHit: %v", err)
	}
	if p := countAll(t, f, true); p.Hits != 2<<20 {
		t.Errorf("%d hits were counted after it", p.Hits)
	}
}
