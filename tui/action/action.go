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
	"strconv"
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

// AskStop asks whether job is to be stopped, and how. A job that cannot be
// stopped is explained instead.
func AskStop(env *screen.Env, job rayapi.Job) tea.Cmd {
	id := jobtext.ID(&job)
	if why := cannotStop(job); why != "" {
		return screen.Notice(screen.Warn, id+" "+why)
	}
	q := screen.AskMsg{
		Title: "Stop job?",
		Lines: []string{
			"job     " + id,
			"        " + jobtext.Entrypoint(&job, 512),
			"server  " + server(env),
			"",
			"Its processes are asked to end and killed if they do not.",
			"The log and the record stay.",
		},
		Yes:     "Stop",
		Hold:    "stop " + id,
		Subject: id,
	}
	if env.Target.Embedded {
		q.Choices = []screen.Choice{{Label: "signal", Options: signalNames()}, {Label: "grace", Options: graceNames()}}
		q.DoWith = func(picked []int) tea.Cmd {
			return stop(env, job.ID(), id, stopOptions(picked[0], picked[1]))
		}
		q.Shell = func(picked []int) string { return stopLine(env.Target, job.ID(), stopOptions(picked[0], picked[1])) }
	} else {
		q.Shell = func([]int) string { return stopLine(env.Target, job.ID(), rayapi.StopOptions{}) }
		q.Do = stop(env, job.ID(), id, rayapi.StopOptions{})
	}
	return ask(q)
}

// cannotStop says why job cannot be stopped, or "".
func cannotStop(job rayapi.Job) string {
	switch {
	case job.Status.IsTerminal():
		return fmt.Sprintf("has already ended (%s): there is nothing to stop", jobtext.KindOf(&job).Word())
	case job.Type == rayapi.TypeDriver:
		return "is a driver that was started without a submit: stop its process where it runs"
	}
	return ""
}

// The first of each is what the job was told when it was submitted.
func signalNames() []string {
	return []string{"as submitted", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"}
}

func graceNames() []string { return []string{"as submitted", "0 s", "10 s", "1 min", "10 min"} }

// stopOptions are what the picked names stand for.
func stopOptions(signal, grace int) rayapi.StopOptions {
	var o rayapi.StopOptions
	if signal > 0 {
		o.Signal = signalNames()[signal]
	}
	if grace > 0 {
		d := []time.Duration{0, 0, 10 * time.Second, time.Minute, 10 * time.Minute}[grace]
		o.Grace = &d
	}
	return o
}

// stopLine is the verb that stops so.
func stopLine(t screen.Target, id string, how rayapi.StopOptions) string {
	words := []string{"stop", id}
	if how.Signal != "" {
		words = append(words, "--signal", how.Signal)
	}
	if how.Grace != nil {
		words = append(words, "--grace", strconv.FormatFloat(how.Grace.Seconds(), 'f', -1, 64))
	}
	return t.Shell(words...)
}

func stop(env *screen.Env, id, shown string, how rayapi.StopOptions) tea.Cmd {
	call := func() tea.Msg {
		ctx, cancel := context.WithTimeout(env.Ctx, writeTimeout)
		defer cancel()
		stopped, err := env.Jobs.StopWith(ctx, id, how)
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
	if why := cannotDelete(job); why != "" {
		return screen.Notice(screen.Warn, id+" "+why)
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
		Yes:     "Delete",
		Hold:    "delete " + id,
		Subject: id,
		Shell:   func([]int) string { return env.Target.Shell("delete", job.ID()) },
		Do:      remove(env, job.ID(), id, settled(env, job)),
	})
}

// cannotDelete says why the record of job cannot be deleted, or "".
func cannotDelete(job rayapi.Job) string {
	switch {
	case job.Type == rayapi.TypeDriver:
		return "is a driver that was started without a submit: Ray keeps its record"
	case !job.Status.IsTerminal():
		return fmt.Sprintf("is %s: stop it first (x), then delete it", jobtext.KindOf(&job).Word())
	}
	return ""
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
