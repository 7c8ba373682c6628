package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/jobquery"
	"dray/tui/widget/jobtext"
)

// transition is a line of dray watch -o json.
type transition struct {
	At           time.Time      `json:"at"` // when it was seen
	SubmissionID string         `json:"submission_id"`
	From         *rayapi.Status `json:"from"` // null: not seen before
	To           *rayapi.Status `json:"to"`   // null: deleted
	Job          *rayapi.Job    `json:"job"`  // null: deleted
}

// watchFlags are the flags of dray watch.
type watchFlags struct {
	first    bool
	query    string
	patience time.Duration
}

func (a *app) watchCmd() *cobra.Command {
	var out *output
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [ID…]",
		Short: "Print the changes of jobs' states as they happen",
		Long: `Prints a line for each change of a job's state as it happens; with -o json each
line is a JSON object.

With ids it ends when all those jobs have ended, with --first when one has, and
the exit code is that of dray wait. Without ids it tells of all jobs, or with -q
of those that match a query, until it is interrupted.

A server that stops answering is asked again, less and less often, for as long
as --patience says.`,
		Example: `  dray watch
  dray watch sweep-1 sweep-2 && echo both are done
  dray watch -o json | jq -r 'select(.to == "FAILED").submission_id'`,
		Args: func(cmd *cobra.Command, args []string) error { return noneEmpty(cmd, "job ids", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.first {
				return usagef("--first wants the ids of the jobs of which one has to end")
			}
			if len(args) > 0 && f.query != "" {
				return usagef("give ids or a query by -q, not both")
			}
			query, err := jobquery.Parse(f.query)
			if err != nil {
				return usagef("--query: %w", err)
			}
			ids := unique(args)
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				w := &watch{
					app: a, s: s, ids: ids, query: query, flags: f, out: out,
					seen: map[string]rayapi.Status{}, ends: map[string]error{},
				}
				return w.run(ctx)
			})
		},
		ValidArgsFunction: a.ids(0, activeJob),
	}
	cmd.Flags().BoolVar(&f.first, "first", false, "end when the first of the jobs has ended, with its exit code")
	cmd.Flags().StringVarP(&f.query, "query", "q", "", "watch the jobs that match a `query`, as in dray ls")
	cmd.Flags().DurationVar(&f.patience, "patience", 5*time.Minute, "how `long` a server may not answer before the watch ends")
	o := outTable
	out = &o
	formats := []output{outTable, outJSON}
	cmd.Flags().VarP(outputFlag{out, formats}, "output", "o", "output `format`: table or json, one object a line (dray help output)")
	completeFormats(cmd, formats)
	return cmd
}

// watch is one run of dray watch.
type watch struct {
	app   *app
	s     *session
	ids   []string // none: all jobs
	query jobquery.Query
	flags watchFlags
	out   *output

	began bool                     // there was an answer
	seen  map[string]rayapi.Status // the last state of each job; "" of one that is gone
	ends  map[string]error         // how jobs ended; nil is well
}

const (
	watchOwn  = 200 * time.Millisecond // between two looks at our own backend
	watchElse = time.Second            // the same at another server
	watchMost = 30 * time.Second
	watchSlow = 5 // a server that takes long is left alone so many times as long
)

