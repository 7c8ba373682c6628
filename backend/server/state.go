package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dray/backend/rayapi"
)

// defaultStateLimit is how many rows the state API shows unless told.
const defaultStateLimit = 100

// stateList is what the state API answers for every kind of thing.
type stateList struct {
	Total          int      `json:"total"`
	AfterTruncated int      `json:"num_after_truncation"`
	Filtered       int      `json:"num_filtered"`
	Result         any      `json:"result"`
	PartialFailure *string  `json:"partial_failure_warning"`
	Warnings       []string `json:"warnings"`
}

func sendState(w http.ResponseWriter, total, filtered int, rows any) error {
	none := ""
	list := stateList{Total: total, AfterTruncated: total, Filtered: filtered, Result: rows, PartialFailure: &none}
	return sendData(w, "", map[string]any{"result": list})
}

// stateOptions are the parameters of a state list.
type stateOptions struct {
	limit   int
	detail  bool
	filters []stateFilter
}

type stateFilter struct {
	column string
	not    bool
	value  string
}

// parseState reads the parameters; columns are those that can be filtered by.
// Without columns, of a list that is always empty, any will do.
func parseState(v url.Values, columns []string) (stateOptions, error) {
	o := stateOptions{limit: defaultStateLimit}
	var err error
	if o.detail, err = parseBool("detail", v.Get("detail")); err != nil {
		return o, err
	}
	if text := v.Get("timeout"); text != "" {
		if _, err := strconv.Atoi(text); err != nil {
			return o, badRequest("timeout=%q is not a whole number.", text)
		}
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return o, badRequest("limit=%q is not a whole number.", text)
		}
		if n > maxLimit {
			return o, badRequest("Given limit %d exceeds the supported limit %d. Use a lower limit.", n, maxLimit)
		}
		o.limit = n
	}
	keys, predicates, values := v["filter_keys"], v["filter_predicates"], v["filter_values"]
	if len(keys) != len(predicates) || len(keys) != len(values) {
		return o, badRequest("filter_keys, filter_predicates and filter_values must be equally many.")
	}
	for i, key := range keys {
		if predicates[i] != "=" && predicates[i] != "!=" {
			return o, badRequest("Unsupported filter predicate %s is given. Available predicates: =, !=.", predicates[i])
		}
		if columns != nil && !slices.Contains(columns, key) {
			return o, badRequest("The given filter column %s is not supported. Supported filter columns: %s",
				key, strings.Join(columns, ", "))
		}
		o.filters = append(o.filters, stateFilter{column: key, not: predicates[i] == "!=", value: values[i]})
	}
	return o, nil
}

// parseBool reads a parameter that is true or false; without a text it is
// false.
func parseBool(name, text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1":
		return true, nil
	case "", "false", "0":
		return false, nil
	default:
		return false, badRequest("%s=%q is neither true nor false.", name, text)
	}
}

// match reports whether a row passes all filters; column returns the row's
// text in a column, or ok=false where it has none.
func (o stateOptions) match(column func(name string) (text string, ok bool)) bool {
	for _, f := range o.filters {
		text, ok := column(f.column)
		if (ok && strings.EqualFold(text, f.value)) == f.not {
			return false
		}
	}
	return true
}

// stateJob is a job as the state API shows it without detail.
type stateJob struct {
	JobID        *string            `json:"job_id"`
	SubmissionID *string            `json:"submission_id"`
	Entrypoint   string             `json:"entrypoint"`
	Type         rayapi.JobType     `json:"type"`
	Status       rayapi.Status      `json:"status"`
	Message      *string            `json:"message"`
	ErrorType    *string            `json:"error_type"`
	DriverInfo   *rayapi.DriverInfo `json:"driver_info"`
}

func (j stateJob) column(name string) (string, bool) {
	var p *string
	switch name {
	case "job_id":
		p = j.JobID
	case "submission_id":
		p = j.SubmissionID
	case "type":
		return string(j.Type), true
	case "status":
		return string(j.Status), true
	}
	if p == nil {
		return "", false
	}
	return *p, true
}

// stateJobs answers the state API's list of jobs. A job that matches but is
// beyond the limit is counted and not shown.
func (a *API) stateJobs(w http.ResponseWriter, r *http.Request, _ []string) error {
	o, err := parseState(r.URL.Query(), []string{"job_id", "submission_id", "type", "status"})
	if err != nil {
		return inEnvelope(w, err)
	}
	total, filtered := 0, 0
	shown := []any{}
	err = a.cfg.Jobs.Rows(r.Context(), func(row []byte) error {
		var j stateJob
		if err := json.Unmarshal(row, &j); err != nil {
			return fmt.Errorf("read a record: %w", err)
		}
		total++
		if !o.match(j.column) {
			return nil
		}
		filtered++
		switch {
		case len(shown) >= o.limit:
		case o.detail:
			shown = append(shown, json.RawMessage(slices.Clone(row)))
		default:
			shown = append(shown, j)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return sendState(w, total, filtered, shown)
}

// stateNone answers the list of what there is only in a Ray cluster: actors,
// tasks, objects and so on.
func (a *API) stateNone(w http.ResponseWriter, r *http.Request, _ []string) error {
	if _, err := parseState(r.URL.Query(), nil); err != nil {
		return inEnvelope(w, err)
	}
	return sendState(w, 0, 0, []any{})
}

// summary answers the summary of nothing; fields are its totals.
func summary(fields map[string]any) endpoint {
	return func(_ *API, w http.ResponseWriter, r *http.Request, _ []string) error {
		if _, err := parseState(r.URL.Query(), nil); err != nil {
			return inEnvelope(w, err)
		}
		return sendState(w, 0, 0, map[string]any{"node_id_to_summary": map[string]any{"cluster": fields}})
	}
}

func taskSummary() endpoint {
	return func(a *API, w http.ResponseWriter, r *http.Request, args []string) error {
		fields := map[string]any{
			"summary": map[string]any{}, "total_tasks": 0, "total_actor_tasks": 0, "total_actor_scheduled": 0, "summary_by": "func_name",
		}
		if r.URL.Query().Get("summary_by") == "lineage" {
			fields["summary"], fields["summary_by"] = []any{}, "lineage"
		}
		return summary(fields)(a, w, r, args)
	}
}

func actorSummary() endpoint {
	return summary(map[string]any{"summary": map[string]any{}, "total_actors": 0, "summary_by": "class"})
}

func objectSummary() endpoint {
	return summary(map[string]any{
		"summary": map[string]any{}, "total_objects": 0, "total_size_mb": 0.0, "callsite_enabled": false, "summary_by": "callsite",
	})
}

// timeline answers the trace of no tasks.
func (a *API) timeline(w http.ResponseWriter, _ *http.Request, _ []string) error {
	return sendJSON(w, []any{})
}
