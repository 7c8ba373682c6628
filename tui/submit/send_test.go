package submit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/google/go-cmp/cmp"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

func TestPost_LostAnswer(t *testing.T) {
	t.Parallel()
	quick := []time.Duration{0, time.Millisecond}
	request := rayapi.SubmitRequest{Entrypoint: "echo hi", SubmissionID: "raysubmit_x", Metadata: map[string]string{"a": "b"}}
	t.Run("the job is there", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			_, _ = jobs.accept(r)
			return "", errTimeout
		}
		env := embedded(t, jobs)
		r := post{env: env, request: request, waits: quick}.run(t.Context(), nil)
		if r.err != nil || !r.found || r.id != "raysubmit_x" {
			t.Errorf("result = %+v", r)
		}
		if _, err := env.Ledger.Get("embedded", "raysubmit_x"); err != nil {
			t.Errorf("ledger: %v", err)
		}
	})
	t.Run("the job appears late", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) { return "", errTimeout }
		looks := 0
		jobs.GetFn = func(_ context.Context, id string) (rayapi.Job, error) {
			if looks++; looks > 1 {
				return jobOf(request), nil
			}
			return rayapi.Job{}, rayapi.NotFoundError(id)
		}
		if r := (post{env: embedded(t, jobs), request: request, waits: quick}).run(t.Context(), nil); r.err != nil || !r.found {
			t.Errorf("result = %+v", r)
		}
	})
	t.Run("it is another job", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) {
			jobs.jobs["raysubmit_x"] = jobOf(rayapi.SubmitRequest{SubmissionID: "raysubmit_x", Entrypoint: "other"})
			return "", errTimeout
		}
		var other *otherError
		if r := (post{env: embedded(t, jobs), request: request, waits: quick}).run(t.Context(), nil); !errors.As(r.err, &other) {
			t.Errorf("result = %+v, want an otherError", r)
		}
	})
	t.Run("nobody knows, and the next try uses the same id", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		var arrived rayapi.SubmitRequest
		jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			jobs.sent = append(jobs.sent, r)
			arrived = r
			return "", errTimeout
		}
		jobs.GetFn = func(context.Context, string) (rayapi.Job, error) {
			return rayapi.Job{}, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		m := started(t, New(embedded(t, jobs)), 80, 21)
		m, _ = typed(m, "echo hi")
		m, cmd := typed(m, "ctrl+s")
		m, _ = finish(t, m, cmd)
		if m.doubt == "" || !strings.Contains(m.failure, "the same id is used") {
			t.Fatalf("doubt %q, failure %q", m.doubt, m.failure)
		}
		// The server is back, and had taken the first request.
		jobs.jobs[arrived.SubmissionID] = jobOf(arrived)
		jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			jobs.sent = append(jobs.sent, r)
			return jobs.accept(r)
		}
		jobs.GetFn = func(_ context.Context, id string) (rayapi.Job, error) { return jobs.jobs[id], nil }
		m, cmd = typed(m, "ctrl+s")
		_, msgs := finish(t, m, cmd)
		if len(jobs.jobs) != 1 || jobs.sent[0].SubmissionID != jobs.sent[1].SubmissionID {
			t.Errorf("%d jobs, sent %v", len(jobs.jobs), jobs.sent)
		}
		if k := kinds(msgs); len(k) != 3 || !strings.Contains(k[1], "the answer was lost") {
			t.Errorf("messages = %q", k)
		}
	})
	t.Run("a changed form after doubt is another job only when asked again", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		m := started(t, New(embedded(t, jobs)), 80, 21)
		m.doubt = "raysubmit_x"
		jobs.jobs["raysubmit_x"] = jobOf(rayapi.SubmitRequest{SubmissionID: "raysubmit_x", Entrypoint: "echo hi"})
		m, _ = typed(m, "echo hi, changed")
		m, cmd := typed(m, "ctrl+s")
		m, _ = finish(t, m, cmd)
		if !strings.Contains(m.failure, "with other content") || m.doubt != "" || len(jobs.jobs) != 1 {
			t.Fatalf("failure %q, doubt %q, %d jobs", m.failure, m.doubt, len(jobs.jobs))
		}
		m, cmd = typed(m, "ctrl+s")
		if _, msgs := finish(t, m, cmd); len(msgs) != 3 || len(jobs.jobs) != 2 {
			t.Errorf("%v, %d jobs", msgs, len(jobs.jobs))
		}
	})
	t.Run("a refusal after doubt leaves the doubt", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) {
			return "", &client.Error{Code: 401, Message: "token", Err: client.ErrUnauthorized}
		}
		m := started(t, New(embedded(t, jobs)), 80, 21)
		m.doubt = "raysubmit_x"
		m, _ = typed(m, "echo hi")
		m, cmd := typed(m, "ctrl+s")
		if m, _ = finish(t, m, cmd); m.doubt != "raysubmit_x" {
			t.Errorf("doubt = %q", m.doubt)
		}
	})
	t.Run("ends with the program", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) { return "", errTimeout }
		env := embedded(t, jobs)
		ctx, cancel := context.WithCancel(t.Context())
		env.Ctx = ctx
		cancel()
		var doubt *doubtError
		r := post{env: env, request: request, waits: []time.Duration{time.Hour}}.run(t.Context(), nil)
		if !errors.As(r.err, &doubt) {
			t.Errorf("result = %+v", r)
		}
	})
}

