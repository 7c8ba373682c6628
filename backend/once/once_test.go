package once_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dray/backend/client"
	"dray/backend/ledger"
	"dray/backend/once"
	"dray/backend/rayapi"
)

// jobs answers as a test wants it to.
type jobs struct {
	submit func(rayapi.SubmitRequest) (string, error)
	get    func(id string) (rayapi.Job, error)
}

func (j jobs) Submit(_ context.Context, r rayapi.SubmitRequest) (string, error) { return j.submit(r) }
func (j jobs) Get(_ context.Context, id string) (rayapi.Job, error)             { return j.get(id) }

func none(string) (rayapi.Job, error) { return rayapi.Job{}, rayapi.ErrNotFound }

func asJob(r rayapi.SubmitRequest) rayapi.Job {
	return rayapi.Job{Type: rayapi.TypeSubmission, SubmissionID: &r.SubmissionID, Entrypoint: r.Entrypoint, Metadata: r.Metadata, RuntimeEnv: r.RuntimeEnv}
}

func TestPost_Submit(t *testing.T) {
	t.Parallel()
	request := rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "id"}
	lost := fmt.Errorf("wait: %w", context.DeadlineExceeded)
	found := func(string) (rayapi.Job, error) { return asJob(request), nil }
	other := func(string) (rayapi.Job, error) {
		return asJob(rayapi.SubmitRequest{Entrypoint: "y", SubmissionID: "id"}), nil
	}
	away := func(string) (rayapi.Job, error) { return rayapi.Job{}, client.ErrUnreachable }
	tests := []struct {
		name      string
		submitErr error
		get       func(string) (rayapi.Job, error)
		doubt     bool
		found     bool
		fails     func(error) bool // nil: it does not
		pending   bool
		recorded  bool
	}{
		{name: "well", recorded: true},
		{name: "the answer is lost", submitErr: lost, get: found, found: true, recorded: true},
		{name: "nobody knows", submitErr: lost, get: none, fails: isDoubt, pending: true, recorded: true},
		{name: "the gateway lost it", submitErr: &client.Error{Code: 502, Err: rayapi.ErrUnavailable}, get: found, found: true, recorded: true},
		{name: "the id is another's", submitErr: lost, get: other, fails: isOther, recorded: true},
		{name: "refused", submitErr: &client.Error{Code: 400, Err: rayapi.ErrInvalid}, fails: is(rayapi.ErrInvalid)},
		{name: "the server failed after it took the job", submitErr: &client.Error{Code: 500}, get: found, found: true, recorded: true},
		{name: "the server failed and has no job", submitErr: &client.Error{Code: 500}, get: none, fails: isCode(500)},
		{name: "the server failed and has another job", submitErr: &client.Error{Code: 500}, get: other, fails: isCode(500)},
		{name: "the server failed and then was away", submitErr: &client.Error{Code: 500}, get: away, fails: isDoubt, pending: true, recorded: true},
		{name: "the id is taken", submitErr: rayapi.ExistsError("id"), fails: is(rayapi.ErrExists)},
		{name: "the id is taken by the try before", submitErr: rayapi.ExistsError("id"), doubt: true, get: found, found: true, recorded: true},
		{name: "no connection", submitErr: &net.OpError{Op: "dial", Err: errors.New("refused")}, fails: func(err error) bool { return once.NeverSent(err) }},
		{name: "held back", submitErr: fmt.Errorf("%w: x", client.ErrNotSent), fails: is(client.ErrNotSent)},
		{name: "no connection while in doubt", submitErr: &net.OpError{Op: "dial", Err: errors.New("refused")}, doubt: true, fails: once.NeverSent, pending: true, recorded: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := ledger.New(t.TempDir())
			j := jobs{get: tt.get, submit: func(r rayapi.SubmitRequest) (string, error) {
				if p, err := l.Pending("k"); err != nil || len(p) != 1 {
					t.Errorf("the intent is not written down before the request leaves: %v %v", p, err)
				}
				return r.SubmissionID, tt.submitErr
			}}
			r := once.Post{Jobs: j, Ledger: l, Key: "k", Request: request, Doubt: tt.doubt, Now: time.Now, Waits: []time.Duration{0, time.Millisecond}}.Submit(t.Context())
			if tt.fails == nil && (r.Err != nil || r.ID != "id" || r.Found != tt.found) || tt.fails != nil && (r.Err == nil || !tt.fails(r.Err)) {
				t.Errorf("result: %+v", r)
			}
			pending, err := l.Pending("k")
			if err != nil || (len(pending) > 0) != tt.pending {
				t.Errorf("pending: %v %v, want %t", pending, err, tt.pending)
			}
			if _, err := l.Get("k", "id"); (err == nil) != tt.recorded || err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("record: %v, want one: %t", err, tt.recorded)
			}
		})
	}
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func isDoubt(err error) bool {
	var e *once.DoubtError
	return errors.As(err, &e) && e.ID == "id"
}

