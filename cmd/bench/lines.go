//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// feed is where lines are written, one at a time: the file that a peer follows,
// or the pipe that a job copies into its log.
type feed struct {
	file *os.File
	n    int
}

// line writes one line of the usual length and returns its marker.
func (f *feed) line() (marker string, err error) {
	f.n++
	marker = fmt.Sprintf("mark-%05d", f.n)
	text := fmt.Sprintf("%s 14:00:00,000 INFO train epoch=1 step=%d loss=0.123456 lr=1.00e-04 grad_norm=0.1234 img/s=10000 mem=61.2G worker=10.4.0.17\n", marker, f.n)
	_, err = f.file.WriteString(text)
	return marker, err
}

// fed opens the dashboard on the log of a job that copies a pipe.
func (b *bench) fed(ctx context.Context, name string, s size, rate int, env ...string) (*term, *feed, error) {
	state, err := b.state(name)
	if err != nil {
		return nil, nil, err
	}
	fifo := filepath.Join(state, "feed")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", fifo, err)
	}
	t, err := b.dashboard(ctx, state, s, rate, env...)
	if err != nil {
		return nil, nil, err
	}
	f, err := b.feedJob(ctx, t, state, fifo)
	if err != nil {
		t.close()
		return nil, nil, err
	}
	return t, f, nil
}

func (b *bench) feedJob(ctx context.Context, t *term, state, fifo string) (*feed, error) {
	if err := b.verb(ctx, state, "submit", "--", "echo waiting-to-begin; cat "+fifo); err != nil {
		return nil, err
	}
	if err := t.wait("RUNNING", atLast); err != nil {
		return nil, err
	}
	if _, err := t.openPage("waiting-to-begin"); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &feed{file: file}, nil
}

// viewed opens a peer on a file to which lines are appended.
func (b *bench) viewed(ctx context.Context, s size, name string, args ...string) (*term, *feed, error) {
	path := filepath.Join(b.tmp, fmt.Sprintf("%s-%dx%d.log", name, s.cols, s.rows))
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	if _, err := file.WriteString("waiting-to-begin\n"); err != nil {
		return nil, nil, err
	}
	t, err := startTerm(ctx, s, nil, name, append(args, path)...)
	if err != nil {
		return nil, nil, err
	}
	if err := t.wait("waiting-to-begin", soon); err != nil {
		t.close()
		return nil, nil, err
	}
	return t, &feed{file: file}, nil
}

// measured is what a series of lines cost.
type measured struct {
	perLine  float64 // bytes
	arrivals sample  // ms until on the screen
}

// lines appends lines one after another until the screen has filled, then n
// more, which are measured.
func appendLines(t *term, f *feed, rows, n int) (measured, error) {
	defer f.file.Close()
	var m measured
	for i := range rows + 5 + n {
		if i == rows+5 {
			t.quiet(300*time.Millisecond, soon)
			m.perLine = -float64(t.bytes())
		}
		t.reset()
		began := time.Now()
		marker, err := f.line()
		if err != nil {
			return m, err
		}
		if err := t.wait(marker, soon); err != nil {
			return m, err
		}
		if i >= rows+5 {
			m.arrivals = append(m.arrivals, ms(time.Since(began)))
		}
		t.quiet(30*time.Millisecond, time.Second)
	}
	t.quiet(300*time.Millisecond, soon)
	m.perLine = (m.perLine + float64(t.bytes())) / float64(n)
	return m, nil
}

// line measures what one appended line costs on the way to the terminal, and
// how long it takes to get there.
func (b *bench) line(ctx context.Context) error {
	n := 20 * b.runs
	for _, s := range []size{narrow(), wide()} {
		cost := row{group: "line", operation: fmt.Sprintf("bytes per appended line, %dx%d", s.cols, s.rows), unit: "bytes", peerName: "less +F", most: 1.2}
		delay := row{group: "line", operation: fmt.Sprintf("a printed line on the screen, %dx%d", s.cols, s.rows), unit: "ms", peerName: "tail -f", limit: 50}
		t, f, err := b.fed(ctx, fmt.Sprint("line", s.cols), s, 0)
		if err != nil {
			return err
		}
		got, err := appendLines(t, f, int(s.rows), n)
		t.close()
		if err != nil {
			return err
		}
		cost.dray, delay.dray = sample{got.perLine}, got.arrivals
		for _, peer := range [][]string{{"less", "+F", "-S"}, {"tail", "-f"}} {
			t, f, err := b.viewed(ctx, s, peer[0], peer[1:]...)
			if err != nil {
				return err
			}
			got, err := appendLines(t, f, int(s.rows), n)
			t.close()
			if err != nil {
				return err
			}
			if peer[0] == "less" {
				cost.peer = sample{got.perLine}
			} else {
				delay.peer = got.arrivals
			}
		}
		b.rows = append(b.rows, cost, delay)
	}
	return nil
}

const (
	slowRate  = 64 << 10 // bytes per second
	slowLines = 100      // per second
)

