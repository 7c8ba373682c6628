package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/widget/jobtext"
)

// statusWord does not call a driver's end a success: Ray reports every dead
// driver as SUCCEEDED, whatever its exit.
func statusWord(j rayapi.Job) string {
	if j.Type == rayapi.TypeDriver && j.Status.IsTerminal() {
		return "ENDED"
	}
	return string(j.Status)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func duration(j rayapi.Job) string {
	start, end := j.Started(), j.Ended()
	if start.IsZero() {
		return "-"
	}
	if end.IsZero() {
		if j.Status.IsTerminal() {
			return "-"
		}
		end = time.Now()
	}
	return max(0, end.Sub(start)).Round(time.Second).String()
}

func exitText(j rayapi.Job) string {
	if j.DriverExitCode == nil {
		return "-"
	}
	return strconv.Itoa(*j.DriverExitCode)
}

func (a *app) getCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Show one job",
		Args:  exactArgs(1, "one job id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				job, err := s.client.Get(ctx, args[0])
				if err != nil {
					return err
				}
				switch *out {
				case outJSON, outYAML:
					return a.printData(out, job)
				case outName:
					return a.printNames(job)
				default:
					return a.printJob(job, *out == outWide)
				}
			})
		},
		ValidArgsFunction: a.ids(1, anyJob),
	}
	out = addOutput(cmd, outWide, outName)
	return cmd
}

func (a *app) printJob(j rayapi.Job, wide bool) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	row("submission id", clean.Text(j.ID()))
	row("status", statusWord(j))
	row("entrypoint", clean.Text(j.Entrypoint))
	row("started", when(j.Started()))
	row("ended", when(j.Ended()))
	row("duration", duration(j))
	row("exit code", exitText(j))
	row("error type", clean.Text(j.ErrorTypeText()))
	for _, k := range slices.Sorted(mapKeys(j.Metadata)) {
		row("metadata", clean.Text(k+"="+j.Metadata[k]))
	}
	block := func(name string, lines []string) {
		for i, line := range lines {
			row(cmp.Or(map[bool]string{true: name}[i == 0], " "), line)
		}
	}
	block("message", clean.Block(j.MessageText()))
	if wide {
		row("type", clean.Text(string(j.Type)))
		row("ray job", clean.Text(deref(j.JobID)))
		row("node", clean.Text(deref(j.DriverNodeID)))
		row("agent", clean.Text(deref(j.DriverAgentHTTPAddress)))
		if d := j.DriverInfo; d != nil {
			row("driver", clean.Text(fmt.Sprintf("pid %s on %s", d.PID, d.NodeIPAddress)))
		}
		block("runtime env", jobtext.RuntimeEnv(&j))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (a *app) logsCmd() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs ID",
		Short: "Print a job's log; -f follows it to the job's end",
		Args:  exactArgs(1, "one job id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, s *session) error {
				if follow {
					return a.follow(ctx, s, args[0])
				}
				logs := s.client.Logs
				if s.host != nil {
					logs = s.client.RawLogs
				}
				_, err := logs(ctx, args[0], a.stdout)
				return err
			})
		},
		ValidArgsFunction: a.ids(1, submitted),
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "follow; the exit code tells how the job ended")
	return cmd
}

// follow prints the log until the job's end and returns how it ended.
func (a *app) follow(ctx context.Context, s *session, id string) error {
	f, err := s.client.Follow(ctx, id, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		chunk, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, client.ErrTailUnconfirmed) {
			fmt.Fprintln(a.stderr, "dray: "+err.Error())
			break
		}
		if err != nil {
			return err
		}
		if chunk.Gap {
			fmt.Fprintf(a.stderr, "dray: output is missing before byte %d\n", chunk.Offset)
		}
		if _, err := io.WriteString(a.stdout, chunk.Data); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return a.ended(ctx, s, id)
}

// waitEnd waits for the job's end and returns how it ended.
func (a *app) waitEnd(ctx context.Context, s *session, id string) error {
	job, err := poll(ctx, s.client, id, func(j rayapi.Job) bool { return j.Status.IsTerminal() })
	if err != nil {
		return err
	}
	return a.report(job)
}

func (a *app) ended(ctx context.Context, s *session, id string) error {
	job, err := s.client.Get(ctx, id)
	if err != nil {
		return err
	}
	return a.report(job)
}

// report says on stderr how a job ended, unless it succeeded.
func (a *app) report(job rayapi.Job) error {
	if job.Status == rayapi.StatusSucceeded {
		return nil
	}
	lines := clean.Block(job.MessageText())
	fmt.Fprintf(a.stderr, "dray: %s %s: %s\n", clean.Text(job.ID()), job.Status, strings.Join(lines, "\n"))
	return jobEnded(job)
}

// The wire has no event for a status, so it is asked for, less and less often.
const (
	pollFirst = 25 * time.Millisecond
	pollMost  = time.Second
)

// poll gets the job until ready says so.
func poll(ctx context.Context, c *client.Client, id string, ready func(rayapi.Job) bool) (rayapi.Job, error) {
	for pause := pollFirst; ; pause = min(pause*5/4, pollMost) {
		job, err := c.Get(ctx, id)
		if err != nil || ready(job) {
			return job, err
		}
		select {
		case <-ctx.Done():
			return job, ctx.Err()
		case <-time.After(pause):
		}
	}
}
