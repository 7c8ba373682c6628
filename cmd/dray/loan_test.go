package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

// Ctrl-C while a pager or a command has the terminal is not meant for dray.
func TestLoan(t *testing.T) {
	l := &loan{quits: make(chan os.Signal, 1)}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	signals := make(chan os.Signal)
	ended := make(chan struct{})
	go func() { // ends with the signal below
		defer close(ended)
		l.watch(signals, cancel)
	}()
	l.set(true)
	defer l.set(false)
	if err := syscall.Kill(os.Getpid(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-l.quits // it would have ended the test
	signals <- syscall.SIGINT
	signals <- syscall.SIGTERM // taken once the other was looked at
	<-ended
	var by *signalled
	if !errors.As(context.Cause(ctx), &by) || by.Signal != syscall.SIGTERM {
		t.Errorf("ended by %v, want %v alone", context.Cause(ctx), syscall.SIGTERM)
	}
}

func TestLoan_over(t *testing.T) {
	t.Parallel()
	l := &loan{quits: make(chan os.Signal, 1)}
	l.set(true)
	l.set(false)
	ctx, cancel := context.WithCancelCause(t.Context())
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	l.watch(signals, cancel)
	if ctx.Err() == nil {
		t.Error("ctrl-c does not end dray any more")
	}
}
