package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spill returns a store that holds text.
func spill(t testing.TB, text string) *Store {
	t.Helper()
	s := NewSpill()
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Append([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

// numbered returns lines from ≤ i < to, each "line i".
func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

// wantLines is what a store of text must hold.
func wantLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

type fataler interface{ Fatalf(string, ...any) }

func checkLine(t fataler, l Line, ok bool, err error, want string) {
	if err != nil || !ok {
		t.Fatalf("no line, but %v; want %.40q", err, want)
	}
	if len(want) <= MaxLine && string(l.Text) != want {
		t.Fatalf("the line at %d is %d bytes %.40q, want %d bytes %.40q", l.Off, len(l.Text), l.Text, len(want), want)
	}
	if l.Len != int64(len(want)) || !strings.HasPrefix(want, string(l.Text)) {
		t.Fatalf("the line at %d has %d of %d bytes, want %d", l.Off, len(l.Text), l.Len, len(want))
	}
}

// filledStore draws how a store got its bytes: appended, or in a file that was
// counted in part, wholly, or not at all.
func filledStore(rt *rapid.T, dir string, pieces []string) *Store {
	s := NewSpill()
	path := filepath.Join(dir, "log")
	inFile := rapid.Bool().Draw(rt, "file")
	if inFile {
		s = OpenFile(path)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			rt.Fatalf("%v", err)
		}
	}
	for i, p := range pieces {
		if !inFile {
			if err := s.Append([]byte(p)); err != nil {
				rt.Fatalf("append: %v", err)
			}
			continue
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		if _, err := f.WriteString(p); err != nil {
			rt.Fatalf("%v", err)
		}
		f.Close()
		if i%2 == 0 {
			if _, err := s.Grow(); err != nil {
				rt.Fatalf("grow: %v", err)
			}
		}
		if rapid.IntRange(0, 3).Draw(rt, "count") == 0 {
			if _, err := s.countStep([][]byte{make([]byte, countSpan), make([]byte, countSpan)}); err != nil {
				rt.Fatalf("count: %v", err)
			}
		}
	}
	if inFile {
		if _, err := s.Grow(); err != nil {
			rt.Fatalf("grow: %v", err)
		}
	}
	return s
}

// A log read forwards, backwards, by offset and by number has the lines that
// splitting it has.
func TestStoreEqualsSplit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(rapid.Custom(piece), 1, 30).Draw(rt, "pieces")
		text := strings.Join(pieces, "")
		s := filledStore(rt, dir, pieces)
		defer s.Close()
		want := wantLines(text)
		e := s.Extent()
		if e.Size != int64(len(text)) || e.Exact() && e.Lines != int64(len(want)) {
			rt.Fatalf("%+v, want %d lines of %d bytes", e, len(want), len(text))
		}
		r := s.Reader()
		l, ok, err := r.First()
		starts := make([]int64, 0, len(want))
		for k, w := range want {
			checkLine(rt, l, ok, err, w)
			starts = append(starts, l.Off)
			if n, known, err := r.Number(l.Off); err != nil || known && n != int64(k) || !known && e.Exact() {
				rt.Fatalf("line %d has number %d (%v), %v", k, n, known, err)
			}
			l, ok, err = r.Next(l)
		}
		if ok || err != nil {
			rt.Fatalf("after the end comes a line, %v", err)
		}
		l, ok, err = r.Last()
		for k := len(want) - 1; k >= 0; k-- {
			checkLine(rt, l, ok, err, want[k])
			l, ok, err = r.Prev(l)
		}
		if ok || err != nil {
			rt.Fatalf("before the beginning is a line, %v", err)
		}
		for range min(20, len(want)) {
			k := rapid.IntRange(0, len(want)-1).Draw(rt, "jump")
			if l, ok, err := r.Nth(int64(k)); ok || e.Exact() {
				checkLine(rt, l, ok, err, want[k])
			}
			inside := starts[k] + int64(rapid.IntRange(0, len(want[k])).Draw(rt, "byte"))
			l, ok, err := r.At(inside)
			checkLine(rt, l, ok, err, want[k])
		}
	})
}

// piece draws what one append brings: short lines, parts of lines, long runs
// around the size of a block, and nothing but line feeds.
func piece(rt *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(rt, "kind") {
	case 0:
		return rapid.StringMatching(`[a-z\n]{0,200}`).Draw(rt, "text")
	case 1:
		return strings.Repeat("x", blockSize+rapid.IntRange(-2, 2).Draw(rt, "near a block"))
	case 2:
		return strings.Repeat("\n", rapid.IntRange(0, 300).Draw(rt, "empty lines"))
	case 3:
		return strings.Repeat("0123456789abcde\n", rapid.IntRange(0, 5_000).Draw(rt, "lines"))
	case 4:
		return "\n"
	default:
		return strings.Repeat("y", rapid.IntRange(0, 5*blockSize).Draw(rt, "long")) + "\n"
	}
}

