package logstore

import (
	"bytes"
	"regexp"
	"slices"
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
		n := newNeedle(q, true)
		n.rare, n.next = rapid.IntRange(0, len(q)-1).Draw(t, "rare"), rapid.IntRange(0, len(q)-1).Draw(t, "next")
		if got := n.index([]byte(text)); got != want {
			t.Errorf("%q in %q at %d, want %d", q, text, got, want)
		}
	})
}

func TestNeedleLikeIndex(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(rapid.StringMatching(`[abz ]{0,30}`).Draw(t, "text"), rapid.IntRange(1, 50).Draw(t, "times")) + "zab"
		q := rapid.StringMatching(`[abz ]{1,4}`).Draw(t, "query")
		n := newNeedle(q, false)
		n.rare, n.next = rapid.IntRange(0, len(q)-1).Draw(t, "rare"), rapid.IntRange(0, len(q)-1).Draw(t, "next")
		if got, want := n.index([]byte(text)), strings.Index(text, q); got != want {
			t.Errorf("%q in %q at %d, want %d", q, text, got, want)
		}
	})
}

// Each line that an expression matches holds one of the texts required of it.
func TestRequired(t *testing.T) {
	t.Parallel()
	tests := []struct {
		expr string
		want string // the choices, the first being the best
	}{
		{"ERROR.*loss=nan", "ERROR or loss=nan"},
		{"(nan|inf)$", "nan inf"},
		{"a(bcd)+e?", "bcd or a"},
		{`\d+`, ""},
		{"x?", ""},
		{"(?i)loss", "lo"},
		{"(?i)risks in", " in or ri"},
		{"ab{3}c", "b or b or b or c or a"},
		{"foo|.*", ""},
		{"foo|bar.*baz", "foo baz"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, choice := range required(tt.expr) {
				var texts []string
				for _, n := range choice {
					texts = append(texts, string(n.text))
				}
				got = append(got, strings.Join(texts, " "))
			}
			if got := strings.Join(got, " or "); got != tt.want {
				t.Errorf("required(%q) = %q, want %q", tt.expr, got, tt.want)
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
			for _, choice := range required(e) {
				if !slices.ContainsFunc(choice, func(n needle) bool { return n.index([]byte(text)) >= 0 }) {
					t.Errorf("%q matches %q, which holds none of %v", e, text, choice)
				}
			}
		}
	})
}
