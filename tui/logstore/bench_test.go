package logstore

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dray/tui/loglevel"
	"dray/tui/screen"
)

// benchSize is the length of the log that is searched.
const benchSize = 256 << 20

// writeLog writes a training log of about size bytes, one needle at 99.9 %.
func writeLog(tb testing.TB, w io.Writer, size int64) int64 {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	out := bufio.NewWriterSize(w, 1<<20)
	written, needle := int64(0), false
	for step := 0; written < size; step++ {
		n, err := fmt.Fprintf(out, "2026-11-24 %02d:%02d:%02d,%03d INFO  train        epoch %d step %d loss %.4f  lr %.3e  img/s %d  grad_norm %.2f  mem %.1f/79.1G  node 10.4.0.%d\n",
			step/36000%24, step/600%60, step/10%60, step%1000, step/5000, step, rng.Float64()*9, rng.Float64()/1000, 9000+rng.IntN(2000), rng.Float64(), 40+rng.Float64()*30, rng.IntN(99))
		written += int64(n)
		if err == nil && !needle && written > size/1000*999 {
			needle = true
			n, err = fmt.Fprintf(out, "2026-11-24 23:59:59,000 ERROR train        Loss=nan in step %d\n", step)
			written += int64(n)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		tb.Fatal(err)
	}
	return written
}

// benchFile is a log in a file, and its length.
func benchFile(b *testing.B) (string, int64) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	return path, writeLog(b, f, benchSize)
}

func openBench(b *testing.B, path string) *Store {
	b.Helper()
	s := OpenFile(path)
	if _, err := s.Grow(); err != nil {
		b.Fatal(err)
	}
	return s
}

// lastScreen reads the lines of a screen from the end backwards.
func lastScreen(b *testing.B, s *Store) {
	b.Helper()
	r := s.Reader()
	l, ok, err := r.Last()
	for range 59 {
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
		l, ok, err = r.Prev(l)
	}
}

func BenchmarkOpen(b *testing.B) {
	path, _ := benchFile(b)
	b.Run("logstore", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s := openBench(b, path)
			lastScreen(b, s)
			_ = s.Close()
		}
	})
	b.Run("ReadAt of one block", func(b *testing.B) {
		buf := make([]byte, blockSize)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.ReadAt(buf, benchSize-blockSize); err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	})
	s := openBench(b, path)
	defer s.Close()
	if err := s.Count(b.Context(), func() {}); err != nil {
		b.Fatal(err)
	}
	b.Run("jump to a line and read a screen", func(b *testing.B) {
		r := s.Reader()
		rng := rand.New(rand.NewPCG(3, 4))
		b.ReportAllocs()
		for b.Loop() {
			l, ok, err := r.Nth(rng.Int64N(r.feeds - 60))
			for range 59 {
				if !ok || err != nil {
					b.Fatal(ok, err)
				}
				l, ok, err = r.Next(l)
			}
		}
	})
}

func BenchmarkCount(b *testing.B) {
	path, size := benchFile(b)
	b.Run("dray", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			s := openBench(b, path)
			if err := s.Count(b.Context(), func() {}); err != nil {
				b.Fatal(err)
			}
			_ = s.Close()
		}
	})
	b.Run("wc -l,1.3of1", func(b *testing.B) {
		b.SetBytes(size)
		buf := make([]byte, 256<<10)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			lines := 0
			for {
				n, err := f.Read(buf)
				lines += bytes.Count(buf[:n], []byte{'\n'})
				if err != nil {
					break
				}
			}
			_ = f.Close()
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	path, size := benchFile(b)
	s := openBench(b, path)
	defer s.Close()
	find := func(q Query) func(*testing.B) {
		return func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				hit, ok, err := NewFinder(s, q, 0).NextHit(b.Context(), 0)
				if err != nil || !ok || hit < size/1000*998 {
					b.Fatal(hit, ok, err)
				}
			}
		}
	}
	expr := func(text string) Query {
		q, err := Regexp(text)
		if err != nil {
			b.Fatal(err)
		}
		return q
	}
	b.Run("literal", find(Literal("Loss=nan")))
	b.Run("ignore case", find(Literal("loss=nan")))
	b.Run("regexp with a text", find(expr("ERROR.*Loss=nan")))
	b.Run("regexp of branches", find(expr("Loss=nan|CUDA out of memory|NCCL")))
	b.Run("regexp without a text", find(expr(`[Ll][Oo][Ss][Ss]=[a-z]+`)))
	b.Run("errors", find(Levels(loglevel.Error)))
	b.Run("plain scan", func(b *testing.B) {
		b.SetBytes(size)
		buf := make([]byte, 256<<10)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			for found := false; !found; {
				n, err := f.Read(buf)
				if err != nil {
					b.Fatal(err)
				}
				found = bytes.Contains(buf[:n], []byte("Loss=nan"))
			}
			_ = f.Close()
		}
	})
	b.Run("regexp by line", func(b *testing.B) {
		b.SetBytes(size)
		re := regexp.MustCompile("ERROR.*Loss=nan")
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			lines := bufio.NewScanner(f)
			for lines.Scan() && !re.Match(lines.Bytes()) {
			}
			_ = f.Close()
		}
	})
	count := func(text string) func(*testing.B) {
		return func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				f := NewFinder(s, Literal(text), 0)
				for p := f.Progress(); !p.Done; {
					var err error
					if p, err = f.Step(b.Context(), time.Second, true); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	b.Run("count all hits", count("step 77"))
	b.Run("count a hit on each line", count("grad_norm"))
}

func BenchmarkAppend(b *testing.B) {
	chunk := []byte(strings.Repeat("0123456789abcde\n", 2000))
	b.Run("dray", func(b *testing.B) {
		s := NewSpill()
		defer s.Close()
		b.SetBytes(int64(len(chunk)))
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Append(chunk); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
	})
	b.Run("split into strings,1of2", func(b *testing.B) {
		b.SetBytes(int64(len(chunk)))
		var lines []string
		for b.Loop() {
			lines = append(lines[:0], strings.Split(string(chunk), "\n")...)
		}
		b.ReportMetric(float64(len(lines)-1)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
	})
}

// A million lines arrive at once: the time until the last can be drawn.
func BenchmarkFollowMillionLines(b *testing.B) {
	const size = 1_000_000 * 16
	wait := func(b *testing.B, s *Session) {
		b.Helper()
		for {
			if n, ok := s.Next(); !ok {
				b.Fatal("the session ended")
			} else if n.Size == size && n.Exact() {
				break
			}
		}
		lastScreen(b, s.Store())
	}
	run := func(b *testing.B, o Options, after func()) {
		b.Helper()
		s := New(b.Context(), o)
		ended := make(chan struct{})
		go func() { s.Run(); close(ended) }()
		after()
		wait(b, s)
		s.Stop()
		<-ended
	}
	text := strings.Repeat("0123456789abcde\n", 2000)
	b.Run("stream", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f := &flood{text: text, limit: size}
			run(b, Options{ID: "id", Jobs: &server{open: func(int64) (screen.LogStream, error) { return f, nil }}}, func() {})
		}
	})
	b.Run("file", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f := newLogFile(b)
			whole := strings.Repeat(text, 500)
			run(b, f.options(), func() { f.print(whole) })
		}
	})
}
