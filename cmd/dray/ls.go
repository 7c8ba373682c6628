package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/jobquery"
)

// listing is what of the jobs is listed, and how: the same language as that of
// the dashboard's filter, columns and order.
type listing struct {
	query   jobquery.Query
	order   jobquery.Order
	columns []jobquery.Column // none: the usual table
	user    string
}

func (a *app) lsCmd() *cobra.Command {
	var out *output
	var query, sort, columns string
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the jobs",
		Example: `  dray ls -q 'status:failed age<2d'
  dray ls -q 'mine !cmd~sweep' --sort -dur --columns id,dur,exit,meta.team`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := newListing(query, sort, columns)
			if err != nil {
				return err
			}
			if *out == outWide && columns == "" {
				l.columns = wideColumns()
			}
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				jobs, err := s.client.List(ctx)
				if err != nil {
					return err
				}
				all := len(jobs)
				jobs = l.pick(jobs, time.Now(), s.host != nil)
				switch *out {
				case outJSON, outYAML:
					return a.printData(out, jobs)
				case outName:
					return a.printNames(jobs...)
				default:
					return a.printTable(jobs, all, l.columns)
				}
			})
		},
	}
	out = addOutput(cmd, outWide, outName)
	cmd.Flags().StringVarP(&query, "query", "q", "", "list the jobs that match a `query`: words, status:failed, meta.team:x, age<2d, cmd~regexp, !not")
	cmd.Flags().StringVar(&sort, "sort", "-start", "sort by a `column`, from the greatest down with a - before it")
	cmd.Flags().StringVar(&columns, "columns", "", "the `columns` to print, between commas: "+strings.Join(jobquery.ColumnNames(), " "))
	completeFlag(cmd, "sort", names(jobquery.ColumnNames))
	completeFlag(cmd, "columns", names(jobquery.ColumnNames))
	return cmd
}

// wideColumns are those of -o wide.
func wideColumns() []jobquery.Column {
	columns, err := jobquery.ParseColumns("status,id,start,end,dur,exit,error,user,node,job,type,entrypoint")
	if err != nil {
		panic(err) // they are our own
	}
	return columns
}

// newListing checks what was asked for before any server is.
func newListing(query, sort, columns string) (listing, error) {
	l := listing{user: account()}
	var err error
	if l.query, err = jobquery.Parse(query); err != nil {
		return l, usagef("--query: %w", err)
	}
	if l.order, err = jobquery.ParseOrder(sort); err != nil {
		return l, usagef("--sort: %w", err)
	}
	if l.columns, err = jobquery.ParseColumns(columns); err != nil {
		return l, usagef("--columns: %w", err)
	}
	return l, nil
}

// pick returns the jobs that are asked for, in order; never nil.
func (l listing) pick(jobs []rayapi.Job, now time.Time, local bool) []rayapi.Job {
	rows := make([]jobquery.Row, len(jobs))
	for i := range jobs {
		rows[i] = jobquery.NewRow(&jobs[i])
	}
	facts := jobquery.Facts{Now: now, User: l.user, Local: local}
	picked := make([]rayapi.Job, 0, len(jobs))
	for _, p := range jobquery.Sorted(rows, l.order, now) {
		if l.query.Match(&rows[p], &facts) {
			picked = append(picked, jobs[p])
		}
	}
	return picked
}

func (a *app) printTable(jobs []rayapi.Job, all int, columns []jobquery.Column) error {
	switch {
	case all == 0:
		fmt.Fprintln(a.stderr, "no jobs yet: dray submit -- COMMAND submits one")
		return nil
	case len(jobs) == 0:
		fmt.Fprintf(a.stderr, "none of the %d jobs matches\n", all)
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if len(columns) > 0 {
		printColumns(w, jobs, columns)
	} else {
		fmt.Fprintln(w, "STATUS\tSUBMISSION ID\tSTARTED\tDURATION\tEXIT\tENTRYPOINT")
		for _, j := range jobs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", statusWord(j), clean.Text(j.ID()), when(j.Started()),
				duration(j), exitText(j), clean.Text(j.Entrypoint))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func printColumns(w *tabwriter.Writer, jobs []rayapi.Job, columns []jobquery.Column) {
	now := time.Now()
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = c.Title
	}
	fmt.Fprintln(w, strings.Join(line, "\t"))
	for j := range jobs {
		r := jobquery.NewRow(&jobs[j])
		for i := range columns {
			if line[i] = columns[i].Text(&r, now); line[i] == "" {
				line[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
}
