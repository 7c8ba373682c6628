// Package server speaks Ray's Jobs API, HTTP and WebSocket, over whatever keeps
// the jobs and the packages, and guards the door to it.
//
// New is the API alone; Guard decides who may use it and stands in front of
// it on every listener. What a job is and does is the business of the Jobs
// that the caller hands in.
package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"dray/backend/logfile"
	"dray/backend/rayapi"
)

// Jobs keeps the jobs. Its errors decide the answer: rayapi.ErrInvalid 400,
// ErrNotFound 404, ErrUnavailable 503, ErrNoSpace 507; ErrExists,
// *rayapi.LabelError and *rayapi.StateError 500 with the sentence that Ray's
// clients look for; anything else 500.
type Jobs interface {
	Submit(ctx context.Context, r rayapi.SubmitRequest) (id string, err error)
	Job(ctx context.Context, id string) (rayapi.Job, error)
	// Rows yields each record's JobDetails as JSON, the newest first, and stops
	// at yield's error. A row is valid during the call only.
	Rows(ctx context.Context, yield func(row []byte) error) error
	// Page yields the rows that q asks for, as Rows does. It returns the cursor
	// to go on with when q.Limit cut the list short, else "".
	Page(ctx context.Context, q rayapi.JobQuery, yield func(row []byte) error) (next string, err error)
	Counts(ctx context.Context) (rayapi.JobCounts, error)
	Node(ctx context.Context) (rayapi.NodeState, error)
	StopWith(ctx context.Context, id string, o rayapi.StopOptions) (stopped bool, err error)
	Delete(ctx context.Context, id string) error
	Log(ctx context.Context, id string) (logfile.Source, error)
}

// Packages keeps uploaded packages. The errors of package packages become 400
// (ErrName), 409 (ErrConflict) and 413 (ErrTooLarge).
type Packages interface {
	// Has also keeps the package from being collected for a while.
	Has(ctx context.Context, name string) (bool, error)
	Put(ctx context.Context, name string, body io.Reader) error
}

// Config is what the API serves. All fields are required.
type Config struct {
	Jobs     Jobs
	Packages Packages
	Version  rayapi.Version
	Log      *slog.Logger
}

// API answers Ray's job routes. Put Guard in front of it.
type API struct {
	cfg       Config
	routes    []route
	followers followers
	gauge     gauge
	metrics   *metrics
	started   time.Time

	largeBodies largeBodies
}

// New returns the API. Those who follow a log are let go with close code 1013
// when their request's context ends (see http.Server.BaseContext), or at
// Close.
func New(cfg Config) *API {
	return &API{cfg: cfg, routes: apiRoutes(), metrics: newMetrics(), started: time.Now(), largeBodies: make(largeBodies, 1)}
}

// Close lets all followers go with close code 1013, refuses new ones with 503
// and waits until they are gone or ctx ends. Other requests go on: those end
// with the http.Server.
func (a *API) Close(ctx context.Context) error {
	return a.followers.close(ctx)
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt, args := findRoute(a.routes, r.URL.EscapedPath())
	counted, began := &meter{ResponseWriter: w}, time.Now()
	defer func() { a.metrics.observe(rt, r.Method, counted, time.Since(began)) }()
	a.answer(counted, r, rt, args)
}

func (a *API) answer(w http.ResponseWriter, r *http.Request, rt *route, args []string) {
	if rt == nil {
		notFound(w)
		return
	}
	answer := rt.endpoint(r.Method)
	if answer == nil {
		methodNotAllowed(w, rt.allow())
		return
	}
	if err := answer(a, w, r, args); err != nil {
		a.fail(w, r, err)
	}
}