// slow measures a key while a log runs, on a slow line, beside the same program
// with Bubble Tea's own renderer.
func (b *bench) slow(ctx context.Context) error {
	rows := []row{
		{operation: "key's echo on a 64 kB/s line, log at 100 lines/s", most: 0.2},
		{operation: "the same, a key that changes the whole screen"},
	}
	for i := range rows {
		rows[i].group, rows[i].unit, rows[i].peerName = "slow", "ms", "stock renderer"
	}
	for _, stock := range []bool{false, true} {
		env, name := []string{"SSH_CONNECTION=127.0.0.1 1 127.0.0.1 2"}, "painter"
		if stock {
			env, name = append(env, "DRAY_RENDERER=stock"), "stock"
		}
		for i, key := range []pressed{{"/", "keep", "\x1b"}, {"?", "Help", "?"}} {
			got, err := b.keys(ctx, fmt.Sprint("slow-", name, i), env, key)
			if err != nil {
				return err
			}
			if stock {
				rows[i].peer = got
			} else {
				rows[i].dray = got
			}
		}
	}
	b.rows = append(b.rows, rows...)
	return nil
}

// pressed is a key, what it brings to the screen, and the key that takes that
// away again.
type pressed struct{ key, brings, back string }

// keys presses keys while lines come, and returns how long each took to be seen.
func (b *bench) keys(ctx context.Context, name string, env []string, k pressed) (sample, error) {
	t, f, err := b.fed(ctx, name, wide(), slowRate, env...)
	if err != nil {
		return nil, err
	}
	defer t.close()
	inner, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { // ends with inner
		tick := time.NewTicker(time.Second / slowLines)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := f.line(); err != nil {
					ended <- err
					return
				}
			case <-inner.Done():
				ended <- f.file.Close()
				return
			}
		}
	}()
	var got sample
	err = t.wait("mark-00200", atLast)
	for range 5 * b.runs {
		if err != nil {
			break
		}
		var d time.Duration
		if d, err = t.timed(k.key, k.brings, atLast); err != nil {
			break
		}
		got = append(got, ms(d))
		if err = t.send(k.back); err == nil {
			err = t.gone(k.brings, atLast)
		}
	}
	cancel()
	if feedErr := <-ended; err == nil {
		err = feedErr
	}
	return got, err
}

// idleFor is how long programs at rest are watched.
const idleFor = 20 * time.Second

// idle measures what the dashboard costs while nothing happens.
func (b *bench) idle(ctx context.Context) error {
	cpu := row{group: "idle", operation: "CPU at rest", unit: "%", peerName: "htop", most: 1.2}
	sent := row{group: "idle", operation: "bytes per second at rest", unit: "B/s", peerName: "htop", limit: 20}
	rss := row{group: "idle", operation: "memory at rest, attached", unit: "MiB RSS", peerName: "htop", limit: 30}
	anonymous := row{group: "idle", operation: "of that anonymous", unit: "MiB", peerName: "htop", limit: 12}
	state, err := b.state("idle")
	if err != nil {
		return err
	}
	end, err := b.server(ctx, state, benchPort)
	if err != nil {
		return err
	}
	defer end()
	for range 5 {
		if err := b.verb(ctx, state, "submit", "--", "true"); err != nil {
			return err
		}
	}
	t, err := b.dashboard(ctx, state, wide(), 0)
	if err != nil {
		return err
	}
	add := func(t *term, dray bool) {
		defer t.close()
		t.quiet(2*time.Second, soon)
		share, rate := rest(ctx, t)
		m := resident(t.pid())
		for _, x := range []struct {
			r *row
			v float64
		}{{&cpu, share}, {&sent, rate}, {&rss, m.rss}, {&anonymous, m.anonymous}} {
			if dray {
				x.r.dray = sample{x.v}
			} else {
				x.r.peer = sample{x.v}
			}
		}
	}
	if err := t.wait("SUCCEEDED", soon); err != nil {
		t.close()
		return err
	}
	add(t, true)
	if have("htop") != "" {
		h, err := startTerm(ctx, wide(), []string{"HOME=" + b.tmp}, "htop")
		if err != nil {
			return err
		}
		add(h, false)
	}
	b.rows = append(b.rows, cpu, sent, rss, anonymous)
	return nil
}

// rest watches a program that is left alone: percent of one CPU, and bytes per
// second to its terminal.
func rest(ctx context.Context, t *term) (cpu, rate float64) {
	used, sent, began := cpuTime(t.pid()), t.bytes(), time.Now()
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
	}
	took := time.Since(began).Seconds()
	return (cpuTime(t.pid()) - used).Seconds() / took * 100, float64(t.bytes()-sent) / took
}

// cpuTime is what all threads of a process have run so far.
func cpuTime(pid int) time.Duration {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		var ns int64
		if _, err := fmt.Fscan(strings.NewReader(string(text)), &ns); err == nil {
			sum += time.Duration(ns)
		}
	}
	return sum
}
