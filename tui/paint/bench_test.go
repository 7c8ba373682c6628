package paint

import (
	"fmt"
	"os"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// logLine is a coloured line of a log, as wide as the screen.
func logLine(i, w int) string {
	plain := fmt.Sprintf("%06d worker %d took %dms for batch %d of epoch %d: loss=0.%04d ", i*7919%999983, i*31%97, i*17%997, i, i/100, i*7877%9973)
	plain += strings.Repeat("the rest of the line goes on ", w/29+1)
	return fmt.Sprintf("\x1b[90m12:%02d:%02d\x1b[0m \x1b[3%dmINFO\x1b[0m %s", i/60%60, i%60, 1+i%6, plain[:w-14])
}

func tableRow(i, w, seconds int, cursor bool) string {
	state := []string{"\x1b[32mRUNNING\x1b[0m  ", "\x1b[31mFAILED\x1b[0m   ", "\x1b[34mSUCCEEDED\x1b[0m"}[i%3]
	id := fmt.Sprintf("raysubmit_%08x", uint32(i)*2654435761)
	tail := fmt.Sprintf("python train_%d.py --epochs %d ", i, i*3) + strings.Repeat("-x ", w/3)
	if cursor {
		return fmt.Sprintf("\x1b[7m> %s\x1b[0m %s \x1b[7m%4ds %s\x1b[0m", id, state, seconds, tail[:w-40])
	}
	return fmt.Sprintf("  \x1b[1m%s\x1b[0m %s %4ds %s", id, state, seconds, tail[:w-40])
}

// frames returns a sequence of frames of one kind.
func frames(kind string, w, h int) func(i int) string {
	view := func(status string, row func(y int) string) string {
		rows := []string{"\x1b[1mdray\x1b[0m  jobs  embedded"}
		for y := range h - 2 {
			rows = append(rows, row(y))
		}
		return strings.Join(append(rows, status), "\n")
	}
	log := func(first int) string {
		return view("q quit", func(y int) string { return logLine(first+y, w) })
	}
	table := func(first, cursor, tick int, status string) string {
		return view(status, func(y int) string { return tableRow(first+y, w, tick+y*3, y == cursor) })
	}
	return func(i int) string {
		switch kind {
		case "append":
			return log(i)
		case "page", "first":
			return log(i * h)
		case "status":
			return table(0, 3, 0, fmt.Sprintf("\x1b[90m10 jobs\x1b[0m  %d", i%10))
		case "cursor":
			return table(0, 3+i%(h-5), 0, "q quit")
		case "table":
			return view("q quit", func(y int) string { return tableRow(i+y, w, (i+y)*3, false) })
		default: // ticks
			return table(0, 3, i, "q quit")
		}
	}
}

// counter counts what a renderer writes.
type counter struct {
	*os.File
	n     int
	wrote chan struct{}
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	if len(p) > len("\x1b[?1049h") {
		select {
		case c.wrote <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

// BenchmarkFrame compares the bytes of a frame with Bubble Tea's renderer.
func BenchmarkFrame(b *testing.B) {
	for _, kind := range []string{"append", "page", "status", "cursor", "table", "ticks", "first"} {
		for _, size := range [][2]int{{80, 24}, {200, 60}} {
			w, h := size[0], size[1]
			var views []string
			next := frames(kind, w, h)
			for i := range 64 {
				views = append(views, next(i))
			}
			b.Run(fmt.Sprintf("%s/%dx%d/paint", kind, w, h), func(b *testing.B) {
				var c canvas
				for _, v := range views { // the styles are met once
					c.draw(v, w, h, true)
				}
				b.ReportAllocs()
				b.ResetTimer()
				n := 0
				for i := range b.N {
					if i%63 == 0 {
						b.StopTimer()
						c.draw(views[0], w, h, true)
						b.StartTimer()
					}
					n += len(c.draw(views[1+i%63], w, h, kind == "first"))
				}
				b.ReportMetric(float64(n)/float64(b.N), "B/frame")
			})
			b.Run(fmt.Sprintf("%s/%dx%d/stock", kind, w, h), func(b *testing.B) {
				benchStock(b, views, w, h, kind == "first")
			})
		}
	}
}

// still shows one of its views.
type still struct {
	views []string
	i     int
}

func (s still) Init() tea.Cmd { return nil }
func (s still) View() string  { return s.views[s.i%len(s.views)] }
func (s still) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if i, ok := msg.(int); ok {
		s.i = i
	}
	return s, nil
}

// benchStock measures bytes only: that renderer draws by a clock.
func benchStock(b *testing.B, views []string, w, h int, clear bool) {
	out := &counter{wrote: make(chan struct{}, 1)}
	p := tea.NewProgram(still{views: views}, tea.WithInput(nil), tea.WithOutput(struct{ *counter }{out}),
		tea.WithAltScreen(), tea.WithFPS(120), tea.WithoutSignalHandler())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = p.Run()
	}()
	p.Send(tea.WindowSizeMsg{Width: w, Height: h})
	<-out.wrote
	start := out.n
	n := min(b.N, 40)
	b.ResetTimer()
	for i := range n {
		if clear {
			p.Send(tea.ClearScreen())
		}
		p.Send(1 + i)
		<-out.wrote
	}
	b.ReportMetric(float64(out.n-start)/float64(n), "B/frame")
	b.ReportMetric(0, "ns/op")
	p.Quit()
	<-done
}
