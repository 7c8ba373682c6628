//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// A benchmark inside the program has the same work done by something else beside
// it, as a sub-benchmark: "BenchmarkRefresh/10k/dray" and
// "BenchmarkRefresh/10k/bubbles". Figures of a benchmark that stands alone are
// held against a target by their unit: "p50-ms<=5" is reported as a metric of
// that name with its target behind it.
var benchLine = regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// inside runs the Go benchmarks and takes each pair as a row.
func (b *bench) inside(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "200ms", "-timeout", "40m", "./...")
	cmd.Env = append(os.Environ(), "TERM=screen-256color")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go test -bench: %w\n%.2000s", err, out)
	}
	b.rows = append(b.rows, insideRows(out)...)
	return nil
}

// figure is one value of one benchmark.
type figure struct {
	name, unit string
	value      float64
}

func figures(out []byte) []figure {
	var found []figure
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		m := benchLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		fields := strings.Fields(m[2])
		for i := 0; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			found = append(found, figure{strings.TrimPrefix(m[1], "Benchmark"), fields[i+1], v})
		}
	}
	return found
}

// insideRows makes rows of the benchmarks that have a twin or a target. Those
// that have neither are for whoever works on them.
func insideRows(out []byte) []row {
	all := figures(out)
	var rows []row
	for _, f := range all {
		if unit, target, ok := strings.Cut(f.unit, "<="); ok {
			limit, err := strconv.ParseFloat(target, 64)
			if err == nil {
				rows = append(rows, row{group: "inside", operation: f.name, unit: unit, dray: sample{f.value}, limit: limit})
			}
			continue
		}
		base, mine := strings.CutSuffix(f.name, "/dray")
		if !mine || f.unit != "ns/op" {
			continue
		}
		r := row{group: "inside", operation: base, unit: "ns/op", dray: sample{f.value}}
		for _, g := range all {
			if other, ok := strings.CutPrefix(g.name, base+"/"); ok && g.unit == f.unit && other != "dray" && !strings.Contains(other, "/") {
				peer, most := twin(other)
				r.peerName, r.peer, r.most = peer, sample{g.value}, most
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// twin reads the name of a sub-benchmark: "viewport", or with the ratio that is
// wanted, "viewport,1of100".
func twin(name string) (peer string, most float64) {
	peer, ratio, ok := strings.Cut(name, ",")
	if !ok {
		return peer, 1
	}
	a, of, ok := strings.Cut(ratio, "of")
	if !ok {
		return peer, 1
	}
	n, errN := strconv.ParseFloat(a, 64)
	d, errD := strconv.ParseFloat(of, 64)
	if errN != nil || errD != nil || d == 0 {
		return peer, 1
	}
	return peer, n / d
}
