package paint

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/hinshun/vt10x"
)

// emulator is a screen that frames are written to.
type emulator struct{ vt10x.Terminal }

func newEmulator(w, h int) emulator {
	e := emulator{vt10x.New(vt10x.WithSize(w, h))}
	e.write([]byte(wrapOff))
	return e
}

func (e emulator) write(b []byte) { _, _ = e.Write(b) }

// cells is what the screen shows, styles included.
func (e emulator) cells() [][]vt10x.Glyph {
	w, h := e.Size()
	rows := make([][]vt10x.Glyph, h)
	for y := range rows {
		for x := range w {
			rows[y] = append(rows[y], e.Cell(x, y))
		}
	}
	return rows
}

// repaint is the screen that shows text, drawn without any cleverness.
func repaint(text string, w, h int) emulator {
	e := newEmulator(w, h)
	rows := strings.Split(text, "\n")
	rows = rows[max(0, len(rows)-h):]
	for y, row := range rows {
		e.write(fmt.Appendf(nil, "\x1b[%d;1H\x1b[m%s", y+1, ansi.Truncate(row, w, "")))
	}
	return e
}

func sameScreen(t *testing.T, what string, got, want emulator) {
	t.Helper()
	g, w := got.cells(), want.cells()
	for y := range w {
		if !slices.Equal(g[y], w[y]) {
			t.Fatalf("%s: row %d is\n%v\nwant\n%v\nscreen\n%s\nwant\n%s", what, y, g[y], w[y], got, want)
		}
	}
}

// scene changes at random, as screens do.
type scene struct {
	*rand.Rand
	w, h int
	rows []string
}

func (s *scene) word() string {
	words := []string{"a", "job", "raysubmit_x", "12s", "─", "│", "é", "  ", " ", "      ", "…", "0.5", "世界", "👍🏽", "e\u0301"}
	if s.IntN(20) > 0 {
		words = words[:12] // rows of plain cells
	}
	return words[s.IntN(len(words))]
}

func (s *scene) row() string {
	var b strings.Builder
	for range s.IntN(s.w/2 + 1) {
		switch s.IntN(8) {
		case 0:
			fmt.Fprintf(&b, "\x1b[%dm%s\x1b[0m", 30+s.IntN(8), s.word())
		case 1:
			fmt.Fprintf(&b, "\x1b[1m\x1b[38;5;%dm%s\x1b[m", s.IntN(256), s.word())
		case 2:
			fmt.Fprintf(&b, "\x1b[48;5;%dm", s.IntN(256)) // leaks to the row's end
		case 3:
			fmt.Fprintf(&b, "\x1b[38;2;%d;0;%dm%s\x1b[0;7m%s", s.IntN(256), s.IntN(256), s.word(), s.word())
		default:
			b.WriteString(s.word())
		}
	}
	return b.String()
}

func (s *scene) change() {
	switch s.IntN(8) {
	case 0: // another page
		for i := range s.rows {
			s.rows[i] = s.row()
		}
	case 1, 2: // lines come
		n := 1 + s.IntN(3)
		top := s.IntN(3)
		for range n {
			s.rows = slices.Insert(slices.Delete(s.rows, top, top+1), len(s.rows)-1-s.IntN(2), s.row())
		}
	case 3: // back
		for range 1 + s.IntN(3) {
			s.rows = slices.Insert(s.rows[:len(s.rows)-1], s.IntN(3), s.row())
		}
	case 4: // resized
		s.size(8+s.IntN(60), 5+s.IntN(20))
	case 5: // nothing, or some rows away
		s.rows[s.IntN(len(s.rows))] = ""
	default: // a cell or two
		for range 1 + s.IntN(4) {
			i := s.IntN(len(s.rows))
			s.rows[i] = edit(s.rows[i], s.word(), s.IntN(len(s.rows[i])+1))
		}
	}
}

// edit replaces a piece of row unless that would break a sequence in it.
func edit(row, word string, at int) string {
	if strings.ContainsRune(row, ansi.ESC) || !isASCII(row) {
		return row + word
	}
	return row[:at] + word + row[min(len(row), at+len(word)):]
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > ansi.DEL }) < 0
}

