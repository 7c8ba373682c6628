package logview

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/tui/clean"
	"dray/tui/logstore"
)

var testMark = ink{"\x1b[7m", "\x1b[0m"}

// anyLine draws a cleaned line: colours, wide and combining characters.
func anyLine(t *rapid.T) []byte {
	parts := rapid.SliceOf(rapid.SampledFrom([]string{
		"a", "bc", " ", "日", "本", "e\u0301", "é", "👩", "한", "\u0301", "\x1b[31m", "\x1b[1;38;5;9m", "\x1b[0m", "\x1b[m", "0123456789", "界e\u0301\u0301",
	})).Draw(t, "parts")
	return clean.Log(nil, []byte(strings.Join(parts, "")), clean.TrueColour)
}

func anyHits(t *rapid.T, text []byte) []logstore.Span {
	q := logstore.Literal(rapid.SampledFrom([]string{"", "a", "b", "日本", "3456", "e\u0301", "23"}).Draw(t, "query"))
	return q.Spans(nil, []byte(ansi.Strip(string(text))))
}

func TestWrapKeepsAllText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := anyLine(t)
		hits := anyHits(t, text)
		width := rapid.IntRange(2, 30).Draw(t, "width")
		rows := wrapLine(text, width, hits, testMark)
		var all strings.Builder
		for i, r := range rows {
			if n := ansi.StringWidth(r); n > width {
				t.Errorf("row %d is %d cells: %q", i, n, r)
			}
			checkClosed(t, r)
			all.WriteString(ansi.Strip(r))
		}
		if want := ansi.Strip(string(text)); all.String() != want {
			t.Errorf("%q is wrapped to %q", want, all.String())
		}
	})
}

func TestCutFitsAndAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := anyLine(t)
		hits := anyHits(t, text)
		x, width := rapid.IntRange(0, 40).Draw(t, "x"), rapid.IntRange(1, 30).Draw(t, "width")
		got := cutLine(text, x, width, "…", hits, testMark)
		checkClosed(t, got)
		shown := ansi.Strip(got)
		if n := ansi.StringWidth(shown); n > width {
			t.Errorf("%q is %d cells", shown, n)
		}
		whole := ansi.Strip(string(text))
		if all := ansi.StringWidth(whole); x == 0 && all <= width && shown != whole {
			t.Errorf("%q fits but becomes %q", whole, shown)
		} else if all > x+width && !strings.HasSuffix(shown, "…") {
			t.Errorf("%q is cut without a mark: %q", whole, shown)
		}
	})
}

// checkClosed fails if a row leaves a style on.
func checkClosed(t *rapid.T, row string) {
	i := strings.LastIndex(row, "\x1b[")
	if i >= 0 && !strings.HasPrefix(row[i:], "\x1b[m") && !strings.HasPrefix(row[i:], "\x1b[0m") {
		t.Errorf("row %q leaves a style on", row)
	}
}

func TestRowsKeepTheirColours(t *testing.T) {
	t.Parallel()
	text := []byte("ab\x1b[31mcdef\x1b[1mgh\x1b[0mij")
	want := []string{"ab\x1b[31mc\x1b[m", "\x1b[31mdef\x1b[m", "\x1b[31m\x1b[1mgh\x1b[mi", "j"}
	if diff := cmp.Diff(want, wrapLine(text, 3, nil, testMark)); diff != "" {
		t.Errorf("wrapped (-want +got):\n%s", diff)
	}
	marked := "a\x1b[7mb\x1b[7mc\x1b[0m\x1b[31mdef\x1b[m…"
	got := cutLine(text, 0, 7, "…", []logstore.Span{{From: 1, To: 3}}, testMark)
	if want := strings.Replace(marked, "b\x1b[7mc", "bc", 1); got != want {
		t.Errorf("marked %q, want %q", got, want)
	}
}

// Whatever bytes a line has, its rows are text that fits.
func FuzzRows(f *testing.F) {
	f.Add([]byte("a\xe6\x97\xa5\xe6\x9c \x1b[31me\xcc\x81\xf0\x9f\x91"), 3, 2)
	f.Add([]byte("10%\r\xff\xfe\x00tab\tend"), 1, 0)
	f.Fuzz(func(t *testing.T, line []byte, width, x int) {
		width, x = 1+abs(width)%200, abs(x)%300
		text := clean.Log(nil, line, clean.TrueColour)
		rows := append(wrapLine(text, width, nil, ink{}), cutLine(text, x, width, "…", nil, ink{}))
		for _, r := range rows {
			if plain := ansi.Strip(r); !utf8.ValidString(plain) || ansi.StringWidth(plain) > width {
				t.Errorf("%q in %d cells has the row %q", line, width, r)
			}
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }
