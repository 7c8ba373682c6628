package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dray/backend/runtimeenv"
	"dray/backend/runtimeenv/envcache"
)

// envCmd works on the folder itself: its locks keep it apart from a backend
// that builds at the same time.
func (a *app) envCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "List, remove and collect the environments that jobs were given (pip, uv, conda, downloads)",
		Args:  exactArgs(0, "a verb: ls, rm or gc"),
		RunE:  func(*cobra.Command, []string) error { return usagef("dray env takes a verb: ls, rm or gc") },
	}
	var out *output
	ls := &cobra.Command{
		Use: "ls", Short: "List the environments", Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEnvs(func(c *envcache.Cache) error {
				found, err := c.List(cmd.Context())
				if err != nil {
					return err
				}
				return a.printEnvs(found, out)
			})
		},
	}
	out = addOutput(ls)
	rm := &cobra.Command{
		Use: "rm NAME…", Short: "Remove environments that no job uses", Args: minArgs("names, as dray env ls shows them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withEnvs(func(c *envcache.Cache) error { return a.removeEnvs(cmd.Context(), c, args) })
		},
	}
	var gcOut *output
	gc := &cobra.Command{
		Use: "gc", Short: "Remove what is over the limit and not in use, the least recently used first", Args: exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEnvs(func(c *envcache.Cache) error {
				gone, err := c.GC(cmd.Context())
				if err != nil {
					return err
				}
				if err := a.printEnvs(gone, gcOut); err != nil {
					return err
				}
				var freed int64
				for _, e := range gone {
					freed += e.Bytes
				}
				fmt.Fprintf(a.stderr, "dray: freed %d MiB of %d environments\n", freed>>20, len(gone))
				return nil
			})
		},
	}
	gcOut = addOutput(gc)
	cmd.AddCommand(ls, rm, gc)
	return cmd
}

// own refuses an address for a verb that is about the embedded backend's folder.
func (a *app) own(verb string) error {
	if a.cluster != "" || a.address != "" && a.address != embeddedName {
		return usagef("dray %s is about the embedded backend of this machine: leave --address and --cluster out", verb)
	}
	return nil
}

func (a *app) withEnvs(work func(*envcache.Cache) error) error {
	if err := a.own("env"); err != nil {
		return err
	}
	state, err := a.statePath()
	if err != nil {
		return err
	}
	c, err := envcache.Open(filepath.Join(state, "envs"), runtimeenv.DefaultMaxBytes, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return work(c)
}

func (a *app) removeEnvs(ctx context.Context, c *envcache.Cache, names []string) error {
	var errs []error
	for _, name := range names {
		if err := c.Remove(ctx, name); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", name, err))
			continue
		}
		if _, err := fmt.Fprintln(a.stdout, name); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return errors.Join(errs...)
}

func (a *app) printEnvs(envs []envcache.Info, out *output) error {
	if out.isData() {
		if envs == nil {
			envs = []envcache.Info{}
		}
		return a.printData(out, envs)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, e := range envs {
		fmt.Fprintf(w, "%s\t%d MiB\tused by %d\t%s\t%s\n", e.Name, e.Bytes>>20, e.Users, when(e.LastUsed), e.Title)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
