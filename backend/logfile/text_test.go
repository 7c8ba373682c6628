package logfile_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"dray/backend/logfile"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		pieces     []string
	}{
		{"plain", "abc\n", []string{"ab", "c\n"}},
		{"split rune", "ü€😀", []string{"\xc3", "\xbc\xe2\x82", "\xac\xf0", "\x9f", "\x98", "\x80"}},
		{"invalid byte", "a\ufffdb", []string{"a\xffb"}},
		{"split, then not continued", "\ufffd\ufffda", []string{"\xe2\x82", "a"}},
		{"split, then another rune", "\ufffdü", []string{"\xe2", "\xc3", "\xbc"}},
		{"cut off at the end", "x\ufffd\ufffd\ufffd", []string{"x\xf0\x9f\x98"}},
		{"NUL and escapes stay", "\x00\x1b[31m", []string{"\x00\x1b", "[31m"}},
		{"empty pieces", "é", []string{"", "\xc3", "", "\xa9", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var text logfile.Text
			var got []byte
			for _, p := range tt.pieces {
				got = text.Append(got, []byte(p))
				if !utf8.Valid(got) {
					t.Fatalf("after %q: %q is not valid UTF-8", p, got)
				}
			}
			if got = text.Flush(got); string(got) != tt.want {
				t.Errorf("text = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("ü€😀 plain"), []byte{1, 2, 3})
	f.Add([]byte("\xf0\x9f\x98 \xff\xe2\x82"), []byte{1})
	f.Add([]byte("\xed\xa0\x80\xc0\x80\xf5"), []byte{0, 1, 1})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		var whole, split logfile.Text
		want := whole.Flush(whole.Append(nil, data))
		var got []byte
		rest := data
		for _, c := range cuts {
			n := min(int(c), len(rest))
			piece := split.Append(nil, rest[:n])
			if !utf8.Valid(piece) {
				t.Fatalf("%q of %q is not valid UTF-8", piece, data)
			}
			got, rest = append(got, piece...), rest[n:]
		}
		got = split.Flush(split.Append(got, rest))
		if !bytes.Equal(got, want) {
			t.Fatalf("cut at %v: %q, want %q", cuts, got, want)
		}
		if utf8.Valid(data) && !bytes.Equal(got, data) {
			t.Fatalf("valid input changed: %q, want %q", got, data)
		}
		if !utf8.Valid(got) {
			t.Fatalf("%q is not valid UTF-8", got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	in := []byte(strings.Repeat("a line of a log with an umlaut ü in it\n", 1000))
	out := make([]byte, 0, 2*len(in))
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		var t logfile.Text
		out = t.Append(out[:0], in)
	}
}
