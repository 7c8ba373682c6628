package logview

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/bubbles/viewport"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

const benchLine = "14:02:20 INFO  train        epoch 0 step 434 loss 5.131  lr 1.0e-3  img/s 10,412  grad_norm 0.91  mem 61.2/79.1G  eta 22h14m  node 10.4.0.17"

// benchModel is a page with n lines that no server feeds.
func benchModel(b *testing.B, n int, line string, size screen.Size) Model {
	b.Helper()
	m, ok := New(tuitest.Env(b, nil), job(rayapi.StatusRunning)).Resize(size).(Model)
	if !ok {
		b.Fatal("Resize returns another page")
	}
	b.Cleanup(func() {
		m.Close()
		_ = m.s.Store().Close()
	})
	block := []byte(strings.Repeat(line+"\n", 1000))
	for range n / 1000 {
		if err := m.s.Store().Append(block); err != nil {
			b.Fatal(err)
		}
	}
	return redraw(b, m)
}

// redraw does what a message about new lines leads to, and draws.
func redraw(b *testing.B, m Model) Model {
	m.news = m.s.Latest()
	m, cmd := m.load()
	msg, ok := cmd().(windowMsg)
	if !ok || msg.err != nil {
		b.Fatal("no window")
	}
	m, _ = m.drawn(msg)
	if len(m.View()) < 100 {
		b.Fatal("nothing is drawn")
	}
	return m
}

func BenchmarkAppend100To50000AndView(b *testing.B) {
	block := []byte(strings.Repeat(benchLine+"\n", 100))
	b.Run("dray", func(b *testing.B) {
		m := benchModel(b, 50_000, benchLine, screen.Size{W: 200, H: 57})
		b.ReportAllocs()
		for b.Loop() {
			if err := m.s.Store().Append(block); err != nil {
				b.Fatal(err)
			}
			m = redraw(b, m)
		}
	})
	b.Run("viewport,1of100", func(b *testing.B) {
		v := viewport.New(200, 55)
		text := strings.Repeat(benchLine+"\n", 50_000)
		b.ReportAllocs()
		for b.Loop() {
			v.SetContent(text + string(block))
			v.GotoBottom()
			if len(v.View()) < 100 {
				b.Fatal("nothing is drawn")
			}
		}
	})
}

func BenchmarkWindow(b *testing.B) {
	lines := map[string]string{
		"ascii":  benchLine,
		"colour": "\x1b[32m14:02:20\x1b[0m \x1b[1mINFO\x1b[0m train epoch 0 step 434 \x1b[38;5;208mloss 5.131\x1b[0m  lr 1.0e-3  img/s 10,412 and so on to fill it",
		"wide":   strings.Repeat("日本語のログ行、", 12),
		"10 kB":  strings.Repeat("0123456789", 1000),
		"bars":   "epoch 0:  64%|██████▍   | 400/625 [10:12<05:44,  1.53s/it]",
	}
	for name, line := range lines {
		for _, size := range []screen.Size{{W: 80, H: 21}, {W: 200, H: 57}} {
			for _, wrap := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%dx%d/wrap %v", name, size.W, size.H, wrap), func(b *testing.B) {
					m := benchModel(b, 100_000, line, size)
					m.wrap, m.follow, m.top = wrap, false, place{off: 77_777 * int64(len(line)+1)}
					b.ReportAllocs()
					for b.Loop() {
						m = redraw(b, m)
					}
				})
			}
		}
	}
}

func BenchmarkView(b *testing.B) {
	for _, size := range []screen.Size{{W: 80, H: 21}, {W: 200, H: 57}} {
		b.Run(fmt.Sprintf("%dx%d", size.W, size.H), func(b *testing.B) {
			m := benchModel(b, 50_000, benchLine, size)
			b.ReportAllocs()
			for b.Loop() {
				if len(m.View()) < 100 {
					b.Fatal("nothing is drawn")
				}
			}
		})
	}
}
