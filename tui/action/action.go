// Package action asks before a job is stopped or deleted, and does it when the
// user agrees.
//
// Each question closes over the job that it names, so that nothing that
// happens to a list meanwhile can change what is hit. Reruns belong to the
// submit form.
package action

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dray/backend/rayapi"
	"dray/tui/screen"
	"dray/tui/widget/jobtext"
)

// writeTimeout bounds one request that changes something.
const writeTimeout = 30 * time.Second

// settleTime is how long after a job's end a delete lasts: before that, Ray's
// monitor writes the deleted record again (ray-project/ray#65251).
const settleTime = 3 * time.Second

// AskStop asks whether job is to be stopped. A job that cannot be stopped is
// explained instead.
func AskStop(env *screen.Env, job rayapi.Job) tea.Cmd {
	id := jobtext.ID(&job)
	switch {
	case job.Status.IsTerminal():
		return screen.Notice(screen.Warn, fmt.Sprintf("%s has already ended (%s): there is nothing to stop", id, jobtext.KindOf(&job).Word()))
	case job.Type == rayapi.TypeDriver:
		return screen.Notice(screen.Warn, fmt.Sprintf("%s is a driver that was started without a submit: stop its process where it runs", id))
	}
	return ask(screen.AskMsg{
		Title: "Stop job?",
		Lines: []string{
			"job     " + id,
			"        " + jobtext.Entrypoint(&job, 512),
			"server  " + server(env),
			"",
			"Its processes are asked to end and killed if they do not.",
			"The log and the record stay.",
		},
		Yes: "Stop",
		Do:  stop(env, job.ID(), id),
	})
}

func stop(env *screen.Env, id, shown string) tea.Cmd {
	call := func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, writeTimeout)
		defer cancel()
		stopped, err := env.Jobs.Stop(ctx, id)
		switch {
		case err != nil:
			return tea.BatchMsg{
				message(screen.StoppingMsg{ID: id}),
				screen.Notice(screen.Bad, fmt.Sprintf("stop %s: %v", shown, err)),
			}
		case !stopped:
			return tea.BatchMsg{
				message(screen.StoppingMsg{ID: id}),
				screen.Notice(screen.Info, shown+" had already ended"),
				message(screen.JobMsg{ID: id}),
			}
		}
		return screen.JobMsg{ID: id}
	}
	since := func() tea.Msg { return screen.StoppingMsg{ID: id, Since: env.Now()} }
	return tea.Sequence(since, call)
}

// AskDelete asks whether job is to be deleted. A job that cannot be deleted is
// explained instead.
func AskDelete(env *screen.Env, job rayapi.Job) tea.Cmd {
	id := jobtext.ID(&job)
	switch {
	case job.Type == rayapi.TypeDriver:
		return screen.Notice(screen.Warn, fmt.Sprintf("%s is a driver that was started without a submit: Ray keeps its record", id))
	case !job.Status.IsTerminal():
		return screen.Notice(screen.Warn, fmt.Sprintf("%s is %s: stop it first (x), then delete it", id, jobtext.KindOf(&job).Word()))
	}
	return ask(screen.AskMsg{
		Title: "Delete job?",
		Lines: []string{
			"job     " + id,
			"        " + jobtext.Entrypoint(&job, 512),
			"server  " + server(env),
			"",
			whatGoes(env),
			"This cannot be undone.",
		},
		Yes: "Delete",
		Do:  remove(env, job.ID(), id, settled(env, job)),
	})
}

func whatGoes(env *screen.Env) string {
	if env.Target.Embedded {
		return "Its record and its log go. Files in its working folder stay."
	}
	return "Its record goes, and with it the way to its log."
}

// settled is when a delete of job will last.
func settled(env *screen.Env, job rayapi.Job) time.Time {
	if env.Target.Embedded || job.Ended().IsZero() {
		return time.Time{}
	}
	return job.Ended().Add(settleTime)
}

func remove(env *screen.Env, id, shown string, notBefore time.Time) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, writeTimeout)
		defer cancel()
		if err := waitUntil(ctx, env.Now, notBefore); err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: fmt.Sprintf("delete %s: %v", shown, err)}
		}
		if err := env.Jobs.Delete(ctx, id); err != nil {
			return screen.NoticeMsg{Level: screen.Bad, Text: fmt.Sprintf("delete %s: %v", shown, err)}
		}
		return tea.BatchMsg{screen.Notice(screen.Good, "deleted "+shown), message(screen.JobMsg{ID: id})}
	}
}

// waitUntil waits for t by a clock that need not be this machine's: a head
// whose clock runs ahead costs no more than the settle time.
func waitUntil(ctx context.Context, now func() time.Time, t time.Time) error {
	d := min(t.Sub(now()), settleTime)
	if t.IsZero() || d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// server names the target as the questions do.
func server(env *screen.Env) string {
	if env.Target.Address == "" {
		return env.Target.Name
	}
	return env.Target.Name + " (" + env.Target.Address + ")"
}

func ask(q screen.AskMsg) tea.Cmd { return message(q) }

func message(msg tea.Msg) tea.Cmd { return func() tea.Msg { return msg } }

// Use is what a user wants of a job that only a submitted one can give.
type Use int

// The uses that Explain knows.
const (
	ReadLog Use = iota
	Resubmit
)

// Explain returns a notice that says why job is of no use for this, or nil
// when it is.
func Explain(job rayapi.Job, use Use) tea.Cmd {
	id := jobtext.ID(&job)
	driver := job.Type == rayapi.TypeDriver
	switch {
	case driver && use == ReadLog:
		return screen.Notice(screen.Warn, fmt.Sprintf("%s is a driver that was started without a submit: Ray gives out no log of it", id))
	case driver:
		return screen.Notice(screen.Warn, fmt.Sprintf("%s is a driver that was started without a submit: there is nothing to submit again", id))
	case use == Resubmit && job.IsGhost():
		return screen.Notice(screen.Warn, fmt.Sprintf("%s is the record of a deleted job: its command is gone", id))
	}
	return nil
}
