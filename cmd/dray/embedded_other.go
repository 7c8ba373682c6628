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

func (a *app) serveCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve the Ray Jobs API (Linux only)",
		RunE:  func(*cobra.Command, []string) error { return errNoBackend },
	}
}
