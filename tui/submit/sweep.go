package submit

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	if !m.plan.empty() {
		c.filter = prompt.New(m.plan.label())
		c.hint = "FIELD=VALUE,VALUE; clear the line and press ctrl+s for one job without variants"
		c.none = func(m Model) (Model, tea.Cmd) { return m.unplanned() }
	}
	c.free = func(m Model, text string) (Model, tea.Cmd) { return m.sweep(text) }
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
func (m Model) sweep(text string) (Model, tea.Cmd) {
	p, ok := parsePlan(text)
	switch {
	case !ok:
		m.failure = "variants are written FIELD=VALUE,VALUE: --lr=0.1,0.01"
		return m.laidOut(), nil
	case len(m.problems) > 0:
		m.failure = "fix what is wrong with the form first: " + m.problemLine()
		return m.laidOut(), nil
	case p.label() == m.plan.label():
		p = m.plan
	}
	next := m
	next.plan, next.variants, next.failure = p, nil, ""
	next, err := next.planned()
	if err != nil {
		m.failure = err.Error()
		return m.laidOut(), nil
	}
	return next.show(stepReview).previewed().laidOut().autosave()
}

// unplanned is the form for one job again.
func (m Model) unplanned() (Model, tea.Cmd) {
	m.plan, m.variants, m.failure = plan{}, nil, ""
	m.filled = []string{"no variants: one job is submitted"}
	return m.previewed().laidOut().autosave()
}

// submitPlan asks about the variants, which are made anew after an edit.
func (m Model) submitPlan() (Model, tea.Cmd) {
	m.variants = nil
	next, err := m.planned()
	if err != nil {
		m.failure = "the variants " + m.plan.label() + ": " + err.Error() + "; ctrl+q changes them"
		return m.laidOut(), nil
	}
	return next.show(stepReview).previewed().laidOut(), next.askVariants()
}

// variantName says what is special about a variant, and its id.
func variantName(r rayapi.SubmitRequest) string {
	name := r.Metadata[ledger.SweepKey]
	if name == "" {
		name = "(a value that is not shown)"
	}
	return fmt.Sprintf("%s  %s  %s", clean.Text(name), clean.Text(r.SubmissionID), clean.Text(r.Entrypoint))
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
	first := list[0].SubmissionID
	return func() tea.Msg {
		return screen.AskMsg{
			Title: "Submit all variants?", Lines: lines, Yes: "Submit " + count(len(list), "job", "jobs"),
			Do:      func() tea.Msg { return sweepMsg{first} },
			Subject: count(len(list), "job", "jobs"),
		}
	}
}

// sweepMsg says yes to the variants, of which the first has the id.
type sweepMsg struct{ first string }

// sendVariants sends them, when they are still those that were asked about.
func (m Model) sendVariants(msg sweepMsg) (Model, tea.Cmd) {
	if m.sending.phase != idle || m.ended || len(m.variants) == 0 || m.variants[0].SubmissionID != msg.first {
		return m, nil
	}
	s := sweep{
		env: m.env, list: m.variants, doubts: map[string]bool{}, parcels: m.parcels(), parent: m.parent.ID(), waits: lookAfter(),
	}
	for _, id := range m.plan.Doubts {
		s.doubts[id] = true
	}
	steps := make(chan progressMsg, 1)
	ctx, cancel := context.WithCancel(m.env.Ctx)
	m.failure = ""
	m.sending = sending{gen: m.sending.gen + 1, phase: asking, of: len(s.list), steps: steps, cancel: cancel}
	if !s.parcels.empty() {
		m.sending.phase, m.sending.what = uploading, s.parcels.first()
	}
	gen, keep := m.sending.gen, m.keeper()
	return m, tea.Batch(func() tea.Msg {
		defer close(steps)
		keep("")
		msg := s.run(ctx, func(p progressMsg) {
			p.gen = gen
			newest(steps, p)
		})
		msg.gen = gen
		return msg
	}, m.sending.next())
}

