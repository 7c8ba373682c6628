package server

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dray/backend/rayapi"
)

// maxLimit is the highest limit that a list takes, as in Ray's state API.
const maxLimit = 10000

// list answers Ray's list of all jobs, or, when one of its parameters is
// there, what they ask for.
func (a *API) list(w http.ResponseWriter, r *http.Request, _ []string) error {
	query, asked, err := parseJobQuery(r.URL.Query())
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		jsonHeader(w)
		return nil
	}
	if query.Limit > 0 {
		return a.listPage(w, r, query)
	}
	return a.streamList(w, r, func(yield func(row []byte) error) error {
		if !asked {
			return a.cfg.Jobs.Rows(r.Context(), yield)
		}
		_, err := a.cfg.Jobs.Page(r.Context(), query, yield)
		return err
	})
}

// parseJobQuery reads the parameters limit, after, status and q, which Ray's
// list does not have; asked tells whether any is there. A parameter that is
// empty is not.
func parseJobQuery(v url.Values) (q rayapi.JobQuery, asked bool, err error) {
	if text := v.Get("limit"); text != "" {
		q.Limit, err = strconv.Atoi(text)
		if err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return q, false, badRequest("limit=%q is not a whole number from 1 to %d.", text, maxLimit)
		}
	}
	for _, list := range v["status"] {
		for text := range strings.SplitSeq(list, ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			status := rayapi.Status(strings.ToUpper(text))
			if !slices.Contains(statuses(), status) {
				return q, false, badRequest("status=%q is none of PENDING, RUNNING, STOPPED, SUCCEEDED and FAILED.", text)
			}
			q.Statuses = append(q.Statuses, status)
		}
	}
	q.After, q.Text = v.Get("after"), v.Get("q")
	return q, q.Limit > 0 || q.After != "" || len(q.Statuses) > 0 || q.Text != "", nil
}

func statuses() []rayapi.Status {
	return []rayapi.Status{
		rayapi.StatusPending, rayapi.StatusRunning, rayapi.StatusStopped, rayapi.StatusSucceeded, rayapi.StatusFailed,
	}
}

func badRequest(format string, args ...any) error {
	return &statusError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// listPage answers a list with a limit. When there is more, the Link header
// says where: it holds even if the last job of this page is deleted.
func (a *API) listPage(w http.ResponseWriter, r *http.Request, q rayapi.JobQuery) error {
	body := []byte{'['}
	next, err := a.cfg.Jobs.Page(r.Context(), q, func(row []byte) error {
		if len(body) > 1 {
			body = append(body, ", "...)
		}
		body = appendPython(body, row)
		return nil
	})
	if err != nil {
		return err
	}
	if next != "" {
		more := r.URL.Query()
		more.Set("after", next)
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), more.Encode()))
	}
	jsonHeader(w)
	_, _ = w.Write(append(body, ']')) // a client that has gone needs no answer
	return nil
}

// streamList sends the rows as they come, so that the memory it takes does not
// grow with them.
func (a *API) streamList(w http.ResponseWriter, r *http.Request, rows func(yield func(row []byte) error) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var spelled []byte
	begun := false
	begin := func() error {
		begun = true
		jsonHeader(w)
		return out.WriteByte('[')
	}
	err := rows(func(row []byte) error {
		if !begun {
			if err := begin(); err != nil {
				return err
			}
		} else if _, err := out.WriteString(", "); err != nil {
			return err
		}
		spelled = appendPython(spelled[:0], row)
		_, err := out.Write(spelled)
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
