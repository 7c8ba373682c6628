//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// thousands writes n as the log view does: 7,669,584.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// withLog makes a job whose log is the file, and returns its state folder.
func (b *bench) withLog(ctx context.Context, path string) (string, error) {
	state := filepath.Join(b.tmp, "log")
	if _, err := os.Stat(state); err == nil {
		return state, nil
	}
	if _, err := b.state("log"); err != nil {
		return "", err
	}
	err := b.verb(ctx, state, "submit", "--wait", "--id", "big", "--", "cat "+path)
	return state, err
}

// linesOf counts the lines of the only job's log, in which the backend has
// written a few of its own.
func linesOf(state string) (int, error) {
	logs, err := filepath.Glob(filepath.Join(state, "jobs", "*", "log"))
	if err != nil || len(logs) != 1 {
		return 0, fmt.Errorf("%d logs in %s: %w", len(logs), state, err)
	}
	f, err := os.Open(logs[0])
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, buf := 0, make([]byte, 1<<20)
	for {
		got, err := f.Read(buf)
		n += bytes.Count(buf[:got], []byte("\n"))
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, err
		}
	}
}

// log measures the way to a big log: its first screen, its ends, its lines.
func (b *bench) log(ctx context.Context) error {
	path, err := bigLog(b.cache, b.bytes)
	if err != nil {
		return err
	}
	state, err := b.withLog(ctx, path)
	if err != nil {
		return err
	}
	lines, err := linesOf(state)
	if err != nil {
		return err
	}
	name := func(s string) string { return fmt.Sprintf("%d MiB log: %s", b.bytes>>20, s) }
	open := row{group: "log", operation: name("key to its last screen"), unit: "ms", peerName: "less, from its start", limit: 20}
	top := row{group: "log", operation: name("key to its start"), unit: "ms", peerName: "less", limit: 20}
	bottom := row{group: "log", operation: name("key to its end"), unit: "ms", peerName: "less", limit: 20}
	count := row{group: "log", operation: name("all lines counted"), unit: "ms", peerName: "wc -l", most: 1.3}
	memory := row{group: "log", operation: name("memory that the view adds"), unit: "MiB", peerName: "lnav, all", limit: 16}
	for range b.runs {
		if err := b.openLog(ctx, state, lines, &open, &top, &bottom, &count, &memory); err != nil {
			return err
		}
		wc, err := wall(ctx, "wc", "-l", path)
		if err != nil {
			return err
		}
		count.peer = append(count.peer, wc)
		if err := b.openLess(ctx, path, &open, &top, &bottom); err != nil {
			return err
		}
	}
	if have("lnav") != "" {
		if err := b.lnavMemory(ctx, path, &memory); err != nil {
			return err
		}
	}
	b.rows = append(b.rows, open, top, bottom, count, memory)
	return nil
}

func (b *bench) openLog(ctx context.Context, state string, lines int, open, top, bottom, count, memory *row) error {
	t, err := b.dashboard(ctx, state, wide(), 0)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.wait("SUCCEEDED", soon); err != nil {
		return err
	}
	t.quiet(300*time.Millisecond, soon)
	before := resident(t.pid()).anonymous
	began := time.Now()
	d, err := t.openPage(lastLine)
	if err != nil {
		return err
	}
	open.dray = append(open.dray, ms(d))
	if err := t.wait(thousands(lines), atLast); err != nil {
		return err
	}
	count.dray = append(count.dray, ms(time.Since(began)))
	if d, err = t.timed("g", "step=3 ", soon); err != nil {
		return err
	}
	top.dray = append(top.dray, ms(d))
	if d, err = t.timed("G", lastLine, soon); err != nil {
		return err
	}
	bottom.dray = append(bottom.dray, ms(d))
	memory.dray = append(memory.dray, max(0, resident(t.pid()).anonymous-before))
	return nil
}

func (b *bench) openLess(ctx context.Context, path string, open, top, bottom *row) error {
	began := time.Now()
	t, err := startTerm(ctx, wide(), nil, "less", "-S", path)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.wait("step=3 ", soon); err != nil {
		return err
	}
	open.peer = append(open.peer, ms(time.Since(began)))
	d, err := t.timed("G", lastLine, atLast)
	if err != nil {
		return err
	}
	bottom.peer = append(bottom.peer, ms(d))
	if d, err = t.timed("g", "step=3 ", atLast); err != nil {
		return err
	}
	top.peer = append(top.peer, ms(d))
	return nil
}

func (b *bench) lnavMemory(ctx context.Context, path string, memory *row) error {
	t, err := startTerm(ctx, wide(), nil, "lnav", path)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.wait(lastLine, atLast); err != nil {
		return err
	}
	memory.peer = append(memory.peer, resident(t.pid()).rss)
	return nil
}

