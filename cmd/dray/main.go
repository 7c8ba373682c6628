// Command dray is the terminal job dashboard for Ray, its embedded backend and
// its command-line twin.
//
// This package wires the others together: flags, exit codes, where to connect.
// What a verb does is in the packages below backend and tui.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	_ "dray/theme/background" // must run before bubbletea's init
)

func main() {
	if code, ok := superviseMain(os.Args); ok {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
