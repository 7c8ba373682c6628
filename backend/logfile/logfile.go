// Package logfile reads a job's log while it grows: it follows the file to its
// end, takes its last lines, and turns its bytes into text that is always
// valid UTF-8.
//
// Who writes the log, and when it is final, is the business of the Source that
// the caller hands in; how text travels to a client is that of package server.
package logfile

import (
	"context"
	"errors"
)

// ErrGone says that the job's record was deleted while its log was followed.
var ErrGone = errors.New("the job was deleted")

// State is what is known about a log at one moment.
type State struct {
	Final bool  // nothing will be appended any more
	Size  int64 // length in bytes; valid when Final
	Gone  bool  // the job's record was deleted
}

// Source is a job's log as its owner knows it.
type Source interface {
	// Path is the file; it may be missing as long as nothing was written.
	Path() string
	// State must not say Final before the last byte is in the file.
	State(ctx context.Context) (State, error)
	// Wake returns a channel of capacity 1 that is signalled, at most every
	// 10 ms, when the log may have grown or its state may have changed. The
	// caller ends the subscription with stop.
	Wake() (ch <-chan struct{}, stop func())
}
