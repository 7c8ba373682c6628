//go:build linux

package runner

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"dray/backend/jobdir"
)

// BenchmarkJob is a trivial job from its start to its sealed log.
func BenchmarkJob(b *testing.B) {
	dir := b.TempDir()
	r := newRunner(b, dir)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		d := newJob(b, dir, fmt.Sprintf("job-%d", i), "true")
		b.StartTimer()
		p, err := r.Start(b.Context(), d)
		if err != nil {
			b.Fatal(err)
		}
		waitOver(b, p)
		p.Release()
	}
}

// BenchmarkLog is the way of a job's output into its log.
func BenchmarkLog(b *testing.B) {
	dir := b.TempDir()
	r := newRunner(b, dir)
	const mib = 256
	b.SetBytes(mib << 20)
	for i := 0; b.Loop(); i++ {
		d := newJob(b, dir, fmt.Sprintf("job-%d", i), fmt.Sprintf("head -c %dM /dev/zero", mib))
		p := start(b, r, d)
		waitOver(b, p)
		p.Release()
		_ = os.RemoveAll(d.Path())
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/(mib<<20)*1e9, "s/GB<=3.33")
}

// BenchmarkIdleSupervisor reports what a supervisor costs while its job is
// silent: memory, and context switches in a second.
func BenchmarkIdleSupervisor(b *testing.B) {
	dir := b.TempDir()
	r := newRunner(b, dir)
	d := newJob(b, dir, "job", "echo ready; exec sleep 300", func(l *jobdir.Launch, _ *[]string) { l.StopGrace = 0 })
	p := start(b, r, d)
	waitOutput(b, p, "ready")
	pid := p.State().Slot.Shim.PID
	time.Sleep(2 * time.Second) // in its first second it has not tidied up yet
	for b.Loop() {
		before := switches(b, pid)
		time.Sleep(time.Second)
		b.ReportMetric(float64(switches(b, pid)-before), "switches/s<=0")
	}
	b.ReportMetric(float64(field(b, pid, "smaps_rollup", "Rss:"))/1024, "RSS-MiB<=12")
	b.ReportMetric(float64(field(b, pid, "smaps_rollup", "Pss:"))/1024, "PSS-MiB<=2.5")
	if err := p.Stop(); err != nil {
		b.Fatal(err)
	}
	waitOver(b, p)
}

func switches(b *testing.B, pid int) int {
	b.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		b.Fatal(err)
	}
	sum := 0
	for _, t := range tasks {
		sum += field(b, pid, "task/"+t.Name()+"/status", "voluntary_ctxt_switches:")
	}
	return sum
}

// field reads a number of a file in /proc/pid.
func field(b *testing.B, pid int, file, name string) int {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			var n int
			if _, err := fmt.Sscan(rest, &n); err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatalf("%s has no %s", file, name)
	return 0
}
