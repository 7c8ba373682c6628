package submit

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// reopened is the form after the program was started again.
func reopened(t *testing.T, env *screen.Env) Model {
	t.Helper()
	again := *env
	again.Drafts = &screen.Drafts{}
	m := started(t, New(&again), 140, 37)
	return update(m, onDisk(t, &again))
}

// Variants that were not sent are there again in the next run of the program,
// under the same ids.
func TestModel_VariantsOutliveTheProgram(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := embedded(t, jobs)
	env.DataDir = t.TempDir()
	m := started(t, New(env), 140, 37)
	m, _ = typed(m, "python x.py --lr 1", "ctrl+q", "lr=1,2,3", "enter")
	ids := m.plan.IDs
	m, cmd := typed(m, "esc", "esc")
	messages(cmd)
	m.Close()
	m = reopened(t, env)
	if view := m.View(); !strings.Contains(view, "3 variants, one for each value of --lr") {
		t.Errorf("the variants are not announced:\n%s", view)
	}
	m, cmd = typed(m, "ctrl+s")
	if diff := cmp.Diff(ids, m.plan.IDs); diff != "" {
		t.Errorf("ids (-before +after):\n%s", diff)
	}
	if m = answered(m, cmd().(screen.AskMsg)); !m.ended || len(jobs.sent) != 3 {
		t.Errorf("%d sent: %s", len(jobs.sent), m.failure)
	}
}

// The program dies in the middle of a sweep: its next run makes one job of each
// variant, not two.
func TestModel_SweepThenCrash(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := embedded(t, jobs)
	env.DataDir = t.TempDir()
	ctx, die := context.WithCancel(t.Context())
	env.Ctx = ctx
	submit := jobs.SubmitFn
	jobs.SubmitFn = func(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
		id, err := submit(ctx, r)
		if len(jobs.jobs) == 2 {
			die()
			return "", context.Canceled
		}
		return id, err
	}
	m := started(t, New(env), 140, 37)
	m, _ = typed(m, "python x.py --lr 1", "ctrl+q", "lr=1,2,3", "enter")
	m, cmd := typed(m, "ctrl+s")
	s, run := m.Update(cmd().(screen.AskMsg).Do())
	messages(run) // and nobody hears of it
	_ = s
	jobs.SubmitFn, env.Ctx = submit, t.Context()
	m = reopened(t, env)
	m, cmd = typed(m, "ctrl+s")
	if m = answered(m, cmd().(screen.AskMsg)); !m.ended || len(jobs.jobs) != 3 {
		t.Errorf("%d jobs, ended %v: %s", len(jobs.jobs), m.ended, m.failure)
	}
}

// An edit changes the variants; it does not make one job of them.
func TestModel_VariantsAfterAnEdit(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	m := started(t, New(embedded(t, jobs)), 140, 37)
	m, _ = typed(m, "python x.py --lr 1", "ctrl+q", "lr=1,2", "enter")
	m, _ = typed(m, "at:entrypoint_num_cpus", "2")
	m, cmd := typed(m, "ctrl+s")
	m = answered(m, cmd().(screen.AskMsg))
	if len(jobs.sent) != 2 || jobs.sent[1].NumCPUs != 2 || !m.ended {
		t.Errorf("sent %+v: %s", jobs.sent, m.failure)
	}
	m = started(t, New(embedded(t, jobs)), 140, 37)
	m, _ = typed(m, "python x.py --lr 1", "ctrl+q", "lr=1,2", "enter")
	if m, _ = typed(m, "at:entrypoint", "ctrl+u", "python y.py", "ctrl+s"); m.failure == "" || !strings.Contains(m.failure, "ctrl+q changes them") {
		t.Errorf("failure %q", m.failure)
	}
	if m, _ = typed(m, "ctrl+q", "ctrl+u", "ctrl+s"); !m.plan.empty() || !strings.Contains(m.View(), "no variants: one job is submitted") {
		t.Errorf("plan %+v:\n%s", m.plan, m.View())
	}
}

// An id that somebody took meanwhile is given up, and another one chosen.
func TestModel_VariantTaken(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	m, ask := sweeping(t, jobs, "1,2")
	other := rayapi.SubmitRequest{SubmissionID: m.plan.IDs[1], Entrypoint: "theirs"}
	jobs.jobs[other.SubmissionID] = jobOf(other)
	m = answered(m, ask)
	if len(jobs.sent) != 1 || m.ended {
		t.Fatalf("%d sent: %s", len(jobs.sent), m.failure)
	}
	m, cmd := typed(m, "ctrl+s")
	if m = answered(m, cmd().(screen.AskMsg)); !m.ended || len(jobs.jobs) != 3 {
		t.Errorf("%d jobs, ended %v: %s", len(jobs.jobs), m.ended, m.failure)
	}
}

func TestPlan_Secret(t *testing.T) {
	t.Parallel()
	for text, kept := range map[string]bool{"env.HF_TOKEN=a,b": false, "--lr=1,2": true, "env.X=hf_abcdefghijklmnopqrstuvwxyz12": false} {
		p, ok := parsePlan(text)
		if !ok || (p.text() != "") != kept {
			t.Errorf("%s: kept as %q", text, p.text())
		}
		if back := planOf(p.text()); kept && back.label() != text {
			t.Errorf("%s comes back as %+v", text, back)
		}
	}
	if !planOf(`{"path":"x","values":["a"],"ids":[]}`).empty() {
		t.Error("a damaged plan is taken")
	}
}