func isCode(code int) func(error) bool {
	return func(err error) bool {
		var e *client.Error
		return !isDoubt(err) && errors.As(err, &e) && e.Code == code
	}
}

func isOther(err error) bool {
	var e *once.OtherError
	return errors.As(err, &e) && e.ID == "id"
}

func TestPost_Submit_noIntent(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := jobs{submit: func(rayapi.SubmitRequest) (string, error) {
		t.Error("it was sent without a record")
		return "", nil
	}}
	p := once.Post{Jobs: j, Ledger: ledger.New(filepath.Join(file, "ledger")), Request: rayapi.SubmitRequest{Entrypoint: "x", SubmissionID: "id"}, Now: time.Now}
	if r := p.Submit(t.Context()); r.Err == nil {
		t.Errorf("result: %+v", r)
	}
	p.Request.SubmissionID = ""
	if r := p.Submit(t.Context()); r.Err == nil {
		t.Errorf("without an id: %+v", r)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	l := ledger.New(t.TempDir())
	start := time.Now()
	server := map[string]rayapi.Job{}
	for i, id := range []string{"there", "other", "gone", "young", "unsure"} {
		r := rayapi.SubmitRequest{Entrypoint: id, SubmissionID: id}
		at := start.Add(time.Duration(i) * time.Second)
		if id == "young" {
			at = start.Add(time.Hour)
		}
		if err := l.Record("k", r, "", at); err != nil {
			t.Fatal(err)
		}
		switch id {
		case "there":
			server[id] = asJob(r)
		case "other":
			server[id] = asJob(rayapi.SubmitRequest{Entrypoint: "else", SubmissionID: id})
		}
	}
	away := errors.New("away")
	j := jobs{get: func(id string) (rayapi.Job, error) {
		if id == "unsure" {
			return rayapi.Job{}, away
		}
		if job, ok := server[id]; ok {
			return job, nil
		}
		return rayapi.Job{}, rayapi.ErrNotFound
	}}
	list, err := once.Resolve(t.Context(), j, l, "k", start.Add(time.Hour))
	if !errors.Is(err, away) {
		t.Errorf("error: %v", err)
	}
	fates := map[string]once.Fate{}
	for _, o := range list {
		fates[o.Entry.Request.SubmissionID] = o.Fate
		if (o.String() == "") != (o.Fate == once.Unknown) {
			t.Errorf("%v says %q", o.Fate, o)
		}
	}
	want := map[string]once.Fate{"there": once.Arrived, "other": once.Other, "gone": once.Lost, "young": once.Unknown, "unsure": once.Unknown}
	for id, f := range want {
		if fates[id] != f {
			t.Errorf("%s is %v, want %v", id, fates[id], f)
		}
	}
	left, err := l.Pending("k")
	if err != nil || len(left) != 2 {
		t.Errorf("%d are left: %v", len(left), err)
	}
	if _, err := l.Get("k", "gone"); err != nil {
		t.Errorf("a lost request cannot be submitted again: %v", err)
	}
	if list, err := once.Resolve(t.Context(), j, nil, "k", start); list != nil || err != nil {
		t.Errorf("without a ledger: %v %v", list, err)
	}
}
