package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dray/backend/jobspec"
)

// version is the release; the build may set it with -ldflags.
var version = "0.1.0" //nolint:gochecknoglobals // set by the linker

// app is one run of the program: its streams, environment and global flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	lend           func(on bool) // says that another program has the terminal

	address  string
	cluster  string
	stateDir string
	look     look
	demo     demo
}

// run executes the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCmd()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !quiet(err) {
		fmt.Fprintln(a.stderr, "dray: "+errorText(err))
	}
	var sig *signalled
	if err != nil && errors.As(context.Cause(ctx), &sig) {
		return sig.code()
	}
	return exitCode(err)
}

// errorText is the sentence for the user, on one line where the error has one.
func errorText(err error) string {
	text := strings.TrimSpace(err.Error())
	var usage *usageError
	var file *jobspec.Error // says where in the file
	if errors.As(err, &usage) && !errors.As(err, &file) && !strings.Contains(text, "--help") {
		text += " (dray --help lists the verbs and flags)"
	}
	return text
}

func (a *app) rootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "dray [verb]",
		Short: "The terminal job dashboard for Ray",
		Long: `dray submits, watches, stops and reruns Ray jobs and reads their logs.

Without a verb it opens the dashboard. It talks to a Ray cluster's Jobs API, or,
where no Ray runs, to its own embedded backend, which needs no installation.

Where it connects: --address or --cluster, else DRAY_CLUSTER, else
RAY_API_SERVER_ADDRESS, else RAY_ADDRESS, else what "dray ctx use" chose, else
"auto": the Ray that runs on this head node, else the embedded backend.

Exit codes: 0 ok, 1 error, 2 usage, 3 the job failed, 4 the job was stopped,
5 not found, 6 unreachable, 7 the job was lost: how it ended is not known.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no verb %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.dashboard(cmd.Context()) },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&a.address, "address", "", "`where` to connect: embedded, auto, or http(s)://HOST:PORT")
	flags.StringVar(&a.cluster, "cluster", "", "`name` of a cluster of the config file (dray ctx lists them)")
	flags.StringVar(&a.stateDir, "state-dir", "", "`folder` of the embedded backend (default $DRAY_STATE_DIR, else $XDG_STATE_HOME/dray)")
	a.addLook(root)
	root.AddCommand(
		a.configCmd(), a.ctxCmd(), a.demoCmd(),
		a.serveCmd(), a.submitCmd(), a.lsCmd(), a.getCmd(), a.logsCmd(), a.stopCmd(),
		a.rerunCmd(), a.historyCmd(), a.diffCmd(), a.templateCmd(), a.deleteCmd(), a.waitCmd(), a.watchCmd(), a.doctorCmd(), a.envCmd(), a.pruneCmd(), a.versionCmd(),
		outputHelp(), actionsHelp(), schemaCmd(a),
	)
	a.completeGlobals(root)
	return root
}

// exactArgs is cobra's check with a sentence of ours and the usage exit code.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %s, got %d arguments", cmd.CommandPath(), what, len(args))
		}
		return noneEmpty(cmd, what, args)
	}
}

func noneEmpty(cmd *cobra.Command, what string, args []string) error {
	if slices.Contains(args, "") {
		return usagef("%s takes %s, and one is empty", cmd.CommandPath(), what)
	}
	return nil
}

func minArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s takes %s", cmd.CommandPath(), what)
		}
		return noneEmpty(cmd, what, args)
	}
}
