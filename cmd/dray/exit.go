package main

import (
	"context"
	"errors"
	"fmt"

	"dray/backend/client"
	"dray/backend/rayapi"
)

// Exit codes. They are part of the interface: scripts rely on them.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitFailed      = 3 // the job failed
	exitStopped     = 4 // the job was stopped
	exitNotFound    = 5
	exitUnreachable = 6
	exitLost        = 7 // how the job ended is not known
)

// usageError says that the command line is wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// jobEnd is how a job that was waited for ended; it carries the exit code and
// nothing to print.
type jobEnd struct {
	status rayapi.Status
	lost   bool // what watched over the job is gone, and nobody saw its end
}

// jobEnded is how an ended job ended; nil when it succeeded.
func jobEnded(j rayapi.Job) error {
	end := &jobEnd{j.Status, j.Status == rayapi.StatusFailed && j.ErrorTypeText() == rayapi.ErrSupervisorDied && j.DriverExitCode == nil}
	if end.code() == exitOK {
		return nil
	}
	return end
}

func (e *jobEnd) Error() string { return "the job ended " + string(e.status) }

// exitCode maps what a verb returned to the process's exit code.
func exitCode(err error) int {
	var usage *usageError
	var end *jobEnd
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &end):
		return end.code()
	case errors.Is(err, rayapi.ErrNotFound):
		return exitNotFound
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	default:
		return exitError
	}
}

func (e *jobEnd) code() int {
	switch {
	case e.lost:
		return exitLost
	case e.status == rayapi.StatusFailed:
		return exitFailed
	case e.status == rayapi.StatusStopped:
		return exitStopped
	default:
		return exitOK
	}
}

// quiet reports whether an error needs no sentence: the user interrupted, or
// the job's end was already told.
func quiet(err error) bool {
	var end *jobEnd
	var sig *signalled
	var printed *told
	return errors.Is(err, context.Canceled) || errors.As(err, &end) || errors.As(err, &sig) || errors.As(err, &printed)
}
