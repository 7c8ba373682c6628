package main

import (
	"context"

	"dray/backend"
	"dray/backend/supervise"
)

// superviseVerb is the hidden verb of a job's supervisor process.
const superviseVerb = backend.SuperviseVerb

// superviseMain runs the supervisor when that is what this process was started
// for. It comes before everything else: a supervisor wants none of it.
func superviseMain(args []string) (code int, ok bool) {
	if len(args) != 3 || args[1] != superviseVerb {
		return 0, false
	}
	return supervise.Main(args[2]), true
}

func openHost(ctx context.Context, state, cwd string) (host, error) {
	h, err := backend.Open(ctx, backend.Config{StateDir: state, DefaultDir: cwd, Version: version})
	if err != nil {
		return nil, err // a nil *Host in the interface would not be nil
	}
	return h, nil
}
