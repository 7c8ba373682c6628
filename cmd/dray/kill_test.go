//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dray/backend/rayapi"
	"dray/tui/terminal"
)

const (
	killRounds = 25
	killJobs   = 20
)

// kill -9 of the backend at random while jobs run and print costs nothing: no
// record, no exit code, no byte, and no job runs twice. In every fifth round
// the backend is a dashboard, and a serve takes over. Fault case 1.
func TestFault01_killBackend(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	all := make([]printer, 0, killRounds*killJobs)
	for round := range killRounds {
		var holder *terminal.Terminal
		if round%5 == 4 {
			holder = dashboard(t, home, 80, 24)
			user{t, holder}.sees("live")
		}
		s := serve(t, home)
		jobs := submitPrinters(t, s, home, round, rnd)
		all = append(all, jobs...)
		time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond) // when the kill comes is what is varied
		if holder != nil {
			if err := holder.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			s.kill()
			s = serve(t, home)
		}
		for _, p := range jobs {
			wantExact(t, s, home, p)
		}
		s.kill()
	}
	s := serve(t, home)
	var list []rayapi.Job
	if err := s.call(t.Context(), "GET", "/api/jobs/", nil, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != len(all) {
		t.Errorf("%d records of %d jobs", len(list), len(all))
	}
}

func submitPrinters(t *testing.T, s *served, home string, round int, rnd *rand.Rand) []printer {
	t.Helper()
	jobs := make([]printer, killJobs)
	for i := range jobs {
		p := printer{id: fmt.Sprintf("r%d-j%d", round, i), lines: 20 + rnd.IntN(80), code: rnd.IntN(4)}
		p.mark = filepath.Join(home, "mark-"+p.id)
		if err := s.call(t.Context(), "POST", "/api/jobs/", p.request(), nil); err != nil {
			t.Fatalf("%v\n%s", err, s.stderr)
		}
		jobs[i] = p
	}
	return jobs
}

func wantExact(t *testing.T, s *served, home string, p printer) {
	t.Helper()
	j := s.end(t, p.id)
	if j.DriverExitCode == nil || *j.DriverExitCode != p.code {
		t.Errorf("%s: exit code %v, want %d; %s %s", p.id, j.DriverExitCode, p.code, j.Status, j.MessageText())
	}
	if want := map[bool]rayapi.Status{true: rayapi.StatusSucceeded, false: rayapi.StatusFailed}[p.code == 0]; j.Status != want {
		t.Errorf("%s is %s, want %s", p.id, j.Status, want)
	}
	if got := logOf(t, home, p.id); got != p.output() {
		t.Errorf("%s: the log has %d bytes, want %d", p.id, len(got), len(p.output()))
	}
	if n := p.starts(t); n != 1 {
		t.Errorf("%s was started %d times", p.id, n)
	}
}

// kill -9 of supervisors, or of children that a supervisor has just forked,
// while the backend lives loses no byte and no job; an exit that cannot be known
// is shown as unknown. Fault case 3.
func TestFault03_killSupervisors(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	s := serve(t, home)
	unknown := 0
	for round := range 5 {
		jobs := submitPrinters(t, s, home, round, rnd)
		for range 10 {
			time.Sleep(time.Duration(rnd.IntN(40)) * time.Millisecond) // when the kill comes is what is varied
			if pids := supervisors(t, home); len(pids) > 0 {
				_ = syscall.Kill(pids[rnd.IntN(len(pids))], syscall.SIGKILL)
			}
		}
		for _, p := range jobs {
			j := s.end(t, p.id)
			if got := logOf(t, home, p.id); got != p.output() {
				t.Errorf("%s: the log has %d bytes, want %d; %s", p.id, len(got), len(p.output()), j.MessageText())
			}
			if n := p.starts(t); n != 1 {
				t.Errorf("%s was started %d times", p.id, n)
			}
			if j.DriverExitCode != nil && *j.DriverExitCode == p.code {
				continue
			}
			unknown++
			if j.DriverExitCode != nil || j.Status != rayapi.StatusFailed || j.ErrorTypeText() != rayapi.ErrSupervisorDied {
				t.Errorf("%s: an exit was made up: %+v", p.id, j)
			}
		}
	}
	t.Logf("%d of %d exits are unknown", unknown, 5*killJobs)
}

// supervisors finds the supervisor processes of a state folder.
func supervisors(t *testing.T, home string) []int {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range procs {
		line, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(line), binary+"\x00"+superviseVerb+"\x00") || !strings.Contains(string(line), home) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
