package submit

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkModel_KeyDuringPreflight types while the form looks at a folder of
// 100,000 files, and tells how long the slowest key took to be on screen.
func BenchmarkModel_KeyDuringPreflight(b *testing.B) {
	env := remote(b, newServer(b))
	env.Preflight = scanned
	const folders, each = 200, 500
	for i := range folders {
		dir := mkdir(b, filepath.Join(env.Cwd, fmt.Sprintf("d%03d", i)))
		for j := range each {
			write(b, filepath.Join(dir, fmt.Sprintf("f%03d.txt", j)), "x")
		}
	}
	var slowest time.Duration
	keys := 0
	for b.Loop() {
		m := started(b, New(env), 140, 37)
		m, _ = typed(m, "at:working_dir", ".")
		s, look := m.Update(dirPauseMsg{m.dirGen})
		m = s.(Model).find(fieldEntrypoint)
		done := make(chan dirMsg, 1)
		go func() {
			for _, msg := range messages(look) {
				if last, ok := msg.(dirMsg); ok {
					done <- last
				}
			}
		}()
		var last dirMsg
		for last.dir.files == 0 {
			select {
			case last = <-done:
			default:
				at := time.Now()
				m, _ = typed(m, "x")
				_ = m.View()
				slowest = max(slowest, time.Since(at))
				keys++
				time.Sleep(2 * time.Millisecond) // nobody types faster
			}
		}
		if last.dir.files != folders*each {
			b.Fatalf("%d files: %s", last.dir.files, last.dir.reason)
		}
		_ = update(m, last)
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "ms/slowest-key")
	b.ReportMetric(float64(keys)/float64(b.N), "keys/op")
}