func (s *scene) size(w, h int) {
	s.w, s.h = w, h
	for len(s.rows) < h {
		s.rows = append(s.rows, s.row())
	}
	s.rows = s.rows[:h]
}

func TestCanvas_randomFramesEqualARepaint(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := &scene{Rand: rand.New(rand.NewPCG(seed, 1))}
			s.size(40, 12)
			var c canvas
			screen := newEmulator(s.w, s.h)
			for i := range 200 {
				full := i == 0
				if w, h := screen.Size(); w != s.w || h != s.h {
					screen.Resize(s.w, s.h)
					full = true
				}
				text := strings.Join(s.rows, "\n")
				if i%10 == 9 {
					text = "cut\nat the top\n" + text
				}
				before := screen.String()
				out := slices.Clone(c.draw(text, s.w, s.h, full))
				screen.write(out)
				sameScreen(t, fmt.Sprintf("frame %d, written %q over\n%s", i, out, before), screen, repaint(text, s.w, s.h))
				s.change()
			}
		})
	}
}

func TestCanvas_drawsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, view := range map[string]string{
		"empty":         "",
		"too many rows": strings.Repeat("x\ny\n", 30),
		"too wide":      strings.Repeat("wide ", 40),
		"wide runes":    "世界\n👍🏽",
		"broken":        "\xff\xfe\x1b[",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c canvas
			if len(c.draw(view, 80, 24, true)) == 0 {
				t.Error("a full frame is empty")
			}
			if again := c.draw(view, 80, 24, false); len(again) > 0 {
				t.Errorf("the same view again wrote %q", again)
			}
		})
	}
}

func TestCanvas_writes(t *testing.T) {
	t.Parallel()
	lines := func(from, to int) string {
		var rows []string
		for i := from; i < to; i++ {
			rows = append(rows, strings.Repeat(string(rune('A'+i)), 9))
		}
		return strings.Join(rows, "\n")
	}
	for _, tt := range []struct{ name, from, to, want string }{
		{"one cell", "one job", "one Job", "\x1b[1;5HJ"},
		{"a shorter row", "one job here", "one job", "\x1b[1;8H\x1b[K"},
		{"a styled row becomes shorter", "a\x1b[7mbcd\x1b[0m", "a\x1b[7mb\x1b[0m", "\x1b[1;3H\x1b[K"},
		{"near changes as one", "abcdef", "xbcyef", "\x1b[1;1Hxbcy"},
		{"far changes by a movement", "a23456789b", "x23456789y", "\x1b[1;1Hx\x1b[8Cy"},
		{"the next row", "a\nb", "x\ny", "\x1b[1;1Hx\r\ny"},
		{"a new style only", "\x1b[31mab\x1b[0m", "\x1b[32mab\x1b[0m", "\x1b[1;1H\x1b[32mab\x1b[m"},
		{"the same in other words", "\x1b[31mab\x1b[0m", "\x1b[31mab\x1b[m   ", ""},
		{"a style that others are added to", "\x1b[31ma\x1b[1mb\x1b[0m", "\x1b[31mx\x1b[1my\x1b[0m", "\x1b[1;1H\x1b[31mx\x1b[1my\x1b[m"},
		{"a style that begins with a reset", "\x1b[31ma\x1b[0;7mb\x1b[0m", "\x1b[31ma\x1b[0;7my\x1b[0m", "\x1b[1;2H\x1b[0;7my\x1b[m"},
		{"over another style by a movement", "a\x1b[31mb\x1b[0mc", "x\x1b[31mb\x1b[0my", "\x1b[1;1Hx\x1b[Cy"},
		{"a row with styles without end whole", strings.Repeat("\x1b[1m", 30) + "a", strings.Repeat("\x1b[1m", 30) + "b", "\x1b[1;1H\x1b[K" + strings.Repeat("\x1b[1m", 30) + "b\x1b[m"},
		{"no scroll that costs what it saves", strings.Repeat("a", 40) + "\n" + strings.Repeat("b", 40) + "\nc", strings.Repeat("b", 40) + "\n" + strings.Repeat("b", 40) + "\nd", "\x1b[1;1H" + strings.Repeat("b", 40) + "\x1b[3;1Hd"},
		{"a row with a wide rune whole", "世a", "世b", "\x1b[1;1H\x1b[K世b"},
		{"a scroll to the screen's end", lines(0, 24), lines(1, 25), "\x1b[1;1H\x1b[M\x1b[24;1HYYYYYYYYY"},
		{
			"a scroll of a part", "head\n" + lines(0, 22) + "\nfoot", "head\n" + lines(1, 23) + "\nfoot",
			"\x1b[2;23r\x1b[2;1H\x1b[M\x1b[r\x1b[23;1HWWWWWWWWW",
		},
		{"a scroll back", lines(10, 34), lines(8, 32), "\x1b[1;1H\x1b[2L\x1b[1;1HIIIIIIIII\r\nJJJJJJJJJ"},
		{"no sequence but styles", "", "\x1b]8;;http://x\x07a\x1b]8;;\x07\x1b[2J\x1b[>4;1m\tb\u009b3m", "\x1b[1;1Hab3m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c canvas
			c.draw(tt.from, 80, 24, true)
			if got := string(c.draw(tt.to, 80, 24, false)); got != tt.want {
				t.Errorf("wrote %q, want %q", got, tt.want)
			}
		})
	}
}

