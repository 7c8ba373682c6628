package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/jobs"
)

type pruneFlags struct {
	olderThan, maxBytes string
	keep                int
	dryRun              bool
}

func (a *app) pruneCmd() *cobra.Command {
	var f pruneFlags
	var out *output
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove old jobs of the embedded backend, with their logs",
		Long: `Removes jobs that are over and beyond one of the bounds, the oldest first, with
their logs, and then packages and environments that nothing needs any more. Their
records are kept in archive/jobs-YYYY-MM.jsonl in the state folder.

Without a bound those apply that the backend keeps by itself, each hour:
DRAY_KEEP_DAYS (90), DRAY_KEEP_JOBS (100000) and DRAY_KEEP_BYTES (no bound).

A job that was submitted with the metadata dray_pin=true is pinned: it stays, and
does not count.`,
		Example: `  dray prune --older-than 30d --dry-run
  dray prune --keep 500 --max-bytes 20GiB`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(cmd)
			if err != nil {
				return err
			}
			return a.prune(cmd.Context(), o, out)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.olderThan, "older-than", "", "remove jobs that ended longer ago than this `time`: 30d, 12h, 2w")
	flags.IntVar(&f.keep, "keep", 0, "keep this `number` of jobs, the newest")
	flags.StringVar(&f.maxBytes, "max-bytes", "", "keep the newest jobs whose folders fill this `size`: 500MB, 20GiB")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only say what would be removed")
	out = addOutput(cmd)
	return cmd
}

// options are the bounds of the flags that were given. A bound of nothing keeps
// nothing.
func (f pruneFlags) options(cmd *cobra.Command) (jobs.PruneOptions, error) {
	o := jobs.PruneOptions{DryRun: f.dryRun}
	given := func(name string) bool { return cmd.Flags().Changed(name) }
	if given("older-than") {
		age, err := parseAge(f.olderThan)
		if err != nil {
			return o, usagef("--older-than: %w", err)
		}
		o.MaxAge = max(age, 1)
	}
	if given("max-bytes") {
		size, err := parseSize(f.maxBytes)
		if err != nil {
			return o, usagef("--max-bytes: %w", err)
		}
		o.MaxBytes = max(size, 1)
	}
	switch {
	case !given("keep"):
	case f.keep < 0:
		return o, usagef("--keep is %d: it must be a number from 0", f.keep)
	case f.keep == 0:
		o.MaxAge = 1
	default:
		o.MaxCount = f.keep
	}
	return o, nil
}

// prune asks the backend of the state folder, wherever other verbs connect.
func (a *app) prune(ctx context.Context, o jobs.PruneOptions, out *output) (err error) {
	if err := a.own("prune"); err != nil {
		return err
	}
	state, err := a.statePath()
	if err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("the current folder cannot be found: %w", err)
	}
	h, err := openHost(ctx, state, cwd)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, h.Close(closing))
	}()
	p, ok := h.(interface {
		Prune(ctx context.Context, o jobs.PruneOptions) ([]jobs.Pruned, error)
	})
	if !ok {
		return errors.New("this backend cannot prune")
	}
	gone, err := p.Prune(ctx, o)
	return errors.Join(err, a.printPruned(gone, o.DryRun, out))
}

func (a *app) printPruned(gone []jobs.Pruned, dry bool, out *output) error {
	if out.isData() {
		if gone == nil {
			gone = []jobs.Pruned{}
		}
		return a.printData(out, gone)
	}
	var bytes int64
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, p := range gone {
		bytes += p.Bytes
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.ID, when(time.UnixMilli(p.EndedAt)), sizeText(p.Bytes), p.Reason)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	verb := "removed"
	if dry {
		verb = "would be removed"
	}
	if _, err := fmt.Fprintf(a.stdout, "%d %s %s, %s\n", len(gone), plural(len(gone), "job", "jobs"), verb, sizeText(bytes)); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// sizeText is a size for people.
func sizeText(n int64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for ; v >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// parseAge reads a time as people write it: 30d, 2w, or Go's 12h30m.
func parseAge(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		number, ok := strings.CutSuffix(text, suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || math.IsNaN(v) || v < 0 || v*float64(unit) > math.MaxInt64/2 {
			return 0, fmt.Errorf("%q is no time such as 30d", text)
		}
		return time.Duration(v * float64(unit)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time such as 30d, 2w or 12h", text)
	}
	return d, nil
}

// parseSize reads a number of bytes with a unit: 1000 times for GB, 1024 for GiB
// and G.
func parseSize(text string) (int64, error) {
	number := strings.TrimRightFunc(text, func(r rune) bool { return r > '9' || r == ' ' })
	unit := strings.ToUpper(strings.TrimSpace(text[len(number):]))
	factor := 1.0
	if unit != "" && unit != "B" {
		power := strings.IndexByte("KMGT", unit[0]) + 1
		base, known := map[string]float64{"": 1024, "IB": 1024, "B": 1000}[unit[1:]]
		if power == 0 || !known {
			return 0, fmt.Errorf("%q is no size such as 500MB or 20GiB", text)
		}
		factor = math.Pow(base, float64(power))
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v*factor > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is no size such as 500MB or 20GiB", text)
	}
	return int64(v * factor), nil
}
