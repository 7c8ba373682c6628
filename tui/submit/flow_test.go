package submit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dray/backend/client"
	"dray/backend/rayapi"
	"dray/tui/screen"
)

var errTimeout = &client.Error{Op: "submit job", Message: "no answer within 45s", Err: client.ErrUnreachable}

func kinds(msgs []tea.Msg) []string {
	var out []string
	for _, m := range msgs {
		switch m := m.(type) {
		case screen.PopMsg:
			out = append(out, "pop")
		case screen.ReplaceMsg:
			out = append(out, "replace")
		case screen.NoticeMsg:
			out = append(out, "notice: "+m.Text)
		case screen.JobMsg:
			out = append(out, "job: "+m.ID)
		}
	}
	return out
}

func TestModel_Submit(t *testing.T) {
	t.Parallel()
	t.Run("ok", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		m := started(t, New(env), 80, 21)
		m, _ = typed(m, "echo hi", "tab", "hi-1")
		m, cmd := typed(m, "ctrl+s")
		_, msgs := finish(t, m, cmd)
		if diff := cmp.Diff([]string{"pop", "notice: submitted hi-1", "job: hi-1"}, kinds(msgs)); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		want := rayapi.SubmitRequest{
			Entrypoint: "echo hi", SubmissionID: "hi-1",
			RuntimeEnv: json.RawMessage(`{"working_dir":"local://` + env.Cwd + `"}`),
		}
		if len(jobs.sent) != 1 {
			t.Fatalf("%d requests, want 1", len(jobs.sent))
		}
		if diff := cmp.Diff(want, jobs.sent[0]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
	t.Run("makes an id, known before it is sent", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
			if e, err := env.Ledger.Get("embedded", r.SubmissionID); err != nil || e.Request.Entrypoint != "echo hi" {
				t.Errorf("in the ledger: %v, %v", e, err)
			}
			return jobs.accept(r)
		}
		m := started(t, New(env), 80, 21)
		m, _ = typed(m, "echo hi")
		m, cmd := typed(m, "ctrl+s")
		_, msgs := finish(t, m, cmd)
		if k := kinds(msgs); len(k) != 3 || !strings.HasPrefix(k[2], "job: raysubmit_") {
			t.Errorf("messages = %q", k)
		}
	})
	t.Run("by the button", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		m := started(t, New(embedded(t, jobs)), 80, 21)
		m, _ = typed(m, "echo hi", "shift+tab")
		m, cmd := typed(m, "up", "tab", "enter")
		finish(t, m, cmd)
		if len(jobs.sent) != 1 {
			t.Errorf("%d requests, want 1", len(jobs.sent))
		}
	})
	t.Run("opens the log", func(t *testing.T) {
		t.Parallel()
		env := embedded(t, newServer(t))
		var opened rayapi.Job
		env.Pages.Log = func(j rayapi.Job) screen.Screen { opened = j; return nil }
		m := started(t, New(env), 80, 21)
		m, _ = typed(m, "echo hi", "tab", "hi-1", "shift+tab", "shift+tab", "shift+tab", "space")
		m, cmd := typed(m, "ctrl+s")
		_, msgs := finish(t, m, cmd)
		if k := kinds(msgs); len(k) != 3 || k[0] != "replace" || opened.ID() != "hi-1" {
			t.Errorf("messages = %q, log of %q", k, opened.ID())
		}
	})
	t.Run("waits for the look at the working dir", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		m := New(env).Resize(screen.Size{W: 80, H: 21}).(Model)
		t.Cleanup(func() { m.Close() })
		m, _ = typed(m, "echo hi")
		m, cmd := typed(m, "ctrl+s")
		if cmd != nil || len(jobs.sent) > 0 {
			t.Fatal("sent before the look")
		}
		m, cmd = settled(t, m)
		if m, _ = finish(t, m, cmd); len(jobs.sent) != 1 {
			t.Errorf("%d requests after the look, want 1", len(jobs.sent))
		}
	})
	t.Run("stays when the look finds a problem", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		m := started(t, New(embedded(t, jobs)), 80, 21)
		m.form = m.form.Focus(fieldDir)
		m, _ = typed(m, "ctrl+u", "nope", "at:entrypoint", "echo hi")
		m, _ = typed(m, "ctrl+s")
		m, cmd := settled(t, m)
		if cmd != nil || len(jobs.sent) > 0 || m.form.Focused() != fieldDir {
			t.Errorf("sent %d, focus on %s", len(jobs.sent), m.form.Focused())
		}
	})
	t.Run("twice sends once", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		m := started(t, New(embedded(t, jobs)), 80, 21)
		m, _ = typed(m, "echo hi")
		m, cmd := typed(m, "ctrl+s")
		m, again := typed(m, "ctrl+s", "enter", "x", "esc")
		if again != nil {
			t.Error("a key while sending did something")
		}
		m, _ = finish(t, m, cmd)
		_, cmd = m.Update(sentMsg{gen: m.sending.gen})
		if cmd != nil || len(jobs.sent) != 1 {
			t.Errorf("%d requests, want 1", len(jobs.sent))
		}
	})
}