func TestModel_Upload(t *testing.T) {
	t.Parallel()
	form := func(t *testing.T, jobs *server) Model {
		env := remote(t, jobs)
		m := started(t, New(env), 80, 21)
		m, _ = typed(m, "python x.py", "at:working_dir", ".")
		m, _ = settled(t, m)
		return m
	}
	t.Run("ok", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.UploadFn = func(_ context.Context, path string, _ []string, progress func(done, total int64)) (string, error) {
			for i := range int64(101) {
				progress(i, 100)
			}
			return "gcs://_ray_pkg_1.zip", nil
		}
		m := form(t, jobs)
		m, cmd := typed(m, "ctrl+s")
		if !strings.Contains(m.View(), "packing") {
			t.Errorf("no word about the upload:\n%s", m.View())
		}
		m = update(m, progressMsg{gen: m.sending.gen, done: 50 << 20, total: 100 << 20})
		if !strings.Contains(m.View(), "uploading 50 MiB of 100 MiB (50%)") {
			t.Errorf("no progress:\n%s", m.View())
		}
		_, msgs := finish(t, m, cmd)
		if len(kinds(msgs)) != 3 || len(jobs.sent) != 1 {
			t.Fatalf("messages %v, sent %v", msgs, jobs.sent)
		}
		if got, want := string(jobs.sent[0].RuntimeEnv), `{"working_dir":"gcs://_ray_pkg_1.zip"}`; got != want {
			t.Errorf("runtime env = %s, want %s", got, want)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		begun := make(chan struct{})
		jobs.UploadFn = func(ctx context.Context, _ string, _ []string, progress func(done, total int64)) (string, error) {
			progress(1, 100)
			close(begun)
			<-ctx.Done()
			return "", ctx.Err()
		}
		m := form(t, jobs)
		before := m.draft()
		m, cmd := typed(m, "ctrl+s")
		all := make(chan []tea.Msg)
		go func() { all <- messages(cmd) }()
		<-begun
		m, _ = typed(m, "esc")
		if !strings.Contains(m.View(), "stopping the upload") {
			t.Errorf("no word about the end:\n%s", m.View())
		}
		var out []tea.Msg
		for _, msg := range <-all {
			s, next := m.Update(msg)
			m = s.(Model)
			if _, ok := msg.(sentMsg); ok {
				out = messages(next)
			}
		}
		if k := kinds(out); len(k) != 1 || !strings.Contains(k[0], "nothing was submitted") || len(jobs.sent) > 0 {
			t.Errorf("messages %q, sent %v", k, jobs.sent)
		}
		if diff := cmp.Diff(before, m.draft()); diff != "" || m.sending.phase != idle {
			t.Errorf("form changed:\n%s", diff)
		}
	})
	t.Run("fails", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.UploadFn = func(context.Context, string, []string, func(done, total int64)) (string, error) {
			return "", errors.New("upload package: the server is out of memory")
		}
		m := form(t, jobs)
		m, cmd := typed(m, "ctrl+s")
		if m, _ = finish(t, m, cmd); !strings.Contains(m.failure, "out of memory") || len(jobs.sent) > 0 {
			t.Errorf("failure %q, sent %v", m.failure, jobs.sent)
		}
	})
	t.Run("progress of a screen that is behind", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		jobs.UploadFn = func(_ context.Context, _ string, _ []string, progress func(done, total int64)) (string, error) {
			for i := range int64(10000) {
				progress(i+1, 10000)
			}
			return "gcs://_ray_pkg_1.zip", nil
		}
		m := form(t, jobs)
		steps := make(chan progressMsg, 1)
		p := post{env: m.env, request: m.request, parcels: parcels{dir: "/x"}, waits: lookAfter()}
		if _, ok := run(t.Context(), p, 7, steps)().(sentMsg); !ok {
			t.Error("no result")
		}
		if step := <-steps; step.id == "" || step.gen != 7 {
			t.Errorf("last step = %+v, want the newest", step)
		}
		if _, open := <-steps; open {
			t.Error("steps stay open")
		}
	})
}

func TestModel_offlineNothingIsInDoubt(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	var id string
	jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
		id = r.SubmissionID
		return "", fmt.Errorf("head does not answer: %w", screen.ErrNotSent)
	}
	env := remote(t, jobs)
	m := started(t, New(env), 100, 40)
	m = update(m, screen.ListMsg{Link: screen.Offline})
	m, cmd := typed(m, "true", "ctrl+s")
	m, _ = finish(t, m, cmd)
	if m.doubt != "" || !strings.Contains(m.failure, "nothing was sent") || strings.Contains(m.failure, "appeared") {
		t.Fatalf("doubt %q, failure %q", m.doubt, m.failure)
	}
	if _, err := env.Ledger.Get(env.Target.LedgerKey, id); id == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the intent to submit %q stays in the ledger: %v", id, err)
	}
	if m = update(m, screen.ListMsg{Link: screen.Live}); m.failure != "" {
		t.Errorf("the server answers again and the form still says %q", m.failure)
	}
}
