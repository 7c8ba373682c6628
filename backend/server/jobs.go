package server

import (
	"bufio"
	"errors"
	"net/http"

	"dray/backend/rayapi"
)

func (a *API) version(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendJSON(w, a.cfg.Version)
}

func (a *API) submit(w http.ResponseWriter, r *http.Request, _ []string) error {
	body, err := readJSON(r)
	if err != nil {
		return err
	}
	req, err := rayapi.ParseSubmit(body)
	if err != nil {
		return err
	}
	if err := req.Validate(); err != nil {
		return err
	}
	id, err := a.cfg.Jobs.Submit(r.Context(), req)
	if errors.Is(err, rayapi.ErrExists) {
		text := "ValueError: " + rayapi.ExistsError(req.SubmissionID).Error()
		return &statusError{http.StatusInternalServerError, agentRefusal(text)}
	}
	if err != nil {
		return err
	}
	return sendJSON(w, rayapi.SubmitResponse{JobID: id, SubmissionID: id})
}

// list streams the rows, so that the memory it takes does not grow with them.
func (a *API) list(w http.ResponseWriter, r *http.Request, _ []string) error {
	if r.Method == http.MethodHead {
		jsonHeader(w)
		return nil
	}
	out := bufio.NewWriterSize(w, 64<<10)
	begun := false
	begin := func() error {
		begun = true
		jsonHeader(w)
		return out.WriteByte('[')
	}
	err := a.cfg.Jobs.Rows(r.Context(), func(row []byte) error {
		if !begun {
			if err := begin(); err != nil {
				return err
			}
		} else if err := out.WriteByte(','); err != nil {
			return err
		}
		_, err := out.Write(row)
		return err
	})
	switch {
	case err != nil && !begun:
		return err
	case err != nil:
		a.abort(r, "list the jobs", err)
	case !begun:
		_ = begin()
	}
	_ = out.WriteByte(']')
	_ = out.Flush() // an error here means that the client has gone
	return nil
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
	stopped, err := a.cfg.Jobs.Stop(r.Context(), args[0])
	if err != nil {
		return missing(err, args[0])
	}
	return sendJSON(w, rayapi.StopResponse{Stopped: stopped})
}