func TestModel_Refused(t *testing.T) {
	t.Parallel()
	label := &rayapi.LabelError{Reason: "Invalid label key name"}
	for _, tt := range []struct {
		name  string
		err   error
		focus string
		want  string
	}{
		{"duplicate id", rayapi.ExistsError("hi-1"), fieldID, "Please use a different submission_id"},
		{"offline", &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, fieldID, "connection refused"},
		{"known to be offline", fmt.Errorf("head does not answer: %w", screen.ErrNotSent), fieldID, "nothing was sent"},
		{"token", &client.Error{Op: "submit job", Code: 401, Message: "head asks for a token", Hint: "set RAY_AUTH_TOKEN", Err: client.ErrUnauthorized}, fieldID, "set RAY_AUTH_TOKEN"},
		{"a rule of the server", &client.Error{Op: "submit job", Code: 400, Message: "pip is not supported yet", Err: rayapi.ErrInvalid}, fieldID, "pip is not supported"},
		{"label", label, fieldID, "Invalid label"},
		{"full disk", rayapi.ErrNoSpace, fieldID, "no space left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			jobs := newServer(t)
			env := embedded(t, jobs)
			jobs.SubmitFn = func(context.Context, rayapi.SubmitRequest) (string, error) { return "", tt.err }
			m := started(t, New(env), 80, 21)
			m, _ = typed(m, "echo hi", "tab", "hi-1")
			before := m.draft()
			m, cmd := typed(m, "ctrl+s")
			m, msgs := finish(t, m, cmd)
			if len(msgs) > 0 {
				t.Errorf("messages = %v", msgs)
			}
			if !strings.Contains(m.failure, tt.want) || !strings.Contains(strings.Join(strings.Fields(m.View()), " "), tt.want) {
				t.Errorf("failure = %q, want %q, on screen:\n%s", m.failure, tt.want, m.View())
			}
			if diff := cmp.Diff(before, m.draft()); diff != "" {
				t.Errorf("fields changed:\n%s", diff)
			}
			if m.form.Focused() != tt.focus {
				t.Errorf("focus on %s, want %s", m.form.Focused(), tt.focus)
			}
			if _, err := env.Ledger.Get("embedded", "hi-1"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the ledger keeps a refused request: %v", err)
			}
			jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) { return jobs.accept(r) }
			m, cmd = typed(m, "ctrl+s")
			if _, msgs = finish(t, m, cmd); len(msgs) != 3 {
				t.Errorf("messages after another try = %v", msgs)
			}
		})
	}
	t.Run("an id of an older job keeps its record", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		old := rayapi.SubmitRequest{SubmissionID: "hi-1", Entrypoint: "old"}
		jobs.jobs["hi-1"] = jobOf(old)
		if err := env.Ledger.Record("embedded", old, "", env.Now()); err != nil {
			t.Fatal(err)
		}
		m := started(t, New(env), 80, 21)
		m, _ = typed(m, "echo hi", "tab", "hi-1")
		m, cmd := typed(m, "ctrl+s")
		m, _ = finish(t, m, cmd)
		if e, err := env.Ledger.Get("embedded", "hi-1"); err != nil || e.Request.Entrypoint != "old" {
			t.Errorf("record = %v, %v, want the old one", e, err)
		}
		if len(jobs.sent) > 0 || !strings.Contains(m.failure, "already exists") {
			t.Errorf("sent %v, failure %q", jobs.sent, m.failure)
		}
	})
	t.Run("ledger cannot be written", func(t *testing.T) {
		t.Parallel()
		jobs := newServer(t)
		env := embedded(t, jobs)
		dir := t.TempDir()
		write(t, filepath.Join(dir, "embedded"), "a file where the folder should be")
		env.Ledger = ledgerAt(t, dir)
		m := started(t, New(env), 80, 21)
		m, _ = typed(m, "echo hi")
		m, cmd := typed(m, "ctrl+s")
		if m, _ = finish(t, m, cmd); len(jobs.sent) > 0 || !strings.Contains(m.failure, "record the submit") {
			t.Errorf("sent %d, failure %q", len(jobs.sent), m.failure)
		}
	})
}

func TestModel_NothingUnasked(t *testing.T) {
	t.Parallel()
	keys := []string{
		"tab", "shift+tab", "enter", "up", "down", "left", "right", "space", "backspace", "ctrl+u", "ctrl+w", "ctrl+v", "ctrl+t", "ctrl+n",
		"ctrl+p", "a", "y", "A=1", "q", "x", "esc", "paste:echo hi\n", "paste:A=1\nB=2\n",
	}
	jobs := newServer(t)
	env := embedded(t, jobs)
	env.LookPython = nil
	rapid.Check(t, func(t *rapid.T) {
		env.Drafts = &screen.Drafts{}
		m := New(env).Resize(screen.Size{W: 80, H: 21}).(Model)
		defer m.Close()
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 1, 60).Draw(t, "keys") {
			if (k == "enter" || k == "space") && m.form.Focused() == fieldButtons {
				continue
			}
			m, _ = typed(m, k)
			if m.sending.phase != idle || m.sending.wanted {
				t.Fatalf("%q sends", k)
			}
			if strings.Count(m.View(), "\n") != 20 {
				t.Fatalf("%q: View has another height", k)
			}
		}
	})
	if len(jobs.sent) > 0 {
		t.Errorf("sent %v", jobs.sent)
	}
}

