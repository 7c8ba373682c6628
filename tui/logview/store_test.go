package logview

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// wantLines is what a store of text must hold.
func wantLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func checkLine(t interface{ Fatalf(string, ...any) }, r *lineReader, k int64, want string) {
	l, err := r.line(k)
	if err != nil {
		t.Fatalf("line %d: %v", k, err)
	}
	if len(want) <= maxLine && string(l.text) != want {
		t.Fatalf("line %d is %d bytes %.40q, want %d bytes %.40q", k, len(l.text), l.text, len(want), want)
	}
	if l.len != int64(len(want)) || !strings.HasPrefix(want, string(l.text)) {
		t.Fatalf("line %d has %d of %d bytes, want %d", k, len(l.text), l.len, len(want))
	}
}

func TestStoreEqualsSplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var s store
		defer func() { _ = s.close() }()
		var all strings.Builder
		pieces := rapid.SliceOfN(rapid.Custom(piece), 1, 30).Draw(rt, "pieces")
		for _, p := range pieces {
			all.WriteString(p)
			if err := s.append([]byte(p)); err != nil {
				rt.Fatalf("append: %v", err)
			}
		}
		want := wantLines(all.String())
		lines, size := s.extent()
		if lines != int64(len(want)) || size != int64(all.Len()) {
			rt.Fatalf("%d lines of %d bytes, want %d of %d", lines, size, len(want), all.Len())
		}
		if lines == 0 {
			return
		}
		r := newLineReader(&s)
		for k, w := range want {
			checkLine(rt, r, int64(k), w)
		}
		for _, k := range rapid.SliceOfN(rapid.Int64Range(0, lines-1), 0, 20).Draw(rt, "jumps") {
			checkLine(rt, r, k, want[k])
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
		return strings.Repeat("\n", rapid.IntRange(0, 3*blockSize/2).Draw(rt, "empty lines"))
	case 3:
		return strings.Repeat("0123456789abcde\n", rapid.IntRange(0, 20_000).Draw(rt, "lines"))
	case 4:
		return "\n"
	default:
		return strings.Repeat("y", rapid.IntRange(0, 5*blockSize).Draw(rt, "long")) + "\n"
	}
}

func TestStoreGrowsUnderAReader(t *testing.T) {
	t.Parallel()
	var s store
	defer func() { _ = s.close() }()
	const rounds = 300
	done := make(chan error, 1)
	go func() {
		for i := range rounds {
			if err := s.append([]byte(numbered(i*100, i*100+100))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for lines := int64(0); lines < rounds*100; {
		r := newLineReader(&s)
		lines = r.lines
		for _, k := range []int64{0, lines / 3, lines - 1} {
			if k >= 0 && lines > 0 {
				checkLine(t, r, k, fmt.Sprintf("line %d", k))
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
		{"100 MB without a line feed", strings.Repeat("a", 100<<20), strings.Repeat("a", maxLine), 100<<20 - maxLine},
		{"progress bar of 1 MB", strings.Repeat("\r  50%|#####     |", 1<<16), "", 0},
		{"CR at the end only", strings.Repeat("b", 1<<20) + "\r", strings.Repeat("b", maxLine), 1<<20 + 1 - maxLine},
	}
	for _, tt := range tests {
		for _, end := range []string{"", "\n", "\nnext\n"} {
			t.Run(tt.name+fmt.Sprintf("/end %q", end), func(t *testing.T) {
				t.Parallel()
				var s store
				defer func() { _ = s.close() }()
				if err := s.append([]byte("first\n" + tt.line + end)); err != nil {
					t.Fatal(err)
				}
				r := newLineReader(&s)
				checkLine(t, r, 0, "first")
				l, err := r.line(1)
				if err != nil {
					t.Fatal(err)
				}
				if rest := l.len - int64(len(l.text)); rest != tt.rest {
					t.Errorf("%d bytes are left out, want %d", rest, tt.rest)
				}
				if !bytes.HasPrefix(l.text, []byte(tt.want)) || len(l.text) == 0 {
					t.Errorf("text of %d bytes begins %.30q", len(l.text), l.text)
				}
				if end == "\nnext\n" {
					checkLine(t, r, 2, "next")
					checkLine(t, newLineReader(&s), 2, "next")
				}
			})
		}
	}
}

func TestStoreMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var s store
	defer func() { _ = s.close() }()
	chunk := []byte(strings.Repeat("0123456789abcde\n", 2048))
	for range 4096 { // 128 MiB
		if err := s.append(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if got := cap(s.tail) + 8*cap(s.index.before); got > 4*spillAt {
		t.Errorf("a log of 128 MiB takes %d bytes of memory", got)
	}
}

func TestStoreClosed(t *testing.T) {
	t.Parallel()
	var s store
	if err := s.append([]byte(strings.Repeat("x\n", spillAt))); err != nil {
		t.Fatal(err)
	}
	r := newLineReader(&s)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.line(7); !errors.Is(err, errClosed) {
		t.Errorf("read after close: %v", err)
	}
	if err := s.append([]byte("y")); !errors.Is(err, errClosed) {
		t.Errorf("append after close: %v", err)
	}
}
