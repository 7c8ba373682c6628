package rayapi

import (
	"errors"
	"fmt"
)

// Errors that mean the same on both sides of the wire.
var (
	ErrNotFound    = errors.New("job does not exist")
	ErrExists      = errors.New("submission id already exists")
	ErrUnavailable = errors.New("the backend is not ready") // starting, or closing
	ErrNoSpace     = errors.New("no space left on the device")
)

// StateError says that a job is not in a state that allows the operation.
type StateError struct {
	ID     string
	Status Status
}

// Error is Ray's sentence about a delete that came too early.
func (e *StateError) Error() string {
	return fmt.Sprintf("Attempted to delete job '%s', but it is in a non-terminal state %s.", e.ID, e.Status)
}

// ExistsError returns Ray's sentence about an id that is taken. It wraps
// ErrExists.
func ExistsError(id string) error {
	return &existsError{id}
}

type existsError struct{ id string }

func (e *existsError) Error() string {
	return fmt.Sprintf("Job with submission_id %s already exists. Please use a different submission_id.", e.id)
}

func (e *existsError) Is(target error) bool { return target == ErrExists }

// NotFoundError returns Ray's sentence about an id that nobody has. It wraps
// ErrNotFound.
func NotFoundError(id string) error { return &notFoundError{id} }

type notFoundError struct{ id string }

func (e *notFoundError) Error() string        { return fmt.Sprintf("Job %s does not exist", e.id) }
func (e *notFoundError) Is(target error) bool { return target == ErrNotFound }

// LabelError is a label selector that breaks Ray's syntax.
type LabelError struct{ Reason string }

func (e *LabelError) Error() string { return "ValueError: " + e.Reason }
