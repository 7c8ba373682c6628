//go:build linux

package jobs_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dray/backend/jobs"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// BenchmarkSubmit is one durable submit; it reports p50 and p99.
func BenchmarkSubmit(b *testing.B) {
	r := newRig(b)
	r.tune = func(c *jobs.Config) { c.CPUs = 0 } // nothing starts: the submit alone is measured
	m := r.start()
	var times []time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := m.Submit(b.Context(), rayapi.SubmitRequest{Entrypoint: "echo hi", NumCPUs: 1}); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkThroughput is a job from submit to its stored end, without a
// process, with 16 clients at once.
func BenchmarkThroughput(b *testing.B) {
	r := newRig(b)
	m := r.start()
	b.SetParallelism(8) // times GOMAXPROCS
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id, err := m.Submit(b.Context(), rayapi.SubmitRequest{Entrypoint: "exit 0"})
			if err != nil {
				b.Error(err)
				return
			}
			r.awaitStatus(id, rayapi.StatusSucceeded)
		}
	})
}

func fillRecords(b *testing.B, r *rig, n int) {
	b.Helper()
	s, err := store.Open(b.Context(), r.db())
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]store.Row, n)
	for i := range rows {
		id := fmt.Sprintf("raysubmit_%016d", i)
		rows[i] = store.Row{Seq: int64(i + 1), ID: id, Phase: store.Succeeded, DetailsJSON: fmt.Appendf(nil,
			`{"type":"SUBMISSION","job_id":null,"submission_id":%q,"driver_info":null,"status":"SUCCEEDED","entrypoint":%q,"message":"m",`+
				`"error_type":null,"start_time":1,"end_time":2,"metadata":null,"runtime_env":null,"driver_agent_http_address":null,`+
				`"driver_node_id":null,"driver_exit_code":0}`, id, "python "+strings.Repeat("x", 300))}
	}
	if err := s.Restore(b.Context(), rows); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRows10k(b *testing.B) {
	r := newRig(b)
	fillRecords(b, r, 10000)
	m := r.start()
	for b.Loop() {
		n := 0
		if err := m.Rows(b.Context(), func([]byte) error { n++; return nil }); err != nil || n != 10000 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkRestart10k is from the open of the database to the end of Recover,
// and the close.
func BenchmarkRestart10k(b *testing.B) {
	r := newRig(b)
	fillRecords(b, r, 10000)
	for b.Loop() {
		s, err := store.Open(b.Context(), r.db())
		if err != nil {
			b.Fatal(err)
		}
		m := jobs.New(jobs.Config{Store: s, Root: r.root(), Runner: &backend{w: r.world}, Envs: r.envs, DefaultDir: "/"})
		if err := m.Recover(context.Background()); err != nil {
			b.Fatal(err)
		}
		closeAll(b, m, s)
	}
}
