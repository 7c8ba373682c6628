package submit

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/tuitest"
)

// A mixed batch is asked about once and ends with the outcome of each job.
func TestAskRerunAll(t *testing.T) {
	t.Parallel()
	jobs := newServer(t)
	env := embedded(t, jobs)
	var batch []rayapi.Job
	for _, id := range []string{"one", "two", "broken"} {
		r := rayapi.SubmitRequest{Entrypoint: "python " + id + ".py", SubmissionID: id, RuntimeEnv: json.RawMessage(`{}`)}
		if err := env.Ledger.Record("embedded", r, "", env.Now()); err != nil {
			t.Fatal(err)
		}
		jobs.jobs[id] = jobOf(r)
		batch = append(batch, jobOf(r))
	}
	batch = append(batch, tuitest.Driver("02", rayapi.StatusSucceeded, 1, 1))
	jobs.SubmitFn = func(_ context.Context, r rayapi.SubmitRequest) (string, error) {
		if strings.HasPrefix(r.SubmissionID, "broken") {
			return "", errors.Join(screen.ErrNotSent, errors.New("no room"))
		}
		jobs.sent = append(jobs.sent, r)
		return jobs.accept(r)
	}
	ask, ok := AskRerunAll(env, batch)().(screen.AskMsg)
	text := strings.Join(ask.Lines, "\n")
	if !ok || len(jobs.sent) > 0 || ask.Title != "Rerun 3 jobs?" || !strings.Contains(text, "two  python two.py") || !strings.Contains(text, "1 job cannot") {
		t.Fatalf("question %+v, sent %d", ask, len(jobs.sent))
	}
	var notice screen.NoticeMsg
	var looked []string
	for _, msg := range messages(ask.Do) {
		switch msg := msg.(type) {
		case screen.NoticeMsg:
			notice = msg
		case screen.JobMsg:
			looked = append(looked, msg.ID)
		}
	}
	if len(notice.Detail) != 4 || notice.Level != screen.Bad || !strings.HasPrefix(notice.Text, "submitted 2 reruns, left alone 1, failed 1") {
		t.Errorf("report %+v", notice)
	}
	if diff := cmp.Diff([]string{"one-r2", "two-r2"}, looked); diff != "" || len(jobs.sent) != 2 {
		t.Errorf("looked at %s; sent %d", diff, len(jobs.sent))
	}
}