// search measures a search through all of the big log beside rg, which reads
// the file that the job printed.
func (b *bench) search(ctx context.Context) error {
	path, err := bigLog(b.cache, b.bytes)
	if err != nil {
		return err
	}
	state, err := b.withLog(ctx, path)
	if err != nil {
		return err
	}
	size := fmt.Sprintf("search %d MiB: ", b.bytes>>20)
	kinds := []struct {
		row  row
		keys string
		rg   []string
	}{
		{row{operation: size + "literal, exact case", most: 1}, exactNeedle, []string{"-F", exactNeedle}},
		{row{operation: size + "ignoring case", most: 1.5}, needle, []string{"-i", needle}},
		{row{operation: size + "regex with a literal", most: 1.5}, `needle-[0-9]f.a`, []string{"-S", `needle-[0-9]f.a`}},
	}
	for i, k := range kinds {
		r := k.row
		r.group, r.unit, r.peerName = "search", "ms", "rg"
		for range b.runs {
			d, err := b.searched(ctx, state, k.keys, i == 2)
			if err != nil {
				return err
			}
			r.dray = append(r.dray, d)
			if have("rg") == "" {
				continue
			}
			p, err := wall(ctx, "rg", append(append([]string{"-m1"}, k.rg...), path)...)
			if err != nil {
				return err
			}
			r.peer = append(r.peer, p)
		}
		b.add(r)
	}
	return nil
}

// searched opens the log at its start and returns how long a search took to put
// the hit on the screen, in ms.
func (b *bench) searched(ctx context.Context, state, pattern string, regex bool) (float64, error) {
	t, err := b.dashboard(ctx, state, wide(), 0)
	if err != nil {
		return 0, err
	}
	defer t.close()
	if err := t.wait("SUCCEEDED", soon); err != nil {
		return 0, err
	}
	if _, err := t.openPage(lastLine); err != nil {
		return 0, err
	}
	if _, err := t.timed("g", "step=3 ", soon); err != nil {
		return 0, err
	}
	t.quiet(500*time.Millisecond, soon)
	keys := "/" + pattern
	if regex {
		keys = "/" + "\x18" + pattern
	}
	d, err := t.timed(keys+"\r", needleEnd, atLast)
	return ms(d), err
}

// memoryOf is what a process has in memory, in MiB.
type memoryOf struct{ rss, anonymous float64 }

func resident(pid int) memoryOf {
	var m memoryOf
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			continue
		}
		switch f[0] {
		case "Rss:":
			m.rss = kb / 1024
		case "Anonymous:":
			m.anonymous = kb / 1024
		}
	}
	return m
}

// follow measures a million lines that come at once: from the first byte to the
// last line on the screen.
func (b *bench) follow(ctx context.Context) error {
	r := row{group: "follow", operation: thousands(b.lines) + " lines at once, the last one on the screen", unit: "ms", peerName: "tail -f", most: 1.5}
	flood, err := bigLog(b.cache, int64(b.lines)*140)
	if err != nil {
		return err
	}
	for i := range b.runs {
		d, err := b.flooded(ctx, i, flood)
		if err != nil {
			return err
		}
		r.dray = append(r.dray, d)
		p, err := b.tailed(ctx, i, flood)
		if err != nil {
			return err
		}
		r.peer = append(r.peer, p)
	}
	b.add(r)
	return nil
}

// flooded lets a job print the file while its log is on the screen.
func (b *bench) flooded(ctx context.Context, i int, flood string) (float64, error) {
	state, err := b.state(fmt.Sprint("flood", i))
	if err != nil {
		return 0, err
	}
	begin := filepath.Join(b.tmp, fmt.Sprint("begin", i))
	t, err := b.dashboard(ctx, state, wide(), 0)
	if err != nil {
		return 0, err
	}
	defer t.close()
	command := fmt.Sprintf("echo waiting-to-begin; until test -e %s; do sleep 0.01; done; cat %s", begin, flood)
	if err := b.verb(ctx, state, "submit", "--", command); err != nil {
		return 0, err
	}
	if err := t.wait("RUNNING", soon); err != nil {
		return 0, err
	}
	if _, err := t.openPage("waiting-to-begin"); err != nil {
		return 0, err
	}
	t.quiet(300*time.Millisecond, soon)
	t.reset()
	began := time.Now()
	if err := os.WriteFile(begin, nil, 0o600); err != nil {
		return 0, err
	}
	err = t.wait(lastLine, atLast)
	return ms(time.Since(began)), err
}

func (b *bench) tailed(ctx context.Context, i int, flood string) (float64, error) {
	file := filepath.Join(b.tmp, fmt.Sprint("tail", i))
	if err := os.WriteFile(file, []byte("waiting-to-begin\n"), 0o600); err != nil {
		return 0, err
	}
	t, err := startTerm(ctx, wide(), nil, "tail", "-f", file)
	if err != nil {
		return 0, err
	}
	defer t.close()
	if err := t.wait("waiting-to-begin", soon); err != nil {
		return 0, err
	}
	t.reset()
	began := time.Now()
	cat := exec.CommandContext(ctx, "sh", "-c", "cat "+flood+" >>"+file)
	if out, err := cat.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("append to %s: %w: %s", file, err, out)
	}
	err = t.wait(lastLine, atLast)
	return ms(time.Since(began)), err
}
