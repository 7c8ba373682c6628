package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"dray/backend"
	"dray/backend/rayapi"
	"dray/tui"
)

// demoStop bounds the end of the demo: the stubborn job is killed after Ray's
// grace of 3 s.
const demoStop = 20 * time.Second

func (a *app) demoCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Try the dashboard: run a few small jobs on this machine and open it",
		Long: `Runs eight small jobs on this machine, on dray's own backend, and opens the
dashboard. The jobs are real shell commands: some succeed, some fail, one is
killed, one ignores SIGTERM, one waits for GPUs that are not there. There is no
Ray and no network in it.

All of it is in a new folder below the temporary files. When you quit, the jobs
are stopped and the folder is removed. With --state-dir that folder is used, and
everything stays.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDemo(cmd.Context(), cmd.Flags().Changed("state-dir"))
		},
	}
}

func (a *app) runDemo(ctx context.Context, keep bool) (err error) {
	if a.address != "" || a.cluster != "" {
		return usagef("the demo runs on a backend of its own: leave --address and --cluster out")
	}
	if err := tui.CheckTerminal(a.getenv); err != nil {
		return usagef("%w", err)
	}
	a.address, a.demo = embeddedName, keptDemo
	if !keep {
		if a.stateDir, err = os.MkdirTemp("", "dray-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		a.demo = passingDemo
		defer func() { err = errors.Join(err, a.endDemo(context.WithoutCancel(ctx))) }()
		fmt.Fprintf(a.stderr, "dray: the demo is in %s; it is removed when you quit\n", a.stateDir)
	}
	if err := a.with(ctx, startDemo); err != nil {
		return err
	}
	return a.dashboard(ctx)
}

// startDemo submits the jobs. In a folder that is kept they may be there.
func startDemo(ctx context.Context, s *session) error {
	dir := filepath.Join(s.state, "demo")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	jobs, err := demoJobs(dir)
	if err != nil {
		return err
	}
	for _, r := range jobs {
		if _, err := s.client.Submit(ctx, r); err != nil && !errors.Is(err, rayapi.ErrExists) {
			return fmt.Errorf("submit %s: %w", r.SubmissionID, err)
		}
	}
	return nil
}

// endDemo stops what still runs and removes the folder.
func (a *app) endDemo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoStop)
	defer cancel()
	fmt.Fprintln(a.stderr, "dray: stopping the jobs of the demo")
	if err := a.with(ctx, stopDemo); err != nil {
		return fmt.Errorf("end the demo: %w; what is left is in %s", err, a.stateDir)
	}
	if err := backend.Remove(a.stateDir, a.getenv); err != nil {
		return fmt.Errorf("end the demo: %w", err)
	}
	return nil
}

func stopDemo(ctx context.Context, s *session) error {
	jobs, err := s.client.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, j := range jobs {
		if !j.Status.IsTerminal() {
			_, err := s.client.StopWith(ctx, j.ID(), rayapi.StopOptions{})
			errs = append(errs, err)
		}
	}
	for _, j := range jobs {
		_, err := poll(ctx, s.client, j.ID(), func(j rayapi.Job) bool { return j.Status.IsTerminal() })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