// run looks again and again until the watch is over.
func (w *watch) run(ctx context.Context) error {
	var down time.Time // since when there is no answer
	var pause time.Duration
	for {
		start := time.Now()
		jobs, err := w.look(ctx)
		switch {
		case err == nil:
			down, pause = time.Time{}, min(watchMost, max(w.least(), watchSlow*time.Since(start)))
			if err := w.tell(jobs, start); err != nil {
				return err
			}
			if over, err := w.over(); over {
				return err
			}
		case !w.began || !passing(err) || ctx.Err() != nil:
			return err
		case down.IsZero():
			down, pause = start, watchElse
			fmt.Fprintf(w.app.stderr, "dray: %s; trying again for %v\n", errorText(err), w.flags.patience)
		case time.Since(down) > w.flags.patience:
			return err
		default:
			pause = min(2*pause, watchMost)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// unique returns words without those that came before.
func unique(words []string) []string {
	var list []string
	for _, w := range words {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}

// passing reports whether an error may pass by itself.
func passing(err error) bool {
	return errors.Is(err, client.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded)
}

func (w *watch) least() time.Duration {
	if w.s.host != nil {
		return watchOwn
	}
	return watchElse
}

// oneByOne is up to how many jobs are asked for singly.
const oneByOne = 5

// look asks for the jobs that are watched.
func (w *watch) look(ctx context.Context) ([]rayapi.Job, error) {
	if len(w.ids) == 0 || len(w.ids) > oneByOne {
		all, err := w.s.client.List(ctx)
		return slices.DeleteFunc(slices.Clone(all), func(j rayapi.Job) bool { return !w.wants(&j) }), err
	}
	var jobs []rayapi.Job
	for _, id := range w.ids {
		if _, ended := w.ends[id]; ended {
			continue
		}
		job, err := w.s.client.Get(ctx, id)
		if err == nil {
			jobs = append(jobs, job)
		} else if !errors.Is(err, rayapi.ErrNotFound) {
			return nil, err
		}
	}
	return jobs, nil
}

func (w *watch) wants(j *rayapi.Job) bool {
	if len(w.ids) > 0 {
		return slices.Contains(w.ids, j.ID())
	}
	row, facts := jobquery.NewRow(j), jobquery.Facts{Now: time.Now(), User: account(), Local: w.s.host != nil}
	_, known := w.seen[j.ID()]
	return known || w.query.Match(&row, &facts)
}

// tell prints what is new. Of all jobs, those that had ended before the watch
// began are not.
func (w *watch) tell(jobs []rayapi.Job, now time.Time) error {
	here := make(map[string]bool, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		id := j.ID()
		was, known := w.seen[id]
		here[id], w.seen[id] = true, j.Status
		if j.Status.IsTerminal() {
			w.ended(id, jobEnded(*j))
		}
		if known && was == j.Status || !w.began && len(w.ids) == 0 && j.Status.IsTerminal() {
			continue
		}
		if err := w.print(transition{now, id, statusOf(was), statusOf(j.Status), j}); err != nil {
			return err
		}
	}
	w.began = true
	return w.tellGone(here, now)
}

// tellGone prints which jobs there are no longer, or never were.
func (w *watch) tellGone(here map[string]bool, now time.Time) error {
	for _, id := range w.ids {
		if _, known := w.seen[id]; !known {
			w.seen[id] = ""
			w.ended(id, fmt.Errorf("job %s: %w", id, rayapi.ErrNotFound))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.seen)) {
		_, ended := w.ends[id]
		if w.seen[id] == "" || here[id] || ended && len(w.ids) > 0 {
			continue
		}
		was := w.seen[id]
		w.seen[id] = ""
		w.ended(id, fmt.Errorf("job %s was deleted: %w", id, rayapi.ErrNotFound))
		if err := w.print(transition{At: now, SubmissionID: id, From: statusOf(was)}); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) ended(id string, how error) {
	if _, twice := w.ends[id]; !twice {
		w.ends[id] = how
	}
}

// over reports whether the watch is, and how the first of its jobs ended that
// did not succeed.
func (w *watch) over() (bool, error) {
	var first error
	ended := 0
	for _, id := range w.ids {
		how, is := w.ends[id]
		if !is {
			continue
		}
		ended++
		if w.flags.first {
			return true, how
		}
		if first == nil {
			first = how
		}
	}
	return ended > 0 && ended == len(w.ids), first
}

func statusOf(s rayapi.Status) *rayapi.Status {
	if s == "" {
		return nil
	}
	return &s
}

func (w *watch) print(t transition) error {
	if w.out.isData() {
		if err := json.NewEncoder(w.app.stdout).Encode(t); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	from, to, about := "-", "DELETED", ""
	if t.From != nil {
		from = string(*t.From)
	}
	if j := t.Job; j != nil {
		to = jobtext.KindOf(j).Word()
		switch {
		case !j.Status.IsTerminal():
			about = jobtext.Entrypoint(j, 200)
		case j.Status != rayapi.StatusSucceeded:
			about = strings.TrimSpace(jobtext.ErrorShort(j) + " " + exitWord(j))
		}
	}
	line := fmt.Sprintf("%s  %s  %s -> %s  %s", t.At.Local().Format("15:04:05"), clean.Text(t.SubmissionID), clean.Text(from), to, about)
	if _, err := fmt.Fprintln(w.app.stdout, strings.TrimRight(line, " ")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// exitWord is the exit code where there is one.
func exitWord(j *rayapi.Job) string {
	if short := jobtext.ExitShort(j); short != "" {
		return "exit " + short
	}
	return ""
}
