//go:build linux

package backend_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/backend/store"
)

// The benchmarks of this folder are the rows of the backend's target table.
// Each reports its figure as a metric whose unit carries the target, "p50-ms<=5"
// or "ms/job<=10", and takes seconds, not minutes, with -benchtime 1x.

// quantile is the q-th of the times, in ms.
func quantile(times []time.Duration, q float64) float64 {
	slices.Sort(times)
	return float64(times[int(q*float64(len(times)-1))]) / float64(time.Millisecond)
}

// BenchmarkSubmit is the durable acceptance of a job, over the socket. The jobs
// wait for a resource that does not exist, so that nothing else is measured.
func BenchmarkSubmit(b *testing.B) {
	h, c := open(b, filepath.Join(b.TempDir(), "state"))
	defer shut(b, h)
	var times []time.Duration
	for b.Loop() {
		for range 200 {
			began := time.Now()
			if _, err := c.Submit(b.Context(), waiting("")); err != nil {
				b.Fatal(err)
			}
			times = append(times, time.Since(began))
		}
	}
	b.ReportMetric(quantile(times, 0.5), "p50-ms<=5")
	b.ReportMetric(quantile(times, 0.99), "p99-ms<=50")
}

// waiting is a job that never starts.
func waiting(id string) rayapi.SubmitRequest {
	return rayapi.SubmitRequest{SubmissionID: id, Entrypoint: "true", Resources: map[string]float64{"none": 1}}
}

// BenchmarkTrivialJobs runs jobs that do nothing, from submit to the end that
// the API shows: 16 at a time, and one by one.
func BenchmarkTrivialJobs(b *testing.B) {
	for _, bc := range []struct {
		name         string
		jobs, atOnce int
		poll         time.Duration
		unit         string
	}{{"16 in flight", 320, 16, 15 * time.Millisecond, "ms/job<=10"}, {"one by one", 60, 1, time.Millisecond, "ms/job<=25"}} {
		b.Run(bc.name, func(b *testing.B) {
			h, c := open(b, filepath.Join(b.TempDir(), "state"))
			defer shut(b, h)
			jobs := 0
			for b.Loop() {
				slots := make(chan struct{}, bc.atOnce)
				var wg sync.WaitGroup
				for range bc.jobs {
					slots <- struct{}{}
					wg.Go(func() {
						defer func() { <-slots }()
						runTrivial(b, c, bc.poll)
					})
				}
				wg.Wait()
				jobs += bc.jobs
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(jobs), bc.unit)
		})
	}
}

func runTrivial(b *testing.B, c *client.Client, poll time.Duration) {
	id, err := c.Submit(b.Context(), rayapi.SubmitRequest{Entrypoint: "true"})
	if err != nil {
		b.Error(err)
		return
	}
	for {
		j, err := c.Get(b.Context(), id)
		if err != nil {
			b.Error(err)
			return
		}
		if j.Status.IsTerminal() {
			if j.Status != rayapi.StatusSucceeded {
				b.Errorf("%s: %s", id, j.MessageText())
			}
			return
		}
		time.Sleep(poll) // the wire has no event for a status
	}
}

// BenchmarkExitVisible is from the end of an entrypoint until the API shows it.
func BenchmarkExitVisible(b *testing.B) {
	state := filepath.Join(b.TempDir(), "state")
	h, c := open(b, state)
	defer shut(b, h)
	var times []time.Duration
	for b.Loop() {
		for range 50 {
			d := submit(b, c, state, rayapi.SubmitRequest{Entrypoint: "true"})
			id := filepath.Base(d.Path())
			for {
				j, err := c.Get(b.Context(), id)
				if err != nil {
					b.Fatal(err)
				}
				if j.Status.IsTerminal() {
					break
				}
				time.Sleep(time.Millisecond) // the wire has no event for a status
			}
			seen := time.Now()
			slot, err := d.ReadSlot()
			if err != nil || slot.Exit == nil {
				b.Fatal(slot, err)
			}
			times = append(times, max(0, seen.Sub(time.UnixMilli(slot.Exit.At))))
		}
	}
	b.ReportMetric(quantile(times, 0.99), "p99-ms<=100")
}

