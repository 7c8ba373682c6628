package submit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dray/backend/rayapi"
	"dray/tui/screen"
)

// answered says yes to a question of the form and runs what follows.
func answered(m Model, ask screen.AskMsg) Model {
	s, cmd := m.Update(ask.Do())
	for _, msg := range messages(cmd) {
		s, _ = s.Update(msg)
	}
	return s.(Model)
}

// lossy returns a server that takes jobs and loses its answers, until healed.
func lossy(t *testing.T) (jobs *server, heal func()) {
	t.Helper()
	jobs = newServer(t)
	get, submit := jobs.GetFn, jobs.SubmitFn
	jobs.SubmitFn = func(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
		_, _ = submit(ctx, r)
		return "", errTimeout
	}
	jobs.GetFn = func(context.Context, string) (rayapi.Job, error) {
		return rayapi.Job{}, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}
	return jobs, func() { jobs.GetFn, jobs.SubmitFn = get, submit }
}

// onDisk reads the draft that another run of the program would find.
func onDisk(t *testing.T, env *screen.Env) keptMsg {
	t.Helper()
	m := newModel(env, "New job", "new", rayapi.Job{}, rayapi.SubmitRequest{}, nil)
	t.Cleanup(m.Close)
	for _, msg := range messages(m.loadKept()) {
		if kept, ok := msg.(keptMsg); ok {
			return kept
		}
	}
	t.Fatal("no draft was looked for")
	return keptMsg{}
}

func TestModel_DoubtOutlivesTheForm(t *testing.T) {
	t.Parallel()
	for name, reopen := range map[string]func(*testing.T, *screen.Env, Model) Model{
		"left and opened again": func(t *testing.T, env *screen.Env, m Model) Model {
			_, _ = typed(m, "esc")
			m.Close()
			return started(t, New(env), 80, 21)
		},
		"dray ended while the request was on its way": func(t *testing.T, env *screen.Env, _ Model) Model {
			env.Drafts = &screen.Drafts{}
			kept := onDisk(t, env)
			m, _ := settled(t, update(started(t, New(env), 80, 21), kept))
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jobs, heal := lossy(t)
			env := embedded(t, jobs)
			env.DataDir, env.Drafts = t.TempDir(), &screen.Drafts{}
			m := started(t, New(env), 80, 21)
			m, _ = typed(m, "echo hi")
			m, cmd := typed(m, "ctrl+s")
			m, _ = finish(t, m, cmd)
			if m.doubt == "" || len(jobs.jobs) != 1 {
				t.Fatalf("doubt %q, %d jobs", m.doubt, len(jobs.jobs))
			}
			heal()
			m = reopen(t, env, m)
			if !strings.Contains(m.note, "the same id is used") {
				t.Errorf("note %q", m.note)
			}
			m, cmd = typed(m, "ctrl+s")
			m, _ = finish(t, m, cmd)
			if len(jobs.jobs) != 1 || !m.ended {
				t.Errorf("%d jobs, ended %v, %s", len(jobs.jobs), m.ended, m.failure)
			}
		})
	}
}

func TestModel_ClosedWhileAsking(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := embedded(t, jobs)
	env.DataDir, env.Drafts = t.TempDir(), &screen.Drafts{}
	m := started(t, New(env), 80, 21)
	m, _ = typed(m, "echo hi")
	m, cmd := typed(m, "ctrl+s")
	submit := jobs.SubmitFn
	jobs.SubmitFn = func(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
		m.Close() // the answer reaches nobody
		return submit(ctx, r)
	}
	_ = messages(cmd)
	if len(jobs.jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs.jobs))
	}
	jobs.SubmitFn = submit
	again, _ := settled(t, update(started(t, New(env), 80, 21), onDisk(t, env)))
	again, cmd = typed(again, "ctrl+s")
	again, _ = finish(t, again, cmd)
	if len(jobs.jobs) != 1 || !again.ended {
		t.Errorf("%d jobs, ended %v, %s", len(jobs.jobs), again.ended, again.failure)
	}
}

func TestModel_RefusedLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) { return "", rayapi.ErrNoSpace }
	env := embedded(t, jobs)
	env.DataDir, env.Drafts = t.TempDir(), &screen.Drafts{}
	m := started(t, New(env), 80, 21)
	m, _ = typed(m, "echo hi")
	m, cmd := typed(m, "ctrl+s")
	_, _ = finish(t, m, cmd)
	if kept := onDisk(t, env); kept.err != nil || kept.draft.Spec.Entrypoint != "echo hi" || kept.draft.Fields[draftDoubt] != "" {
		t.Errorf("draft %+v, %v", kept.draft, kept.err)
	}
}

func sweeping(t *testing.T, jobs screen.Jobs, values string) (Model, screen.AskMsg) {
	t.Helper()
	m := started(t, New(embedded(t, jobs)), 140, 37)
	m, _ = typed(m, "python x.py --lr 1", "ctrl+q", "lr="+values, "enter")
	m, cmd := typed(m, "ctrl+s")
	if cmd == nil {
		t.Fatalf("no question: %s", m.failure)
	}
	return m, cmd().(screen.AskMsg)
}

