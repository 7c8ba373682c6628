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
	"sync/atomic"
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
	l := &loan{quits: make(chan os.Signal, 1)}
	go l.watch(signals, cancel) // ends with the process
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, lend: l.set}
	os.Exit(a.run(ctx, os.Args[1:]))
}

// loan knows whether another program has the terminal. The terminal's keys for
// interrupt and quit are meant for that program then, but the kernel sends
// their signals to us too.
type loan struct {
	on    atomic.Bool
	quits chan os.Signal // takes SIGQUIT meanwhile, which would end us
}

// set says that the terminal is lent, or that we have it back.
func (l *loan) set(on bool) {
	if on {
		signal.Notify(l.quits, syscall.SIGQUIT)
	} else {
		signal.Stop(l.quits)
	}
	l.on.Store(on)
}

// watch calls cancel with the first signal that is meant for us.
func (l *loan) watch(signals <-chan os.Signal, cancel context.CancelCauseFunc) {
	for s := range signals {
		if s == syscall.SIGINT && l.on.Load() {
			continue
		}
		cancel(&signalled{s})
		return
	}
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