// BenchmarkStop is from the request until the job gets its first signal, and,
// for a tree that ignores signals, until all of it is gone (the grace of a
// second included).
func BenchmarkStop(b *testing.B) {
	state := filepath.Join(b.TempDir(), "state")
	h, c := open(b, state)
	defer shut(b, h)
	var first, gone []time.Duration
	run := func(entrypoint string) (string, time.Duration) {
		d := submit(b, c, state, rayapi.SubmitRequest{Entrypoint: entrypoint, RuntimeEnv: graceEnv()})
		id := filepath.Base(d.Path())
		awaitOutput(b, d, "ready")
		began := time.Now()
		if _, err := c.Stop(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		ended(b, c, id)
		slot, err := d.ReadSlot()
		if err != nil || slot.Exit == nil {
			b.Fatal(slot, err)
		}
		return id, max(0, time.UnixMilli(slot.Exit.At).Sub(began))
	}
	for b.Loop() {
		for range 10 {
			_, took := run("echo ready; exec sleep 300")
			first = append(first, took)
		}
		_, took := run("trap '' TERM; (trap '' TERM; setsid sh -c \"trap '' TERM; while :; do sleep 1; done\") & echo ready; while :; do sleep 1; done")
		gone = append(gone, took)
	}
	b.ReportMetric(quantile(first, 0.5), "first-signal-ms<=50")
	b.ReportMetric(quantile(gone, 1), "tree-gone-ms<=2000")
}

// BenchmarkManyRecords is a backend with 10,000 records and 100 live jobs: the
// list and a page of it, a restart until the API answers and until the live jobs
// are adopted, and its memory.
func BenchmarkManyRecords(b *testing.B) {
	const records, live = 10000, 100
	state := filepath.Join(b.TempDir(), "state")
	fillRecords(b, state, records-live)
	p := startHost(b, state)
	c := p.client(b)
	var wg sync.WaitGroup
	for i := range live {
		wg.Go(func() {
			if _, err := c.Submit(b.Context(), rayapi.SubmitRequest{SubmissionID: liveID(i), Entrypoint: "exec sleep 600"}); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	running := func(c *client.Client) (n int) {
		list, err := c.List(b.Context())
		if err != nil || len(list) != records {
			b.Fatal(len(list), err)
		}
		for _, j := range list {
			if j.Status == rayapi.StatusRunning {
				n++
			}
		}
		return n
	}
	eventually(b, "the live jobs run", func() bool { return running(c) == live })
	defer func() {
		for i := range live {
			if _, err := c.Stop(b.Context(), liveID(i)); err != nil {
				b.Error(err)
			}
		}
		eventually(b, "they are gone", func() bool { return len(descendants(os.Getpid())) <= 1 })
	}()
	var list, page, answers, adopted []time.Duration
	timed := func(times *[]time.Duration, f func()) {
		began := time.Now()
		f()
		*times = append(*times, time.Since(began))
	}
	for b.Loop() {
		timed(&list, func() { running(c) })
		for range 20 {
			timed(&page, func() {
				if code, _ := raw(b, client.Unix(socket(b, state)), "GET", "/api/jobs/?limit=100", nil); code != 200 {
					b.Fatal(code)
				}
			})
		}
		p.kill()
		began := time.Now()
		p = startHost(b, state)
		c = p.client(b)
		running(c)
		answers = append(answers, time.Since(began))
		// A stop waits until all that lived is adopted; of a job that is over it
		// changes nothing.
		if _, err := c.Stop(b.Context(), "old-00001"); err != nil {
			b.Fatal(err)
		}
		adopted = append(adopted, time.Since(began))
	}
	b.ReportMetric(quantile(list, 0.5), "list-ms<=250")
	b.ReportMetric(quantile(page, 0.5), "page-ms<=5")
	b.ReportMetric(quantile(answers, 0.5), "restart-ms<=500")
	b.ReportMetric(quantile(adopted, 0.5), "adopted-ms<=1000")
	b.ReportMetric(residentMiB(b, p.cmd.Process.Pid), "MiB<=150")
}

func liveID(i int) string { return fmt.Sprintf("live-%03d", i) }

// fillRecords makes a state folder with jobs that are over.
func fillRecords(b *testing.B, state string, n int) {
	b.Helper()
	if err := os.MkdirAll(state, 0o700); err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(b.Context(), filepath.Join(state, "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]store.Row, n)
	for i := range rows {
		id, message, at, code := fmt.Sprintf("old-%05d", i), rayapi.MessageSucceeded, int64(1_700_000_000_000+i), 0
		data, err := json.Marshal(rayapi.Job{
			Type: rayapi.TypeSubmission, SubmissionID: &id, Status: rayapi.StatusSucceeded, Message: &message,
			Entrypoint: "python " + strings.Repeat("x", 300), StartTime: &at, EndTime: &at, DriverExitCode: &code,
		})
		if err != nil {
			b.Fatal(err)
		}
		rows[i] = store.Row{Seq: int64(i + 1), ID: id, Phase: store.Succeeded, DetailsJSON: data}
	}
	if err := errors.Join(s.Restore(b.Context(), rows), s.Close()); err != nil {
		b.Fatal(err)
	}
}

// residentMiB is the memory that a process holds.
func residentMiB(b *testing.B, pid int) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
