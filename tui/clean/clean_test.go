package clean_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"dray/tui/clean"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"ascii", "train.py --lr 0.1", "train.py --lr 0.1"},
		{"escape sequence", "a\x1b[2Jb", `a\x1b[2Jb`},
		{"line breaks and tab", "a\nb\r\nc\td\re", "a b c d e"},
		{"unicode line breaks", "a\u2028b\u0085c", "a b c"},
		{"bidi override", "a\u202eb", `a\u202eb`},
		{"zero width", "a\u200bb\ufeff", `a\u200bb\ufeff`},
		{"tag characters", "a\U000e0041", `a\U000e0041`},
		{"C1", "a\u009b2J", `a\u009b2J`},
		{"not UTF-8", "a\xff\xc3", `a\xff\xc3`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`},
		{"wide and combining", "日本e\u0301", "日本e\u0301"},
		{"a real replacement character", "\uFFFD", "\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := clean.Text(tt.in); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"one line", "a", []string{"a"}},
		{"last break adds none", "a\n\nb\n", []string{"a", "", "b"}},
		{"CR LF is one break", "a\r\nb\rc", []string{"a", "b", "c"}},
		{"tabs to the column", "ab\tc\t\t日\td", []string{"ab      c               日      d"}},
		{"controls", "a\x1bb\n\x07", []string{`a\x1bb`, `\x07`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, clean.Block(tt.in)); diff != "" {
				t.Errorf("Block(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain", "step 1", "step 1"},
		{"colour is closed", "\x1b[31mred", "\x1b[31mred\x1b[m"},
		{"closed colour", "\x1b[31mred\x1b[0m x", "\x1b[31mred\x1b[m x"},
		{"256 and true colour", "\x1b[38;5;0ma\x1b[38:2::1:2:3mb\x1b[m", "\x1b[30ma\x1b[38;2;1;2;3mb\x1b[m"},
		{"reset and on", "a\x1b[0;1;31mb", "a\x1b[m\x1b[1;31mb\x1b[m"},
		{"reset in the middle", "\x1b[1;0;4mb", "\x1b[m\x1b[4mb\x1b[m"},
		{"hidden and blinking", "\x1b[8ma\x1b[5;31mb", "a\x1b[31mb\x1b[m"},
		{"underlines", "\x1b[4:3;58:2::1:2:3ma\x1b[4:0mb", "\x1b[4ma\x1b[24mb\x1b[m"},
		{"broken colours", "\x1b[38;5ma\x1b[38;9;1mb\x1b[38;5;300mc\x1b[38md", "a\x1b[1mbcd\x1b[m"},
		{"empty parameters", "\x1b[31;;mx", "\x1b[mx"},
		{"keyboard mode is no colour", "\x1b[>4;1mx", "x"},
		{"clear, home, cursor", "a\x1b[2J\x1b[Hb\x1b[?25lc\x1b7d\x1b=e", "abcde"},
		{"broken CSI", "\x1b[12\x1b[31mx\x1b[m", "\x1b[31mx\x1b[m"},
		{"CSI at the end", "x\x1b[31", "x"},
		{"title and clipboard", "a\x1b]0;title\x07b\x1b]52;c;AAAA\x1b\\c", "abc"},
		{"hyperlink keeps its text", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"open OSC hides nothing", "a\x1b]0;all of this", "a0;all of this"},
		{"DCS, APC, PM, SOS", "a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d\x1bXz\x1b\\e", "abcde"},
		{"BEL does not end a DCS", "a\x1bPq\x07r\x1b\\b", "ab"},
		{"8-bit forms", "a\u009b2Jb\u009d0;t\u009cc\u0085d\u009b31me", "abcd\x1b[31me\x1b[m"},
		{"raw C1 byte is not UTF-8", "a\x9b2J", "a\uFFFD2J"},
		{"character set", "\x1b(0a\x1b(Bb\x1b#8c", "abc"},
		{"controls", "a\x07\x0e\x7fb", "ab"},
		{"NUL", "a\x00b\x00\x00\x00c", "a␀b␀×3c"},
		{"backspace", "copying |\b/\b-\b\b\b done", "copyin done"},
		{"backspace at the end", "50%\b\b\b", "50%"},
		{"backspace over a mark", "e\u0301\bx", "x"},
		{"backspace over a colour", "ab\x1b[31m\bc", "a\x1b[31mc\x1b[m"},
		{"a bar elsewhere that ends a colour", "\x1b[31ma\x1b7\x1b[H\x1b[0mbar\x1b8", "\x1b[31ma\x1b[m"},
		{"a colour before nothing but a bar", "\x1b[31m\x1b7\x1b[Hbar\x1b8", "\x1b[31mbar\x1b[m"},
		{"up is another row", "inner: 10%\x1b[A\router: 33%", "outer: 33%"},
		{"up at the end", "inner: 10%\x1b[A", "inner: 10%"},
		{"erased and written", "one\x1b[2Ktwo", "two"},
		{"to the first column", "one\x1b[1Gtwo\x1b[9Gx", "twox"},
		{"a bar elsewhere", "Unpacking\x1b7\x1b[24;0fProgress: [ 42%]\x1b8 more", "Unpacking more"},
		{"nothing but a bar elsewhere", "\x1b7\x1b[24;0fProgress: [ 42%]\x1b8", "Progress: [ 42%]"},
		{"saved and stayed", "a\x1b7b\x1b8c", "abc"},
		{"tabs", "a\tb\t\x1b[1mc\td\x1b[m", "a       b       \x1b[1mc       d\x1b[m"},
		{"tab after wide", "日\tx", "日      x"},
		{"invalid UTF-8", "a\xffb\xe6\x97", "a\uFFFDb\uFFFD\uFFFD"},
		{"half a surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
		{"bidi and zero width go", "a\u202eb\u200bc\ufeff", "abc"},
		{"emoji lose joiners and selectors", "👩\u200d💻⚠\ufe0f", "👩💻⚠"},
		{"combining", "e\u0301", "e\u0301"},
		{"combining at the start", "\u0301x", " \u0301x"},
		{"combining after CR", "a\r\u0301x", " \u0301x"},
		{"CR replaces", "10%\r20%\r30%", "30%"},
		{"CR LF", "done\r", "done"},
		{"CR and erase line only", "50%\r\x1b[K", "50%"},
		{"CR keeps the style", "\x1b[32m10%\r20%", "\x1b[32m20%\x1b[m"},
		{"CR after a closed style", "\x1b[32m10%\x1b[m\r20%", "20%"},
		{"tab after CR", "abc\r\tx", "        x"},
		{"blank after CR replaces too", "abc\r   ", "   "},
		{"ESC at the end", "a\x1b", "a"},
		{"private use stays", "\ue0b0", "\ue0b0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := clean.Log([]byte("» "), []byte(tt.in), clean.TrueColour)
			if want := "» " + tt.want; string(got) != want {
				t.Errorf("Log(%q) = %q, want %q", tt.in, got, want)
			}
		})
	}
}

func TestLogDepth(t *testing.T) {
	t.Parallel()
	const in = "\x1b[1;31ma\x1b[38;5;208mb\x1b[48;2;255;0;0mc\x1b[38;5;9md"
	tests := []struct {
		name  string
		depth clean.Depth
		want  string
	}{
		{"none", clean.NoColour, "abcd"},
		{"16", clean.Colours16, "\x1b[1;31ma\x1b[91mb\x1b[101mc\x1b[91md\x1b[m"},
		{"256", clean.Colours256, "\x1b[1;31ma\x1b[38;5;208mb\x1b[48;5;196mc\x1b[91md\x1b[m"},
		{"true colour", clean.TrueColour, "\x1b[1;31ma\x1b[38;5;208mb\x1b[48;2;255;0;0mc\x1b[91md\x1b[m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(clean.Log(nil, []byte(in), tt.depth)); got != tt.want {
				t.Errorf("Log(%q) = %q, want %q", in, got, tt.want)
			}
		})
	}
}

func TestLogPlain(t *testing.T) {
	t.Parallel()
	got := string(clean.LogPlain(nil, []byte("\x1b[31mred\x1b[m \x1b[1mbold\rx")))
	if got != "x" {
		t.Errorf("got %q, want %q", got, "x")
	}
}

func TestLogStyleIsBounded(t *testing.T) {
	t.Parallel()
	line := bytes.Repeat([]byte("\x1b[31mx\r"), 100_000)
	if got := clean.Log(nil, line, clean.TrueColour); len(got) > 2000 {
		t.Errorf("a line of %d colour changes becomes %d bytes", 100_000, len(got))
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b[31m\u202e\xff\t\n")
	f.Fuzz(func(t *testing.T, s string) {
		assertSafe(t, s, clean.Text(s))
		for _, l := range clean.Block(s) {
			assertSafe(t, s, l)
		}
	})
}

func FuzzLog(f *testing.F) {
	for _, s := range []string{"\x1b[31mred\r\tx", "\u009b2J\x1b]0;t\x07", "\xed\xa0\x80\x1b[38;5;1m", "\x1bP\x1b\\\x1b[>4m", "\x1b[\x1b[\u009b1m\x1b\x1b[m", "\x1b[38:2::1:2:3;0;8m\x00\bx\x1b7\x1b[H\x1b8", "a\x1b[A\x1b[2K\x1b[Gm\b"} {
		f.Add([]byte(s))
	}
	sgr := regexp.MustCompile("\x1b\\[[0-9;:]*m")
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.ReplaceAll(line, []byte("\n"), nil)
		in := bytes.Clone(line)
		got := string(clean.Log(nil, line, clean.TrueColour))
		if !bytes.Equal(in, line) {
			t.Fatalf("Log changed its argument %q to %q", in, line)
		}
		if all := sgr.FindAllString(got, -1); len(all) > 0 {
			if last := all[len(all)-1]; strings.Trim(last, "\x1b[0;m") != "" {
				t.Errorf("Log(%q) = %q ends with %q open", line, got, last)
			}
		}
		text := sgr.ReplaceAllString(got, "")
		assertSafe(t, string(line), text)
		if plain := string(clean.LogPlain(nil, line)); plain != text {
			t.Errorf("LogPlain(%q) = %q, but Log has the text %q", line, plain, text)
		}
	})
}

// assertSafe fails on what can move, hide, reorder or command.
func assertSafe(t *testing.T, in, got string) {
	t.Helper()
	if !utf8.ValidString(got) {
		t.Fatalf("%q became %q, which is not UTF-8", in, got)
	}
	for _, r := range got {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Fatalf("%q became %q with %U", in, got, r)
		}
	}
}

func BenchmarkLog(b *testing.B) {
	lines := map[string]string{
		"ascii":   strings.Repeat("14:02:20 INFO  train  world_size=8 ", 4),
		"colour":  "\x1b[32m14:02:20\x1b[0m INFO  \x1b[1mtrain\x1b[0m  world_size=8 precision=bf16 batch=2048 loss 5.12",
		"unicode": "epoch 0:  64%|██████▍   | 400/625 [10:12<05:44,  1.53s/it] 日本語",
	}
	for name, l := range lines {
		b.Run(name, func(b *testing.B) {
			line, dst := []byte(l), make([]byte, 0, 1024)
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				dst = clean.Log(dst[:0], line, clean.TrueColour)
			}
		})
	}
}
