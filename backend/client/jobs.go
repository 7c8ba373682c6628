package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"dray/backend/rayapi"
)

// Version asks the server what it is.
func (c *Client) Version(ctx context.Context) (rayapi.Version, error) {
	var v rayapi.Version
	err := c.answer(ctx, call{op: "ask for the version", method: http.MethodGet, path: "/api/version"}, answerTimeout, &v)
	return v, err
}

// List returns all jobs, in the server's order. Nobody may write to what they
// lead to: a row that is the same as in the last answer is shared with it.
func (c *Client) List(ctx context.Context) ([]rayapi.Job, error) {
	const op = "list jobs"
	ctx, cancel := withTimeout(ctx, slowTimeout)
	defer cancel()
	resp, err := c.send(ctx, call{op: op, method: http.MethodGet, path: "/api/jobs/"})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	list, err := decodeList(resp.Body, c.last.Load())
	if err != nil {
		return nil, c.broken(ctx, op, err)
	}
	c.last.Store(list)
	return slices.Clone(list.jobs), nil
}

// Get returns one job: id is a submission id or the hex id of a driver. An
// unknown id is rayapi.ErrNotFound.
func (c *Client) Get(ctx context.Context, id string) (rayapi.Job, error) {
	op := "get job " + id
	if err := checkID(op, id); err != nil {
		return rayapi.Job{}, err
	}
	var j rayapi.Job
	err := c.answer(ctx, call{op: op, method: http.MethodGet, path: "/api/jobs/{id}", id: id}, answerTimeout, &j)
	return j, err
}

// Submit hands in a job and returns its id. An id that is taken is
// rayapi.ErrExists, a request that breaks a rule rayapi.ErrInvalid.
//
// A package that the server has dropped is uploaded again first, if it was
// kept; ErrNotSent says that the job was held back. The request is never
// repeated by itself: after ErrUnreachable the job may exist, and a caller that
// chose the id can look.
func (c *Client) Submit(ctx context.Context, r rayapi.SubmitRequest) (id string, err error) {
	op := "submit job"
	if r.SubmissionID != "" {
		op += " " + r.SubmissionID
	}
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	if err := c.restore(ctx, op, r); err != nil {
		return "", err
	}
	var a rayapi.SubmitResponse
	if err := c.answer(ctx, call{op: op, method: http.MethodPost, path: "/api/jobs/", body: body}, slowTimeout, &a); err != nil {
		return "", err
	}
	if a.SubmissionID == "" {
		a.SubmissionID = a.JobID
	}
	if a.SubmissionID == "" {
		return "", c.broken(ctx, op, nil)
	}
	return a.SubmissionID, nil
}

// Stop asks the server to stop a job and reports whether there was anything to
// stop. It does not wait for the end.
func (c *Client) Stop(ctx context.Context, id string) (stopped bool, err error) {
	return c.StopWith(ctx, id, rayapi.StopOptions{})
}

// StopWith stops like Stop, in a way of the caller's choice. Ray's own servers
// know no such choice and stop as always.
func (c *Client) StopWith(ctx context.Context, id string, how rayapi.StopOptions) (stopped bool, err error) {
	op := "stop job " + id
	if err := checkID(op, id); err != nil {
		return false, err
	}
	var a rayapi.StopResponse
	err = c.answer(ctx, call{op: op, method: http.MethodPost, path: "/api/jobs/{id}/stop", id: id, query: stopQuery(how)}, slowTimeout, &a)
	return a.Stopped, err
}

func stopQuery(how rayapi.StopOptions) url.Values {
	q := url.Values{}
	if how.Signal != "" {
		q.Set("signal", how.Signal)
	}
	if how.Grace != nil {
		q.Set("grace", strconv.FormatFloat(how.Grace.Seconds(), 'f', -1, 64))
	}
	return q
}

// Delete removes the record of a job that has ended. A job that has not is a
// *rayapi.StateError.
func (c *Client) Delete(ctx context.Context, id string) error {
	op := "delete job " + id
	if err := checkID(op, id); err != nil {
		return err
	}
	var a rayapi.DeleteResponse
	return c.answer(ctx, call{op: op, method: http.MethodDelete, path: "/api/jobs/{id}", id: id}, slowTimeout, &a)
}
