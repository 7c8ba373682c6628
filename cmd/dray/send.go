package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dray/backend/once"
	"dray/backend/rayapi"
)

// send submits a complete request at most once, and waits as far as was asked.
func (a *app) send(ctx context.Context, s *session, req rayapi.SubmitRequest, parent string, wait, follow bool) error {
	r := once.Post{
		Jobs: s.client, Ledger: s.ledger, Key: s.key, Request: req, Parent: parent, Now: time.Now, Waits: once.LookAfter(),
	}.Submit(ctx)
	var doubt *once.DoubtError
	if errors.As(r.Err, &doubt) {
		return fmt.Errorf("%w; whether it was received is not known: `dray get %s` tells, and so does the next dray that is started", r.Err, doubt.ID)
	}
	if r.Err != nil {
		return r.Err
	}
	if r.Found {
		fmt.Fprintf(a.stderr, "dray: the answer was lost, but job %s is there\n", r.ID)
	}
	if _, err := fmt.Fprintln(a.stdout, r.ID); err != nil {
		return fmt.Errorf("job %s is submitted, but its id cannot be printed: %w", r.ID, err)
	}
	switch {
	case follow:
		return a.follow(ctx, s, r.ID)
	case wait:
		return a.waitEnd(ctx, s, r.ID)
	case s.host != nil:
		return a.untilStarted(ctx, s, r.ID)
	}
	return nil
}

// resolveTime bounds how long the look-ups for earlier submits put off a new
// one.
const resolveTime = 10 * time.Second

// resolve says what became of earlier submits that got no answer.
func (a *app) resolve(ctx context.Context, s *session) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	list, _ := once.Resolve(ctx, s.client, s.ledger, s.key, time.Now()) // a server that is away is said by what follows
	for _, o := range list {
		if text := o.String(); text != "" {
			fmt.Fprintln(a.stderr, "dray: "+text)
		}
	}
}

// untilStarted keeps the embedded backend alive until the job has left
// PENDING, or is known to wait for resources.
func (a *app) untilStarted(ctx context.Context, s *session, id string) error {
	job, err := poll(ctx, s.client, id, func(j rayapi.Job) bool {
		return j.Status != rayapi.StatusPending || strings.Contains(j.MessageText(), "waiting for resources")
	})
	if err != nil {
		return err
	}
	if job.Status == rayapi.StatusPending {
		fmt.Fprintf(a.stderr, "dray: %s waits: %s\n", id, job.MessageText())
	}
	return nil
}
