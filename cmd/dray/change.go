package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"dray/backend/ledger"
	"dray/backend/rayapi"
)

func (a *app) stopCmd() *cobra.Command {
	var out *output
	var noWait bool
	cmd := &cobra.Command{
		Use:   "stop ID…",
		Short: "Stop jobs and wait until they are gone",
		Args:  minArgs("one or more job ids"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.each(cmd.Context(), args, out, func(ctx context.Context, s *session, id string) (rayapi.Job, error) {
				stopped, err := s.client.Stop(ctx, id)
				if err != nil {
					return rayapi.Job{}, err
				}
				if !stopped {
					fmt.Fprintf(a.stderr, "dray: %s had already ended\n", id)
				}
				if noWait && s.host == nil {
					return s.client.Get(ctx, id)
				}
				return poll(ctx, s.client, id, func(j rayapi.Job) bool { return j.Status.IsTerminal() })
			})
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the end (the embedded backend always does)")
	out = addOutput(cmd)
	return cmd
}

// each applies a change to several jobs; all are tried, and the first error is
// the verb's.
func (a *app) each(ctx context.Context, ids []string, out *output,
	change func(ctx context.Context, s *session, id string) (rayapi.Job, error),
) error {
	return a.with(ctx, func(ctx context.Context, s *session) error {
		var errs []error
		jobs := []rayapi.Job{}
		for _, id := range ids {
			job, err := change(ctx, s, id)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			jobs = append(jobs, job)
			if !out.json() {
				if _, err := fmt.Fprintf(a.stdout, "%s %s\n", id, job.Status); err != nil {
					return fmt.Errorf("print: %w", err)
				}
			}
		}
		if out.json() {
			if err := a.printJSON(jobs); err != nil {
				return err
			}
		}
		return errors.Join(errs...)
	})
}

func (a *app) deleteCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID…",
		Aliases: []string{"rm"},
		Short:   "Delete the records of ended jobs, and with the embedded backend their logs",
		Args:    minArgs("one or more job ids"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				var errs []error
				for _, id := range args {
					if err := s.client.Delete(ctx, id); err != nil {
						errs = append(errs, err)
						continue
					}
					if _, err := fmt.Fprintln(a.stdout, id); err != nil {
						return fmt.Errorf("print: %w", err)
					}
				}
				return errors.Join(errs...)
			})
		},
	}
}

func (a *app) rerunCmd() *cobra.Command {
	var id string
	var wait, follow bool
	cmd := &cobra.Command{
		Use:   "rerun ID",
		Short: "Submit a job again under a new id, which is printed",
		Args:  exactArgs(1, "one job id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				return a.rerun(ctx, s, args[0], id, wait, follow)
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "submission `id` of the new job (default: the old one with -r2, -r3 …)")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the job's end; the exit code tells how it ended")
	cmd.Flags().BoolVar(&follow, "follow", false, "print the log until the job's end; the exit code tells how it ended")
	return cmd
}

func (a *app) rerun(ctx context.Context, s *session, old, id string, wait, follow bool) error {
	job, err := s.client.Get(ctx, old)
	if err != nil {
		return err
	}
	var entry *ledger.Entry
	switch e, err := s.ledger.Get(s.key, job.ID()); {
	case err == nil:
		entry = &e
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	const tries = 20 // somebody else may take the next free id first
	for try := range tries {
		next := id
		if id == "" {
			if next, err = a.nextID(ctx, s, job.ID()); err != nil {
				return err
			}
		}
		req, notes, err := ledger.Rerun(job, entry, next)
		if err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(a.stderr, "dray: "+n)
		}
		err = a.send(ctx, s, req, job.ID(), wait, follow)
		if id != "" || try == tries-1 || !errors.Is(err, rayapi.ErrExists) {
			return err
		}
	}
	return nil
}

// nextID finds the first free id of the form OLD-rN.
func (a *app) nextID(ctx context.Context, s *session, old string) (string, error) {
	var lookErr error
	id := ledger.NextID(old, func(id string) bool {
		_, err := s.client.Get(ctx, id)
		if err != nil && !errors.Is(err, rayapi.ErrNotFound) {
			lookErr = err
			return false
		}
		return err == nil
	})
	return id, lookErr
}

func (a *app) waitCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "wait ID…",
		Short: "Wait for the end of jobs; the exit code tells how the first one that did not succeed ended",
		Args:  minArgs("one or more job ids"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var end error
			err := a.each(cmd.Context(), args, out, func(ctx context.Context, s *session, id string) (rayapi.Job, error) {
				job, err := poll(ctx, s.client, id, func(j rayapi.Job) bool { return j.Status.IsTerminal() })
				if err == nil && end == nil && endCode(job.Status) != exitOK {
					end = &jobEnd{job.Status}
				}
				return job, err
			})
			if err != nil {
				return err
			}
			return end
		},
	}
	out = addOutput(cmd)
	return cmd
}

func (a *app) versionCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if out.json() {
				return a.printJSON(map[string]string{"version": version})
			}
			if _, err := fmt.Fprintln(a.stdout, "dray "+version); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	}
	out = addOutput(cmd)
	return cmd
}