func TestModel_SweepSendsTheRestOnce(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	submit := jobs.SubmitFn
	jobs.SubmitFn = func(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
		switch len(jobs.sent) {
		case 1:
			jobs.sent = append(jobs.sent, r)
			return "", rayapi.ErrNoSpace
		case 2: // taken, and the answer is lost
			_, _ = submit(ctx, r)
			jobs.GetFn = func(context.Context, string) (rayapi.Job, error) {
				return rayapi.Job{}, &net.OpError{Op: "dial", Err: errors.New("refused")}
			}
			return "", errTimeout
		}
		return submit(ctx, r)
	}
	get := jobs.GetFn
	m, ask := sweeping(t, jobs, "1,2,3")
	m = answered(m, ask)
	if m.ended || len(m.variants) != 2 || !strings.Contains(m.failure, "1 variant is submitted, 2 left") {
		t.Fatalf("%d variants left: %s", len(m.variants), m.failure)
	}
	jobs.GetFn, jobs.SubmitFn = get, submit
	m, cmd := typed(m, "ctrl+s")
	m = answered(m, cmd().(screen.AskMsg))
	if !m.ended || len(jobs.jobs) != 3 {
		t.Errorf("ended %v, %d jobs: %s", m.ended, len(jobs.jobs), m.failure)
	}
}

func TestModel_SweepSaidYesTwice(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	m, ask := sweeping(t, jobs, "1,2")
	s, first := m.Update(ask.Do())
	if view := s.View(); !strings.Contains(view, "submitting 1 of 2") {
		t.Errorf("no progress:\n%s", view)
	}
	s, _ = s.Update(keyOf("x")) // the form stands still
	s, second := s.Update(ask.Do())
	for _, cmd := range []tea.Cmd{first, second} {
		for _, msg := range messages(cmd) {
			s, _ = s.Update(msg)
		}
	}
	if m = s.(Model); len(jobs.sent) != 2 || !m.ended {
		t.Errorf("%d sent, ended %v", len(jobs.sent), m.ended)
	}
}

func TestModel_SweepStops(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	submit := jobs.SubmitFn
	var m Model
	jobs.SubmitFn = func(ctx context.Context, r rayapi.SubmitRequest) (string, error) {
		m, _ = typed(m, "esc") // while the first is on its way
		return submit(ctx, r)
	}
	m, ask := sweeping(t, jobs, "1,2,3")
	s, cmd := m.Update(ask.Do())
	m = s.(Model)
	for _, msg := range messages(cmd) {
		m = update(m, msg)
	}
	if len(jobs.sent) != 1 || len(m.variants) != 2 || m.ended {
		t.Errorf("%d sent, %d left: %s", len(jobs.sent), len(m.variants), m.failure)
	}
}

func TestSending_Rate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC)
	var s sending
	// The first steps fill the buffers of the system at once.
	for _, st := range []struct {
		ms   int
		done int64
	}{{0, 0}, {1, 2 << 20}, {2, 4 << 20}, {500, 5 << 20}, {1000, 6 << 20}, {1500, 7 << 20}, {2000, 8 << 20}, {2500, 9 << 20}, {3000, 10 << 20}} {
		s = s.measured(progressMsg{done: st.done, total: 90 << 20, at: at.Add(time.Duration(st.ms) * time.Millisecond)})
		if st.ms < 500 && s.rate != 0 {
			t.Errorf("after %d ms: %v bytes a second, of a buffer", st.ms, s.rate)
		}
	}
	if mib := s.rate / (1 << 20); mib < 2 || mib > 5 {
		t.Errorf("%.1f MiB a second, want about 2", mib)
	}
}

func TestModel_UploadSaysHowToStop(t *testing.T) {
	t.Parallel()
	for _, w := range []int{60, 80, 140} {
		m := frame(t, frameEnv(t, true), w, 21, "python x.py")
		for name, s := range map[string]sending{
			"packing": {phase: uploading}, "uploading": {phase: uploading, done: 5 << 20, total: 90 << 20, rate: 123456789},
		} {
			m.sending = s
			m.dir.path = "/home/ana/" + strings.Repeat("long/", 30)
			if line := m.status()[0]; !strings.Contains(line, "esc stops it") || ansi.StringWidth(line) > w {
				t.Errorf("%s at %d: %q", name, w, line)
			}
		}
	}
}

func TestDrafts_UnreadableText(t *testing.T) {
	t.Parallel()
	env := embedded(t, newServer(t))
	env.DataDir, env.Drafts = t.TempDir(), &screen.Drafts{}
	m := started(t, New(env), 80, 21)
	m, _ = typed(m, "echo hi", "pgdown", "ctrl+x", "enter", "env_vars: {HF_TOKEN: hf_abcdefgh12345", "pgup")
	text := m.form.Value(fieldText)
	_, cmd := typed(m, "esc")
	_ = messages(cmd)
	m.Close()
	again := started(t, New(env), 80, 21)
	if again.form.Value(fieldText) != text || again.textErr == nil || again.form.Value(fieldEntrypoint) != "echo hi" {
		t.Errorf("text %q, %v", again.form.Value(fieldText), again.textErr)
	}
	env.Drafts = &screen.Drafts{} // another run of the program
	if kept := onDisk(t, env); strings.Contains(fmt.Sprint(kept), "hf_abc") || kept.draft.Spec.Entrypoint != "echo hi" {
		t.Errorf("on disk: %+v", kept)
	}
}
