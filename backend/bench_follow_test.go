//go:build linux

package backend_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/client"
	"dray/backend/rayapi"
)

// BenchmarkFollowers is how long after a line was printed its followers have it:
// one follower of a slow job, and many of one that prints 500 lines a second.
func BenchmarkFollowers(b *testing.B) {
	for _, bc := range []struct {
		followers int
		every     time.Duration
		lines     int
		q         float64
		unit      string
	}{
		{1, 20 * time.Millisecond, 100, 0.5, "p50-ms<=15"},
		{100, 2 * time.Millisecond, 1500, 0.99, "p99-ms<=50"},
		{500, 2 * time.Millisecond, 1500, 0.99, "p99-ms<=300"},
	} {
		b.Run(strconv.Itoa(bc.followers), func(b *testing.B) {
			var late []time.Duration
			memory := 0.0
			for b.Loop() {
				times, mib := followLines(b, bc.followers, bc.lines, bc.every)
				late, memory = append(late, times...), max(memory, mib)
			}
			b.ReportMetric(quantile(late, bc.q), bc.unit)
			b.ReportMetric(memory, "MiB<=150")
		})
	}
}

// perJob is how many followers the backend lets a job have.
const perJob = 100

// followLines has jobs print lines with the time in them, and returns how late
// the oldest of each piece was when a follower got it, and the backend's memory.
func followLines(b *testing.B, followers, lines int, every time.Duration) ([]time.Duration, float64) {
	state := filepath.Join(b.TempDir(), "state")
	p := startHost(b, state)
	c := p.client(b)
	var mu sync.Mutex
	var late []time.Duration
	var wg, ready sync.WaitGroup
	var pipes []*os.File
	var ids []string
	for rest := followers; rest > 0; rest -= perJob {
		fifo := filepath.Join(b.TempDir(), "lines")
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			b.Fatal(err)
		}
		d := submit(b, c, state, rayapi.SubmitRequest{Entrypoint: "echo ready; exec cat " + fifo})
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the job
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
		pipes, ids = append(pipes, w), append(ids, filepath.Base(d.Path()))
		for range min(rest, perJob) {
			ready.Add(1)
			wg.Go(func() {
				mine := follow(b, c, filepath.Base(d.Path()), ready.Done)
				mu.Lock()
				defer mu.Unlock()
				late = append(late, mine...)
			})
		}
	}
	ready.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for range lines {
		<-tick.C
		for _, w := range pipes {
			if _, err := fmt.Fprintf(w, "at %d and then some text, as a line of a log has it\n", time.Now().UnixNano()); err != nil {
				b.Fatal(err)
			}
		}
	}
	memory := residentMiB(b, p.cmd.Process.Pid)
	for _, w := range pipes {
		_ = w.Close()
	}
	wg.Wait()
	for _, id := range ids {
		ended(b, c, id)
	}
	return late, memory
}

func follow(b *testing.B, c *client.Client, id string, ready func()) []time.Duration {
	ready = sync.OnceFunc(ready)
	defer ready()
	f, err := c.Follow(b.Context(), id, 0)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer f.Close()
	var late []time.Duration
	for {
		chunk, err := f.Next(b.Context())
		if err != nil {
			return late // the job has ended
		}
		now := time.Now()
		if strings.Contains(chunk.Data, "ready\n") {
			ready()
		}
		_, rest, found := strings.Cut(chunk.Data, "at ")
		number, _, _ := strings.Cut(rest, " ")
		if at, err := strconv.ParseInt(number, 10, 64); found && err == nil {
			late = append(late, now.Sub(time.Unix(0, at)))
		}
	}
}

// BenchmarkFanOut is ten clients that read one log of 64 MiB at once: the time
// for all they get.
func BenchmarkFanOut(b *testing.B) {
	const clients, size = 10, 64 << 20
	state := filepath.Join(b.TempDir(), "state")
	p := startHost(b, state)
	c := p.client(b)
	d := submit(b, c, state, rayapi.SubmitRequest{Entrypoint: fmt.Sprintf("yes 'a line of a log, about as long as they are' | head -c %d", size)})
	id := filepath.Base(d.Path())
	ended(b, c, id)
	b.ResetTimer()
	for b.Loop() {
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				f, err := c.Follow(context.WithoutCancel(b.Context()), id, 0)
				if err != nil {
					b.Error(err)
					return
				}
				defer f.Close()
				n := 0
				for {
					chunk, err := f.Next(b.Context())
					if err != nil {
						break
					}
					n += len(chunk.Data)
				}
				if n < size {
					b.Errorf("%d bytes of %d", n, size)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/(clients*size)*1e9, "s/GB<=4")
}
