//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	steadyRate = 1_000_000 // lines per second
	steadyTime = 5 * time.Second
	steadyTick = 10 * time.Millisecond
)

// printSteady is this program as a job: it prints lines at the steady rate,
// then the last line, and then makes the file done.
func printSteady(done string) int {
	const batch = int(steadyRate * steadyTick / time.Second)
	lines := bytes.Repeat([]byte("INFO train epoch=1 step=4711 loss=0.123456 lr=1.00e-04 img/s=10000\n"), batch)
	tick := time.NewTicker(steadyTick)
	defer tick.Stop()
	for range int(steadyTime / steadyTick) {
		<-tick.C
		if _, err := os.Stdout.Write(lines); err != nil {
			return 1
		}
	}
	if _, err := fmt.Println(lastLine); err != nil {
		return 1
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		return 1
	}
	return 0
}

// steady measures a log that grows by a million lines a second: how far the
// screen is behind at its end, and what that costs.
func (b *bench) steady(ctx context.Context) error {
	what := fmt.Sprintf("%s lines/s for %.0f s: ", thousands(steadyRate), steadyTime.Seconds())
	lag := row{group: "follow", operation: what + "lag at the end", unit: "ms", peerName: "lnav", limit: 60}
	cpu := row{group: "follow", operation: what + "CPU", unit: "ms", peerName: "lnav", most: 0.25}
	peak := row{group: "follow", operation: what + "memory it adds", unit: "MiB", peerName: "lnav", limit: 8}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for i := range min(3, b.runs) {
		got, err := b.steadyDray(ctx, i, self)
		if err != nil {
			return err
		}
		lag.dray, cpu.dray, peak.dray = append(lag.dray, got.lag), append(cpu.dray, got.cpu), append(peak.dray, got.peak)
		if have("lnav") == "" {
			continue
		}
		if got, err = b.steadyPeer(ctx, i, self, "lnav"); err != nil {
			return err
		}
		lag.peer, cpu.peer, peak.peer = append(lag.peer, got.lag), append(cpu.peer, got.cpu), append(peak.peer, got.peak)
	}
	b.rows = append(b.rows, lag, cpu, peak)
	return nil
}

// cost is what following a log took: ms behind, ms of CPU, MiB more.
type cost struct{ lag, cpu, peak float64 }

func (b *bench) steadyDray(ctx context.Context, i int, self string) (cost, error) {
	state, err := b.state(fmt.Sprint("steady", i))
	if err != nil {
		return cost{}, err
	}
	begin, done := filepath.Join(b.tmp, fmt.Sprint("steady-begin", i)), filepath.Join(b.tmp, fmt.Sprint("steady-done", i))
	t, err := b.dashboard(ctx, state, wide(), 0)
	if err != nil {
		return cost{}, err
	}
	defer t.close()
	command := fmt.Sprintf("echo waiting-to-begin; until test -e %s; do sleep 0.01; done; %s -steady %s", begin, self, done)
	if err := b.verb(ctx, state, "submit", "--", command); err != nil {
		return cost{}, err
	}
	if err := t.wait("RUNNING", soon); err != nil {
		return cost{}, err
	}
	if _, err := t.openPage("waiting-to-begin"); err != nil {
		return cost{}, err
	}
	return t.steadyCost(begin, done)
}

func (b *bench) steadyPeer(ctx context.Context, i int, self, peer string) (cost, error) {
	file := filepath.Join(b.tmp, fmt.Sprint("steady-log", i))
	begin, done := file+"-begin", file+"-done"
	if err := os.WriteFile(file, []byte("waiting-to-begin\n"), 0o600); err != nil {
		return cost{}, err
	}
	t, err := startTerm(ctx, wide(), nil, peer, file)
	if err != nil {
		return cost{}, err
	}
	defer t.close()
	if err := t.wait("waiting-to-begin", soon); err != nil {
		return cost{}, err
	}
	printed := make(chan error, 1)
	go func() { // ends with the printing
		_, err := wall(ctx, "sh", "-c", fmt.Sprintf("until test -e %s; do sleep 0.01; done; %s -steady %s >>%s", begin, self, done, file))
		printed <- err
	}()
	got, err := t.steadyCost(begin, done)
	if printErr := <-printed; err == nil {
		err = printErr
	}
	return got, err
}

// steadyCost lets the printing begin and watches the viewer until it shows the
// last line.
func (t *term) steadyCost(begin, done string) (cost, error) {
	t.quiet(300*time.Millisecond, soon)
	t.reset()
	used, before := cpuTime(t.pid()), resident(t.pid()).anonymous
	if err := os.WriteFile(begin, nil, 0o600); err != nil {
		return cost{}, err
	}
	seen := make(chan error, 1)
	var at time.Time
	go func() { // ends when the line is seen, or its time is over
		err := t.wait(lastLine, atLast)
		at = time.Now()
		seen <- err
	}()
	ended := awaitFile(done, atLast)
	if err := <-seen; err != nil {
		return cost{}, err
	}
	return cost{
		lag:  max(0, ms(at.Sub(ended))),
		cpu:  ms(cpuTime(t.pid()) - used),
		peak: max(0, anonymousOf(t.pid())-before),
	}, nil
}

// awaitFile returns when path was seen to be there.
func awaitFile(path string, limit time.Duration) time.Time {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if _, err := os.Stat(path); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return time.Now()
}

// anonymousOf is the anonymous memory of a process, in MiB: its resident peak
// would count the file that it reads.
func anonymousOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			if kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}
