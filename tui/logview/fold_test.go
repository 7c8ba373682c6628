package logview

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/tui/logstore"
)

func storeOf(t interface{ Fatal(...any) }, text string) *logstore.Store {
	s := logstore.NewSpill()
	if err := s.Append([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

// Whichever way one walks, the blocks are the same; none is met twice, and no
// line is left out but the blank ones within a bar.
func TestWalkBothWays(t *testing.T) {
	t.Parallel()
	line := rapid.SampledFrom([]string{
		"text", "", "   ", "a:  1%|  | 1/9", "a: 50%|# | 5/9\ra: 60%|# | 6/9", "b: 10%|  | 1/9", "b: 20%|  | 2/9\x1b[A\ra: 70%|# | 7/9",
		"\x1b[2K", "other text", "c ━━━━━━━ 3/9",
	})
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(line, 1, 60).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		if rapid.Bool().Draw(t, "ends") {
			text += "\n"
		}
		if text == "" {
			return
		}
		s := storeOf(t, text)
		defer func() { _ = s.Close() }()
		w := &walker{c: s.Reader(), fold: rapid.Bool().Draw(t, "fold"), span: rapid.Int64Range(20, 2000).Draw(t, "span")}
		if rapid.Bool().Draw(t, "remember") {
			w.known = newFolds()
		}

		type run struct{ From, To int64 }
		var down, up []run
		for b, ok, err := w.at(0); ok; b, ok, err = w.next(b) {
			if err != nil {
				t.Fatal(err)
			}
			down = append(down, run{b.off, b.end})
		}
		for b, ok, err := w.last(); ok; b, ok, err = w.prev(b) {
			if err != nil {
				t.Fatal(err)
			}
			up = append([]run{{b.off, b.end}}, up...)
		}
		if diff := cmp.Diff(down, up); diff != "" {
			t.Fatalf("down and up differ (-down +up):\n%s", diff)
		}
		at := int64(0)
		for _, r := range down {
			if r.From != at || r.To <= r.From {
				t.Fatalf("after %d comes %v", at, r)
			}
			at = r.To
		}
		if at != int64(len(text)) {
			t.Fatalf("the blocks end at %d of %d", at, len(text))
		}
		for off := range int64(len(text)) {
			b, ok, err := w.at(off)
			if !ok || err != nil || off < b.off || off >= b.end {
				t.Fatalf("at %d there is %d to %d, %v, %v", off, b.off, b.end, ok, err)
			}
		}
	})
}

// What is remembered of a log that grows, in the middle of lines too, is what a
// fresh look at it finds.
func TestGrowingFolds(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{
		"text\n", "\n", "a: 50%|# | 5/9\n", "a: 60%|# | 6/9\n", "a: 70%|#", " | 7/9\n", "b: 10%|  | 1/9\n", "b: 2", "0%|  | 2/9\x1b[A\ra: 80%|# | 8/9\n", "c",
	})
	type bar struct {
		From, To int64
		Text     string
		Count    int
	}
	rapid.Check(t, func(t *rapid.T) {
		s := storeOf(t, "begin\n")
		defer func() { _ = s.Close() }()
		known, span := newFolds(), rapid.Int64Range(20, 300).Draw(t, "span")
		blocks := func(known *folds) (all []bar) {
			w := &walker{c: s.Reader(), fold: true, span: span, known: known}
			for b, ok, err := w.last(); ok; b, ok, err = w.prev(b) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range b.entries {
					all = append(all, bar{b.off, b.end, string(e.line.Text), e.count})
				}
			}
			return all
		}
		for _, p := range rapid.SliceOfN(piece, 1, 60).Draw(t, "pieces") {
			if err := s.Append([]byte(p)); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "drawn") {
				if diff := cmp.Diff(blocks(nil), blocks(known)); diff != "" {
					t.Fatalf("remembered and fresh differ (-fresh +remembered):\n%s", diff)
				}
			}
		}
	})
}

// A bar of many states is one row wherever in the log it begins.
func TestLongBarIsOneRow(t *testing.T) {
	t.Parallel()
	state := "epoch 0:  64%|██████▍   | 400/625 [10:12<05:44,  1.53s/it]\n"
	for _, before := range []int{0, foldSpan / 2, foldSpan - 100} {
		s := storeOf(t, strings.Repeat("x\n", before/2)+strings.Repeat(state, foldSpan/len(state))+"end\n")
		w := &walker{c: s.Reader(), fold: true, span: foldSpan}
		b, ok, err := w.last()
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if b, ok, err = w.prev(b); !ok || err != nil || b.off != int64(before) || b.entries[0].count != foldSpan/len(state) {
			t.Errorf("after %d bytes: the bar begins at %d and has %d states, %v, %v", before, b.off, b.entries[0].count, ok, err)
		}
		_ = s.Close()
	}
}

// The states of nested bars become one row for each bar, with all of them
// counted.
func TestNestedBars(t *testing.T) {
	t.Parallel()
	s := storeOf(t, "o:  0%|  | 0/2\ni:  0%|  | 0/2\x1b[A\n\ni: 50%|# | 1/2\x1b[A\n\ni: 99%|##| 2/2\x1b[A\ro: 50%|# | 1/2\nend\n")
	defer func() { _ = s.Close() }()
	w := &walker{c: s.Reader(), fold: true, span: foldSpan}
	b, ok, err := w.at(0)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	type bar struct {
		Text  string
		Count int
	}
	var got []bar
	for _, e := range b.entries {
		got = append(got, bar{strings.TrimPrefix(string(e.line.Text), "\r"), e.count})
	}
	if diff := cmp.Diff([]bar{{"o: 50%|# | 1/2", 2}, {"i: 99%|##| 2/2", 3}}, got); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
}
