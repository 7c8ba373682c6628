//go:build linux

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// What stands in the big log once, near its end, and nowhere else.
const (
	needle      = "needle-7f3a"
	exactNeedle = "Grail-7f3a"    // on the same line, with a capital
	needleEnd   = "found-at-last" // after the needle, on its line
	lastLine    = "this is the very last line"
)

// bigLog makes a log of about n bytes, as a training job writes it, unless the
// cache has it, and returns its path.
func bigLog(dir string, n int64) (path string, err error) {
	const perLine = 140
	lines := int(n / perLine)
	path = filepath.Join(dir, fmt.Sprintf("train-%d.log", n))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	tmp := path + ".part"
	f, err := os.Create(tmp)
	if err != nil {
		return "", fmt.Errorf("make the log to read: %w", err)
	}
	defer os.Remove(tmp)
	w := bufio.NewWriterSize(f, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	at := lines - lines/1000
	for i := range lines - 1 {
		what := "train"
		if i == at {
			what = needle + " " + exactNeedle + " " + needleEnd
		}
		fmt.Fprintf(w, "2026-11-23 14:%02d:%02d,%03d INFO %s epoch=%d step=%d loss=%.6f lr=%.2e grad_norm=%.4f img/s=%d mem=%d.%dG (worker pid=%d, ip=10.4.0.%d)\n",
			i/60000%60, i/1000%60, i%1000, what, i/100000, i, random.Float64()*7, random.Float64()/1e3, random.Float64(), 9000+random.IntN(2000), random.IntN(80), random.IntN(10), 1000+random.IntN(9000), random.IntN(255))
	}
	fmt.Fprintln(w, lastLine)
	if err := w.Flush(); err != nil {
		return "", fmt.Errorf("make the log to read: %w", err)
	}
	if err := f.Close(); err != nil {
		return "", fmt.Errorf("make the log to read: %w", err)
	}
	return path, os.Rename(tmp, path)
}