// TestCanvas_bytes holds the ceilings of what the benchmarks report.
func TestCanvas_bytes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		small, large int // at 80x24 and 200x60
	}{
		{"append", 220, 260},
		{"page", 2100, 7900},
		{"status", 12, 12},
		{"cursor", 260, 460},
		{"table", 340, 600},
		{"ticks", 260, 700},
		{"first", 2800, 13000},
	} {
		for _, size := range []struct{ w, h, ceiling int }{{80, 24, tt.small}, {200, 60, tt.large}} {
			t.Run(fmt.Sprintf("%s %dx%d", tt.name, size.w, size.h), func(t *testing.T) {
				t.Parallel()
				var c canvas
				frames := frames(tt.name, size.w, size.h)
				c.draw(frames(0), size.w, size.h, true)
				sum := 0
				const n = 20
				for i := 1; i <= n; i++ {
					sum += len(c.draw(frames(i), size.w, size.h, tt.name == "first"))
				}
				if sum/n > size.ceiling || sum == 0 {
					t.Errorf("%d bytes per frame, at most %d", sum/n, size.ceiling)
				}
			})
		}
	}
}

func TestCanvas_allocatesNothing(t *testing.T) {
	for _, name := range []string{"append", "page", "status", "cursor", "table", "ticks", "first"} {
		next := frames(name, 200, 60)
		var views []string
		for i := range 50 {
			views = append(views, next(i))
		}
		var c canvas
		for _, v := range views {
			c.draw(v, 200, 60, name == "first")
		}
		i := 0
		if n := testing.AllocsPerRun(50, func() {
			c.draw(views[i%len(views)], 200, 60, name == "first")
			i++
		}); n > 0 {
			t.Errorf("%s: %v allocations per frame", name, n)
		}
	}
}

func FuzzCanvas(f *testing.F) {
	f.Add("one\ntwo", "one\n\x1b[31mtwo\x1b[0m", uint8(20), uint8(5))
	f.Add("世界", "\x1b[4:3m\xff\u0301e\u0301\x1b]0;x\x07", uint8(3), uint8(1))
	f.Add("\u0600\xc2", "\x1b[38;2;1;2;3;4;5;6;7;8m\x1b[0", uint8(1), uint8(9))
	f.Fuzz(func(t *testing.T, one, two string, w, h uint8) {
		width, height := 1+int(w), 1+int(h)
		var c canvas
		for i, v := range []string{one, two, one, two + "\n" + one} {
			out := string(c.draw(v, width, height, i == 0))
			for rest := out; rest != ""; {
				seq, _, n, _ := ansi.DecodeSequence(rest, ansi.NormalState, nil)
				rest = rest[n:]
				if seq[0] >= ' ' && seq[0] != ansi.DEL || seq == "\r" || seq == "\n" {
					continue
				}
				if seq[0] != ansi.ESC || !strings.ContainsRune("mHCKJMLr", rune(seq[len(seq)-1])) {
					t.Fatalf("wrote %q in %q", seq, out)
				}
			}
		}
	})
}
