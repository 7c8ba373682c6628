package submit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dray/backend/jobspec"
	"dray/backend/ledger"
	"dray/backend/rayapi"
)

// plan says which variants of the form are wanted. It outlives edits and the
// program, unlike the requests, which are made of it and of the fields.
type plan struct {
	Path   string   `json:"path"`
	Values []string `json:"values"`
	// IDs are those chosen for the values; "" is one to be chosen. What was sent
	// once keeps its id, so that it makes one job.
	IDs []string `json:"ids"`
	// Doubts are ids of requests that may have arrived.
	Doubts []string `json:"doubts,omitempty"`
}

func (p plan) empty() bool { return len(p.Values) == 0 }

// label is how the plan is typed.
func (p plan) label() string {
	if p.empty() {
		return ""
	}
	return p.Path + "=" + strings.Join(p.Values, ",")
}

// text is the plan as a draft holds it; "" when it must not be written down.
func (p plan) text() string {
	if p.empty() || slices.ContainsFunc(p.Values, func(v string) bool { return jobspec.Secret(p.Path, v) }) {
		return ""
	}
	data, err := json.Marshal(p)
	if err != nil {
		return "" // lists of texts always encode
	}
	return string(data)
}

func planOf(text string) plan {
	var p plan
	if json.Unmarshal([]byte(text), &p) != nil || len(p.IDs) != len(p.Values) {
		return plan{}
	}
	return p
}

// parsePlan reads FIELD=VALUE,VALUE.
func parsePlan(text string) (plan, bool) {
	path, list, ok := strings.Cut(text, "=")
	p := plan{Path: strings.TrimSpace(path)}
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v != "" && !slices.Contains(p.Values, v) {
			p.Values = append(p.Values, v)
		}
	}
	p.IDs = make([]string, len(p.Values))
	return p, ok && !p.empty()
}

// planned makes the variants of the plan, when nothing is wrong with the form.
func (m Model) planned() (Model, error) {
	if m.plan.empty() || len(m.variants) > 0 || len(m.problems) > 0 {
		return m, nil
	}
	r := m.request
	r.SubmissionID = ""
	list, err := ledger.Sweep(r, m.parent.ID(), m.plan.Path, m.plan.Values, func(id string) bool {
		return m.exists(id) || slices.Contains(m.plan.IDs, id)
	})
	if err != nil {
		return m, err
	}
	ids := slices.Clone(m.plan.IDs)
	for i := range list {
		if ids[i] != "" {
			list[i].SubmissionID = ids[i]
		}
		ids[i] = list[i].SubmissionID
	}
	m.plan.IDs, m.variants = ids, list
	return m, nil
}

// left is the plan of what is still to be sent; the ids in taken are given up.
func (p plan) left(list []rayapi.SubmitRequest, doubts, taken map[string]bool) plan {
	next := plan{Path: p.Path}
	for i, id := range p.IDs {
		if !slices.ContainsFunc(list, func(r rayapi.SubmitRequest) bool { return r.SubmissionID == id }) {
			continue
		}
		if doubts[id] {
			next.Doubts = append(next.Doubts, id)
		}
		if taken[id] {
			id = ""
		}
		next.Values, next.IDs = append(next.Values, p.Values[i]), append(next.IDs, id)
	}
	return next
}

// underWay is the plan when all of it may have arrived: whoever finds it after
// a crash sends the same requests again, not others.
func (p plan) underWay() plan {
	p.Doubts = slices.Clone(p.IDs)
	return p
}

// planLine says on the review and in the status that there are several jobs.
func (m Model) planLine() string {
	return fmt.Sprintf("%s, one for each value of %s", count(len(m.plan.Values), "variant", "variants"), m.plan.Path)
}
