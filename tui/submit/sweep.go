package submit

import (
	"context"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/ledger"
	"dray/backend/rayapi"
	"dray/tui/clean"
	"dray/tui/screen"
	"dray/tui/widget/prompt"
)

// askSweep asks for the values of one field, of which each makes a job.
func (m Model) askSweep() Model {
	c := newChooser("Variants: one job for each value", "FIELD=VALUE,VALUE: --lr=0.1,0.01 or entrypoint_num_gpus=1,2 or env.SEED=1,2,3", nil)
	c.filter = prompt.New(sweepPath(m.form.Focused()))
	c.free = func(m Model, text string) (Model, tea.Cmd) { return m.sweep(text), nil }
	return m.open(c)
}

// sweepPath is how a variant names the field that has the focus.
func sweepPath(field string) string {
	switch field {
	case fieldEntrypoint:
		return "--"
	case fieldEnv:
		return "env."
	case fieldMetadata:
		return "metadata."
	case fieldCPUs, fieldGPUs, fieldMemory:
		return field + "="
	case fieldResources:
		return field + "."
	}
	return ""
}

// sweep makes the variants and shows them, as a dry run, on the review.
func (m Model) sweep(text string) Model {
	path, list, ok := strings.Cut(text, "=")
	var values []string
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v != "" {
			values = append(values, v)
		}
	}
	if !ok || len(values) == 0 {
		m.failure = "variants are written FIELD=VALUE,VALUE: --lr=0.1,0.01"
		return m.laidOut()
	}
	if len(m.problems) > 0 {
		m.failure = "fix what is wrong with the form first: " + m.problemLine()
		return m.laidOut()
	}
	r := m.request
	r.SubmissionID = ""
	requests, err := ledger.Sweep(r, m.parent.ID(), strings.TrimSpace(path), values, m.exists)
	if err != nil {
		m.failure = err.Error()
		return m.laidOut()
	}
	m.variants, m.failure = requests, ""
	return m.show(stepReview).previewed().laidOut()
}

// variantName says what is special about a variant, and its id.
func variantName(r rayapi.SubmitRequest) string {
	name := r.Metadata[ledger.SweepKey]
	if name == "" {
		name = "(a value that is not shown)"
	}
	return fmt.Sprintf("%s  %s  %s", clean.Text(name), clean.Text(r.SubmissionID), clean.Text(r.Entrypoint))
}

// sweptMsg tells what became of the jobs of a sweep.
type sweptMsg struct {
	sent int
	err  error // the first
	back []tea.Cmd
}

// askVariants asks once for all of them.
func (m Model) askVariants() tea.Cmd {
	list := m.variants
	lines := []string{fmt.Sprintf("%s on %s", count(len(list), "job", "jobs"), clean.Text(m.env.Target.Name))}
	const most = 8
	for i, r := range list {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		lines = append(lines, variantName(r))
	}
	do := sendAll(m.env, list, m.dir, m.draft().excludes(), m.parent.ID())
	return func() tea.Msg {
		return screen.AskMsg{Title: "Submit all variants?", Lines: lines, Yes: "Submit " + count(len(list), "job", "jobs"), Do: do}
	}
}

// sendAll uploads the working dir once and submits the variants one by one.
func sendAll(env *screen.Env, list []rayapi.SubmitRequest, dir workDir, excludes []string, parent string) tea.Cmd {
	return func() tea.Msg {
		var detail []string
		var back []tea.Cmd
		var first error
		uri := ""
		if dir.upload {
			var err error
			if uri, err = env.Jobs.Upload(env.Ctx, dir.path, excludes, nil); err != nil {
				return sweptMsg{err: err}
			}
		}
		sent := 0
		for _, r := range list {
			p := post{env: env, request: r, parent: parent, typed: true, waits: lookAfter()}
			if uri != "" {
				p.request.RuntimeEnv = withDir(r.RuntimeEnv, uri)
			}
			res := p.run(context.WithoutCancel(env.Ctx), nil)
			if res.err != nil {
				detail = append(detail, variantName(r)+": "+clean.Text(res.err.Error()))
				if first == nil {
					first = res.err
				}
				continue
			}
			sent++
			detail = append(detail, "submitted "+variantName(r))
			back = append(back, changed(res.id))
		}
		level, text := screen.Good, fmt.Sprintf("submitted %s", count(sent, "variant", "variants"))
		if first != nil {
			level, text = screen.Bad, fmt.Sprintf("submitted %d of %s, the others failed", sent, count(len(list), "variant", "variants"))
		}
		back = append(back, func() tea.Msg { return screen.NoticeMsg{Level: level, Text: text, Detail: detail} })
		return sweptMsg{sent, first, back}
	}
}

// swept leaves the form when all jobs are there.
func (m Model) swept(msg sweptMsg) (Model, tea.Cmd) {
	if msg.err != nil {
		m.failure = msg.err.Error()
		m.variants = nil
		return m.previewed(), tea.Batch(msg.back...)
	}
	m.ended = true
	m.env.Drafts.Keep(m.name, nil)
	return m, tea.Sequence(append([]tea.Cmd{m.forget(), screen.Pop}, msg.back...)...)
}
