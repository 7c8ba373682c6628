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
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, ending()...)
	go func() { cancel(&signalled{<-signals}) }() // ends with the process
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	os.Exit(a.run(ctx, os.Args[1:]))
}

// signalled is why a run ended that a signal ended.
type signalled struct{ os.Signal }

func (s *signalled) Error() string { return s.String() }

// code is the exit code by which a shell tells of the signal.
func (s *signalled) code() int {
	if n, ok := s.Signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitError
}

// ending are the signals that end the program in order. One that was ignored
// when we were started stays so: that is what nohup asks for.
func ending() []os.Signal {
	signals := []os.Signal{syscall.SIGTERM}
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	return signals
}