func TestStoreGrowsUnderAReader(t *testing.T) {
	t.Parallel()
	s := spill(t, "")
	const rounds = 300
	done := make(chan error, 1)
	go func() {
		for i := range rounds {
			if err := s.Append([]byte(numbered(i*100, i*100+100))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for lines := int64(0); lines < rounds*100; {
		r := s.Reader()
		lines = r.feeds
		for _, k := range []int64{0, lines / 3, lines - 1} {
			if k >= 0 && lines > 0 {
				l, ok, err := r.Nth(k)
				checkLine(t, l, ok, err, fmt.Sprintf("line %d", k))
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		want       string // the text, or its beginning when it is long
		rest       int64  // bytes that are not in it
	}{
		{"100 MB without a line feed", strings.Repeat("a", 100<<20), strings.Repeat("a", MaxLine), 100<<20 - MaxLine},
		{"NUL", strings.Repeat("\x00", 1<<20), strings.Repeat("\x00", MaxLine), 1<<20 - MaxLine},
		{"not UTF-8", strings.Repeat("\xff\xc3", 1<<19), strings.Repeat("\xff\xc3", MaxLine/2), 1<<20 - MaxLine},
		{"progress bar of 1 MB", strings.Repeat("\r  50%|#####     |", 1<<16), "", 0},
		{"CR at the end only", strings.Repeat("b", 1<<20) + "\r", strings.Repeat("b", MaxLine), 1<<20 + 1 - MaxLine},
	}
	for _, tt := range tests {
		for _, end := range []string{"", "\n", "\nnext\n"} {
			t.Run(tt.name+fmt.Sprintf("/end %q", end), func(t *testing.T) {
				t.Parallel()
				s := spill(t, "first\n"+tt.line+end)
				r := s.Reader()
				l, ok, err := r.First()
				checkLine(t, l, ok, err, "first")
				if l, ok, err = r.Next(l); err != nil || !ok {
					t.Fatal(ok, err)
				}
				if rest := l.Len - int64(len(l.Text)); rest != tt.rest {
					t.Errorf("%d bytes are left out, want %d", rest, tt.rest)
				}
				if !bytes.HasPrefix(l.Text, []byte(tt.want)) || len(l.Text) == 0 {
					t.Errorf("text of %d bytes begins %.30q", len(l.Text), l.Text)
				}
				if l.Open != (end == "") {
					t.Errorf("open is %v", l.Open)
				}
				if end == "\nnext\n" {
					l, ok, err = r.Next(l)
					checkLine(t, l, ok, err, "next")
					if l, ok, err = r.Prev(l); err != nil || !ok || l.Off != 6 {
						t.Errorf("the line before is at %d, %v", l.Off, err)
					}
				}
			})
		}
	}
}

func TestStoreMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := spill(t, "")
	chunk := []byte(strings.Repeat("0123456789abcde\n", 2048))
	for range 4096 { // 128 MiB
		if err := s.Append(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if got := cap(s.tail) + segmentBlocks*4*len(s.index.segments); got > 4*spillAt {
		t.Errorf("a log of 128 MiB takes %d bytes of memory", got)
	}
}

// The index of a terabyte stays below the cap.
func TestIndexOfATerabyte(t *testing.T) {
	t.Parallel()
	var x index
	const blocks = 1 << 40 / blockSize
	for range blocks {
		x.addCount(blockSize, 500)
	}
	if got := len(x.segments) * segmentBlocks * 4; got > 64<<20 {
		t.Errorf("the index takes %d MiB", got>>20)
	}
	block, skip := x.find(500*(blocks-1) + 7)
	if block != blocks-1 || skip != 7 {
		t.Errorf("the last block is found at %d, %d", block, skip)
	}
}

func TestStoreClosed(t *testing.T) {
	t.Parallel()
	s := spill(t, strings.Repeat("x\n", spillAt))
	r := s.Reader()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.At(7); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if err := s.Append([]byte("y")); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	text := numbered(0, 400_000)
	s := spill(t, text)
	var out bytes.Buffer
	var last int64
	if err := s.Copy(t.Context(), &out, 7, int64(len(text)), func(n int64) { last = n }); err != nil {
		t.Fatal(err)
	}
	if out.String() != text[7:] || last != int64(len(text)-7) {
		t.Errorf("%d bytes were copied, told %d, want %d", out.Len(), last, len(text)-7)
	}
}

// Reading lines one after the other makes nothing new.
func TestReaderAllocatesNothing(t *testing.T) {
	s := spill(t, numbered(0, 100_000))
	r := s.Reader()
	walk := func() {
		l, ok, err := r.Nth(77_777)
		for n := 0; n < 60; n++ {
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			l, ok, err = r.Next(l)
		}
		for n := 0; n < 60; n++ {
			if l, ok, err = r.Prev(l); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
	}
	if n := testing.AllocsPerRun(50, walk); n > 1 { // sort.Search keeps its function on the stack or not
		t.Errorf("%v allocations for a screen", n)
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "\n", "a\nb", "\r\n\x00\n", "日本\n\xff\n\n", strings.Repeat("x", 70_000) + "\ny"} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, log []byte, cut uint16) {
		s := NewSpill()
		defer s.Close()
		at := min(len(log), int(cut))
		for _, p := range [][]byte{log[:at], log[at:]} {
			if err := s.Append(p); err != nil {
				t.Fatal(err)
			}
		}
		r := s.Reader()
		l, ok, err := r.First()
		for _, want := range wantLines(string(log)) {
			checkFuzz(t, l, ok, err, want)
			l, ok, err = r.Next(l)
		}
		if ok || err != nil {
			t.Errorf("a line too many, %v", err)
		}
	})
}

// checkFuzz is checkLine, but for long lines of which only the last state is
// kept.
func checkFuzz(t *testing.T, l Line, ok bool, err error, want string) {
	t.Helper()
	if len(want) > MaxLine && strings.Contains(want, "\r") {
		if !ok || err != nil {
			t.Fatalf("no line, %v", err)
		}
		return
	}
	checkLine(t, l, ok, err, want)
}
