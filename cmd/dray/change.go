package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"dray/backend/rayapi"
)

func (a *app) stopCmd() *cobra.Command {
	var out *output
	var noWait bool
	var signal, grace string
	cmd := &cobra.Command{
		Use:   "stop ID…",
		Short: "Stop jobs and wait until they are gone",
		Args:  minArgs("one or more job ids"),
		RunE: func(cmd *cobra.Command, args []string) error {
			how, err := rayapi.ParseStopOptions(signal, grace)
			if err != nil {
				return &usageError{err}
			}
			return a.each(cmd.Context(), args, out, func(ctx context.Context, s *session, id string) (rayapi.Job, error) {
				stopped, err := s.client.StopWith(ctx, id, how)
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
		ValidArgsFunction: a.ids(0, stoppable),
	}
	cmd.Flags().StringVar(&signal, "signal", "", "`name` of the signal that asks the processes to end (dray's servers only; default: as submitted)")
	cmd.Flags().StringVar(&grace, "grace", "", "`seconds` after which what is left is killed (dray's servers only; default: as submitted)")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the end (the embedded backend always does)")
	out = addOutput(cmd, outName)
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
			switch *out {
			case outJSON, outYAML: // together, below
			case outName:
				err = a.printNames(job)
			default:
				_, err = fmt.Fprintf(a.stdout, "%s %s\n", id, job.Status)
			}
			if err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		if out.isData() {
			if err := a.printData(out, jobs); err != nil {
				return err
			}
		}
		return errors.Join(errs...)
	})
}

// gone is a line of what was removed, as data.
type gone struct {
	SubmissionID string `json:"submission_id"`
	Deleted      bool   `json:"deleted"`
}

func (a *app) deleteCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:     "delete ID…",
		Aliases: []string{"rm"},
		Short:   "Delete the records of ended jobs, and with the embedded backend their logs",
		Args:    minArgs("one or more job ids"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error { return a.deleteJobs(ctx, s, args, out) })
		},
		ValidArgsFunction: a.ids(0, deletable),
	}
	out = addOutput(cmd, outName)
	return cmd
}

func (a *app) deleteJobs(ctx context.Context, s *session, ids []string, out *output) error {
	var errs []error
	list := make([]gone, 0, len(ids))
	for _, id := range ids {
		if err := s.client.Delete(ctx, id); err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, gone{id, true})
		if out.isData() {
			continue
		}
		if _, err := fmt.Fprintln(a.stdout, id); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if out.isData() {
		errs = append(errs, a.printData(out, list))
	}
	return errors.Join(errs...)
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
				if err == nil && end == nil {
					end = jobEnded(job)
				}
				return job, err
			})
			if err != nil {
				return err
			}
			return end
		},
		ValidArgsFunction: a.ids(0, activeJob),
	}
	out = addOutput(cmd, outName)
	return cmd
}

func (a *app) versionCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if out.isData() {
				return a.printData(out, map[string]string{"version": version})
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
