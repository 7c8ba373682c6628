package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dray/backend/once"
	"dray/backend/rayapi"
)

// after is what a submit does once the job is submitted.
type after struct {
	wait, follow, dryRun bool
	format               *output
}

// add adds the flags to a verb that submits.
func (f *after) add(cmd *cobra.Command, dry string) {
	fl := cmd.Flags()
	fl.BoolVar(&f.wait, "wait", false, "wait for the job's end; the exit code tells how it ended")
	fl.BoolVar(&f.follow, "follow", false, "print the log until the job's end; the exit code tells how it ended")
	fl.BoolVar(&f.dryRun, "dry-run", false, dry)
	f.format = addOutput(cmd, outName)
}

func (f *after) check() error {
	if f.follow && f.format.isData() {
		return usagef("-o %s prints the job's record and --follow its log: give one of them, or --wait", *f.format)
	}
	return nil
}

// send submits a complete request at most once, waits as far as was asked, and
// prints the id or the record.
func (a *app) send(ctx context.Context, s *session, req rayapi.SubmitRequest, parent string, f after) error {
	id, err := a.post(ctx, s, req, parent)
	if err != nil {
		return err
	}
	if !f.format.isData() {
		if _, err := fmt.Fprintln(a.stdout, id); err != nil {
			return fmt.Errorf("job %s is submitted, but its id cannot be printed: %w", id, err)
		}
		return a.finish(ctx, s, id, f)
	}
	err = a.finish(ctx, s, id, f)
	var end *jobEnd
	if err != nil && !errors.As(err, &end) {
		return fmt.Errorf("job %s is submitted, but what became of it is not known: %w", id, err)
	}
	job, getErr := s.client.Get(ctx, id)
	if getErr != nil {
		return fmt.Errorf("job %s is submitted, but its record cannot be had: %w", id, getErr)
	}
	return errors.Join(a.printData(f.format, job), err)
}

// post submits a complete request at most once.
func (a *app) post(ctx context.Context, s *session, req rayapi.SubmitRequest, parent string) (id string, err error) {
	r := once.Post{
		Jobs: s.client, Ledger: s.ledger, Key: s.key, Request: req, Parent: parent, Now: time.Now, Waits: once.LookAfter(),
	}.Submit(ctx)
	var doubt *once.DoubtError
	if errors.As(r.Err, &doubt) {
		return "", fmt.Errorf("%w; whether it was received is not known: `dray get %s` tells, and so does the next dray that is started", r.Err, doubt.ID)
	}
	if r.Err == nil && r.Found {
		fmt.Fprintf(a.stderr, "dray: the answer was lost, but job %s is there\n", r.ID)
	}
	return r.ID, r.Err
}

// finish waits as far as was asked, and as long as the embedded backend needs.
func (a *app) finish(ctx context.Context, s *session, id string, f after) error {
	switch {
	case f.follow:
		return a.follow(ctx, s, id)
	case f.wait:
		return a.waitEnd(ctx, s, id)
	case s.host != nil:
		return a.untilStarted(ctx, s, id)
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