func TestModel_Typing(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 80, 21)
	var got []string
	for range 15 {
		if m.Typing() {
			got = append(got, m.form.Focused())
		}
		m, _ = typed(m, "tab")
	}
	want := []string{
		fieldEntrypoint, fieldID, fieldName, fieldDir, fieldEnv, fieldMetadata, fieldCPUs, fieldGPUs, fieldMemory, fieldResources, fieldLabels,
	}
	if !slices.Equal(got, want) {
		t.Errorf("typing in %v, want %v", got, want)
	}
	if m.form.Focused() != fieldEntrypoint {
		t.Errorf("15 tabs lead to %s, want round", m.form.Focused())
	}
}

func TestModel_Bindings(t *testing.T) {
	t.Parallel()
	m := started(t, New(embedded(t, newServer(t))), 80, 21)
	seen := map[string]bool{}
	ids := map[string]bool{}
	for _, b := range m.Bindings() {
		if b.Group != "FORM" || b.Help().Key == "" || b.Help().Desc == "" || ids[b.ID] {
			t.Errorf("binding %q: group %q, help %v", b.ID, b.Group, b.Help())
		}
		ids[b.ID] = true
		for _, k := range b.Keys() {
			if seen[k] {
				t.Errorf("key %q is bound twice", k)
			}
			seen[k] = true
		}
	}
	next, _ := typed(m, "tab")
	back, _ := typed(next, "shift+tab")
	enter, _ := typed(m, "enter")
	if next.form.Focused() != fieldID || back.form.Focused() != fieldEntrypoint || enter.form.Focused() != fieldID {
		t.Errorf("tab %s, shift+tab %s, enter %s", next.form.Focused(), back.form.Focused(), enter.form.Focused())
	}
	if _, cmd := typed(m, "esc"); len(kinds(messages(cmd))) != 1 {
		t.Error("esc does not go back")
	}
}

func TestModel_IDOfAJobThatIsThere(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	m := started(t, New(embedded(t, jobs)), 80, 40)
	there := jobOf(rayapi.SubmitRequest{SubmissionID: "train-1"})
	m = update(m, screen.ListMsg{Answer: 1, Link: screen.Live, Jobs: []rayapi.Job{there}})
	m, _ = typed(m, "true", "tab", "train-1")
	if !strings.Contains(m.View(), "exists already") {
		t.Errorf("while typing, nothing is said of the id:\n%s", m.View())
	}
	if m, _ = typed(m, "ctrl+s"); m.sending.phase != idle || m.form.Focused() != fieldID {
		t.Error("an id that is known to be taken was sent")
	}
	if m, _ = typed(m, "0"); len(m.problems) > 0 {
		t.Errorf("a free id has problems %v", m.problems)
	}
	m = update(m, screen.ListMsg{Answer: 2, Link: screen.Live, Jobs: []rayapi.Job{jobOf(rayapi.SubmitRequest{SubmissionID: "train-10"})}})
	if len(m.problems) == 0 {
		t.Error("an id that was taken meanwhile is not marked")
	}
}

// A protected server wants a yes before a job is sent, a read-only one gets none.
func TestModel_GuardedServers(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := remote(t, jobs)
	env.Target.Name, env.Target.Protected = "prod", true
	m := started(t, New(env), 100, 30)
	m, cmd := typed(m, "python x.py", "ctrl+s")
	ask, ok := cmd().(screen.AskMsg)
	if !ok || ask.Local || !strings.Contains(strings.Join(ask.Lines, " "), "python x.py") || !strings.Contains(strings.Join(ask.Lines, " "), "prod") {
		t.Fatalf("question %+v", ask)
	}
	if m.sending.phase != idle || len(jobs.sent) > 0 {
		t.Fatal("sent before the answer")
	}
	s, cmd := m.Update(ask.Do())
	m, _ = finish(t, s.(Model), cmd)
	if len(jobs.sent) != 1 || !m.ended {
		t.Errorf("sent %v: %s", jobs.sent, m.failure)
	}
	_, cmd = m.Update(ask.Do()) // a yes that comes twice
	if messages(cmd); len(jobs.sent) != 1 {
		t.Errorf("sent %v", jobs.sent)
	}
	closed := *env
	closed.Target.ReadOnly, closed.Drafts = true, &screen.Drafts{}
	m = started(t, New(&closed), 100, 30)
	m, _ = typed(m, "python x.py")
	if !strings.Contains(m.View(), "prod is read-only here: submit is off") {
		t.Errorf("not said:\n%s", m.View())
	}
	if m, cmd = typed(m, "ctrl+s"); cmd != nil || m.sending.phase != idle || m.failure == "" {
		t.Errorf("a read-only server: %s", m.failure)
	}
}
