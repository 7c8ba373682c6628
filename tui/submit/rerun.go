package submit

import (
	"errors"
	"fmt"
	"os"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/screen"
)

// AskRerun asks whether job is to be submitted again as it was, and does it. A
// job that has no request to send again is explained instead.
func AskRerun(env *screen.Env, job rayapi.Job) tea.Cmd {
	return func() tea.Msg {
		entry, err := recorded(env, job.ID())
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: clean.Text(err.Error())}
		}
		r, notes, err := ledger.Rerun(job, entry, "")
		if err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: clean.Text(err.Error())}
		}
		return screen.AskMsg{
			Title: "Rerun job?",
			Lines: question(env, job, r, notes),
			Yes:   "Rerun",
			Do:    rerun(env, job, r),

			Subject: job.ID(),
			Shell:   func([]int) string { return env.Target.Shell("rerun", job.ID()) },
		}
	}
}

func recorded(env *screen.Env, id string) (*ledger.Entry, error) {
	if env.Ledger == nil {
		return nil, nil //nolint:nilnil // no entry is not an error
	}
	e, err := env.Ledger.Get(env.Target.LedgerKey, id)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil //nolint:nilnil // submitted elsewhere
	case err != nil:
		return nil, err
	}
	return &e, nil
}

// question says which job, where, and what will be the same.
func question(env *screen.Env, job rayapi.Job, r rayapi.SubmitRequest, notes []string) []string {
	where := env.Target.Name
	if env.Target.Address != where {
		where += " (" + env.Target.Address + ")"
	}
	lines := []string{
		job.ID() + " on " + where,
		"submitted again as " + ledger.NextID(job.ID(), nil) + ", or the next free id",
		"same entrypoint: " + r.Entrypoint,
	}
	if parts := contents(r); len(parts) > 0 {
		lines = append(lines, "same "+strings.Join(parts, ", "))
	}
	lines = append(lines, notes...)
	for i, l := range lines {
		lines[i] = clean.Text(l)
	}
	return lines
}

func contents(r rayapi.SubmitRequest) []string {
	d, b := fromRequest(r)
	var parts []string
	if d[fieldDir] != "" {
		parts = append(parts, "working dir "+d[fieldDir])
	}
	if d[fieldEnv] != "" {
		parts = append(parts, count(strings.Count(d[fieldEnv], "\n")+1, "variable", "variables"))
	}
	if n := len(r.Metadata) - 1; n > 0 {
		parts = append(parts, "metadata")
	}
	for _, a := range []struct{ id, unit string }{{fieldCPUs, " CPU"}, {fieldGPUs, " GPU"}, {fieldMemory, " memory"}} {
		if d[a.id] != "" {
			parts = append(parts, d[a.id]+a.unit)
		}
	}
	if d[fieldResources] != "" {
		parts = append(parts, strings.ReplaceAll(d[fieldResources], "\n", ", "))
	}
	return append(parts, names(r, b)...)
}

// rerun submits r under the next free id of job.
func rerun(env *screen.Env, job rayapi.Job, r rayapi.SubmitRequest) tea.Cmd {
	return func() tea.Msg {
		p := post{env: env, request: r, parent: job.ID(), waits: lookAfter()}
		res := p.run(env.Ctx, nil)
		if res.err != nil {
			text := fmt.Sprintf("rerun of %s: %s", job.ID(), res.err)
			var doubt *doubtError
			if errors.As(res.err, &doubt) {
				text += ": look for it in the table before you rerun again"
			}
			return screen.NoticeMsg{Level: screen.Bad, Text: clean.Text(text)}
		}
		return tea.BatchMsg{said(res, "rerun of "+clean.Text(job.ID())+" submitted as "), changed(res.id)}
	}
}

// names lists the parts of a request that have no words of their own in the
// question.
func names(r rayapi.SubmitRequest, b base) []string {
	var out []string
	for _, name := range b.origin.Names() {
		if name != "working_dir" && name != fieldEnv {
			out = append(out, name)
		}
	}
	if len(r.LabelSelector) > 0 {
		out = append(out, "label selector")
	}
	return out
}
