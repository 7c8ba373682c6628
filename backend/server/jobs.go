package server

import (
	"errors"
	"net/http"
	"time"

	"dray/backend/rayapi"
)

func (a *API) version(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendJSON(w, a.cfg.Version)
}

func (a *API) submit(w http.ResponseWriter, r *http.Request, _ []string) error {
	var req rayapi.SubmitRequest
	err := a.withJSON(r, func(body []byte) (err error) {
		req, err = rayapi.ParseSubmit(body)
		return err
	})
	if err != nil {
		return err
	}
	if err := req.Validate(); err != nil {
		return err
	}
	began := time.Now()
	id, err := a.cfg.Jobs.Submit(r.Context(), req)
	if errors.Is(err, rayapi.ErrExists) {
		text := "ValueError: " + rayapi.ExistsError(req.SubmissionID).Error()
		return &statusError{http.StatusInternalServerError, agentRefusal(text)}
	}
	if err != nil {
		return err
	}
	a.metrics.submit.Observe(time.Since(began).Seconds())
	return sendJSON(w, rayapi.SubmitResponse{JobID: id, SubmissionID: id})
}

// abort breaks an answer off that has begun, so that the client cannot take a
// part for the whole.
func (a *API) abort(r *http.Request, what string, err error) {
	if r.Context().Err() == nil {
		a.cfg.Log.Warn("break an answer off", "while", what, "path", r.URL.Path, "err", err)
	}
	panic(http.ErrAbortHandler)
}

func (a *API) job(w http.ResponseWriter, r *http.Request, args []string) error {
	job, err := a.cfg.Jobs.Job(r.Context(), args[0])
	if err != nil {
		return missing(err, args[0])
	}
	return sendJSON(w, job)
}

func (a *API) remove(w http.ResponseWriter, r *http.Request, args []string) error {
	if err := a.cfg.Jobs.Delete(r.Context(), args[0]); err != nil {
		return missing(err, args[0])
	}
	return sendJSON(w, rayapi.DeleteResponse{Deleted: true})
}

func (a *API) stop(w http.ResponseWriter, r *http.Request, args []string) error {
	asked := r.URL.Query()
	how, err := rayapi.ParseStopOptions(asked.Get("signal"), asked.Get("grace"))
	if err != nil {
		return err
	}
	stopped, err := a.cfg.Jobs.StopWith(r.Context(), args[0], how)
	if err != nil {
		return missing(err, args[0])
	}
	return sendJSON(w, rayapi.StopResponse{Stopped: stopped})
}
