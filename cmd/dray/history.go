package main

import (
	"context"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/tui/clean"
)

// past is one line of the history as JSON, without secrets.
type past struct {
	SubmittedAt time.Time    `json:"submitted_at"`
	Parent      string       `json:"parent,omitempty"`
	Pending     bool         `json:"pending,omitempty"`
	Job         jobspec.Spec `json:"job"`
}

func (a *app) historyCmd() *cobra.Command {
	var out *output
	q := ledger.Query{}
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List what was submitted from this machine, the newest first",
		Long: `Lists what was submitted from this machine to the server, the newest first, also
jobs that the server has no longer: dray rerun submits them again. Secrets are
not shown.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, key, err := a.records(cmd.Context())
			if err != nil {
				return err
			}
			list, err := l.History(key, q)
			if err != nil {
				return err
			}
			pending, err := l.Pending(key)
			if err != nil {
				return err
			}
			return a.printHistory(list, pending, q, out)
		},
	}
	cmd.Flags().StringVarP(&q.Text, "query", "q", "", "only those whose command, id or metadata hold each `word`")
	cmd.Flags().IntVarP(&q.Limit, "limit", "n", 50, "at most so `many`; 0 is all")
	out = addOutput(cmd)
	return cmd
}

// records opens the ledger without a connection to the server.
func (a *app) records(ctx context.Context) (*ledger.Ledger, string, error) {
	target, err := a.choose(ctx)
	if err != nil {
		return nil, "", err
	}
	state, err := a.statePath()
	if err != nil {
		return nil, "", err
	}
	return ledger.New(filepath.Join(state, "ledger")), ledgerKey(target, state), nil
}

func (a *app) printHistory(list, pending []ledger.Entry, q ledger.Query, out *output) error {
	unanswered := make(map[string]bool, len(pending))
	for _, p := range pending {
		unanswered[p.Request.SubmissionID] = true
	}
	lines := make([]past, 0, len(list))
	for _, e := range list {
		spec, _ := jobspec.FromRequest(e.Request).Masked(ledger.Masked)
		lines = append(lines, past{e.SubmittedAt, e.Parent, unanswered[e.Request.SubmissionID], spec})
	}
	if out.isData() {
		return a.printData(out, lines)
	}
	if len(lines) == 0 && q.Text != "" {
		fmt.Fprintf(a.stderr, "nothing that was submitted from here has %q in it\n", q.Text)
		return nil
	}
	if len(lines) == 0 {
		fmt.Fprintln(a.stderr, "nothing was submitted from here: dray submit -- COMMAND submits a job")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SUBMITTED\tSUBMISSION ID\tRERUN OF\tENTRYPOINT")
	for _, p := range lines {
		id := clean.Text(p.Job.SubmissionID)
		if p.Pending {
			id += " (no answer)"
		}
		parent := clean.Text(p.Parent)
		if parent == "" {
			parent = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", when(p.SubmittedAt), id, parent, clean.Text(p.Job.Entrypoint))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (a *app) diffCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "diff ID [ID]",
		Short: "Show how a job differs from the one it is a rerun of, or from another",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("%s takes one or two job ids, got %d", cmd.CommandPath(), len(args))
			}
			return noneEmpty(cmd, "one or two job ids", args)
		},
		ValidArgsFunction: a.ids(2, submitted),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error { return a.diff(ctx, s, args, out) })
		},
	}
	out = addOutput(cmd)
	return cmd
}

func (a *app) diff(ctx context.Context, s *session, ids []string, out *output) error {
	last, err := a.origin(ctx, s, ids[len(ids)-1])
	if err != nil {
		return err
	}
	firstID := ids[0]
	if len(ids) == 1 {
		if firstID = ledger.ParentOf(last.job, last.entry); firstID == "" {
			return fmt.Errorf("job %s is no rerun of another: name the job to compare it with", last.job.ID())
		}
	}
	first, err := a.origin(ctx, s, firstID)
	if err != nil {
		return err
	}
	before, notes := ledger.Original(first.job, first.entry)
	after, more := ledger.Original(last.job, last.entry)
	changes := ledger.Diff(before, after)
	if out.isData() {
		return a.printData(out, map[string]any{"from": first.job.ID(), "to": last.job.ID(), "changes": nonNil(changes)})
	}
	if len(notes)+len(more) > 0 {
		fmt.Fprintln(a.stderr, "dray: not both were submitted from this machine: resources are not known of both")
	}
	if len(changes) == 0 {
		fmt.Fprintf(a.stderr, "%s and %s are the same\n", first.job.ID(), last.job.ID())
		return nil
	}
	return a.printChanges("", changes)
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (a *app) printChanges(indent string, changes []ledger.Change) error {
	for _, c := range changes {
		if _, err := fmt.Fprintln(a.stdout, indent+clean.Text(c.String())); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}