// sweep is the variants on their way.
type sweep struct {
	env     *screen.Env
	list    []rayapi.SubmitRequest
	doubts  map[string]bool // ids of those that may have arrived
	parcels parcels         // what is uploaded first
	parent  string
	waits   []time.Duration
}

// sweptMsg tells what became of the jobs of a sweep.
type sweptMsg struct {
	gen    int
	left   []rayapi.SubmitRequest // not submitted, or in doubt
	doubts map[string]bool
	taken  map[string]bool // ids that belong to other jobs
	err    error           // the first
	back   []tea.Cmd
}

// run uploads the working dir once and submits the variants one by one. When
// ctx ends, those that were not sent yet stay.
func (s sweep) run(ctx context.Context, step func(progressMsg)) sweptMsg {
	up, err := s.parcels.send(ctx, s.env, step)
	if err != nil {
		return sweptMsg{left: s.list, doubts: s.doubts, err: err}
	}
	out := sweptMsg{doubts: map[string]bool{}, taken: map[string]bool{}}
	var detail []string
	for i, r := range s.list {
		if ctx.Err() != nil {
			out.left = append(out.left, r)
			out.doubts[r.SubmissionID] = s.doubts[r.SubmissionID]
			continue
		}
		step(progressMsg{id: r.SubmissionID, nth: i + 1})
		p := post{env: s.env, request: r, parent: s.parent, typed: true, doubt: s.doubts[r.SubmissionID], waits: s.waits}
		p.request.RuntimeEnv = up.into(r.RuntimeEnv)
		res := p.run(context.WithoutCancel(ctx), nil)
		if res.err != nil {
			detail = append(detail, variantName(r)+": "+clean.Text(res.err.Error()))
			if out.err == nil {
				out.err = res.err
			}
			var doubt *doubtError
			var other *otherError
			out.left, out.doubts[r.SubmissionID] = append(out.left, r), errors.As(res.err, &doubt)
			out.taken[r.SubmissionID] = errors.As(res.err, &other) || errors.Is(res.err, rayapi.ErrExists)
			continue
		}
		detail = append(detail, "submitted "+variantName(r))
		out.back = append(out.back, changed(res.id))
	}
	sent := len(s.list) - len(out.left)
	notice := screen.NoticeMsg{Level: screen.Good, Text: "submitted " + count(sent, "variant", "variants"), Detail: detail}
	if len(out.left) > 0 {
		notice.Level, notice.Text = screen.Bad, fmt.Sprintf("submitted %d of %s: ! for details", sent, count(len(s.list), "variant", "variants"))
	}
	out.back = append(out.back, func() tea.Msg { return notice })
	return out
}

// swept leaves the form when all jobs are there. What is left can be sent
// again, under the ids that were chosen for it.
func (m Model) swept(msg sweptMsg) (Model, tea.Cmd) {
	if msg.gen != m.sending.gen || m.sending.phase == idle {
		return m, nil
	}
	stopped := m.sending.canceled
	m.sending.stop()
	m.sending = sending{gen: m.sending.gen}
	if len(msg.left) > 0 {
		sent := len(m.plan.Values) - len(msg.left)
		m.plan, m.variants = m.plan.left(msg.left, msg.doubts, msg.taken), nil
		m.failure = fmt.Sprintf("%s submitted, %d left", count(sent, "variant is", "variants are"), len(msg.left))
		if msg.err != nil && !stopped {
			m.failure += ": " + msg.err.Error()
		}
		m.failure += ": submit again to send what is left, under the same ids"
		if next, err := m.planned(); err == nil {
			m = next
		}
		return m.previewed(), tea.Batch(append(msg.back, m.save())...)
	}
	m.ended = true
	m.env.Drafts.Keep(m.name, nil)
	return m, tea.Sequence(append([]tea.Cmd{m.forget(), screen.Pop}, msg.back...)...)
}
