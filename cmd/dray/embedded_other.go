//go:build !linux

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

var errNoBackend = errors.New("the embedded backend runs on Linux only: give --address http://HOST:8265 of a Ray cluster, or of dray serve on a Linux machine")

func superviseMain([]string) (int, bool) { return 0, false }

func openHost(context.Context, string, string) (host, error) { return nil, errNoBackend }

func (a *app) serveCmd() *cobra.Command { return linuxOnly("serve", "Serve the Ray Jobs API") }

func (a *app) doctorCmd() *cobra.Command {
	return linuxOnly("doctor", "Check what the embedded backend stands on")
}

func (a *app) envCmd() *cobra.Command {
	return linuxOnly("env", "List, remove and collect the environments that jobs were given")
}

func (a *app) demoCmd() *cobra.Command {
	return linuxOnly("demo", "Try the dashboard: run a few small jobs on this machine and open it")
}

func (a *app) pruneCmd() *cobra.Command {
	return linuxOnly("prune", "Remove old jobs of the embedded backend")
}

func linuxOnly(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:                verb,
		Short:              short + " (Linux only)",
		DisableFlagParsing: true,
		RunE:               func(*cobra.Command, []string) error { return errNoBackend },
	}
}
