//go:build linux

package backend_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dray/backend/jobdir"
	"dray/backend/jobs"
	"dray/backend/packages"
	"dray/backend/rayapi"
	"dray/backend/runner"
	"dray/backend/runtimeenv"
	"dray/backend/store"
)

// points are the places, by name, at which a backend is killed, in the order
// in which a job passes them.
func points() []string {
	return []string{
		"folder made", "record made", "before spawn", "spawned", "end not recorded", "end recorded",
		"before delete", "delete recorded", "folder removed", "record removed",
	}
}

// dieAt kills this process without a warning if it is the one to die here.
func dieAt(here, point string) {
	if here == point {
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
}

// faultyStore dies at its points.
type faultyStore struct {
	*store.Store
	point string
}

func (s faultyStore) Insert(ctx context.Context, r store.Row) error {
	dieAt("folder made", s.point)
	err := s.Store.Insert(ctx, r)
	dieAt("record made", s.point)
	return err
}

func (s faultyStore) Update(ctx context.Context, r store.Row, from ...store.Phase) error {
	over := slices.Contains([]store.Phase{store.Succeeded, store.Failed, store.Stopped}, r.Phase)
	if over {
		dieAt("end not recorded", s.point)
	}
	if r.Phase == store.Deleted {
		dieAt("before delete", s.point)
	}
	err := s.Store.Update(ctx, r, from...)
	if over {
		dieAt("end recorded", s.point)
	}
	if r.Phase == store.Deleted {
		dieAt("delete recorded", s.point)
	}
	return err
}

func (s faultyStore) Forget(ctx context.Context, id string) error {
	dieAt("folder removed", s.point)
	err := s.Store.Forget(ctx, id)
	dieAt("record removed", s.point)
	return err
}

// faultyRunner dies around a spawn.
type faultyRunner struct {
	jobs.Runner
	point string
}

func (r faultyRunner) Start(ctx context.Context, d jobdir.Dir) (jobs.Process, error) {
	dieAt("before spawn", r.point)
	p, err := r.Runner.Start(ctx, d)
	dieAt("spawned", r.point)
	return p, err
}

// beFaulty is a backend that runs one job, deletes it, and dies at a point.
func beFaulty(state, point string) int {
	if err := runFaulty(state, point); err != nil {
		fmt.Println(err)
	}
	return 1 // it should be dead
}

func runFaulty(state, point string) error {
	ctx := context.Background()
	for _, dir := range []string{state, filepath.Join(state, "jobs")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	db, err := store.Open(ctx, filepath.Join(state, "state.db"))
	if err != nil {
		return err
	}
	notify := filepath.Join(state, "notify")
	run, err := runner.New(runner.Config{NotifySocket: notify})
	if err != nil {
		return err
	}
	pkgs, err := packages.OpenStore(filepath.Join(state, "packages"))
	if err != nil {
		return err
	}
	m := jobs.New(jobs.Config{
		Store: faultyStore{db, point}, Root: filepath.Join(state, "jobs"), Runner: faultyRunner{jobs.WithRunner(run), point},
		Envs: runtimeenv.New(pkgs), DefaultDir: "/", NotifySocket: notify, CPUs: 1,
	})
	if err := m.Recover(ctx); err != nil {
		return err
	}
	r := rayapi.SubmitRequest{SubmissionID: "job", Entrypoint: "echo x >> " + filepath.Join(state, "mark") + "; seq 1000; exit 3"}
	if _, err := m.Submit(ctx, r); err != nil {
		return err
	}
	for {
		if err := m.Delete(ctx, "job"); err == nil {
			return errors.New("the point was never reached")
		}
		time.Sleep(5 * time.Millisecond) // until the job has ended
	}
}

// A backend that dies at any of its steps leaves what the next one turns into
// the same end as without the death.
func TestFault02_killAtPoints(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	deleting := false
	for _, point := range points() {
		deleting = deleting || point == "delete recorded"
		gone := deleting
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			state := filepath.Join(t.TempDir(), "state")
			out, err := exec.CommandContext(t.Context(), exe, faultRole, state, point).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != -1 {
				t.Fatalf("it was not killed: %v, %s", err, out)
			}
			h, c := open(t, state)
			defer shut(t, h)
			var ids []string
			eventually(t, "the deletes are finished", func() bool {
				list, err := c.List(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				ids = nil
				for _, j := range list {
					ids = append(ids, j.ID())
				}
				return !gone || len(ids) == 0
			})
			mark := filepath.Join(state, "mark")
			switch {
			case len(ids) == 0 && point == "folder made":
				return // it was never acknowledged
			case gone:
				eventually(t, "the folder is removed", func() bool {
					_, err := os.Stat(filepath.Join(state, "jobs", "job"))
					return errors.Is(err, os.ErrNotExist)
				})
			default:
				wantExit(t, ended(t, c, "job"), 3)
				if lines := strings.Count(own(t, jobdir.Open(filepath.Join(state, "jobs", "job"))), "\n"); lines != 1000 {
					t.Errorf("the log has %d lines", lines)
				}
			}
			if n := starts(t, mark); n != 1 {
				t.Errorf("the job was started %d times", n)
			}
		})
	}
}
