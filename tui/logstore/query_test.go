package logstore

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLiteralSpans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query, text string
		want        []Span
	}{
		{"a", "banana", []Span{{1, 2}, {3, 4}, {5, 6}}},
		{"an", "ANan", []Span{{0, 2}, {2, 4}}},
		{"An", "ANAnan", []Span{{2, 4}}},
		{"aa", "aaa", []Span{{0, 2}}},
		{"日", "x日本", []Span{{1, 4}}},
		{"é", "É é", []Span{{3, 5}}},
		{"x", "", nil},
		{"long", "lon", nil},
		{"[a", "[A", []Span{{0, 2}}},
		{"", "anything", nil},
	}
	for _, tt := range tests {
		t.Run(tt.query+" in "+tt.text, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Literal(tt.query).Spans(nil, []byte(tt.text))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRegexpSpans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query, text string
		want        []Span
	}{
		{"lo+s", "loss LOOOS", []Span{{0, 3}, {5, 10}}},
		{"Lo+s", "loss Looos", []Span{{5, 10}}},
		{`\S+`, "a B", []Span{{0, 1}, {2, 3}}},
		{"x*", "axa", []Span{{1, 2}}},
		{"^a", "aa", []Span{{0, 1}}},
		{"a|b", "cab", []Span{{1, 2}, {2, 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.query+" in "+tt.text, func(t *testing.T) {
			t.Parallel()
			q, err := Regexp(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, q.Spans(nil, []byte(tt.text))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := Regexp("a("); err == nil || !strings.Contains(err.Error(), `"a("`) {
		t.Errorf("a broken expression gives %v", err)
	}
}

func TestLiteralFoldsLikeLowerCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[abAB \[{@]{0,40}`).Draw(t, "text")
		q := rapid.StringMatching(`[ab \[{@]{1,4}`).Draw(t, "query")
		want := bytes.Index(bytes.ToLower([]byte(text)), []byte(q))
		if got := newNeedle(q, true).index([]byte(text)); got != want {
			t.Errorf("%q in %q at %d, want %d", q, text, got, want)
		}
	})
}

func TestNeedleLikeIndex(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(rapid.StringMatching(`[abz ]{0,30}`).Draw(t, "text"), rapid.IntRange(1, 50).Draw(t, "times")) + "zab"
		q := rapid.StringMatching(`[abz ]{1,4}`).Draw(t, "query")
		if got, want := newNeedle(q, false).index([]byte(text)), strings.Index(text, q); got != want {
			t.Errorf("%q in %q at %d, want %d", q, text, got, want)
		}
	})
}

// Each line that an expression matches holds one of the texts required of it.
func TestRequired(t *testing.T) {
	t.Parallel()
	tests := []struct {
		expr string
		want []string
	}{
		{"ERROR.*loss=nan", []string{"ERROR"}},
		{"(nan|inf)$", []string{"nan", "inf"}},
		{"a(bcd)+e?", []string{"bcd"}},
		{`\d+`, nil},
		{"x?", nil},
		{"(?i)loss", []string{"lo"}},
		{"ab{3}c", []string{"b"}},
		{"foo|.*", nil},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range required(tt.expr) {
				got = append(got, string(n.text))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzRequired(f *testing.F) {
	f.Add("(?i)a(b|c)+d", "ABD")
	f.Add("x{2,3}[yz]|w", "xxy")
	f.Add("kelvin", "\u212aelvin")
	f.Fuzz(func(t *testing.T, expr, text string) {
		if strings.ContainsRune(text, '\n') {
			return
		}
		for _, e := range []string{expr, "(?i)" + expr} {
			re, err := regexp.Compile(e)
			if err != nil || !re.MatchString(text) {
				continue
			}
			all := required(e)
			for _, n := range all {
				if n.index([]byte(text)) >= 0 {
					return
				}
			}
			if len(all) > 0 {
				t.Errorf("%q matches %q, which holds none of %v", e, text, all)
			}
		}
	})
}
