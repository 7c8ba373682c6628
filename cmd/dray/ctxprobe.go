package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/client"
	"dray/backend/contexts"
	"dray/tui/clean"
)

// tested is how a cluster answers, as JSON.
type tested struct {
	Name      string  `json:"name"`
	OK        bool    `json:"ok"`
	Ray       string  `json:"ray_version,omitempty"`
	LatencyMS float64 `json:"latency_ms,omitempty"`
	Error     string  `json:"error,omitempty"`
	err       error
}

func (a *app) ctxTestCmd() *cobra.Command {
	var out *output
	cmd := &cobra.Command{
		Use:   "test [NAME…]",
		Short: "Ask clusters, all by default, whether they let us in; 6 says that one is unreachable",
		Args:  func(cmd *cobra.Command, args []string) error { return noneEmpty(cmd, "names of clusters", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := a.loaded()
			if err != nil {
				return err
			}
			var list []*contexts.Cluster
			for _, name := range args {
				c, err := found(set, name)
				if err != nil {
					return err
				}
				list = append(list, c)
			}
			if len(args) == 0 {
				for i := range set.Clusters {
					list = append(list, &set.Clusters[i])
				}
			}
			return a.ctxTest(cmd.Context(), list, out)
		},
	}
	out = addOutput(cmd)
	return cmd
}

func (a *app) ctxTest(ctx context.Context, list []*contexts.Cluster, out *output) error {
	results := make([]tested, len(list))
	var wg sync.WaitGroup
	for i, c := range list {
		wg.Go(func() { results[i] = a.test(ctx, c) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var errs []error
	for _, r := range results {
		errs = append(errs, r.err)
	}
	if out.isData() {
		return errors.Join(a.printData(out, results), quietly(errors.Join(errs...)))
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tRAY\tLATENCY\tSTATE")
	for _, r := range results {
		if r.err != nil {
			fmt.Fprintf(w, "%s\t-\t-\t%s\n", r.Name, clean.Text(r.Error))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%.1f ms\tok\n", r.Name, clean.Text(cmp.Or(r.Ray, "-")), r.LatencyMS)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return quietly(errors.Join(errs...))
}

// told is an error that was printed already.
type told struct{ error }

func (t *told) Unwrap() error { return t.error }

func quietly(err error) error {
	if err == nil {
		return nil
	}
	return &told{err}
}

// testTimeout is how long a cluster may take to answer a test.
const testTimeout = 3 * time.Second

func (a *app) test(ctx context.Context, c *contexts.Cluster) tested {
	ray, took, err := a.probe(ctx, c)
	t := tested{Name: c.Name, OK: err == nil, Ray: ray, LatencyMS: float64(took.Microseconds()) / 1000, err: err}
	if err != nil {
		t.Error, t.LatencyMS = err.Error(), 0
	}
	return t
}

// probe asks a cluster for its version.
func (a *app) probe(ctx context.Context, c *contexts.Cluster) (ray string, took time.Duration, err error) {
	t, err := contexts.Resolve(ctx, contexts.Options{FlagCluster: c.Name, Clusters: []contexts.Cluster{*c}, Getenv: func(string) string { return "" }})
	if err != nil {
		return "", 0, err
	}
	return a.probeTarget(ctx, t)
}

func (a *app) probeTarget(ctx context.Context, t contexts.Target) (ray string, took time.Duration, err error) {
	if t.Embedded {
		return "", 0, nil // ours: it answers when it is opened
	}
	ep, err := contexts.Endpoint(t, a.getenv)
	if err != nil {
		return "", 0, err
	}
	ep.Version = version
	cl, err := client.New(ep)
	if err != nil {
		return "", 0, err
	}
	defer cl.Close()
	if ep.Fresh != nil {
		if _, err := ep.Fresh(ctx, nil); err != nil { // not part of how fast the cluster is
			return "", 0, fmt.Errorf("ask for the version: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	start := time.Now()
	v, err := cl.Version(ctx)
	return v.RayVersion, time.Since(start), err
}
