//go:build linux

package jobs

import (
	"context"

	"dray/backend/jobdir"
	"dray/backend/runner"
)

// State is what a Process knows.
type State = runner.State

// Runner starts the supervisors of jobs and finds them again.
type Runner interface {
	Start(ctx context.Context, d jobdir.Dir) (Process, error)
	Adopt(ctx context.Context, d jobdir.Dir) (Process, error)
}

// Process is one job that was started; *runner.Process is.
type Process interface {
	Changes() <-chan struct{}
	State() State
	Stop() error
	Release()
}

// WithRunner lets the Manager use r.
func WithRunner(r *runner.Runner) Runner { return adapter{r} }

// adapter turns the methods' results into the interface.
type adapter struct{ *runner.Runner }

func (a adapter) Start(ctx context.Context, d jobdir.Dir) (Process, error) {
	p, err := a.Runner.Start(ctx, d)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (a adapter) Adopt(ctx context.Context, d jobdir.Dir) (Process, error) {
	p, err := a.Runner.Adopt(ctx, d)
	if err != nil {
		return nil, err
	}
	return p, nil
}
